//! Which names promise a secret.

/// Longest name that is looked at: of a longer one the end counts.
const LONGEST: usize = 64;

/// The last word of a secret's name.
const LAST: [&str; 24] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "pass",
    "pwd",
    "secret",
    "token",
    "credential",
    "credentials",
    "bearer",
    "jwt",
    "psk",
    "apikey",
    "apitoken",
    "authtoken",
    "accesstoken",
    "secretkey",
    "accesskey",
    "privatekey",
    "userpass",
    "passin",
    "passout",
];

/// What the last word may end with (`PGPASSWORD`).
const ENDS: [&str; 5] = ["password", "passwd", "token", "secret", "apikey"];

/// The word before `key`.
const KEYS: [&str; 12] = [
    "api",
    "access",
    "secret",
    "private",
    "auth",
    "encryption",
    "account",
    "shared",
    "signing",
    "master",
    "session",
    "app",
];

/// First words of switches that take no secret.
const SWITCHES: [&str; 17] = [
    "no", "ask", "show", "use", "with", "prompt", "print", "disable", "enable", "skip", "allow",
    "require", "need", "has", "is", "without", "hide",
];

/// Parameters of URLs that are secrets although their names do not say so.
const PARAMETERS: [&str; 9] =
    ["key", "sig", "signature", "auth", "code", "session", "sessionid", "sid", "ticket"];

/// Lines of a request whose values are secrets.
const HEADERS: [&str; 5] =
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-amz-security-token"];

/// A name in small letters, its words parted by `-`.
struct Plain {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Plain {
    fn of(name: &[u8]) -> Plain {
        let mut plain = Plain { bytes: [0; LONGEST], len: 0 };
        let from = name.len().saturating_sub(LONGEST / 2);
        let mut before = b'-';
        for byte in name.get(from..).unwrap_or_default().iter().copied() {
            if byte.is_ascii_uppercase() && before.is_ascii_lowercase() {
                plain.push(b'-');
            }
            plain.push(if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' });
            before = byte;
        }
        plain
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    /// Its words, the last first.
    fn words(&self) -> impl Iterator<Item = &[u8]> {
        let whole = self.bytes.get(..self.len).unwrap_or_default();
        whole.rsplit(|byte| *byte == b'-').filter(|word| !word.is_empty())
    }
}

fn is_in(list: &[&str], word: &[u8]) -> bool {
    list.iter().any(|other| other.as_bytes() == word)
}

/// Returns whether the value under this name is a secret.
pub(super) fn is_secret(name: &[u8]) -> bool {
    let plain = Plain::of(name);
    let mut words = plain.words();
    let Some(last) = words.next() else { return false };
    let switch = plain.words().last().is_some_and(|first| is_in(&SWITCHES, first));
    let named = is_in(&LAST, last)
        || ENDS.iter().any(|end| last.ends_with(end.as_bytes()))
        || last == b"key" && words.next().is_some_and(|word| is_in(&KEYS, word));
    named && !switch
}

/// Returns whether the name is one of a key that is mostly given as the path of a file.
pub(super) fn is_key(name: &[u8]) -> bool {
    let plain = Plain::of(name);
    let mut words = plain.words();
    match words.next() {
        Some(b"key") => words.next() == Some(b"private"),
        last => last == Some(b"privatekey"),
    }
}

/// Returns whether a parameter of an URL is a secret.
pub(super) fn is_parameter(name: &[u8]) -> bool {
    let plain = Plain::of(name);
    let mut words = plain.words();
    let last = words.next();
    last.is_some_and(|last| is_in(&PARAMETERS, last))
}

/// Returns whether a header's value is a secret; `Some(true)` when a scheme stands before it.
pub(super) fn header(name: &[u8]) -> Option<bool> {
    let known = HEADERS.iter().find(|header| header.as_bytes().eq_ignore_ascii_case(name))?;
    Some(known.ends_with("authorization"))
}
