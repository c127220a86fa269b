//! Every input that is kept, through its target. An input that once failed stays in the corpus.

use std::{fs, path::Path};

#[test]
fn no_kept_input_makes_its_target_fail() {
    for (name, target) in audit_fuzz::TARGETS {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut inputs: Vec<_> =
            fs::read_dir(&dir).expect(name).map(|entry| entry.expect("an entry").path()).collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "{name} has no inputs");
        for input in &inputs {
            eprintln!("{}", input.display());
            target(&fs::read(input).expect("it reads"));
        }
    }
}

#[test]
fn changed_inputs_do_not_make_a_target_fail_either() {
    for (name, _) in audit_fuzz::TARGETS {
        let done = audit_fuzz::mutate::run(name, std::time::Duration::from_millis(200), 1);
        assert!(done.inputs > 0, "{name}");
    }
}
