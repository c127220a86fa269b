//! Names that differ by nature from run to run are called alike: pids, times, temporary names, names
//! made from contents, versions, ports that the kernel chose.
//!
//! Each rule leaves a word in capitals in place of what it took, and a note of what that was.

use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Examples that are kept of each rule.
const EXAMPLES: usize = 20;

/// A rule; see `docs/recipes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Rule {
    /// Numbers of the run's processes.
    Pids,
    /// Dates, clock times, seconds since 1970.
    Times,
    /// Names of files that the run made and removed, and random names in temporary directories.
    Tmp,
    /// Hexadecimal digests and UUIDs.
    Hashes,
    /// `1.2.3`.
    Versions,
    /// Ports from the kernel's range.
    Ports,
}

impl Rule {
    /// Every one.
    pub(crate) const ALL: [Rule; 6] =
        [Rule::Pids, Rule::Times, Rule::Tmp, Rule::Hashes, Rule::Versions, Rule::Ports];

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Rule::Pids => "pids",
            Rule::Times => "times",
            Rule::Tmp => "tmp",
            Rule::Hashes => "hashes",
            Rule::Versions => "versions",
            Rule::Ports => "ports",
        }
    }
}

/// What was called alike: rule, then what it was and what it became.
pub(crate) type Notes = BTreeMap<Rule, (u64, BTreeSet<(String, String)>)>;

/// The rules at work on one run.
#[derive(Debug, Default)]
pub(crate) struct Normal {
    rules: Vec<Rule>,
    pids: HashSet<u64>,
    /// Paths that the run made and that were gone at its end.
    gone: HashSet<String>,
    pub(crate) notes: Notes,
}

impl Normal {
    /// Applies these rules to a run with these processes, which made these paths and removed them.
    pub(crate) fn new(rules: &[Rule], pids: HashSet<u64>, gone: HashSet<String>) -> Normal {
        Normal { rules: rules.to_vec(), pids, gone, notes: Notes::new() }
    }

    fn has(&self, rule: Rule) -> bool {
        self.rules.contains(&rule)
    }

    fn note(&mut self, rule: Rule, was: &str, is: &str) {
        let (count, examples) = self.notes.entry(rule).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.insert((was.to_owned(), is.to_owned()));
        }
    }

    /// A path.
    pub(crate) fn path(&mut self, path: &str) -> String {
        let path = self.temporary(path);
        self.word(&path)
    }

    /// An argument: may hold a path, a number, anything.
    pub(crate) fn argument(&mut self, argument: &str) -> String {
        match argument.find('/') {
            Some(at) if self.has(Rule::Tmp) => {
                let (before, path) = argument.split_at(at);
                let path = self.temporary(path);
                self.word(&format!("{before}{path}"))
            }
            _ => self.word(argument),
        }
    }

    /// A port: those that the kernel hands out (ip_local_port_range) have no meaning.
    pub(crate) fn port(&mut self, port: &str) -> String {
        let chosen = port.parse::<u16>().is_ok_and(|port| port >= 32_768);
        if chosen && self.has(Rule::Ports) {
            self.note(Rule::Ports, port, "PORT");
            return "PORT".to_owned();
        }
        port.to_owned()
    }

    fn temporary(&mut self, path: &str) -> String {
        if !self.has(Rule::Tmp) {
            return path.to_owned();
        }
        let in_tmp = ["/tmp/", "/var/tmp/", "/dev/shm/", "/run/user/"]
            .iter()
            .any(|dir| path.starts_with(dir));
        let (mut so_far, mut out) = (String::new(), String::new());
        for (at, part) in path.split('/').enumerate() {
            if at > 0 {
                so_far.push('/');
                out.push('/');
            }
            so_far.push_str(part);
            let is_gone = self.gone.contains(&so_far);
            match unlike(part, is_gone, is_gone && in_tmp, in_tmp) {
                Some(alike) => out.push_str(&alike),
                None => out.push_str(part),
            }
        }
        if out != path {
            self.note(Rule::Tmp, path, &out);
        }
        out
    }

    /// Replaces tokens: runs of letters, digits and what holds versions and dates together.
    fn word(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            out.push_str(&self.token(token));
            let other = after.find(is_token).unwrap_or(after.len());
            let (between, next) = after.split_at(other);
            out.push_str(between);
            rest = next;
        }
        out
    }

    fn token(&mut self, token: &str) -> String {
        if !token.bytes().any(|byte| byte.is_ascii_digit()) && token.len() < 16 {
            return token.to_owned();
        }
        if self.has(Rule::Pids) && self.is_pid(token) {
            self.note(Rule::Pids, token, "PID");
            return "PID".to_owned();
        }
        if self.has(Rule::Hashes) && is_hash(token) {
            let end = token.find('.').map_or("", |at| token.get(at..).unwrap_or_default());
            self.note(Rule::Hashes, token, "HASH");
            return format!("HASH{end}");
        }
        if self.has(Rule::Times)
            && let Some(alike) = times(token)
        {
            self.note(Rule::Times, token, &alike);
            return self.pieces(&alike);
        }
        self.pieces(token)
    }

    /// Parts of a token that `-` and `_` hold together, and its version.
    fn pieces(&mut self, token: &str) -> String {
        if let Some(at) = token.find(['-', '_', ':', '+', '@']) {
            let (one, rest) = token.split_at(at);
            let (mark, rest) = rest.split_at(1);
            let one = if one.is_empty() { String::new() } else { self.token(one) };
            let rest = if rest.is_empty() { String::new() } else { self.token(rest) };
            return format!("{one}{mark}{rest}");
        }
        if self.has(Rule::Versions)
            && let Some(alike) = version(token)
        {
            self.note(Rule::Versions, token, &alike);
            return alike;
        }
        token.to_owned()
    }

    fn is_pid(&self, token: &str) -> bool {
        token.parse().is_ok_and(|number| self.pids.contains(&number))
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '+' | '@')
}

/// What stands for a component that is different each time; `None` for one that is not.
fn unlike(part: &str, is_gone: bool, all: bool, in_tmp: bool) -> Option<String> {
    let (stem, end) = match part.rfind('.') {
        Some(at) if at > 0 && part.len() - at <= 5 => part.split_at(at),
        _ => (part, ""),
    };
    if all {
        return Some(format!("TMP{end}"));
    }
    let letters = |text: &str| text.bytes().rev().take_while(u8::is_ascii_alphanumeric).count();
    // As mkstemp(3) makes them: six characters at least, at the end of the name or before its suffix.
    if is_gone && letters(stem) >= 6 {
        return Some(format!("{}TMP{end}", stem.get(..stem.len() - 6)?));
    }
    if is_gone && letters(part) >= 6 {
        return Some(format!("{}TMP", part.get(..part.len() - 6)?));
    }
    let tail = [stem, part].into_iter().find(|text| in_tmp && is_random(text))?;
    let keep = tail.len() - letters(tail);
    Some(format!("{}TMP{}", tail.get(..keep)?, part.get(tail.len()..)?))
}

/// Whether the last letters and digits look as if drawn by lot: of two kinds, and enough of them.
fn is_random(text: &str) -> bool {
    let tail: Vec<u8> = text.bytes().rev().take_while(u8::is_ascii_alphanumeric).collect();
    let kinds = [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase]
        .iter()
        .filter(|is| tail.iter().any(is))
        .count();
    let turns = tail.windows(2).filter(|pair| kind(pair.first()) != kind(pair.last())).count();
    tail.len() >= 6 && kinds >= 2 && turns >= 2
}

fn kind(byte: Option<&u8>) -> u8 {
    match byte {
        Some(b'0'..=b'9') => 0,
        Some(b'a'..=b'z') => 1,
        _ => 2,
    }
}

/// Dates and clock times; a longer form stands before its beginning.
const TIMES: [&str; 7] = [
    "0000-00-00T00:00:00",
    "0000-00-00_00-00-00",
    "00000000-000000",
    "00000000T000000",
    "00000000_000000",
    "0000-00-00",
    "00:00:00",
];

/// Puts `TIME` in place of dates, clock times and seconds since 1970 (or parts of them).
fn times(token: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = token;
    let mut inner = false;
    while let Some(first) = rest.chars().next() {
        let len = if inner || !first.is_ascii_digit() { 0 } else { time_at(rest) };
        if len > 0 {
            out.push_str("TIME");
            rest = rest.get(len..).unwrap_or_default();
            inner = true;
        } else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            inner = first.is_ascii_alphanumeric();
        }
    }
    (out != token).then_some(out)
}

/// How long the time is that `text` begins with; 0 when it is none.
fn time_at(text: &str) -> usize {
    let ends = |len: usize| {
        !text.get(len..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let is = |form: &&&str| {
        let like = |(one, like): (char, char)| {
            if like == '0' { one.is_ascii_digit() } else { one == like }
        };
        let year = !form.starts_with("0000") || text.starts_with("20") || text.starts_with("19");
        text.len() >= form.len()
            && year
            && text.chars().zip(form.chars()).all(like)
            && ends(form.len())
    };
    if let Some(form) = TIMES.iter().find(is) {
        return form.len();
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let seconds = matches!(digits, 10 | 13 | 16 | 19) && text.starts_with('1');
    let day = matches!(digits, 8 | 14) && (text.starts_with("20") || text.starts_with("19"));
    if seconds || day { digits } else { 0 }
}

/// Sixteen hexadecimal digits or more, some of them figures and some letters, or a UUID.
fn is_hash(token: &str) -> bool {
    let stem = token.split('.').next().unwrap_or(token);
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mixed = stem.bytes().any(|byte| byte.is_ascii_digit())
        && stem.bytes().any(|byte| byte.is_ascii_alphabetic());
    let groups: Vec<usize> = token.split('-').map(str::len).collect();
    (stem.len() >= 16 && hex(stem) && mixed)
        || (groups == [8, 4, 4, 4, 12] && token.split('-').all(hex))
}

/// `libx.so.1.2.3` becomes `libx.so.VERSION`; a single number is none.
fn version(token: &str) -> Option<String> {
    let mut out: Vec<&str> = Vec::new();
    let mut found = false;
    let parts: Vec<&str> = token.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        let numbers = parts.iter().skip(at).take_while(|part| number(part)).count();
        let leads = at == 0 && part.strip_prefix('v').is_some_and(|rest| number(&rest));
        if numbers >= 2 || (leads && parts.get(1).is_some_and(number)) {
            let tail = if leads {
                parts.iter().skip(1).take_while(|p| number(p)).count() + 1
            } else {
                numbers
            };
            out.push("VERSION");
            (at, found) = (at + tail, true);
        } else {
            out.push(part);
            at += 1;
        }
    }
    found.then(|| out.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        let pids = HashSet::from([4120]);
        let gone = ["/tmp/ccabcdef.s", "/src/sedXyz12a", "/tmp/job.d"].map(str::to_owned);
        let mut normal = Normal::new(&Rule::ALL, pids, HashSet::from(gone));
        assert_eq!(normal.path(path), expected, "{path}");
        let mut none = Normal::new(&[], HashSet::new(), HashSet::new());
        assert_eq!((none.path(path), none.notes.len()), (path.to_owned(), 0));
    }

    #[test]
    fn what_differs_by_nature_is_called_alike() {
        for (path, expected) in [
            ("/proc/4120/stat", "/proc/PID/stat"),
            ("/proc/4121/stat", "/proc/4121/stat"),
            ("/tmp/ccabcdef.s", "/tmp/TMP.s"),
            ("/tmp/job.d/out.txt", "/tmp/TMP.d/out.txt"),
            ("/src/sedXyz12a", "/src/sedTMP"),
            ("/tmp/audit-demo.jXV3wu/a", "/tmp/audit-demo.TMP/a"),
            ("/tmp/.x/run.sh", "/tmp/.x/run.sh"),
            ("/src/.git/objects/ab12cd34ef56ab78", "/src/.git/objects/HASH"),
            ("/t/libserde-1a2b3c4d5e6f7a8b.rlib", "/t/libserde-HASH.rlib"),
            ("/log/2026-11-22.log", "/log/TIME.log"),
            ("/b/backup-20261122-020000.tar", "/b/backup-TIME.tar"),
            ("/usr/lib/libz.so.1.2.13", "/usr/lib/libz.so.VERSION"),
            ("/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6"),
            ("/home/ana/.ssh/id_ed25519", "/home/ana/.ssh/id_ed25519"),
        ] {
            check(path, expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-z0-9A-Z./_:@+é-]{0,40}") {
            let gone = HashSet::from([text.clone()]);
            let mut normal = Normal::new(&Rule::ALL, HashSet::from([1, 22]), gone);
            let _ = (normal.path(&text), normal.argument(&text), normal.port(&text));
        }
    }
}
