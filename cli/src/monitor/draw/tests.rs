//! Pictures of made-up runs: they fit, nothing in them acts, and colour is never needed.

use ratatui::{Terminal, backend::TestBackend, style::Color};

use super::*;
use crate::{
    monitor::{cost::Usage, once},
    pages,
};

const SECOND: i64 = 1_000_000_000;

/// A run of an agent, three seconds in; names are hostile where they can be.
fn state() -> State {
    let mut state = State::default();
    let sh = r#""pid":2,"start_ns":20,"exe":"/usr/bin/dash""#;
    let evil = r#""pid":3,"start_ns":30,"exe":"/tmp/\u001b[31mred""#;
    let lines = [
        r#""type":"source","source":"network","state":"on""#.to_owned(),
        r#""type":"source","source":"names","state":"degraded","reason":"no marks on /mnt\u001b[2J""#.to_owned(),
        format!(r#""type":"exec",{sh},"argv":["sh","-c","npm test"]"#),
        format!(r#""type":"process","op":"fork",{sh},"child_pid":3,"child_start_ns":30"#),
        format!(r#""type":"exec",{evil},"argv":["red","\u001b]0;owned\u0007","\u202egpj.exe"]"#),
        format!(r#""type":"file","op":"write",{evil},"path":"/tmp/line\nbreak\u001b[1A","count":3"#),
        format!(r#""type":"file","op":"read",{sh},"path":"/home/ana/.aws/credentials""#),
        format!(r#""type":"finding",{sh},"rule":"CRED-READ","severity":"high","title":"x","path":"/home/ana/.aws/credentials""#),
        format!(r#""type":"finding",{evil},"rule":"TMP-EXEC","severity":"medium","title":"x","path":"/tmp/\u001b[31mred"#) + "\"",
        format!(r#""type":"net","op":"connect",{evil},"proto":"tcp","peer":"203.0.113.9:443","host":"paste\u0007.example","cookie":1,"result":"established""#),
        format!(r#""type":"net","op":"flow",{evil},"proto":"tcp","peer":"203.0.113.9:443","cookie":1,"sent_bytes":41200,"received_bytes":900"#),
        format!(r#""type":"net","op":"connect",{sh},"proto":"tcp","peer":"[2001:db8::7]:443","cookie":2,"result":"refused""#),
        r#""type":"lost","source":"network","count":12,"cause":"ring_full""#.to_owned(),
        r#""type":"heartbeat","lost":12"#.to_owned(),
    ];
    for (line, at) in lines.iter().zip(0..) {
        let line = pages::Line::parse(format!("{{{line}}}").as_bytes());
        state.take(at * SECOND / 4, at.unsigned_abs() + 1, &line);
    }
    state
}

fn picture<'p>(state: &'p State, view: &'p View, look: Look) -> Picture<'p> {
    let usage = Usage { pid: 812, cpu: Duration::from_millis(40), rss: 9 << 20 };
    Picture {
        state,
        view,
        id: "7k2m",
        command: "claude -p \"fix the flaky tests\"",
        live: true,
        caught_up: true,
        start_ns: 0,
        now_ns: 4 * SECOND,
        cost: Cost { process: Some(usage), record: 123_456 },
        cpu_percent: Some(0.4),
        look,
    }
}

fn drawn(picture: &Picture<'_>, width: u16, height: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("memory");
    terminal.draw(|frame| picture.draw(frame)).expect("memory");
    terminal
}

#[test]
fn every_page_fits_its_screen_and_nothing_on_it_acts() {
    let state = state();
    for page in Page::ALL {
        for (width, height) in [(80, 24), (140, 40)] {
            let view = View { page, ended: true, ..View::default() };
            let terminal = drawn(&picture(&state, &view, Look::Plain), width, height);
            let shown = terminal.backend().to_string();
            assert!(!shown.chars().any(|c| c != '\n' && event::json::acts(c)), "{shown:?}");
            insta::assert_snapshot!(format!("monitor_{}_{width}", page.name()), shown);
        }
    }
}

#[test]
fn without_colour_there_is_none_and_the_words_are_the_same() {
    let (state, view) = (state(), View { page: Page::Findings, ..View::default() });
    let [plain, colour] =
        [Look::Plain, Look::Colour].map(|look| drawn(&picture(&state, &view, look), 80, 24));
    let colours = |terminal: &Terminal<TestBackend>| -> Vec<Color> {
        let cells = terminal.backend().buffer().content().iter().map(|cell| cell.fg);
        cells.filter(|color| *color != Color::Reset).collect()
    };
    assert_eq!(colours(&plain), []);
    assert!(colours(&colour).contains(&Color::Red) && colours(&colour).contains(&Color::Yellow));
    assert_eq!(plain.backend().to_string(), colour.backend().to_string());
}

#[test]
fn any_size_is_drawn() {
    let state = state();
    for (width, height) in [(1, 1), (3, 2), (20, 6), (39, 5), (400, 3)] {
        for page in Page::ALL {
            let view = View { page, scroll: 1_000, ..View::default() };
            drawn(&picture(&state, &view, Look::Colour), width, height);
        }
    }
}

#[test]
fn scripts_get_the_same_numbers() {
    let (state, view) = (state(), View::default());
    let picture = picture(&state, &view, Look::Plain);
    let object = once::object(&picture, "20261121-201530-claude-7k2m");
    for (pointer, expected) in [
        ("/schema", "\"audit.monitor\""),
        ("/processes/alive", "2"),
        ("/findings/by_severity/high", "1"),
        ("/files/changed", "3"),
        ("/network/sent_bytes", "41200"),
        ("/network/sent_bytes_per_s", "4120"),
        ("/coverage/lost", "12"),
        ("/coverage/sources/names/state", "\"degraded\""),
        ("/recorder/rss_bytes", "9437184"),
    ] {
        let found = object.pointer(pointer).map(ToString::to_string);
        assert_eq!(found.as_deref(), Some(expected), "{pointer}");
    }
    let page = once::page(&picture, 80);
    assert!(page.contains("CRED-READ") && !page.contains("q quit"), "{page}");
}
