//! `audit tail`: events as JSON lines, one after the other, also while they happen.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    time::{Duration, Instant},
};

use event::frame::control::QUIET_MS;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;
use storage::{Query, Row};

use super::{
    filter::Filter,
    growing::Growing,
    query::{Asked, columns_of, each},
};
use crate::{
    args::{Globals, TailArgs},
    derive::Opened,
    dispatch::Answer,
    failure::{Failure, system_text},
    text::{Out, Safe},
};

/// How often a live run is looked at.
const PACE: Duration = Duration::from_millis(100);

/// Longest line of a file that is taken for an event; the rest of a longer one is passed over.
const LONGEST: usize = 8 << 20;

/// Prints the events.
pub(crate) fn tail(args: &TailArgs, globals: &Globals) -> Result<Answer, Failure> {
    let filter = Filter::new(&args.filters)?;
    let mut out = Stream {
        out: Out::open(&Globals { no_pager: true, ..globals.clone() }),
        last: args.lines.map(|n| (n, VecDeque::new())),
        any: false,
    };
    match &args.file {
        Some(path) if !path.is_dir() && storage::Bundle::open(path).is_err() => {
            of_file(args, path, &filter, &mut out)?;
        }
        given => {
            let wanted = given.as_deref().map(as_run);
            let opened = super::open(globals, wanted.as_deref().unwrap_or(&args.run))?;
            if opened.live && args.follow {
                let run = Growing::open(&opened.run)?;
                Live::new(&opened, args, &filter).follow(run, &mut out)?;
            } else {
                let asked = Asked { filters: &args.filters, left: None };
                each(&opened, &asked, &mut |row| out.line(row.line))?;
            }
        }
    }
    out.end()?;
    out.out.close()?;
    Ok(if out.any || args.follow { Answer::Yes } else { Answer::No })
}

/// A path as the word for a run: one with a slash in it.
fn as_run(path: &Path) -> String {
    match path.is_dir() {
        true => format!("{}/", path.display()),
        false => format!("{}", Path::new(".").join(path).display()),
    }
}

/// Standard output; with `--lines` the last ones wait here until the past is over.
struct Stream {
    out: Out,
    last: Option<(usize, VecDeque<Vec<u8>>)>,
    any: bool,
}

impl Stream {
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.any = true;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        match &mut self.last {
            Some((most, kept)) => {
                kept.push_back(line.to_vec());
                while kept.len() > *most {
                    kept.pop_front();
                }
                Ok(())
            }
            None => self.put(line),
        }
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        self.out.write_all(line)?;
        self.out.write_all(b"\n")
    }

    /// The past is over: what waited is written, and all else at once.
    fn end(&mut self) -> io::Result<()> {
        for line in self.last.take().map(|(_, kept)| kept).unwrap_or_default() {
            self.put(&line)?;
        }
        self.out.flush()
    }

    /// Something that is no event of the record: about the stream itself.
    fn notice(&mut self, notice: &serde_json::Value) -> io::Result<()> {
        let line = serde_json::to_vec(notice)?;
        self.put(&line)?;
        self.out.flush()
    }
}

/// The silence after which the recorder of a run with such heartbeats is called stale; none is none at all.
fn stale_after(asked: Option<Duration>, beat_ms: u64) -> Option<Duration> {
    let Some(asked) = asked else {
        // The recorder tells that it lives; three times missed is no accident.
        return (beat_ms > 0).then(|| Duration::from_millis(beat_ms) * 3 + Duration::from_secs(5));
    };
    // What it says while nothing happens comes no sooner; a second for that to be read.
    let quiet = beat_ms.is_multiple_of(QUIET_MS.into()).then_some(u64::from(QUIET_MS) + 1_000);
    Some(asked.max(Duration::from_millis(quiet.unwrap_or(0))))
}

/// A run that is being recorded.
struct Live<'a> {
    id: &'a str,
    filter: &'a Filter,
    query: Query,
    stale_after: Option<Duration>,
    /// When something new was last there.
    alive: Instant,
    stale: bool,
}

impl<'a> Live<'a> {
    fn new(opened: &'a Opened, args: &TailArgs, filter: &'a Filter) -> Self {
        let beat_ms = opened.meta.about.heartbeat_ms.unwrap_or(0);
        Live {
            id: opened.run.id().as_str(),
            filter,
            query: columns_of(&args.filters, opened, None),
            stale_after: stale_after(args.stale_after, beat_ms),
            alive: Instant::now(),
            stale: false,
        }
    }

    fn follow(mut self, mut run: Growing<'_>, out: &mut Stream) -> Result<(), Failure> {
        loop {
            if run.step(&mut |row| self.told(row, out))? {
                self.lives(out)?;
                continue;
            }
            out.end()?;
            if run.is_over()? {
                return self.over(run, out);
            }
            // Where nothing comes for hours, no write would tell.
            if nobody_reads() {
                return Ok(());
            }
            self.check(out)?;
            std::thread::sleep(PACE);
        }
    }

    /// Writes an event if it is as asked.
    fn told(&self, row: &Row<'_>, out: &mut Stream) -> io::Result<()> {
        if wanted(row, &self.query, self.filter) { out.line(row.line) } else { Ok(()) }
    }

    fn over(self, run: Growing<'_>, out: &mut Stream) -> Result<(), Failure> {
        let sealed = run.finish(&mut |row| self.told(row, out))?;
        if !sealed {
            out.notice(&json!({ "run": self.id, "ts": now(), "type": "recorder.gone" }))?;
            say(self.id, "the recorder is gone, the record has no end");
        }
        Ok(())
    }

    /// Tells once that nothing has come for too long.
    fn check(&mut self, out: &mut Stream) -> io::Result<()> {
        let silent = self.alive.elapsed();
        if self.stale || self.stale_after.is_none_or(|after| silent < after) {
            return Ok(());
        }
        self.stale = true;
        let id = self.id;
        say(id, &format!("the recorder has been silent for {}", crate::text::elapsed(silent)));
        let silent_ms = u64::try_from(silent.as_millis()).unwrap_or(u64::MAX);
        out.notice(
            &json!({ "run": id, "ts": now(), "type": "recorder.stale", "silent_ms": silent_ms }),
        )
    }

    fn lives(&mut self, out: &mut Stream) -> io::Result<()> {
        self.alive = Instant::now();
        if !std::mem::take(&mut self.stale) {
            return Ok(());
        }
        let id = self.id;
        say(id, "the recorder is alive again");
        out.notice(&json!({ "run": id, "ts": now(), "type": "recorder.alive" }))
    }
}

/// Whether standard output is a pipe that nobody will read from.
fn nobody_reads() -> bool {
    let out = rustix::stdio::stdout();
    let mut asked = [PollFd::new(&out, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut asked, Some(&now)).is_ok()
        && asked.iter().any(|one| one.revents().contains(PollFlags::ERR))
}

fn wanted(row: &Row<'_>, query: &Query, filter: &Filter) -> bool {
    query.matches(row) && filter.keeps_columns(row) && filter.keeps_line(row)
}

fn now() -> String {
    let now = jiff::Timestamp::now().as_nanosecond();
    crate::text::rfc3339(i64::try_from(now).unwrap_or(i64::MAX))
}

fn say(id: &str, words: &str) {
    // Nobody is left to hear that standard error is closed.
    let _ = writeln!(anstream::stderr(), "audit: {}: {words}", Safe::new(id));
}

/// Events of a file, or of standard input.
fn of_file(args: &TailArgs, path: &Path, filter: &Filter, out: &mut Stream) -> Result<(), Failure> {
    let shown = path.display();
    let failed =
        |why: io::Error| Failure::new(format!("cannot read {shown}: {}", system_text(&why)));
    let input: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).map_err(failed)?),
    };
    let mut lines = Lines { input: BufReader::new(input), line: Vec::new(), number: 0 };
    let mut bad = 0_u64;
    loop {
        match lines.next().map_err(failed)? {
            Some(()) => {
                let line = lines.line.strip_suffix(b"\n").unwrap_or(&lines.line);
                let blank = line.iter().all(u8::is_ascii_whitespace);
                let event = blank || of_line(line, lines.number, args, filter, out)?;
                bad += u64::from(!event);
                lines.line.clear();
            }
            None if args.follow => {
                out.end()?;
                std::thread::sleep(PACE);
            }
            None => break,
        }
    }
    if bad > 0 {
        say(&shown.to_string(), &format!("{} cannot be read", crate::text::plural(bad, "line")));
    }
    Ok(())
}

/// Tells of a line; returns whether it is an event.
fn of_line(
    line: &[u8],
    number: u64,
    args: &TailArgs,
    filter: &Filter,
    out: &mut Stream,
) -> io::Result<bool> {
    let query = Query {
        types: args.filters.types.clone(),
        ops: args.filters.op.clone(),
        pid: args.filters.pid,
        ..Query::default()
    };
    let mut written = Ok(());
    let is_event = line.len() <= LONGEST
        && storage::read_row(line, &mut |row| {
            if wanted(row, &query, filter) {
                written = out.line(row.line);
            }
        });
    written?;
    if !is_event {
        // Named in the stream, which goes on.
        out.line(&serde_json::to_vec(&json!({ "type": "bad_line", "line": number }))?)?;
    }
    Ok(is_event)
}

/// Whole lines; what has no newline yet is kept.
struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    number: u64,
}

impl<R: Read> Lines<R> {
    fn next(&mut self) -> io::Result<Option<()>> {
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(bytes.len(), |end| end + 1);
            // One byte more than is allowed shows that it is too long.
            let room = (LONGEST + 1).saturating_sub(self.line.len()).min(used);
            self.line.extend_from_slice(bytes.get(..room).unwrap_or_default());
            self.input.consume(used);
            if end.is_some() {
                self.number += 1;
                return Ok(Some(()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_not_sooner_than_a_quiet_recorder_says_something() {
        let second = Duration::from_secs(1);
        assert_eq!(stale_after(None, 10_000), Some(35 * second));
        assert_eq!(stale_after(None, 0), None, "nobody promised a sign");
        assert_eq!(stale_after(Some(second), 10_000), Some(6 * second));
        assert_eq!(stale_after(Some(9 * second), 10_000), Some(9 * second));
        assert_eq!(stale_after(Some(second), 0), Some(6 * second));
        assert_eq!(stale_after(Some(4 * second), 1_000), Some(4 * second));
    }

    #[test]
    fn a_line_that_is_cut_waits_and_one_that_is_too_long_is_bad() {
        let long = vec![b'x'; LONGEST + 9];
        let text = [b"a\n".as_slice(), &long, b"\nb"].concat();
        let mut lines = Lines { input: BufReader::new(&text[..]), line: Vec::new(), number: 0 };
        let mut lens = Vec::new();
        while lines.next().expect("memory reads").is_some() {
            lens.push(lines.line.len());
            lines.line.clear();
        }
        assert_eq!(lens, [2, LONGEST + 1]);
        assert_eq!(lines.line, b"b");
    }
}
