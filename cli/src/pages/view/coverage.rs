//! What the record can and cannot say: each source with its numbers, each gap with its time.

use std::io::{self, Write};

use storage::Query;

use super::{each, head};
use crate::{
    derive::Opened,
    failure::Failure,
    pages::{line::Line, nanoseconds},
    text::{self, Align, FAINT, HEADING, Safe, Screen, Table, plural},
};

/// A time in which something was not recorded.
#[derive(Debug, PartialEq, Eq)]
struct Gap {
    from_ns: Option<i64>,
    /// None: to the end of the record.
    to_ns: Option<i64>,
    source: String,
    words: String,
}

/// What the events say of the recording.
#[derive(Debug, Default)]
struct Told {
    gaps: Vec<Gap>,
    beats: u64,
    last_beat_ns: Option<i64>,
    longest_ns: i64,
}

impl Told {
    fn hear(&mut self, ts_ns: i64, line: &Line) {
        match line.text("type") {
            "lost" => self.lost(line),
            "source" if line.has("state") && !line.has("seen") => self.state(ts_ns, line),
            "heartbeat" => {
                let since = self.last_beat_ns.map_or(0, |last| ts_ns.saturating_sub(last));
                self.longest_ns = self.longest_ns.max(since);
                self.last_beat_ns = Some(ts_ns);
                self.beats += 1;
            }
            _ => {}
        }
    }

    fn lost(&mut self, line: &Line) {
        let count = text::count(line.number("count").unwrap_or(0));
        let cause = line.text("cause").replace('_', " ");
        self.gaps.push(Gap {
            from_ns: nanoseconds(line.text("from_ts")),
            to_ns: nanoseconds(line.text("to_ts")),
            source: line.text("source").to_owned(),
            words: format!("{count} lost ({cause})"),
        });
    }

    /// A source that is not on opens a gap; whatever it says next ends it.
    fn state(&mut self, ts_ns: i64, line: &Line) {
        let (source, state) = (line.text("source"), line.text("state"));
        let open = |gap: &&mut Gap| gap.source == source && gap.to_ns.is_none();
        if let Some(gap) = self.gaps.iter_mut().find(open) {
            gap.to_ns = Some(ts_ns);
        }
        if matches!(state, "degraded" | "off") {
            let reason = line.bytes("reason").unwrap_or_default();
            self.gaps.push(Gap {
                from_ns: Some(ts_ns),
                to_ns: None,
                source: source.to_owned(),
                words: format!("{state}: {}", String::from_utf8_lossy(&reason)),
            });
        }
    }
}

/// Writes the page.
pub(in crate::pages) fn write(
    opened: &Opened,
    screen: Screen,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut told = Told::default();
    let types = ["lost", "source", "heartbeat"].map(str::to_owned).to_vec();
    each(opened, &Query { types, ..Query::default() }, &mut |row, line| {
        told.hear(row.ts_ns, &line);
        Ok(())
    })?;
    head::title(opened, &opened.summary(0)?, screen, out)?;
    for words in head::statements(&opened.meta) {
        for line in text::wrap(&words, screen.width.saturating_sub(2)) {
            writeln!(out, "  {line}")?;
        }
    }
    sources(opened, screen, out)?;
    gaps(opened, &told.gaps, screen, out)?;
    if told.beats > 0 {
        let beats = plural(told.beats, "heartbeat");
        let pause = std::time::Duration::from_nanos(told.longest_ns.unsigned_abs());
        let longest = match told.beats {
            1 => String::new(),
            _ => format!(", at most {} apart", text::elapsed(pause)),
        };
        writeln!(out, "\n{}{beats}{longest}", heading("ALIVE"))?;
    }
    Ok(())
}

fn heading(name: &str) -> String {
    text::painted(HEADING, &format!("{name:<11}"))
}

fn sources(opened: &Opened, screen: Screen, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n{}seen = stored + folded + lost", heading("SOURCES"))?;
    use Align::{CutEnd, Left, Right};
    let mut table = Table::new(&[Left, Left, Right, Right, Right, Right, CutEnd]).indent(2);
    let heads = ["SOURCE", "STATE", "SEEN", "STORED", "FOLDED", "LOST", ""];
    table.styled(heads.map(|head| (head.to_owned(), FAINT)));
    for (source, of) in &opened.meta.coverage {
        let numbers = [of.seen, of.stored, of.folded, of.lost].map(text::count);
        let [seen, stored, folded, lost] = numbers;
        let state = Safe::new(&of.state.replace('_', " ")).to_string();
        let reason = Safe::new(&of.reason).to_string();
        table.row([Safe::new(source).to_string(), state, seen, stored, folded, lost, reason]);
    }
    out.write_all(table.render(screen.room).as_bytes())
}

fn gaps(opened: &Opened, gaps: &[Gap], screen: Screen, out: &mut impl Write) -> io::Result<()> {
    let said = match (gaps.len() as u64, opened.live) {
        (0, false) => "none told".to_owned(),
        (0, true) => "none told so far".to_owned(),
        (count, _) => plural(count, "time span"),
    };
    writeln!(out, "\n{}{said}", heading("GAPS"))?;
    let start = nanoseconds(&opened.meta.started).unwrap_or(0);
    let at = |ns: Option<i64>, unknown: &str| {
        ns.map_or_else(|| unknown.to_owned(), |ns| text::offset(i128::from(ns) - i128::from(start)))
    };
    let mut table = Table::new(&[Align::Right, Align::Right, Align::Left, Align::Cut]).indent(2);
    for gap in gaps {
        let (from, to) = (at(gap.from_ns, "?"), at(gap.to_ns, "end"));
        let words = Safe::new(&gap.words).to_string();
        table.row([from, format!("to {to}"), Safe::new(&gap.source).to_string(), words]);
    }
    out.write_all(table.render(screen.room).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> Vec<(Option<i64>, Option<i64>, String)> {
        let mut told = Told::default();
        for (at, line) in lines.iter().enumerate() {
            told.hear(at as i64, &Line::parse(line.as_bytes()));
        }
        told.gaps.into_iter().map(|gap| (gap.from_ns, gap.to_ns, gap.words)).collect()
    }

    #[test]
    fn a_gap_lasts_until_its_source_says_otherwise() {
        let lines = [
            r#"{"type":"source","source":"access","state":"on"}"#,
            r#"{"type":"source","source":"access","state":"degraded","reason":"a"}"#,
            r#"{"type":"source","source":"names","state":"off","reason":"b"}"#,
            r#"{"type":"source","source":"access","state":"degraded","reason":"c"}"#,
            r#"{"type":"source","source":"access","state":"on"}"#,
            r#"{"type":"source","source":"names","state":"off","seen":1}"#,
        ];
        let expected = [
            (Some(1), Some(3), "degraded: a".to_owned()),
            (Some(2), None, "off: b".to_owned()),
            (Some(3), Some(4), "degraded: c".to_owned()),
        ];
        assert_eq!(told(&lines), expected);
    }

    #[test]
    fn a_loss_has_the_time_that_it_says() {
        let line = r#"{"type":"lost","source":"network","cause":"ring_full","count":1200,"from_ts":"1970-01-01T00:00:01Z","to_ts":"1970-01-01T00:00:02Z"}"#;
        let second = 1_000_000_000;
        let expected = (Some(second), Some(2 * second), "1,200 lost (ring full)".to_owned());
        assert_eq!(told(&[line]), [expected]);
    }
}
