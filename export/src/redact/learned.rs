//! What the lines of a run show of what is to be hidden: first gathered, then found wherever it stands.

use std::collections::{BTreeSet, HashSet};

use aho_corasick::AhoCorasick;
use event::redact::{self, MARK, Spans};
use serde_json::{Map, Value};

use super::{
    Policy, Redactor, What,
    fields::{Role, role},
    machines, paths,
    places::{Places, is_mark},
    texts::Texts,
};
use crate::{Event, Run};

/// A shorter secret is hidden where it shows itself as one and not everywhere: it would be part of many words.
const SHORTEST: usize = 6;
/// Different texts and their bytes that are looked for in each text; of their automaton each byte takes some
/// hundred bytes of memory.
const MOST_TEXTS: usize = 100_000;
const MOST_BYTES: usize = 4 << 20;
/// Different names of files; each takes some 10 bytes.
const MOST_NAMES: usize = 8_000_000;

/// Users that name nobody.
const NOBODY: [&[u8]; 3] = [b"", b"root", b"nobody"];

/// There is more to hide than can be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has more different secrets or names than can be hidden (100,000 or 4 MiB; 8,000,000 names of files)"
)]
pub struct TooMuch;

/// Gathers what is to be hidden.
#[derive(Debug)]
pub struct Learning {
    policy: Policy,
    secrets: BTreeSet<Vec<u8>>,
    users: BTreeSet<Vec<u8>>,
    hosts: BTreeSet<Vec<u8>>,
    /// Names of files, by their marks: they are many.
    names: HashSet<[u8; MARK]>,
    bytes: usize,
    spans: Spans,
}

/// What was gathered.
#[derive(Debug)]
pub(super) struct Learned {
    secrets: Option<AhoCorasick>,
    /// Users and hosts, which are whole words, and which of the two each is.
    words: Option<AhoCorasick>,
    kinds: Vec<What>,
    names: HashSet<[u8; MARK]>,
    spans: Spans,
}

impl Learning {
    /// Starts on a run.
    #[must_use]
    pub fn new(policy: &Policy, run: &Run) -> Learning {
        let mut learning = Learning {
            policy: policy.clone(),
            secrets: BTreeSet::new(),
            users: BTreeSet::new(),
            hosts: BTreeSet::new(),
            names: HashSet::new(),
            bytes: 0,
            spans: Spans::default(),
        };
        learning.page(&run.page);
        learning
    }

    fn page(&mut self, page: &Map<String, Value>) {
        for (name, value) in page {
            self.field(role("", name), value, page.get(&format!("{name}_b64")));
        }
    }

    /// Looks at a line.
    pub fn line(&mut self, line: &[u8]) {
        let event = Event::parse(line);
        let kind = event.text("type");
        for (name, value) in event.fields() {
            self.field(role(kind, name), value, event.value(&format!("{name}_b64")));
            if (kind, name) == ("dns", "answers") && self.policy.hides(What::Hosts) {
                self.answers(value);
            }
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// Where there is more than can be looked for.
    pub fn settle(self) -> Result<Redactor, TooMuch> {
        let texts = self.secrets.len() + self.users.len() + self.hosts.len();
        if texts > MOST_TEXTS || self.bytes > MOST_BYTES || self.names.len() > MOST_NAMES {
            return Err(TooMuch);
        }
        let kinds = self.users.iter().map(|_| What::Users);
        let kinds = kinds.chain(self.hosts.iter().map(|_| What::Hosts)).collect();
        let words: Vec<&Vec<u8>> = self.users.iter().chain(&self.hosts).collect();
        let learned = Learned {
            secrets: automaton(&self.secrets.iter().collect::<Vec<_>>())?,
            words: automaton(&words)?,
            kinds,
            names: self.names,
            spans: self.spans,
        };
        Ok(Redactor::new(self.policy, learned))
    }

    fn field(&mut self, role: Role, value: &Value, twin: Option<&Value>) {
        if role == Role::Ours {
            return;
        }
        match Texts::of(value, twin) {
            Some(Texts::One(text)) => self.text(role, &text),
            Some(Texts::Many(items)) if role == Role::Words => self.text(role, &items.join(&0)),
            Some(Texts::Many(items)) => items.iter().for_each(|item| self.text(role, item)),
            _ => {}
        }
    }

    fn text(&mut self, role: Role, text: &[u8]) {
        let Learning { policy, secrets, users, hosts, names, bytes, spans } = self;
        // Beyond the most it fails in the end anyhow: nothing more is kept.
        if *bytes > MOST_BYTES {
            return;
        }
        let mut note = |set: &mut BTreeSet<Vec<u8>>, text: &[u8]| {
            if !is_mark(text) && !set.contains(text) {
                *bytes += text.len();
                set.insert(text.to_vec());
            }
        };
        if policy.hides(What::Secrets) {
            redact::scan(text, spans);
            for span in spans.iter() {
                let secret = text.get(span.range()).unwrap_or_default();
                if secret.len() >= SHORTEST && !secret.contains(&0) {
                    note(secrets, secret);
                }
            }
        }
        if policy.hides(What::Users) {
            let mut user = |name: &[u8]| {
                if !NOBODY.contains(&name) {
                    note(users, name);
                }
            };
            if role == Role::User {
                user(text);
            }
            paths::homes(text, |place| user(text.get(place).unwrap_or_default()));
        }
        if policy.hides(What::Hosts) {
            let mut host = |name: &[u8]| {
                if machines::is_name(name) {
                    note(hosts, name);
                }
            };
            if role == Role::Host {
                host(text);
            }
            machines::authorities(text, host);
        }
        if policy.hides(What::Paths) && role == Role::Path && names.len() <= MOST_NAMES {
            paths::hidden(text, |place| {
                names.insert(policy.key.mark(text.get(place).unwrap_or_default()));
            });
        }
    }

    /// Names in the answers of DNS: `NAME TTL TYPE DATA`.
    fn answers(&mut self, value: &Value) {
        let answers = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        for word in answers.flat_map(|answer| answer.split(' ')) {
            if word.contains('.') {
                self.text(Role::Host, word.trim_end_matches('.').as_bytes());
            }
        }
    }
}

impl Learned {
    /// Notes what is hidden of a text.
    pub(super) fn find(&mut self, policy: &Policy, role: Role, text: &[u8], places: &mut Places) {
        if policy.hides(What::Secrets) {
            redact::scan(text, &mut self.spans);
            for span in self.spans.iter() {
                places.add(span.range(), What::Secrets);
            }
            for found in self.secrets.iter().flat_map(|all| all.find_overlapping_iter(text)) {
                places.add(found.range(), What::Secrets);
            }
        }
        if policy.hides(What::Env)
            && role == Role::Env
            && let Some(equal) = text.iter().position(|byte| *byte == b'=')
        {
            places.add(equal + 1..text.len(), What::Env);
        }
        for found in self.words.iter().flat_map(|all| all.find_overlapping_iter(text)) {
            let range = found.range();
            let before = range.start.checked_sub(1).and_then(|at| text.get(at));
            let bare = |byte: Option<&u8>| !byte.is_some_and(|byte| is_of_word(*byte));
            if let Some(what) = self.kinds.get(found.pattern().as_usize())
                && bare(before)
                && bare(text.get(range.end))
            {
                places.add(range, *what);
            }
        }
        if policy.hides(What::Hosts) && role == Role::Host && machines::is_told(text) {
            places.add(0..text.len(), What::Hosts);
        }
        if policy.hides(What::Users) && matches!(role, Role::Words | Role::Text) {
            machines::users_at(text, |place| places.add(place, What::Users));
        }
        if policy.hides(What::Addresses) {
            machines::addresses(text, |place| places.add(place, What::Addresses));
        }
        if policy.hides(What::Paths) {
            self.paths(policy, role, text, places);
        }
    }

    fn paths(&self, policy: &Policy, role: Role, text: &[u8], places: &mut Places) {
        match role {
            Role::Path => paths::hidden(text, |place| places.add(place, What::Paths)),
            Role::Words | Role::Text | Role::Env => paths::words(text, |word| {
                let bytes = text.get(word.clone()).unwrap_or_default();
                let slash = bytes.iter().position(|byte| *byte == b'/');
                // `-I/src`: the path begins behind the option.
                let skip = slash.filter(|_| bytes.starts_with(b"-")).unwrap_or(0);
                if slash.is_some() {
                    let path = bytes.get(skip..).unwrap_or_default();
                    let at = word.start + skip;
                    let add = |place: std::ops::Range<usize>| at + place.start..at + place.end;
                    paths::hidden(path, |place| places.add(add(place), What::Paths));
                } else if self.names.contains(&policy.key.mark(bytes)) {
                    places.add(word, What::Paths);
                }
            }),
            _ => {}
        }
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || byte >= 0x80
}

fn automaton(texts: &[&Vec<u8>]) -> Result<Option<AhoCorasick>, TooMuch> {
    if texts.is_empty() {
        return Ok(None);
    }
    AhoCorasick::new(texts).map(Some).map_err(|_| TooMuch)
}
