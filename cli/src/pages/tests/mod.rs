//! Every page that a user sees, from synthetic runs.

mod bench;
mod damage;
mod stories;

use jiff::Timestamp;
use storage::{RunDir, Store};

use super::{
    explain, query, report, runs, status,
    view::{self, earlier::NewHere, processes::Which},
};
use crate::{
    args::{Filters, Times},
    derive::{Opened, ensure_derived},
    text::{Screen, width},
};
use bench::Bench;

fn now() -> Timestamp {
    "2026-11-21T20:30:00Z".parse().expect("a time")
}

fn open(run: RunDir) -> Opened {
    ensure_derived(run).expect("it opens")
}

/// The page without colour; it must fit and have no control but newlines.
fn plain(page: &str) -> String {
    let page = anstream::adapter::strip_str(page).to_string();
    for line in page.lines() {
        assert!(width(line) <= 80, "wider than 80 columns: {line}");
        assert!(!line.chars().any(event::json::acts), "a control survived: {line:?}");
    }
    page
}

fn view_of(opened: &Opened, limit: Option<usize>) -> String {
    let mut out = Vec::new();
    view::page(opened, None, limit, Screen::design(), &mut out).expect("memory takes it");
    plain(&String::from_utf8(out).expect("pages are text"))
}

fn timeline_of(opened: &Opened, times: Times) -> String {
    let mut out = Vec::new();
    view::timeline(opened, None, times, Screen::design(), &mut out).expect("memory takes it");
    plain(&String::from_utf8(out).expect("pages are text"))
}

fn tree_of(opened: &Opened) -> String {
    let mut out = Vec::new();
    view::tree::write(opened, Screen::design(), &mut out).expect("memory takes it");
    plain(&String::from_utf8(out).expect("pages are text"))
}

fn query_of(opened: &Opened, filters: &Filters) -> String {
    plain(&query::text_page(opened, filters, Screen::design()))
}

fn coverage_of(opened: &Opened) -> String {
    let mut out = Vec::new();
    view::coverage::write(opened, Screen::design(), &mut out).expect("memory takes it");
    plain(&String::from_utf8(out).expect("pages are text"))
}

#[test]
fn what_is_not_known_has_its_source_number_and_time() {
    let bench = Bench::new();
    for (name, make) in [
        ("coverage_complete", stories::shop as fn(&Bench) -> RunDir),
        ("coverage_partial", stories::backup),
        ("coverage_truncated", stories::ci),
        ("coverage_hostile", stories::evil),
    ] {
        insta::assert_snapshot!(name, coverage_of(&open(make(&bench))));
    }
}

#[test]
fn runs_are_listed_with_what_became_of_them() {
    let bench = Bench::new();
    for make in [stories::shop, stories::backup, stories::evil, stories::ci] {
        make(&bench);
    }
    insta::assert_snapshot!(plain(&runs::page(&bench.store(), now(), Screen::design())));
}

#[test]
fn an_empty_store_says_how_to_record() {
    let store = Store::open(std::path::Path::new("/nonexistent"));
    insta::assert_snapshot!(plain(&runs::page(&store, now(), Screen::design())));
}

#[test]
fn a_run_is_shown_on_one_page() {
    let bench = Bench::new();
    insta::assert_snapshot!(view_of(&open(stories::shop(&bench)), None));
}

#[test]
fn what_no_run_before_used_is_told_with_how_often() {
    let bench = Bench::new();
    let opened = open(stories::shop(&bench));
    let shown = |programs: &[&[u8]], runs: usize| {
        let programs = programs.iter().map(|path| path.to_vec()).collect();
        let (new, mut out) = (NewHere { programs, runs }, Vec::new());
        view::page(&opened, Some(&new), Some(2), Screen::design(), &mut out).expect("memory");
        let page = plain(&String::from_utf8(out).expect("pages are text"));
        let lines = page.lines().skip_while(|line| !line.contains("new here"));
        lines.take_while(|line| !line.is_empty()).map(str::trim).collect::<Vec<_>>().join("|")
    };
    assert_eq!(shown(&[], 1), "new here  no program  (not in the run before)");
    let few: [&[u8]; 2] = [b"/tmp/.x/r\x1bun.sh", b"/usr/bin/git"];
    let line = shown(&few, 5);
    assert!(line.starts_with("new here  /tmp/.x/r\\x1bun.sh  /usr/bin/git"), "{line}");
    assert!(line.ends_with("(not in the 5 runs before)"), "{line}");
    let many: Vec<&[u8]> = vec![b"/a", b"/b", b"/c"];
    assert_eq!(shown(&many, 2), "new here  /a  /b  … 1 more  (not in the 2 runs before)");
}

#[test]
fn lists_are_cut_and_say_how_to_see_the_rest() {
    let bench = Bench::new();
    insta::assert_snapshot!(view_of(&open(stories::shop(&bench)), Some(1)));
}

#[test]
fn what_is_missing_is_said_with_its_reason() {
    let bench = Bench::new();
    insta::assert_snapshot!(view_of(&open(stories::backup(&bench)), None));
}

#[test]
fn a_record_without_its_end_is_truncated() {
    let bench = Bench::new();
    insta::assert_snapshot!(view_of(&open(stories::ci(&bench)), None));
}

#[test]
fn a_hostile_run_is_shown_and_does_not_act() {
    let bench = Bench::new();
    let opened = open(stories::evil(&bench));
    insta::assert_snapshot!("hostile_view", view_of(&opened, None));
    insta::assert_snapshot!("hostile_timeline", timeline_of(&opened, Times::Rel));
    insta::assert_snapshot!("hostile_tree", tree_of(&opened));
    for types in ["exec", "file"] {
        let filters = Filters { types: vec![types.to_owned()], ..Filters::default() };
        insta::assert_snapshot!(format!("hostile_query_{types}"), query_of(&opened, &filters));
    }
}

#[test]
fn a_timeline_has_every_event() {
    let bench = Bench::new();
    let opened = open(stories::shop(&bench));
    insta::assert_snapshot!("timeline_rel", timeline_of(&opened, Times::Rel));
    insta::assert_snapshot!("timeline_both", timeline_of(&opened, Times::Both));
    insta::assert_snapshot!(
        "timeline_partial",
        timeline_of(&open(stories::backup(&bench)), Times::Abs)
    );
}

#[test]
fn a_tree_shows_who_started_whom() {
    let bench = Bench::new();
    insta::assert_snapshot!(tree_of(&open(stories::shop(&bench))));
}

#[test]
fn columns_suit_what_is_asked_for() {
    let bench = Bench::new();
    let opened = open(stories::shop(&bench));
    for types in ["exec", "file", "net", "process"] {
        let filters = Filters { types: vec![types.to_owned()], ..Filters::default() };
        insta::assert_snapshot!(format!("query_{types}"), query_of(&opened, &filters));
    }
}

#[test]
fn conditions_find_what_they_name_and_nothing_else() {
    let bench = Bench::new();
    let opened = open(stories::shop(&bench));
    let text = |text: &str| Some(text.to_owned());
    let some = [
        Filters { path: text("*.aws*"), ..Filters::default() },
        Filters { dest: text("203.0.113.0/24:443"), ..Filters::default() },
    ];
    assert!(crate::pages::filter::Filter::new(&some[1]).is_err(), "a network has no port");
    let seqs = |filters: &Filters| -> Vec<u64> {
        let page = query_of(&opened, filters);
        page.lines().skip(1).filter_map(|l| l.split_whitespace().next()?.parse().ok()).collect()
    };
    assert_eq!(seqs(&some[0]), [7]);
    assert_eq!(seqs(&Filters { dest: text("203.0.113.0/24"), ..Filters::default() }), [8, 9]);
    assert_eq!(seqs(&Filters { dest: text(":443"), ..Filters::default() }), [8, 9, 26]);
    assert_eq!(
        seqs(&Filters { exe: text("node"), op: vec!["exit".into()], ..Filters::default() }),
        [10]
    );
    assert_eq!(
        seqs(&Filters { pid: Some(4200), types: vec!["file".into()], ..Filters::default() }),
        [13]
    );
    assert_eq!(seqs(&Filters { contains: text("leftpad2"), ..Filters::default() }), [6]);
    let since = Filters { since: "+4m".parse().ok(), ..Filters::default() };
    assert_eq!(seqs(&since), [27, 28]);
    let until = Filters { until: "2026-11-21T20:15:30.001Z".parse().ok(), ..Filters::default() };
    assert_eq!(seqs(&until), [1, 2]);
}

fn explain_of(opened: &Opened, line: &str, screen: Screen) -> String {
    use clap::Parser;
    let words = ["audit", "explain"].into_iter().chain(line.split(' '));
    let cli = crate::args::Cli::try_parse_from(words).expect("it parses");
    let crate::args::Command::Explain(args) = cli.command else { panic!("{line}") };
    explain::page(opened, &args, screen)
}

#[test]
fn who_had_to_do_with_it_and_how_it_came_to_this() {
    let bench = Bench::new();
    let opened = open(stories::shop(&bench));
    for (name, line) in [
        ("event", "7k2m:7"),
        ("path", "7k2m --path /home/ana/.aws/credentials"),
        ("pattern", "7k2m --path cart.ts --limit 2"),
        ("host", "7k2m --host 203.0.113.9"),
        ("pid", "7k2m --pid 4102"),
        ("findings", "7k2m"),
    ] {
        insta::assert_snapshot!(
            format!("explain_{name}"),
            plain(&explain_of(&opened, line, Screen::design()))
        );
        let wide = explain_of(&opened, line, Screen { width: 140, room: 140 });
        insta::assert_snapshot!(format!("explain_{name}_140_colour"), wide);
    }
    let evil = open(stories::evil(&bench));
    for line in ["x:3", "x --path /tmp", "x --pid 66"] {
        plain(&explain_of(&evil, line, Screen::design()));
    }
    insta::assert_snapshot!(
        "explain_hostile",
        plain(&explain_of(&evil, "x --pid 66", Screen::design()))
    );
}

/// Every page of `audit view`, and a query, on a screen of this width.
fn all_pages(opened: &Opened, width: usize) -> Vec<(&'static str, Vec<u8>)> {
    let screen = Screen { width, room: width };
    let form = crate::args::Format::Text;
    let mut pages = Vec::new();
    let mut add = |name, write: &dyn Fn(&mut Vec<u8>) -> Result<(), crate::failure::Failure>| {
        let mut out = Vec::new();
        write(&mut out).expect("memory takes it");
        pages.push((name, out));
    };
    add("page", &|out| view::page(opened, None, None, screen, out));
    add("tree", &|out| view::tree::write(opened, screen, out));
    add("timeline", &|out| view::timeline(opened, None, Times::Rel, screen, out));
    add("files", &|out| view::lists::files(opened, None, form, screen, out));
    add("net", &|out| view::lists::net(opened, None, form, screen, out));
    add("failed", &|out| view::processes::write(opened, Which::Failed, None, form, screen, out));
    add("running", &|out| view::processes::write(opened, Which::Running, None, form, screen, out));
    add("coverage", &|out| view::coverage::write(opened, screen, out));
    add("query", &|out| {
        out.extend(query::text_page(opened, &Filters::default(), screen).bytes());
        Ok(())
    });
    pages
}

#[test]
fn every_page_fits_with_and_without_colour_and_hostile_names_do_not_act() {
    let bench = Bench::new();
    for (story, make) in [("shop", stories::shop as fn(&Bench) -> RunDir), ("evil", stories::evil)]
    {
        let opened = open(make(&bench));
        for width_ in [80, 140] {
            for (name, page) in all_pages(&opened, width_) {
                let colour = String::from_utf8(page).expect("pages are text");
                let plain = anstream::adapter::strip_str(&colour).to_string();
                for line in plain.lines() {
                    assert!(width(line) <= width_, "{name}: wider than {width_}: {line}");
                    assert!(!line.chars().any(event::json::acts), "{name}: {line:?}");
                }
                insta::assert_snapshot!(format!("all_{story}_{name}_{width_}"), plain);
                insta::assert_snapshot!(format!("all_{story}_{name}_{width_}_colour"), colour);
            }
        }
    }
}

#[test]
fn status_tells_what_the_store_uses() {
    let bench = Bench::new();
    stories::shop(&bench);
    stories::ci(&bench);
    let page = plain(&status::page(bench.home.path(), now(), Screen { width: 400, room: 400 }));
    let home = bench.home.path().to_string_lossy().into_owned();
    let page = page.replace(&home, "HOME");
    insta::with_settings!({ filters => vec![(r"[\d.]+ KB", "N KB")] }, {
        insta::assert_snapshot!(page);
    });
}

#[test]
fn a_live_run_is_read_and_not_written() {
    let bench = Bench::new();
    let run = stories::ci(&bench);
    // What the recorder does while it works.
    let segments = run.open_segments().expect("it opens");
    rustix::fs::flock(&segments, rustix::fs::FlockOperation::LockExclusive).expect("it locks");
    let before: Vec<_> =
        std::fs::read_dir(run.path()).expect("it reads").flatten().map(|e| e.file_name()).collect();
    let opened = open(run);
    assert!(opened.live);
    insta::assert_snapshot!("live_view", view_of(&opened, None));
    insta::assert_snapshot!(
        "live_runs",
        plain(&runs::page(&bench.store(), now(), Screen::design()))
    );
    let after: Vec<_> = std::fs::read_dir(opened.run.path())
        .expect("it reads")
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert_eq!(before, after);
}

#[test]
fn a_report_says_what_the_record_says_in_every_form() {
    let bench = Bench::new();
    let shop = open(stories::shop(&bench));
    for (name, page) in report::pages(&shop) {
        // The JSON has inodes and times of the files that it was made from.
        if name != "html" && name != "json" {
            insta::assert_snapshot!(format!("report_{name}"), page);
        }
    }
    let evil = open(stories::evil(&bench));
    // JSON keeps exact bytes, for programs.
    for (name, page) in report::pages(&evil).into_iter().filter(|(name, _)| *name != "json") {
        assert!(!page.chars().any(|c| c != '\n' && event::json::acts(c)), "{name}: {page}");
        assert!(page.len() < 2_000_000, "{name}");
    }
}
