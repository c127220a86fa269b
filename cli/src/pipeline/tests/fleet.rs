//! A fleet's store, for measurements: many runs of many machines on many days, made as the recorder makes
//! them and not derived yet. `scripts/fleet-bench.sh` measures with them.

use std::path::PathBuf;

use event::{frame::control::Source, time::civil, wire::exec_flag};

use super::{
    Maker,
    make::{Told, USUAL},
    stored::{build, store, talk},
};

/// Machines; each does two jobs a day.
const HOSTS: u64 = 25;
const DAY_NS: i64 = 86_400 * 1_000_000_000;
/// Frames of a record that no event comes of, most of them directories.
const FRAMES: u64 = 1_850;
/// A process of its own, for what is rare.
const ODD: u32 = 90;

/// Run number `number` of `all`.
struct Place {
    run: String,
    host: String,
    about: String,
    booted: i64,
    last_day: bool,
}

impl Place {
    fn of(number: u64, all: u64) -> Place {
        let (day, host, job) = (number / (2 * HOSTS), number / 2 % HOSTS, number % 2);
        let days_ago = (all - 1) / (2 * HOSTS) - day;
        let booted = USUAL.booted - i64::try_from(days_ago).expect("days") * DAY_NS;
        let (year, month, date) = civil(booted.div_euclid(DAY_NS));
        let second = booted.rem_euclid(DAY_NS) / 1_000_000_000;
        let time = second / 3600 * 10_000 + second / 60 % 60 * 100 + second % 60;
        let name = ["build", "test"][job as usize];
        Place {
            run: format!("{year:04}{month:02}{date:02}-{time:06}-{name}-{number:04}"),
            host: format!("build-{host:02}"),
            about: format!("{},\"name\":\"{name}\"", USUAL.about),
            booted,
            last_day: days_ago == 0,
        }
    }
}

/// Programs with their hashes in every run; in some what questions of docs/fleet.md look for.
fn odd(maker: &mut Maker, number: u64, place: &Place) {
    let seed = number as u32;
    maker.fork(2, ODD);
    for program in 0..4_u8 {
        let path = format!("/usr/bin/tool{program}");
        maker.exec(ODD, &path, b"tool\0");
        maker.hash_of_program(ODD, &path, [program; 32]);
    }
    if number % 30 == 4 {
        maker.exec_flagged(ODD, "/usr/bin/sudo", (b"sudo\0true\0", 10), exec_flag::SECURE);
    }
    if number % 100 == 9 {
        maker.dir(4_000, 4_000, Ok(b"/home/ana/.ssh"));
        maker.file(ODD, 0x108, 4_001, 4_000, b"authorized_keys");
    }
    if place.last_day && number.is_multiple_of(7) {
        maker.exec(ODD, &format!("/usr/local/bin/new{number}"), b"new\0");
        talk(maker, ODD, 1_000_000, [198, 51, 100, (seed % 250) as u8]);
    }
    if number % 50 == 7 {
        maker.lost(Source::Process, 1, 10 + number);
    }
    if fails(number) {
        maker.dir(4_100, 4_100, Ok(b"/src/crash"));
        maker.file(ODD, 0x108, 4_101, 4_100, format!("core.{number}").as_bytes());
    }
    maker.exit(ODD, 0);
}

fn fails(number: u64) -> bool {
    number % 20 == 3
}

/// AUDIT_BENCH_HOME says where to, AUDIT_BENCH_RUNS (1,000) and AUDIT_BENCH_EVENTS (10,000 each) how many.
#[test]
#[ignore = "it makes what is measured: scripts/fleet-bench.sh"]
fn stored_fleet() {
    let home = PathBuf::from(std::env::var_os("AUDIT_BENCH_HOME").expect("where to"));
    let number =
        |name: &str, usual| std::env::var(name).map_or(usual, |v| v.parse().expect("a number"));
    let (runs, events) = (number("AUDIT_BENCH_RUNS", 1_000), number("AUDIT_BENCH_EVENTS", 10_000));
    for number in 0..runs {
        let place = Place::of(number, runs);
        let Place { run, host, about, booted, .. } = &place;
        let mut maker = Maker::of(Told { run, host, about, booted: *booted });
        odd(&mut maker, number, &place);
        build(&mut maker, events + FRAMES, number as u32);
        store(&maker.sealed_with(i32::from(fails(number))), run, &home);
    }
}
