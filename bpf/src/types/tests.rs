use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;

use super::raw::{Raw, kind};
use super::{KERNEL, hook, reduced, wanted};
use crate::programs::{PROGRAMS, Topic};

/// Names and bit offsets of members.
type Members = Vec<(Vec<u8>, u32)>;

/// The members of each named structure; several may have one name.
fn structures(types: &Raw<'_>) -> BTreeMap<Vec<u8>, Vec<Members>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for number in types.numbers() {
        let it = types.get(number).expect("it has that many");
        let name = types.name(it.name()).expect("a name").to_owned();
        if it.kind() == kind::STRUCT && !name.is_empty() {
            let members = it.names().skip(1).map(|at| {
                let name = types.name(it.word(at).expect("a member")).expect("its name");
                (name.to_owned(), it.word(at + 8).expect("its offset"))
            });
            found.entry(name).or_default().push(members.collect());
        }
    }
    found
}

#[test]
fn what_is_cut_down_has_the_layouts_and_numbers_of_the_kernel() {
    let bytes = fs::read(KERNEL).expect("this kernel has its types");
    let kernel = Raw::of(&bytes).expect("its form is known");
    let mut names = wanted::Names::default();
    for topic in Topic::ALL {
        let section = wanted::section(topic.object()).expect("it has types");
        names.add(&Raw::of(section).expect("its form is known"));
    }
    let hooks: Vec<_> = PROGRAMS.iter().filter_map(hook).collect();
    let picked = wanted::picked(&kernel, &names, &hooks).expect("whole");
    let bytes = reduced::layouts(&kernel, &picked.layouts).expect("whole");
    let layouts = Raw::of(&bytes).expect("it reads");
    let (all, kept) = (structures(&kernel), structures(&layouts));
    for name in ["task_struct", "file", "inode", "sock", "mount", "cred", "cgroup", "sk_buff"] {
        let name = name.as_bytes();
        assert!(kept[name].iter().any(|it| !it.is_empty()), "{}", name.escape_ascii());
        assert_eq!(kept[name], all[name], "{}", name.escape_ascii());
    }
    assert!(kept.iter().all(|(name, looks)| looks.iter().all(|it| all[name].contains(it))));
    assert!(layouts.numbers().len() * 20 < kernel.numbers().len(), "{}", layouts.numbers().len());

    let bytes = reduced::hooks(&kernel, &picked.hooks).expect("whole");
    let blank = Raw::of(&bytes).expect("it reads");
    let (mut found, mut wanted) = (0, hooks.iter().map(|(_, name)| name).collect::<Vec<_>>());
    wanted.sort();
    wanted.dedup();
    for number in blank.numbers() {
        let it = blank.get(number).expect("it has that many");
        let name = blank.name(it.name()).expect("a name");
        if !name.is_empty() {
            let other = kernel.get(number).expect("the same number");
            assert_eq!(kernel.name(other.name()), Some(name));
            assert_eq!(other.kind(), it.kind());
            found += 1;
        }
    }
    assert_eq!(found, wanted.len(), "one for each of {wanted:?}");
}

/// A header for types and strings of these lengths.
fn with_header(types: &[u8], strings: &[u8]) -> Vec<u8> {
    let len = |bytes: &[u8]| u32::try_from(bytes.len()).expect("short").to_ne_bytes();
    let zero = 0u32.to_ne_bytes();
    let head = [24u32.to_ne_bytes(), zero, len(types), len(types), len(strings)].concat();
    [&[0x9f, 0xeb, 1, 0], head.as_slice(), types, strings].concat()
}

/// Walks all that there is; nothing of it may panic.
fn walk(bytes: &[u8]) {
    let Some(raw) = Raw::of(bytes) else { return };
    for it in raw.numbers().filter_map(|number| raw.get(number)) {
        for at in it.names() {
            let _ = it.word(at).and_then(|name| raw.name(name));
        }
        let _ = it.references().filter_map(|at| it.word(at)).count();
    }
    let all = raw.numbers().collect();
    let _ = reduced::layouts(&raw, &all);
    let mut names = wanted::Names::default();
    names.add(&raw);
    let _ = wanted::picked(&raw, &names, &[(kind::FUNC, "f".to_owned())]);
}

proptest! {
    #[test]
    fn no_bytes_lead_astray(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        words in prop::collection::vec((0u32..30, 0u32..20, 0u32..4), 0..40),
    ) {
        walk(&bytes);
        // Types that are nearly right: small names, kinds that exist, few members.
        let types: Vec<u8> = words
            .iter()
            .flat_map(|(name, kind, members)| [*name, kind << 24 | members, *name])
            .flat_map(u32::to_ne_bytes)
            .collect();
        walk(&with_header(&types, b"\0a\0struct\0___\0file___old\0"));
    }
}

#[test]
fn the_kernel_counts_missed_runs_where_we_read_them() {
    let bytes = fs::read(KERNEL).expect("this kernel has its types");
    let types = structures(&Raw::of(&bytes).expect("its form is known"));
    let [info] = &types[&b"bpf_prog_info"[..]][..] else { panic!("one of that name") };
    let (_, bits) = info.iter().find(|(name, _)| name == b"recursion_misses").expect("it counts");
    assert_eq!(*bits as usize, crate::memory::MISSES * 64);
}
