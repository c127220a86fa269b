//! Happenings made of the words of rules, so that rules hold, nearly hold, and do not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::happening::{FileDeed, Happening, Kind};

/// Words by the field that rules look for them in.
type Words = BTreeMap<String, Vec<String>>;

/// Makes happenings, the same each time.
pub struct Corpus {
    state: u64,
}

/// Files of rules below a directory, in order.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("it is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|name| name == "yml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The words of a rule: read line by line, without a parser of either engine.
fn words(text: &str) -> Words {
    let (mut found, mut field) = (Words::new(), String::new());
    let inside = text.lines().skip_while(|line| !line.starts_with("detection:")).skip(1);
    for line in inside.take_while(|line| line.starts_with([' ', '#']) || line.is_empty()) {
        take(line, &mut field, &mut found);
    }
    found
}

/// Takes `field: value`, `field: [value, value]`, `name: {field: value, field: value}`, `- value`.
fn take(line: &str, field: &mut String, found: &mut Words) {
    let line = line.trim().trim_start_matches("- ");
    let line = line.split(" #").next().unwrap_or_default().trim();
    let is_key = |key: &str| key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_|'".contains(&b));
    let (key, value) = match line.split_once(':').filter(|(key, _)| is_key(key)) {
        Some((key, value)) => (key, value.trim()),
        None if line.starts_with('{') => ("", line),
        None => (field.as_str(), line),
    };
    if key == "condition" || line.starts_with('#') {
        return;
    }
    if let Some(inner) = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        parts(inner).for_each(|part| take(&part, field, found));
        return;
    }
    *field = key.split('|').next().unwrap_or_default().to_owned();
    let listed = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    for value in listed.map_or(vec![value], |list| list.split(", ").collect()) {
        let value = value.trim().trim_matches(['\'', '"']).replace("''", "'");
        if !value.is_empty() {
            found.entry(field.clone()).or_default().push(value);
        }
    }
}

/// Parts between commas that are in no list.
fn parts(text: &str) -> impl Iterator<Item = String> {
    let mut depth = 0_usize;
    let mut all = vec![String::new()];
    for c in text.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = all.last_mut() {
            last.push(c);
        }
    }
    all.into_iter()
}

impl Corpus {
    /// Begins with a number.
    #[must_use]
    pub fn new(seed: u64) -> Corpus {
        Corpus { state: seed | 1 }
    }

    /// A number below `end` (xorshift64*).
    pub fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let mixed = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(mixed).unwrap_or(0) % end.max(1)
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these, perhaps with other cases of letters.
    fn one(&mut self, of: &[String]) -> Option<String> {
        let word = of.get(self.below(of.len()))?.clone();
        Some(match self.below(20) {
            0 => word.to_ascii_uppercase(),
            1 => word.to_ascii_lowercase(),
            _ => word,
        })
    }

    /// `count` happenings that are about what the rule in `text` is about.
    pub fn about(&mut self, text: &str, count: usize) -> Vec<Happening> {
        let words = words(text);
        let is = |word: &str| text.contains(word);
        (0..count)
            .map(|_| {
                let kind = if is("category: file_event") || is("'PATH'") || is(": PATH") {
                    let deeds =
                        [FileDeed::Create, FileDeed::Create, FileDeed::Read, FileDeed::Delete];
                    Kind::File(deeds[self.below(4)])
                } else if is("category: network_connection") {
                    Kind::Connect
                } else if is("category: dns") {
                    Kind::Ask
                } else {
                    Kind::Exec
                };
                self.happening(kind, &words)
            })
            .collect()
    }

    fn happening(&mut self, kind: Kind, words: &Words) -> Happening {
        let mut fields = BTreeMap::new();
        let mut put = |name: &'static str, value: Option<String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                fields.insert(name, value);
            }
        };
        let of = |name: &str| words.get(name).cloned().unwrap_or_default();
        put("Image", Some(self.program(&[of("Image"), of("exe"), of("comm"), of("a0")].concat())));
        let user = if self.chance(30) { "root" } else { "ana" };
        put("User", Some(user.to_owned()));
        put("ProcessId", Some((100 + self.below(4000)).to_string()));
        match kind {
            Kind::Exec => {
                put("CommandLine", Some(self.line(words)));
                if self.chance(60) {
                    put("ParentImage", Some(self.program(&of("ParentImage"))));
                    let line = self.words_of(&[of("ParentCommandLine"), of("")].concat(), 4);
                    put("ParentCommandLine", Some(line).filter(|line| !line.is_empty()));
                }
                let cwd = self.one(&of("CurrentDirectory")).filter(|it| it.starts_with('/'));
                put("CurrentDirectory", cwd.or_else(|| Some("/srv/shop".to_owned())));
            }
            Kind::File(_) => {
                let names = [of("TargetFilename"), of("name")].concat();
                put("TargetFilename", Some(self.path(&names)));
            }
            Kind::Connect => {
                let ip = self.one(&of("DestinationIp")).unwrap_or_default();
                let ip = ip.split('/').next().unwrap_or_default().to_owned();
                let other = ["10.1.2.3", "192.168.7.9", "198.51.100.7", "2001:db8::7", "127.0.0.1"];
                let other = other[self.below(5)].to_owned();
                let known = ip.parse::<std::net::IpAddr>().is_ok() && self.chance(70);
                put("DestinationIp", Some(if known { ip } else { other }));
                let port = self.one(&of("DestinationPort")).filter(|it| it.parse::<u16>().is_ok());
                let port = port.filter(|_| self.chance(60));
                put("DestinationPort", port.or_else(|| Some((self.below(60_000) + 1).to_string())));
                put("DestinationHostname", self.one(&of("DestinationHostname")).map(plain));
            }
            Kind::Ask => {
                let name = self.one(&of("QueryName")).map(plain);
                put("QueryName", name.or_else(|| Some("docs.example.org".to_owned())));
                put("record_type", self.one(&["A".to_owned(), "TXT".to_owned()]));
            }
        }
        // Any minute of three years.
        let at = 60 * i64::try_from(self.below(3 * 365 * 1_440)).unwrap_or(0);
        Happening { kind, at, fields }
    }

    /// The path of a program.
    fn program(&mut self, names: &[String]) -> String {
        let usual = ["/usr/bin/bash", "/usr/bin/python3.13", "/bin/true", "/tmp/x", "/usr/bin/TAR"];
        match self.one(names).filter(|_| self.chance(85)).map(plain) {
            Some(name) if name.starts_with('/') && self.chance(70) => format!("/usr/bin{name}"),
            Some(name) if name.starts_with('/') => name + if self.chance(50) { "" } else { "x" },
            Some(name) => format!("/usr/bin/{name}"),
            None => usual[self.below(usual.len())].to_owned(),
        }
    }

    /// The path of a file.
    fn path(&mut self, names: &[String]) -> String {
        let Some(name) = self.one(names).filter(|_| self.chance(90)).map(plain) else {
            return "/home/ana/src/main.c".to_owned();
        };
        let lead = if name.starts_with('/') && self.chance(70) { "" } else { "/srv/" };
        let tail = ["", "", "x", "/a.service", ".sh", ".pth"][self.below(6)];
        format!("{lead}{name}{tail}")
    }

    /// A command line with some of the words that are looked for, in order or not.
    fn line(&mut self, words: &Words) -> String {
        let own =
            |name: &str| name.strip_prefix('a').is_some_and(|rest| rest.parse::<u8>().is_ok());
        if words.keys().any(|name| own(name)) {
            return self.arguments(words);
        }
        let no_line = ["Image", "ParentImage", "ParentCommandLine", "User", "CurrentDirectory"];
        let all: Vec<String> = words
            .iter()
            .filter(|(name, _)| !no_line.contains(&name.as_str()))
            .flat_map(|(_, words)| words.clone())
            .collect();
        let most = if self.chance(30) { all.len().min(24) } else { 5 };
        let line = self.words_of(&all, most);
        let usual = ["ls -la /srv", "make -j2", "git status", "sh -c true"];
        match line.is_empty() {
            true => usual[self.below(4)].to_owned(),
            false => line,
        }
    }

    /// `a0`, `a1`, … each from its own words, sometimes moved.
    fn arguments(&mut self, words: &Words) -> String {
        let count = 2 + self.below(5);
        let mut line: Vec<String> = Vec::new();
        for at in 0..count {
            let of_place = words.get(&format!("a{at}")).cloned().unwrap_or_default();
            let others: Vec<String> = words
                .iter()
                .filter(|(name, _)| *name != "type")
                .flat_map(|(_, all)| all.clone())
                .collect();
            let from = if of_place.is_empty() || self.chance(15) { others } else { of_place };
            let word = self.one(&from).unwrap_or_else(|| "x".to_owned());
            let tail = ["", "", "", "1", ".jpg", "f"][self.below(6)];
            line.push(format!("{}{tail}", plain(word).replace(' ', "_")));
        }
        line.join(" ")
    }

    fn words_of(&mut self, words: &[String], most: usize) -> String {
        let mut line: Vec<String> = Vec::new();
        let forward = self.chance(60);
        let count = self.below(most + 1);
        let begin = self.below(words.len());
        for step in 0..count.min(words.len()) {
            let at = if forward { (begin + step) % words.len() } else { self.below(words.len()) };
            line.extend(words.get(at).map(|word| plain(word.clone())));
            if self.chance(15) {
                line.push(["x", "/srv/a", "--verbose", "é"][self.below(4)].to_owned());
            }
        }
        let line = line.join(if self.chance(80) { " " } else { "" });
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A word with something in the place of its wildcards.
fn plain(word: String) -> String {
    word.replace("\\*", "\u{1}").replace('*', "any").replace('?', "q").replace('\u{1}', "*")
}
