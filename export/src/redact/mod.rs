//! `--redact`: what a run tells is told to strangers without its secrets, its people and its machines.
//!
//! A line goes in and the same line comes out, with a keyed mark in the place of each thing that is hidden: one
//! thing has one mark wherever it stands, and in every run that is redacted with the same key. First all lines
//! are looked at ([`Learning`]), as a secret that shows itself in one place may stand bare in another; then they
//! are changed ([`Redactor`]). Formats are made of changed lines alone. `docs/export.md` says what is hidden.

mod fields;
mod learned;
mod machines;
mod paths;
mod places;
#[cfg(test)]
mod tests;
mod texts;

use event::redact::Key;
use serde_json::{Map, Value, json};

pub use self::learned::{Learning, TooMuch};
use self::{
    fields::{Role, role},
    learned::Learned,
    places::Places,
    texts::{Texts, nested},
};
use crate::{Event, Run, event_line};

/// Version of the policy: goes up when a word hides other things than before.
const VERSION: u32 = 1;

/// What may be hidden; the order is that of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// What [`event::redact`] takes for a secret, wherever it stands.
    Secrets,
    /// Values of environment variables.
    Env,
    /// Names of users.
    Users,
    /// Names of machines.
    Hosts,
    /// IP addresses.
    Addresses,
    /// Names of files and directories that are not the system's.
    Paths,
}

impl What {
    /// All of them.
    pub const ALL: [What; 6] =
        [What::Secrets, What::Env, What::Users, What::Hosts, What::Addresses, What::Paths];

    /// What is hidden where nobody says more.
    pub const DEFAULT: [What; 2] = [What::Secrets, What::Env];

    /// Its word on the command line and in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            What::Secrets => "secrets",
            What::Env => "env",
            What::Users => "users",
            What::Hosts => "hosts",
            What::Addresses => "addresses",
            What::Paths => "paths",
        }
    }
}

/// How often each was hidden.
pub type Counts = [u64; What::ALL.len()];

/// What is to be hidden, and by which marks.
#[derive(Debug, Clone)]
pub struct Policy {
    what: Vec<What>,
    key: Key,
}

impl Policy {
    /// Hides these, with marks by this key.
    #[must_use]
    pub fn new(what: &[What], key: Key) -> Policy {
        let what = What::ALL.into_iter().filter(|one| what.contains(one)).collect();
        Policy { what, key }
    }

    /// The name of a run's machine as it stands in what is made of it.
    #[must_use]
    pub fn host(&self, name: &str) -> String {
        let hidden = self.hides(What::Hosts) && machines::is_told(name.as_bytes());
        let mark = || event::redact::shown(&self.key.mark(name.as_bytes()));
        if hidden { mark() } else { name.to_owned() }
    }

    fn hides(&self, what: What) -> bool {
        self.what.contains(&what)
    }

    /// The policy as it stands in what was made by it.
    fn told(&self, counts: &Counts) -> Value {
        let words: Vec<&str> = self.what.iter().map(|what| what.word()).collect();
        let replaced: Map<String, Value> = What::ALL
            .into_iter()
            .zip(counts)
            .filter(|(what, _)| self.hides(*what))
            .map(|(what, count)| (what.word().to_owned(), (*count).into()))
            .collect();
        json!({ "version": VERSION, "what": words, "key": self.key.name(), "replaced": replaced })
    }
}

/// Changes the lines of one run.
#[derive(Debug)]
pub struct Redactor {
    policy: Policy,
    learned: Learned,
    places: Places,
    counts: Counts,
    /// What the first line says of the policy; taken when it is written.
    first: Option<Value>,
    line: Vec<u8>,
}

impl Redactor {
    fn new(policy: Policy, learned: Learned) -> Redactor {
        let (places, counts) = (Places::default(), Counts::default());
        Redactor { policy, learned, places, counts, first: None, line: Vec::new() }
    }

    /// Returns how much was hidden so far and starts anew: the next line is the run's first one, and says so.
    pub fn begin(&mut self) -> Counts {
        let counts = std::mem::take(&mut self.counts);
        self.first = Some(self.policy.told(&counts));
        counts
    }

    /// Returns how much was hidden since it began.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Returns the run's page without what is hidden, and with the policy.
    #[must_use]
    pub fn run(&mut self, run: &Run) -> Run {
        // The page says again what the lines say: they are counted.
        let counts = self.counts;
        let mut page = Map::new();
        for (name, value) in &run.page {
            if name.strip_suffix("_b64").is_some_and(|base| run.page.contains_key(base)) {
                continue;
            }
            let twin = run.page.get(&format!("{name}_b64"));
            let hidden = self.field(role("", name), value, twin);
            let (value, twin) = match hidden {
                Some(texts) => (texts.value(), texts.twin()),
                None => (value.clone(), twin.cloned()),
            };
            page.insert(name.clone(), value);
            if let Some(twin) = twin {
                page.insert(format!("{name}_b64"), twin);
            }
        }
        self.counts = counts;
        Run {
            id: run.id.clone(),
            page,
            seal_sha256: run.seal_sha256,
            redaction: self.first.clone(),
        }
    }

    /// Returns the line without what is hidden, without its newline; `None` where it is no event.
    pub fn line(&mut self, line: &[u8]) -> Option<&[u8]> {
        let event = Event::parse(line);
        event.fields().next()?;
        let kind = event.text("type");
        let mut out = std::mem::take(&mut self.line);
        out.clear();
        let marks = self.counts[What::Secrets as usize];
        for (name, value) in event.fields() {
            if name.strip_suffix("_b64").is_some_and(|base| event.value(base).is_some()) {
                continue;
            }
            let twin = event.value(&format!("{name}_b64"));
            self.put(kind, (name, value), twin, &mut out);
        }
        let marks = self.counts[What::Secrets as usize] - marks;
        self.end(kind, &event, marks, &mut out);
        // Each field has a comma before it.
        if let Some(brace) = out.first_mut() {
            *brace = b'{';
        }
        out.push(b'}');
        self.line = out;
        Some(&self.line)
    }

    /// Appends a field and its twin.
    fn put(
        &mut self,
        kind: &str,
        (name, value): (&str, &Value),
        twin: Option<&Value>,
        out: &mut Vec<u8>,
    ) {
        let secrets = self.policy.hides(What::Secrets);
        match (kind, name) {
            // How many marks there are is said again, with those of now.
            ("exec", "redacted") => return,
            // Its bytes, less those of the words around a secret, are the secret's.
            ("exec", "argv_len") if secrets => return,
            ("exec", "argv_hash") if secrets => {
                let mark = self.policy.key.mark(value.to_string().as_bytes());
                return key(name, &event::redact::shown(&mark).into(), out);
            }
            _ => {}
        }
        match self.field(role(kind, name), value, twin) {
            None => {
                key(name, value, out);
                if let Some(twin) = twin {
                    key(&format!("{name}_b64"), twin, out);
                }
            }
            Some(texts) => texts.put(name, out),
        }
    }

    /// Appends what stands behind the fields of the line.
    fn end(&mut self, kind: &str, event: &Event<'_>, marks: u64, out: &mut Vec<u8>) {
        let before = event.number("redacted").unwrap_or(0);
        if kind == "exec" && marks + before > 0 {
            key("redacted", &(marks + before).into(), out);
        }
        if let Some(told) = self.first.take() {
            key("redaction", &told, out);
        }
    }

    /// The field without what is hidden; `None` where nothing is.
    fn field(&mut self, role: Role, value: &Value, twin: Option<&Value>) -> Option<Texts> {
        if role == Role::Ours {
            return None;
        }
        let Some(mut texts) = Texts::of(value, twin) else {
            let mut hide = |text: &[u8]| self.hidden(Role::Text, text);
            return nested(value, &mut hide).map(Texts::Other);
        };
        let changed = texts.change(role == Role::Words, &mut |text| self.hidden(role, text));
        changed.then_some(texts)
    }

    /// The text without what is hidden; `None` where nothing is.
    fn hidden(&mut self, role: Role, text: &[u8]) -> Option<Vec<u8>> {
        self.places.begin(text);
        self.learned.find(&self.policy, role, text, &mut self.places);
        self.places.hide(text, &self.policy.key, &mut self.counts)
    }
}

fn key(name: &str, value: &Value, out: &mut Vec<u8>) {
    out.push(b',');
    event::json::string(name.as_bytes(), out);
    out.push(b':');
    event_line::put(value, out);
}
