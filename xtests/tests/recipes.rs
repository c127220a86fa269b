//! The commands of docs/recipes.md answer their questions.
#![forbid(unsafe_code)]

use std::{fs, net::TcpListener, process::Command};

use xtests::Lab;

/// The commands of the page, in its order.
fn commands() -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/recipes.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(|block| block.trim().to_owned()).collect()
}

#[test]
fn each_recipe_answers_its_question() {
    let lab = Lab::new();
    lab.run(["true"]).succeed().assert_whole();
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = server.local_addr().expect("an address").port();
    let secrets = lab.work().join(".aws");
    fs::create_dir(&secrets).expect("room");
    fs::write(secrets.join("credentials"), "x").expect("room");
    let outside = lab.root().join("outside.txt");
    let script = format!(
        "cat .aws/credentials >/dev/null; echo x >{}; cp /bin/true tool; ./tool; \
         echo x >gone.txt; rm gone.txt; exec 3<>/dev/tcp/127.0.0.1/{port}; echo hi >&3; exec 3>&-; \
         sh -c 'exit 3'; true",
        outside.display()
    );
    let run = lab.run(["bash", "-c", &script]).succeed();
    run.assert_whole();
    let bash = run.of("exec", "").find(|event| event.text("exe").ends_with("/bash"));
    let pid = bash.and_then(|event| event.number("pid")).expect("bash ran").to_string();
    let tool = lab.work().join("tool");
    let expected = [
        "cat (",
        outside.to_str().expect("plain"),
        tool.to_str().expect("plain"),
        "NETWORK",
        "gone.txt",
        "/rm",
        "/bash",
        "[exit 3]",
        "empty",
        "SOURCES",
    ];
    let commands = commands();
    assert_eq!(commands.len(), expected.len());
    let path = format!("{}:{}", lab.bin().display(), std::env::var("PATH").unwrap_or_default());
    let _ = lab.program("audit");
    for (command, word) in commands.iter().zip(expected) {
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(lab.work())
            .env("AUDIT_HOME", lab.home())
            .env("PATH", &path)
            .env("PID", &pid)
            .env("FILE", "gone.txt")
            .env("HOST", format!("127.0.0.1:{port}"))
            .env_remove("AUDIT_RUN_ID")
            .output()
            .expect("sh starts");
        let page = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success() && page.contains(word),
            "{command}: {word}: {page}{errors}"
        );
    }
}
