//! The command line as users type it.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    time::Duration,
};

use clap::Parser;

use super::{Cli, Command, Format, MountNs, OnError, RingKib, RunArgs, SummaryWhen};

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split(' '))
}

fn run(line: &str) -> (RunArgs, super::Globals) {
    let cli = parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    match cli.command {
        Command::Run(args) => (args, cli.globals),
        other => panic!("{line}: {other:?}"),
    }
}

fn exit(line: &str) -> bool {
    parse(line).expect_err(line).use_stderr()
}

#[test]
fn options_end_at_the_first_word_that_is_none() {
    for (line, command) in [
        ("audit run ls", &["ls"][..]),
        ("audit run -- ls", &["ls"]),
        ("audit run -q ls -q --json -n x", &["ls", "-q", "--json", "-n", "x"]),
        ("audit run --no-net -- -odd --", &["-odd", "--"]),
        ("audit run sh -c x -- y", &["sh", "-c", "x", "--", "y"]),
        ("audit run -- ls -- y", &["ls", "--", "y"]),
        ("audit run ls --help", &["ls", "--help"]),
    ] {
        assert_eq!(run(line).0.command, command, "{line}");
    }
    assert!(!run("audit run ls --json").1.json);
}

#[test]
fn a_mistyped_option_is_not_taken_for_the_command() {
    for line in
        ["audit run --bogus ls", "audit run -z ls", "audit run", "audit run -n", "audit bogus"]
    {
        assert!(exit(line), "{line}");
    }
}

#[test]
fn options_of_run_have_their_meaning() {
    let line = "audit --json run -n nightly --tag a=1 --tag b=2 --no-files --linger 250ms \
                --on-error run --summary always --user ana --mount-ns off --ring-kib 4,0,8 \
                --segment-mib 1 make";
    let (args, globals) = run(line);
    assert_eq!(args.name.as_deref(), Some("nightly"));
    assert_eq!(args.tags.len(), 2);
    assert!(args.no_files && !args.no_net && !args.no_exec && !args.no_env);
    assert_eq!(args.linger, Duration::from_millis(250));
    assert_eq!((args.on_error, args.mount_ns), (OnError::Run, MountNs::Off));
    assert_eq!(args.ring_kib, RingKib([4, 0, 8]));
    assert_eq!(args.segment_mib, Some(1));
    assert_eq!(args.summary_when(&globals), SummaryWhen::Always);
    assert_eq!(globals.form(), Format::Json);
}

#[test]
fn quiet_means_no_summary() {
    let (args, globals) = run("audit run -q --summary always make");
    assert_eq!(args.summary_when(&globals), SummaryWhen::Never);
    let (args, globals) = run("audit -q run make");
    assert_eq!(args.summary_when(&globals), SummaryWhen::Never);
}

#[test]
fn a_command_is_any_bytes() {
    let odd = OsStr::from_bytes(b"a\xff");
    let words = ["audit", "run", "printf"].map(OsString::from).into_iter().chain([odd.to_owned()]);
    let cli = Cli::try_parse_from(words).expect("it parses");
    match cli.command {
        Command::Run(args) => assert_eq!(args.command[1], odd),
        other => panic!("{other:?}"),
    }
}

#[test]
fn flags_may_stand_before_and_behind_the_run() {
    for line in [
        "audit query last --type exec,file --all --json",
        "audit query --type exec --type file --all last --format jsonl",
        "audit --json query --all --type=exec,file",
    ] {
        let cli = parse(line).expect(line);
        assert_ne!(cli.globals.form(), Format::Text, "{line}");
        match cli.command {
            Command::Query(args) => {
                assert_eq!((args.filters.types.len(), args.all), (2, true), "{line}");
                assert_eq!(args.runs, ["last"], "{line}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn unknown_types_and_operations_are_refused() {
    for line in
        ["audit query --type weather", "audit query --op chmod", "audit view --tree --timeline"]
    {
        assert!(exit(line), "{line}");
    }
}

#[test]
fn help_is_no_error() {
    for line in ["audit --help", "audit run --help", "audit -V", "audit query -h"] {
        assert!(!exit(line), "{line}");
    }
}
