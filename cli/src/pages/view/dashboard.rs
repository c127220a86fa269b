//! The lists of the dashboard: processes, files, network.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use storage::{Coverage, Destination, PathCount, Summary, Top};

use crate::{
    pages::{
        explain::{Group, style},
        line::Line,
        view::earlier::NewHere,
    },
    text::{self, Align, FAINT, HEADING, Safe, Screen, Table, plural, program},
};

/// What the lists are made from.
pub(super) struct Dashboard<'d> {
    /// How users call the run.
    pub(super) id: &'d str,
    /// All that was counted.
    pub(super) summary: &'d Summary,
    /// How names of peers are known, by event.
    pub(super) host_sources: BTreeMap<u64, String>,
    /// Entries of each list.
    pub(super) limit: usize,
    /// What the sources say of themselves.
    pub(super) coverage: &'d BTreeMap<String, Coverage>,
    /// Findings by rule, the heaviest first.
    pub(super) findings: &'d [Group],
    /// Where the run began.
    pub(super) cwd: &'d [u8],
    /// What no run before did.
    pub(super) new: Option<&'d NewHere>,
    /// When the run began, nanoseconds since 1970.
    pub(super) start_ns: i64,
    /// Where it is shown.
    pub(super) screen: Screen,
}

fn heading(out: &mut impl Write, name: &str, words: &str) -> io::Result<()> {
    writeln!(out, "\n{}{words}", text::painted(HEADING, &format!("{name:<11}")))
}

impl Dashboard<'_> {
    /// Writes the lists.
    pub(super) fn write(&self, end: Option<&Line>, out: &mut impl Write) -> io::Result<()> {
        self.findings(out)?;
        self.processes(end, out)?;
        self.files(out)?;
        self.network(out)?;
        self.timeline(out)
    }

    /// The rules that found something; nothing where none did.
    fn findings(&self, out: &mut impl Write) -> io::Result<()> {
        if self.findings.is_empty() {
            return Ok(());
        }
        let mut counts: Vec<(&str, u64)> = Vec::new();
        for group in self.findings {
            match counts.iter_mut().find(|(severity, _)| *severity == group.severity) {
                Some((_, times)) => *times += group.seen.len() as u64,
                None => counts.push((&group.severity, group.seen.len() as u64)),
            }
        }
        let counts = counts.iter().map(|(severity, times)| format!("{severity} {times}"));
        let counts = counts.collect::<Vec<_>>().join("  ");
        heading(out, "FINDINGS", &format!("{counts}   see: audit explain {}", self.id))?;
        let mut table = Table::new(&[Align::Left, Align::Left, Align::Cut, Align::Left]).indent(2);
        for group in self.findings.iter().take(self.limit) {
            let first = group.seen.first();
            let about = first.and_then(|seen| {
                ["path", "host", "peer"].iter().find_map(|name| seen.line.bytes(name))
            });
            let about = about.map(|about| Safe::bytes(&about).to_string());
            let name = first.map(|seen| format!("{}:{}", self.id, seen.seq)).unwrap_or_default();
            table.styled([
                (group.severity.clone(), style(&group.severity)),
                (group.rule.clone(), anstyle::Style::new()),
                (about.unwrap_or_else(|| group.title.clone()), anstyle::Style::new()),
                (name, FAINT),
            ]);
        }
        out.write_all(table.render(self.screen.room).as_bytes())
    }

    /// How much happened when, as a row of bars.
    fn timeline(&self, out: &mut impl Write) -> io::Result<()> {
        const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let activity = &self.summary.activity;
        // One or two bars say nothing.
        if activity.events.len() < 3 {
            return Ok(());
        }
        let columns = self.screen.width.saturating_sub(32).clamp(16, 64);
        let each = activity.events.len().div_ceil(columns);
        let slots: Vec<u64> = activity.events.chunks(each).map(|part| part.iter().sum()).collect();
        let most = slots.iter().copied().max().unwrap_or(0).max(1);
        let bar = |events: &u64| {
            let high = (events.saturating_mul(7)).div_ceil(most).min(7);
            usize::try_from(high).ok().and_then(|high| BARS.get(high)).copied().unwrap_or(' ')
        };
        let bars: String = slots.iter().map(bar).collect();
        let peak = slots.iter().position(|events| *events == most).unwrap_or(0);
        let width = i128::from(activity.width_ns) * each as i128;
        let at = i128::from(activity.start_ns) + width * peak as i128 - i128::from(self.start_ns);
        heading(out, "TIMELINE", &format!("{bars}  peak {}", text::offset(at)))
    }

    /// Whether the user left `source` out: then nothing is known, which is not the same as none.
    fn left_out(&self, source: &str) -> bool {
        self.coverage.get(source).is_some_and(|it| it.state == "not_asked")
    }

    fn processes(&self, end: Option<&Line>, out: &mut impl Write) -> io::Result<()> {
        if self.left_out("process") {
            return heading(out, "PROCESSES", "not recorded (--no-exec)");
        }
        let processes = end.and_then(|end| end.number("processes"));
        let processes = processes.unwrap_or_else(|| self.summary.times("process", Some("fork")));
        let (list, all) = &self.summary.executed;
        let executed = plural(self.summary.times("exec", None), "time");
        let programs = plural(*all as u64, "program");
        let processes = text::count(processes);
        heading(out, "PROCESSES", &format!("{processes} ({programs}, executed {executed})"))?;
        // A name and its number stay together: the space between is one that does not break.
        let names = list.iter().take(self.limit).map(|one| {
            format!("{} {}", program(&one.path), text::count(one.times)).replace(' ', "\u{a0}")
        });
        let mut words = names.collect::<Vec<_>>().join("  ");
        if let Some(more) = self.more(*all) {
            words.push_str(&format!("  …\u{a0}{more}\u{a0}more"));
        }
        if !words.is_empty() {
            for line in text::wrap(&words, self.screen.width.saturating_sub(2)) {
                writeln!(out, "  {}", line.trim().replace('\u{a0}', " "))?;
            }
        }
        self.new_here(out)
    }

    /// Programs that none of the runs before used; a line that says so where there is none.
    fn new_here(&self, out: &mut impl Write) -> io::Result<()> {
        let Some(new) = self.new else { return Ok(()) };
        let times = |path: &[u8]| {
            let known = self.summary.executed.0.iter().find(|one| one.path == path);
            known.map_or_else(String::new, |one| format!(" ({})", text::count(one.times)))
        };
        let mut words: Vec<String> = new
            .programs
            .iter()
            .take(self.limit)
            .map(|path| format!("{}{}", Safe::bytes(path), times(path)).replace(' ', "\u{a0}"))
            .collect();
        if let Some(more) = self.more(new.programs.len()) {
            words.push(format!("…\u{a0}{more}\u{a0}more"));
        }
        if words.is_empty() {
            words.push("no\u{a0}program".to_owned());
        }
        let than = match new.runs {
            1 => "not in the run before".to_owned(),
            runs => format!("not in the {runs} runs before"),
        };
        words.push(format!("({than})").replace(' ', "\u{a0}"));
        let room = self.screen.width.saturating_sub(12);
        for (at, line) in text::wrap(&words.join("  "), room).iter().enumerate() {
            let label = if at == 0 { "new here" } else { "" };
            writeln!(out, "  {label:<10}{}", line.trim().replace('\u{a0}', " "))?;
        }
        Ok(())
    }

    /// A path; below the directory that the head names, from there.
    fn path(&self, path: &[u8]) -> String {
        let inside = path.strip_prefix(self.cwd).and_then(|rest| rest.strip_prefix(b"/"));
        Safe::bytes(inside.filter(|rest| !rest.is_empty()).unwrap_or(path)).to_string()
    }

    /// How many of `all` are not shown.
    fn more(&self, all: usize) -> Option<String> {
        let more = all.saturating_sub(self.limit);
        (more > 0).then(|| text::count(more as u64))
    }

    fn files(&self, out: &mut impl Write) -> io::Result<()> {
        if self.left_out("access") {
            return heading(out, "FILES", "not recorded (--no-files)");
        }
        let summary = self.summary;
        let lists: [(&str, &str, &Top<PathCount>); 5] = [
            ("written", "write", &summary.written),
            ("created", "create", &summary.created),
            ("deleted", "delete", &summary.deleted),
            ("renamed", "rename", &summary.renamed),
            ("read", "read", &summary.read),
        ];
        let numbers = lists.map(|(name, _, list)| format!("{name} {}", text::count(list.1 as u64)));
        let mut words = numbers.join("  ");
        if summary.devices.1 > 0 {
            words.push_str(&format!("  devices {}", text::count(summary.devices.1 as u64)));
        }
        heading(out, "FILES", &words)?;
        let mut table = Table::new(&[Align::Left, Align::CutMiddle, Align::Right]).indent(2);
        for (name, op, list) in lists {
            let mut label = if op == "rename" { "renamed to" } else { name };
            for one in list.0.iter().take(self.limit) {
                let times = match one.times {
                    0 | 1 => String::new(),
                    times => format!("x{}", text::count(times)),
                };
                table.row([label.to_owned(), self.path(&one.path), times]);
                label = "";
            }
            if let Some(more) = self.more(list.1) {
                let words = format!("… {more} more: audit query {} --op {op} --all", self.id);
                table.styled([(String::new(), FAINT), (words, FAINT), (String::new(), FAINT)]);
            }
        }
        let lists = [("outside", &summary.outside, ""), ("secrets", &summary.secrets, "once")];
        for (label, (list, all), once) in lists {
            let mut label = label;
            for one in list.iter().take(self.limit) {
                let times = match one.times {
                    0 | 1 => once.to_owned(),
                    times => format!("x{}", text::count(times)),
                };
                table.row([label.to_owned(), self.path(&one.path), times]);
                label = "";
            }
            if let Some(more) = self.more(*all) {
                let words = format!("… {more} more: audit view {} --files", self.id);
                table.styled([(String::new(), FAINT), (words, FAINT), (String::new(), FAINT)]);
            }
        }
        out.write_all(table.render(self.screen.room).as_bytes())
    }

    /// A peer's name and how it is known: `example.com (tls_sni)`.
    fn host(&self, to: &Destination) -> String {
        let Some(host) = &to.host else { return String::new() };
        let source = to.host_seq.and_then(|seq| self.host_sources.get(&seq));
        source.map_or_else(
            || Safe::new(host).to_string(),
            |source| format!("{} ({})", Safe::new(host), Safe::new(source)),
        )
    }

    fn network(&self, out: &mut impl Write) -> io::Result<()> {
        let (list, all) = &self.summary.destinations;
        if self.left_out("network") {
            return heading(out, "NETWORK", "not recorded (--no-net)");
        }
        if list.is_empty() {
            return heading(out, "NETWORK", "none");
        }
        let contacts = ["connect", "send", "accept"].map(|op| self.summary.times("net", Some(op)));
        let contacts = plural(contacts.into_iter().fold(0, u64::saturating_add), "contact");
        let peers = plural(*all as u64, "peer");
        let (sent, received) = self.summary.traffic;
        let (sent, received) = (text::bytes(sent), text::bytes(received));
        let asked = match self.summary.times("dns", Some("query")) {
            0 => String::new(),
            asked => format!(", {}", plural(asked, "DNS question")),
        };
        let words = format!("{peers}, {contacts}{asked}, {sent} out, {received} in");
        heading(out, "NETWORK", &words)?;
        use Align::{CutMiddle, Left, Right};
        let mut table = Table::new(&[CutMiddle, CutMiddle, Left, Right, Right, Left]).indent(2);
        for to in list.iter().take(self.limit) {
            let exe = to.exe.as_deref().map(program).unwrap_or_default();
            let (sent, received) = (text::bytes(to.sent), text::bytes(to.received));
            let proto = Safe::new(&to.proto).to_string();
            let host = self.host(to);
            table.row([
                peer(to),
                host,
                proto,
                format!("{sent} out"),
                format!("{received} in"),
                exe,
            ]);
        }
        out.write_all(table.render(self.screen.room).as_bytes())?;
        if let Some(more) = self.more(*all) {
            let words = format!("… {more} more: audit query {} --type net --all", self.id);
            writeln!(out, "  {}", text::painted(FAINT, &words))?;
        }
        Ok(())
    }
}

/// A peer's address.
fn peer(to: &Destination) -> String {
    if to.accepted {
        return format!("from {}", Safe::new(&to.ip));
    }
    match to.ip.contains(':') {
        true => format!("[{}]:{}", Safe::new(&to.ip), to.port),
        false => format!("{}:{}", Safe::new(&to.ip), to.port),
    }
}
