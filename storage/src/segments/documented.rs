//! Claims about docs/storage.md: it says what is.

/// The fixed parts of the frames, as the documents' table of kinds has them.
#[test]
fn the_documented_sizes_are_the_sizes() {
    use event::frame::{control::*, files::*, net::*, redact::*, signed};
    use event::wire;
    let sock = size_of::<wire::Sock>();
    let sizes = [
        (1, size_of::<wire::Fork>()),
        (2, size_of::<wire::Exec>()),
        (3, size_of::<wire::Argv>()),
        (4, size_of::<wire::Exit>()),
        (5, size_of::<wire::Left>()),
        (6, size_of::<wire::ArgvEnd>()),
        (9, size_of::<wire::Cred>()),
        (16, sock),
        (17, sock),
        (18, sock),
        (19, sock),
        (20, size_of::<wire::Flow>()),
        (21, sock),
        (22, sock),
        (23, sock),
        (24, size_of::<wire::Odd>()),
        (25, size_of::<wire::Unix>()),
        (27, size_of::<wire::Payload>()),
        (28, size_of::<wire::ConnectError>()),
        (30, size_of::<wire::Odd>()),
        (32, size_of::<wire::Open>()),
        (33, size_of::<wire::Open>()),
        (34, size_of::<wire::Named>()),
        (35, size_of::<wire::Named>()),
        (37, size_of::<wire::OpenPath>()),
        (38, size_of::<wire::Inherited>()),
        (40, size_of::<wire::Call>()),
        (41, size_of::<wire::Passed>()),
        (42, sock),
        (KIND_SEGMENT, size_of::<Segment>()),
        (KIND_ABOUT, 0),
        (KIND_START, size_of::<Start>()),
        (KIND_CHECKPOINT, size_of::<Checkpoint>()),
        (KIND_SEAL, size_of::<Seal>()),
        (KIND_LOST, size_of::<Lost>()),
        (KIND_SOURCE, size_of::<SourceState>()),
        (KIND_MOUNT, size_of::<Mount>()),
        (KIND_DIR, size_of::<Dir>()),
        (KIND_FILE, size_of::<File>()),
        (KIND_FILE_REPEAT, size_of::<FileRepeat>()),
        (KIND_OPENS, size_of::<Opens>()),
        (KIND_MAIN, size_of::<Main>()),
        (KIND_ARGV_HASH, size_of::<ArgvHash>()),
        (KIND_USES, size_of::<Uses>()),
        (KIND_FOREIGN, size_of::<Foreign>()),
        (signed::KIND_KEYS, 0),
        (signed::KIND_SIGNATURE, size_of::<signed::Signature>()),
        (KIND_REDACTED, size_of::<Redacted>()),
        (KIND_INHERITED_USE, size_of::<InheritedTold>()),
        (KIND_WITHIN, size_of::<Within>()),
        (KIND_SETTLED, size_of::<Settled>()),
    ];
    let page = include_str!("../../../docs/storage.md");
    let (_, table) = page.split_once("### Kinds of frames").expect("the heading");
    let (table, _) = table.split_once("###").expect("the next heading");
    let documented: Vec<(u16, usize)> = table
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            Some((cells.next()?.parse().ok()?, cells.next()?.parse().ok()?))
        })
        .collect();
    assert_eq!(documented, sizes);
}
