//! Names that differ by nature from run to run are called alike: pids, times, temporary names, names
//! made from contents, versions, ports that the kernel chose.
//!
//! Each rule leaves a word in capitals in place of what it took, and a note of what that was.

mod forms;
mod temporary;

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
    /// Paths that the run made.
    made: HashSet<String>,
    /// Of these, those that were gone at its end.
    gone: HashSet<String>,
    pub(crate) notes: Notes,
}

impl Normal {
    /// Applies these rules to a run with these processes, which made these paths, and removed some.
    pub(crate) fn new(
        rules: &[Rule],
        pids: HashSet<u64>,
        made: HashSet<String>,
        gone: HashSet<String>,
    ) -> Normal {
        Normal { rules: rules.to_vec(), pids, made, gone, notes: Notes::new() }
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

    /// The path of what was only used. A number that one of the run's processes has as well is there by
    /// chance in what was made before, as `311` of Python 3.11.
    pub(crate) fn used_path(&mut self, path: &str) -> String {
        if self.is_made(path) {
            return self.path(path);
        }
        let pids = std::mem::take(&mut self.pids);
        let alike = self.path(path);
        self.pids = pids;
        alike
    }

    /// Whether the run made that path or a directory above it. The kernel makes names of processes by
    /// itself.
    fn is_made(&self, path: &str) -> bool {
        let mut ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ["/proc/", "/sys/", "/dev/"].iter().any(|dir| path.starts_with(dir))
            || ends.any(|end| path.get(..end).is_some_and(|part| self.made.contains(part)))
    }

    /// A path.
    pub(crate) fn path(&mut self, path: &str) -> String {
        let path = self.temporary(path);
        let path = self.addressed(&path);
        self.word(&path)
    }

    /// Directories that are named after what is in them: git's `objects/ab/`, sessions of rustc.
    fn addressed(&mut self, path: &str) -> String {
        if !self.has(Rule::Hashes) {
            return path.to_owned();
        }
        let mut above = "";
        let mut parts = Vec::new();
        for part in path.split('/') {
            let named = forms::is_shard(above, part) || forms::is_session(part);
            parts.push(if named { "HASH" } else { part });
            above = part;
        }
        let out = parts.join("/");
        if out != path {
            self.note(Rule::Hashes, path, &out);
        }
        out
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
            match temporary::unlike(part, is_gone, in_tmp) {
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
        if self.has(Rule::Hashes)
            && let Some((before, digest, after)) = forms::digest(token)
        {
            self.note(Rule::Hashes, digest, "HASH");
            let (before, after) = (before.to_owned(), after.to_owned());
            return format!("{}HASH{}", self.token(&before), self.token(&after));
        }
        if self.has(Rule::Times)
            && let Some(alike) = forms::times(token)
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
            && let Some(alike) = forms::version(token)
        {
            self.note(Rule::Versions, token, &alike);
            return alike;
        }
        self.dotted(token)
    }

    /// `4120.map`; not `python3.11`, which a process of a namespace may have by chance.
    fn dotted(&mut self, token: &str) -> String {
        let is_one = |part: &str| part.len() > 2 && self.has(Rule::Pids) && self.is_pid(part);
        let parts: Vec<&str> = token.split('.').collect();
        let alike: Vec<&str> =
            parts.iter().map(|part| if is_one(part) { "PID" } else { part }).collect();
        if alike == parts {
            return token.to_owned();
        }
        let alike = alike.join(".");
        self.note(Rule::Pids, token, &alike);
        alike
    }

    fn is_pid(&self, token: &str) -> bool {
        token.parse().is_ok_and(|number| self.pids.contains(&number))
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '+' | '@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        let pids = HashSet::from([4120]);
        let gone = [
            "/tmp/ccabcdef.s",
            "/src/sedXyz12a",
            "/tmp/job.d",
            "/src/tmpdiv_cxaw",
            "/src/pip-unpack-x8_d2k1a",
            "/src/a.pyc.140234567890",
        ]
        .map(str::to_owned);
        let mut normal = Normal::new(&Rule::ALL, pids, HashSet::new(), HashSet::from(gone));
        assert_eq!(normal.path(path), expected, "{path}");
        let mut none = Normal::new(&[], HashSet::new(), HashSet::new(), HashSet::new());
        assert_eq!((none.path(path), none.notes.len()), (path.to_owned(), 0));
    }

    #[test]
    fn what_differs_by_nature_is_called_alike() {
        for (path, expected) in [
            ("/proc/4120/stat", "/proc/PID/stat"),
            ("/proc/4121/stat", "/proc/4121/stat"),
            ("/tmp/perf-4120.map", "/tmp/perf-PID.map"),
            ("/tmp/ccabcdef.s", "/tmp/TMP.s"),
            ("/tmp/job.d/out.txt", "/tmp/TMP.d/out.txt"),
            ("/src/sedXyz12a", "/src/sedTMP"),
            ("/src/tmpdiv_cxaw", "/src/tmpTMP"),
            ("/src/pip-unpack-x8_d2k1a", "/src/pip-unpack-TMP"),
            ("/src/a.pyc.140234567890", "/src/a.pyc.TMP"),
            ("/tmp/audit-demo.jXV3wu/a", "/tmp/audit-demo.TMP/a"),
            ("/tmp/.x/run.sh", "/tmp/.x/run.sh"),
            ("/src/.git/objects/ab12cd34ef56ab78", "/src/.git/objects/HASH"),
            ("/t/libserde-1a2b3c4d5e6f7a8b.rlib", "/t/libserde-HASH.rlib"),
            ("/tmp/j/x-2494bdd3-0593-4e42-9312-b50bd28b99a5.log", "/tmp/j/x-HASH.log"),
            ("/src/2494bdd3-0593-4e42-9312-b50bd28b99a5", "/src/HASH"),
            (
                "/src/.git/objects/61/0f00112233445566778899aabbccddeeff0011",
                "/src/.git/objects/HASH/HASH",
            ),
            ("/tmp/.git/objects/e9", "/tmp/.git/objects/HASH"),
            ("/src/e9/0f", "/src/e9/0f"),
            (
                "/t/incremental/hello-1a2b3c4d5e6f7a/s-hoeckyr2sn-0mqjs2i-4w9zr8/x.o",
                "/t/incremental/hello-1a2b3c4d5e6f7a/HASH/x.o",
            ),
            ("/t/incremental/s-hoeckyr2sn-0mqjs2i.lock", "/t/incremental/HASH"),
            ("/src/s-expressions-parser", "/src/s-expressions-parser"),
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
            let mut normal = Normal::new(&Rule::ALL, HashSet::from([1, 22]), gone.clone(), gone);
            let _ = (normal.path(&text), normal.argument(&text), normal.port(&text));
        }
    }
}
