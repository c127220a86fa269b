//! The process tree as a trace in Chrome's JSON form ("Trace Event Format", the object form), which
//! ui.perfetto.dev and `chrome://tracing` open. One event a line, written as it comes.

use std::{
    collections::{HashMap, VecDeque},
    io,
};

use serde_json::{Value, json};

use crate::{
    Event, Run,
    event_line::put,
    fields::name_of,
    format::{Output, Writer},
    packets::packet,
};

/// Instants of a trace: viewers hold it whole, and draw no more in one screen anyhow.
const INSTANTS: u64 = 100_000;
/// Processes that have a track at once; a kernel's default is 32,768.
const TRACKS: usize = 65_536;
/// Tracks that are still known after the end of their process: its last files may come behind it.
const ENDED: usize = 4_096;

/// A process: its number and its start.
type Process = (u64, u64);

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As JSON.
    Json,
    /// As packets of Perfetto.
    Packets,
}

struct Trace {
    out: Output,
    form: Form,
    line: Vec<u8>,
    begun: bool,
    /// Number of the run, which is a process to viewers; ours are its threads.
    run: u64,
    base_ns: Option<i64>,
    last_ns: i64,
    /// Track of each process, and whether a slice is open on it.
    tracks: HashMap<Process, (u64, bool)>,
    ended: VecDeque<Process>,
    next_track: u64,
    instants: u64,
    instants_cut: u64,
    processes_cut: u64,
    /// What was hidden of each run, where something was.
    redactions: Vec<Value>,
}

pub(crate) fn open(out: Output) -> Box<dyn Writer> {
    made(out, Form::Json)
}

/// The same in Perfetto's own form.
pub(crate) fn open_packets(out: Output) -> Box<dyn Writer> {
    made(out, Form::Packets)
}

fn made(out: Output, form: Form) -> Box<dyn Writer> {
    Box::new(Trace {
        out,
        form,
        line: Vec::new(),
        begun: false,
        run: 0,
        base_ns: None,
        last_ns: 0,
        tracks: HashMap::new(),
        ended: VecDeque::new(),
        next_track: 0,
        instants: 0,
        instants_cut: 0,
        processes_cut: 0,
        redactions: Vec::new(),
    })
}

impl Writer for Trace {
    fn run(&mut self, run: &Run) -> io::Result<()> {
        self.end_of_run()?;
        self.run += 1;
        self.redactions.extend(run.redaction.clone());
        let mut name =
            json!({ "name": run.id, "host": run.text("host"), "verdict": run.text("verdict") });
        if let (Form::Packets, Some(told)) = (self.form, &run.redaction) {
            name["redaction"] = told.clone();
        }
        self.put(0, 0, json!({ "ph": "M", "name": "process_name", "args": name }))
    }

    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let ts = event.ts_ns();
        let base = *self.base_ns.get_or_insert(ts);
        let at = ts.saturating_sub(base).max(0);
        self.last_ns = self.last_ns.max(at);
        let process = (event.number("pid").unwrap_or(0), event.number("start_ns").unwrap_or(0));
        match (event.text("type"), event.text("op")) {
            ("process", "fork") => {
                let number = |name| event.number(name).unwrap_or(0);
                let child = (number("child_pid"), number("child_start_ns"));
                self.begin(at, child, event, "fork")
            }
            ("exec", _) => self.begin(at, process, event, "exec"),
            ("process", "exit") => self.exit(at, process, event),
            ("net", "connect" | "accept") => self.instant(at, process, event, event.text("peer")),
            ("file", "write" | "create" | "delete" | "rename") => {
                self.instant(at, process, event, event.text("path"))
            }
            ("finding", _) => self.instant(at, process, event, event.text("title")),
            _ => Ok(()),
        }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.end_of_run()?;
        let mut told = json!({ "runs": self.run, "instants": self.instants, "instants_cut": self.instants_cut,
            "processes_cut": self.processes_cut });
        if self.form == Form::Packets {
            // The form has no place for what is said of the whole: it is an instant of the last run.
            let last = json!({ "ph": "i", "name": "end of the trace", "args": told });
            self.put(self.last_ns, 0, last)?;
            return self.out.flush();
        }
        self.begin_file()?;
        if !self.redactions.is_empty() {
            told["redaction"] = std::mem::take(&mut self.redactions).into();
        }
        writeln!(self.out, "\n],\"displayTimeUnit\":\"ns\",\"otherData\":{told}}}")?;
        self.out.flush()
    }
}

impl Trace {
    fn begin_file(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        self.out.write_all(b"{\"traceEvents\":[\n")
    }

    /// Writes one event of the trace; `at` in nanoseconds, which the form has as microseconds with a fraction.
    fn put(&mut self, at: i64, track: u64, mut object: Value) -> io::Result<()> {
        if self.form == Form::Packets {
            self.line.clear();
            packet(at, self.run, track, &object, &mut self.line);
            return self.out.write_all(&self.line);
        }
        let first = !self.begun;
        self.begin_file()?;
        object["pid"] = self.run.into();
        object["tid"] = track.into();
        self.line.clear();
        self.line.extend(if first { "" } else { ",\n" }.bytes());
        self.line.extend(format!("{{\"ts\":{}.{:03},", at / 1000, at % 1000).bytes());
        let start = self.line.len();
        put(&object, &mut self.line);
        // Its own brace is there already.
        self.line.remove(start);
        self.out.write_all(&self.line)
    }

    /// A slice begins: one that is open on the track ends here.
    fn begin(&mut self, at: i64, process: Process, event: &Event<'_>, how: &str) -> io::Result<()> {
        let (track, open) = match self.tracks.get(&process) {
            Some(known) => *known,
            None if self.tracks.len() >= TRACKS => {
                self.processes_cut += 1;
                return Ok(());
            }
            None => {
                self.next_track += 1;
                (self.next_track, false)
            }
        };
        if open {
            self.put(at, track, json!({ "ph": "E" }))?;
        }
        self.tracks.insert(process, (track, true));
        let name = name_of(event.text("exe")).to_owned();
        let thread = json!({ "name": format!("{name} {}", process.0) });
        self.put(at, track, json!({ "ph": "M", "name": "thread_name", "args": thread }))?;
        let mut told =
            json!({ "pid": process.0, "seq": event.number("seq"), "exe": event.text("exe") });
        if how == "exec" {
            told["argv"] = event.value("argv").cloned().unwrap_or_default();
        }
        let name = if name.is_empty() { how.to_owned() } else { name };
        self.put(at, track, json!({ "ph": "B", "name": name, "cat": how, "args": told }))
    }

    fn exit(&mut self, at: i64, process: Process, event: &Event<'_>) -> io::Result<()> {
        let Some((track, open)) = self.tracks.get_mut(&process) else { return Ok(()) };
        let (track, was_open) = (*track, std::mem::replace(open, false));
        self.ended.push_back(process);
        if self.ended.len() > ENDED
            && let Some(oldest) = self.ended.pop_front()
        {
            self.tracks.remove(&oldest);
        }
        if !was_open {
            return Ok(());
        }
        let told = json!({ "code": event.value("code"), "signal": event.value("signal") });
        self.put(at, track, json!({ "ph": "E", "args": told }))
    }

    fn instant(
        &mut self,
        at: i64,
        process: Process,
        event: &Event<'_>,
        what: &str,
    ) -> io::Result<()> {
        let Some((track, _)) =
            self.tracks.get(&process).copied().filter(|_| self.instants < INSTANTS)
        else {
            self.instants_cut += 1;
            return Ok(());
        };
        self.instants += 1;
        let kind = event.text("type");
        let name = format!("{} {what}", event.some_text("op").unwrap_or(kind));
        let told = json!({ "seq": event.number("seq") });
        self.put(at, track, json!({ "ph": "i", "s": "t", "name": name, "cat": kind, "args": told }))
    }

    /// What still runs ends where the record does.
    fn end_of_run(&mut self) -> io::Result<()> {
        let tracks = std::mem::take(&mut self.tracks);
        self.ended.clear();
        let mut open: Vec<u64> =
            tracks.into_values().filter(|(_, open)| *open).map(|(track, _)| track).collect();
        open.sort_unstable();
        for track in open {
            self.put(self.last_ns, track, json!({ "ph": "E", "args": { "still_running": true } }))?;
        }
        Ok(())
    }
}
