//! Options and their values: what a word says of the next one.

use super::{Rule, Spans, names};

/// What the word before promises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Nothing,
    /// All of it is a secret.
    Secret,
    /// What is behind this byte is one: `user:password`.
    After(u8),
}

/// A program's short options with secrets: attached to the letter, or as the next word.
struct Known {
    programs: &'static [&'static str],
    letter: u8,
    attached: bool,
    apart: bool,
    next: Next,
}

const fn known(
    programs: &'static [&'static str],
    letter: u8,
    (attached, apart): (bool, bool),
    next: Next,
) -> Known {
    Known { programs, letter, attached, apart, next }
}

/// `mysql -p name` asks for the password: the next word is a database.
const MYSQL: [&str; 9] = [
    "mysql",
    "mysqldump",
    "mysqladmin",
    "mysqlimport",
    "mysqlcheck",
    "mariadb",
    "mariadb-dump",
    "mariadb-admin",
    "mycli",
];
const ARCHIVERS: [&str; 7] = ["7z", "7za", "7zr", "7zz", "rar", "unrar", "p7zip"];
const LOGINS: [&str; 6] = ["docker", "podman", "nerdctl", "helm", "oras", "skopeo"];
const MONGO: [&str; 6] =
    ["mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport"];
const LDAP: [&str; 5] = ["ldapsearch", "ldapmodify", "ldapadd", "ldapdelete", "ldappasswd"];
const CURL: [&str; 2] = ["curl", "curlie"];
const SMB: [&str; 3] = ["smbclient", "rpcclient", "net"];

const KNOWN: [Known; 11] = [
    known(&MYSQL, b'p', (true, false), Next::Secret),
    known(&ARCHIVERS, b'p', (true, false), Next::Secret),
    known(&["sshpass"], b'p', (true, true), Next::Secret),
    known(&MONGO, b'p', (true, true), Next::Secret),
    known(&["zip", "unzip"], b'P', (true, true), Next::Secret),
    known(&["redis-cli", "valkey-cli"], b'a', (false, true), Next::Secret),
    known(&LDAP, b'w', (false, true), Next::Secret),
    known(&["sqlcmd", "bcp"], b'P', (true, true), Next::Secret),
    known(&CURL, b'u', (true, true), Next::After(b':')),
    known(&CURL, b'U', (true, true), Next::After(b':')),
    known(&SMB, b'U', (true, true), Next::After(b'%')),
];

/// Options whose value is `user:password`.
const USERS: [&[u8]; 5] = [b"user", b"proxy-user", b"auth", b"basic-auth", b"creds"];

/// Reads the words of a command line one after the other.
#[derive(Debug, Default)]
pub(super) struct Words<'a> {
    program: &'a [u8],
    next: Next,
    /// `$NAME` names a variable here, and is no value.
    shell: bool,
    /// `login` was among the words: `-p` of these programs is a password then.
    login: bool,
    /// `set` of a setting that is called like a secret.
    setting: bool,
}

impl<'a> Words<'a> {
    /// Reads a text that a shell will read.
    pub(super) fn of_shell() -> Self {
        Words { shell: true, ..Words::default() }
    }

    /// Takes the next word, which stands at `at`.
    pub(super) fn next(&mut self, at: usize, word: &'a [u8], spans: &mut Spans) {
        let setting = std::mem::take(&mut self.setting);
        match std::mem::take(&mut self.next) {
            Next::Secret if !word.starts_with(b"--") => return self.value(at, word, spans),
            Next::After(byte) => return after(at, word, byte, spans),
            _ => {}
        }
        if !word.starts_with(b"-") {
            self.plain(at, word, setting, spans);
        } else if !self.short(at, word, spans) {
            self.long(at, word, spans);
        }
    }

    fn plain(&mut self, at: usize, word: &'a [u8], setting: bool, spans: &mut Spans) {
        let name = word.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let is_known = |known: &Known| known.programs.iter().any(|p| p.as_bytes() == name);
        let login = LOGINS.iter().any(|program| program.as_bytes() == name);
        if KNOWN.iter().any(is_known) || login {
            self.program = name;
        }
        self.login |= word == b"login";
        // `aws configure set aws_secret_access_key VALUE`, `git config http.token VALUE`
        if setting {
            self.value(at, word, spans);
        }
        self.setting = word.iter().any(|byte| matches!(byte, b'_' | b'.'))
            && !word.contains(&b'/')
            && names::is_secret(word);
    }

    /// A short option of a program that is known; returns whether it was one.
    fn short(&mut self, at: usize, word: &[u8], spans: &mut Spans) -> bool {
        let [b'-', letter, rest @ ..] = word else { return false };
        if self.login && *letter == b'p' && LOGINS.iter().any(|p| p.as_bytes() == self.program) {
            if rest.is_empty() {
                self.next = Next::Secret;
            } else {
                self.value(at + 2, rest, spans);
            }
            return true;
        }
        let fits = |known: &&Known| {
            known.letter == *letter && known.programs.iter().any(|p| p.as_bytes() == self.program)
        };
        let Some(known) = KNOWN.iter().find(fits) else { return false };
        match (rest.is_empty(), known.next) {
            (true, _) if known.apart => self.next = known.next,
            (false, Next::After(byte)) if known.attached => after(at + 2, rest, byte, spans),
            (false, Next::Secret) if known.attached => self.value(at + 2, rest, spans),
            _ => return false,
        }
        // What follows is another program's line.
        if self.program == b"sshpass" {
            self.program = b"";
        }
        true
    }

    /// `--name=value`, or `--name` before a value; with one dash too.
    fn long(&mut self, at: usize, word: &[u8], spans: &mut Spans) {
        let dashes = word.iter().take_while(|byte| **byte == b'-').count();
        let equal = word.iter().position(|byte| *byte == b'=');
        let name = word.get(dashes..equal.unwrap_or(word.len())).unwrap_or_default();
        let value = equal.map(|equal| (at + equal + 1, word.get(equal + 1..).unwrap_or_default()));
        if USERS.contains(&name) && dashes == 2 {
            match value {
                Some((at, value)) => after(at, value, b':', spans),
                None => self.next = Next::After(b':'),
            }
        } else if name.len() > 1 && names::is_secret(name) {
            match value {
                Some((_, value)) if names::is_key(name) && is_path(value) => {}
                Some((at, value)) => self.value(at, value, spans),
                // `mysql --password name`: as with -p
                None if MYSQL.iter().any(|program| program.as_bytes() == self.program) => {}
                None => self.next = Next::Secret,
            }
        }
    }

    fn value(&self, at: usize, value: &[u8], spans: &mut Spans) {
        if let Some((skip, value)) = secret_part(value, self.shell) {
            spans.add(at + skip..at + skip + value.len(), Rule::Flag);
        }
    }
}

/// What of an option's value is the secret, with its place; `None` when it only says where it is.
pub(super) fn secret_part(value: &[u8], shell: bool) -> Option<(usize, &[u8])> {
    // openssl(1), "Pass Phrase Options"
    if let Some(rest) = value.strip_prefix(b"pass:") {
        return Some((5, rest));
    }
    let said: [&[u8]; 8] = [b"true", b"false", b"yes", b"no", b"none", b"null", b"-", b""];
    let digit = value.len() == 1 && value.first().is_some_and(u8::is_ascii_digit);
    (!digit && !said.contains(&value) && !is_elsewhere(value, shell)).then_some((0, value))
}

/// What begins like this only says where the secret is.
pub(super) fn is_elsewhere(value: &[u8], shell: bool) -> bool {
    let elsewhere: [&[u8]; 4] = [b"env:", b"file:", b"fd:", b"stdin"];
    elsewhere.iter().any(|prefix| value.starts_with(prefix)) || shell && is_variable(value)
}

/// A shell will put something else in its place.
pub(super) fn is_variable(value: &[u8]) -> bool {
    matches!(value, [b'$', next, ..] if next.is_ascii_alphabetic() || matches!(next, b'{' | b'(' | b'_'))
}

pub(super) fn is_path_start(value: &[u8]) -> bool {
    let starts: [&[u8]; 4] = [b"/", b"./", b"../", b"~/"];
    starts.iter().any(|start| value.starts_with(start))
}

fn is_path(value: &[u8]) -> bool {
    let ends: [&[u8]; 4] = [b".pem", b".key", b".der", b".txt"];
    is_path_start(value) || ends.iter().any(|end| value.ends_with(end))
}

/// `user:password`: the user is not a secret.
fn after(at: usize, word: &[u8], byte: u8, spans: &mut Spans) {
    if let Some(colon) = word.iter().position(|other| *other == byte) {
        spans.add(at + colon + 1..at + word.len(), Rule::Flag);
    }
}
