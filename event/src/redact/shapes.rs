//! Secrets that show by their own form: tokens of known services, private keys, random letters.

use std::ops::Range;

use super::{Rule, Spans};

/// Beginnings of tokens, and how many letters follow at least. From the services' own documents and
/// the lists of secret scanners.
const PREFIXES: [(&[u8], usize); 47] = [
    (b"ghp_", 30),
    (b"gho_", 30),
    (b"ghu_", 30),
    (b"ghs_", 30),
    (b"ghr_", 30),
    (b"github_pat_", 22),
    (b"glpat-", 18),
    (b"glrt-", 18),
    (b"gldt-", 18),
    (b"glptt-", 18),
    (b"AKIA", 16),
    (b"ASIA", 16),
    (b"sk-ant-", 20),
    (b"sk-proj-", 20),
    (b"sk-or-", 20),
    (b"sk-", 32),
    (b"sk_live_", 16),
    (b"sk_test_", 16),
    (b"rk_live_", 16),
    (b"rk_test_", 16),
    (b"whsec_", 16),
    (b"xoxb-", 16),
    (b"xoxa-", 16),
    (b"xoxp-", 16),
    (b"xoxr-", 16),
    (b"xoxs-", 16),
    (b"xapp-", 16),
    (b"npm_", 30),
    (b"pypi-", 40),
    (b"hf_", 30),
    (b"AIza", 35),
    (b"ya29.", 20),
    (b"SG.", 40),
    (b"dop_v1_", 40),
    (b"shpat_", 24),
    (b"shpss_", 24),
    (b"dckr_pat_", 20),
    (b"hvs.", 20),
    (b"hvb.", 20),
    (b"ATATT3", 30),
    (b"AGE-SECRET-KEY-1", 40),
    (b"lin_api_", 30),
    (b"pul-", 40),
    (b"dapi", 32),
    (b"tskey-", 16),
    (b"gsk_", 40),
    (b"EAACEdEose0cBA", 10),
];

/// Whether a token can begin with these two bytes: words are many, and most are told apart by this.
static BEGINS: [u64; 1024] = begins();

const fn begins() -> [u64; 1024] {
    let mut set = [0; 1024];
    let mut at = 0;
    while at < PREFIXES.len() {
        if let [first, second, ..] = PREFIXES[at].0 {
            let pair = (*first as usize) << 8 | *second as usize;
            set[pair >> 6] |= 1 << (pair & 63);
        }
        at += 1;
    }
    set
}

fn may_begin(rest: &[u8]) -> bool {
    let [first, second, ..] = rest else { return false };
    let pair = usize::from(*first) << 8 | usize::from(*second);
    BEGINS.get(pair >> 6).is_some_and(|set| set >> (pair & 63) & 1 == 1)
}

/// What stands before hashes that everybody may know.
const PUBLIC: [&[u8]; 9] = [
    b"sha1-", b"sha256-", b"sha384-", b"sha512-", b"SHA256:", b"sha256:", b"sha512:", b"h1:",
    b"blake3:",
];

/// Shortest and longest run of random letters: shorter ones are names, longer ones are data.
const RANDOM: std::ops::RangeInclusive<usize> = 32..=512;

/// Finds them in `text`, which stands at `at`.
pub(super) fn scan(at: usize, text: &[u8], spans: &mut Spans) {
    let mut add = |range: Range<usize>, rule| spans.add(at + range.start..at + range.end, rule);
    let (mut start, mut key_end) = (0, 0);
    while start < text.len() {
        let run = run_at(text, start, is_token);
        let Some(token) = text.get(run.clone()).filter(|token| !token.is_empty()) else {
            start += 1;
            continue;
        };
        if run.start >= key_end
            && let Some(key) = private_key(text, run.start)
        {
            key_end = run.start + key.end;
            add(run.start + key.start..key_end, Rule::Key);
        }
        known_tokens(token, |range| {
            add(run.start + range.start..run.start + range.end, Rule::Token);
        });
        random_parts(token, |range| {
            if !is_public(text, run.start) {
                add(run.start + range.start..run.start + range.end, Rule::Random);
            }
        });
        start = run.end;
    }
}

fn is_token(byte: u8) -> bool {
    // Each byte of each argument is asked.
    static OF_TOKENS: [bool; 256] = table(b"_-.+/=");
    OF_TOKENS.get(usize::from(byte)).is_some_and(|is| *is)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Letters and digits, and these marks.
const fn table(marks: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
}

fn run_at(text: &[u8], start: usize, inside: impl Fn(u8) -> bool) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    start..start + rest.iter().position(|byte| !inside(*byte)).unwrap_or(rest.len())
}

/// What is between the first and the last line of a private key (RFC 7468).
fn private_key(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..)?;
    let head = rest.strip_prefix(b"-----BEGIN")?;
    let line = head.get(..head.len().min(64))?;
    let kind = line.windows(11).position(|window| window == b"PRIVATE KEY")?;
    let body = b"-----BEGIN".len() + kind + 11;
    let body = body + rest.get(body..)?.iter().take_while(|byte| **byte == b'-').count();
    let end = rest.get(body..)?.windows(8).position(|window| window == b"-----END");
    Some(body..end.map_or(rest.len(), |end| body + end))
}

/// Tokens begin where a word begins. Each byte is looked at for one token and one end of a word, so that
/// the time stays linear.
fn known_tokens(token: &[u8], mut add: impl FnMut(Range<usize>)) {
    let (mut before, mut done, mut word_end) = (b'/', 0, 0);
    for (at, byte) in token.iter().enumerate() {
        let begins = !before.is_ascii_alphanumeric();
        before = *byte;
        if !begins || at < done {
            continue;
        }
        if at >= word_end {
            word_end = run_at(token, at, is_word).end;
        }
        let end = jwt(token, at..word_end).or_else(|| known_token(token, at..word_end));
        if let Some(end) = end {
            add(at..end);
            done = end;
        }
    }
}

/// Where a token of a known service ends that begins with this word.
fn known_token(token: &[u8], word: Range<usize>) -> Option<usize> {
    let rest = token.get(word.start..).filter(|rest| may_begin(rest))?;
    let (prefix, least) = PREFIXES.iter().find(|(prefix, _)| rest.starts_with(prefix))?;
    let body = word.start + prefix.len();
    let dots = prefix.ends_with(b".") || *prefix == b"pypi-";
    let end =
        if dots { run_at(token, body, |byte| is_word(byte) || byte == b'.').end } else { word.end };
    (end >= body + least).then_some(end)
}

/// Where a token ends that is a JSON object in base64, what it claims, and a signature that may be
/// missing.
fn jwt(token: &[u8], head: Range<usize>) -> Option<usize> {
    token.get(head.start..)?.strip_prefix(b"eyJ")?;
    if head.len() < 10 || token.get(head.end) != Some(&b'.') {
        return None;
    }
    let claims = run_at(token, head.end + 1, is_word);
    if claims.len() < 10 {
        return None;
    }
    let signed = token.get(claims.end) == Some(&b'.');
    Some(if signed { run_at(token, claims.end + 1, is_word).end } else { claims.end })
}

fn is_public(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let rest = text.get(at..).unwrap_or_default();
    PUBLIC.iter().any(|mark| before.ends_with(mark) || rest.starts_with(mark))
}

/// Runs that look drawn by lot. A path's parts are looked at one by one, but for the one form of 40
/// letters in which `/` is a digit (the secret half of an AWS key).
fn random_parts(token: &[u8], mut add: impl FnMut(Range<usize>)) {
    let bare = token.strip_suffix(b"=").unwrap_or(token);
    let start = bare.iter().rposition(|byte| *byte == b'=').map_or(0, |equal| equal + 1);
    let last = bare.get(start..).unwrap_or_default();
    let aws = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+');
    if last.len() == 40 && last.iter().all(aws) && looks_random(last) {
        return add(start..start + 40);
    }
    let mut at = 0;
    for part in token.split(|byte| matches!(byte, b'/' | b'.' | b'=')) {
        if RANDOM.contains(&part.len()) && looks_random(part) {
            add(at..at + part.len());
        }
        at += part.len() + 1;
    }
}

/// Small and large letters and digits, mixed as by lot: in names of people's making a letter mostly
/// follows one of its own kind. Hashes in hexadecimal and UUIDs have no large letters.
fn looks_random(part: &[u8]) -> bool {
    let class = |byte: &u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let mut seen = [0_usize; 4];
    let mut letters = [0_u16; 256];
    let (mut changes, mut before) = (0_usize, None);
    for byte in part {
        let class = class(byte);
        if let Some(place) = seen.get_mut(class) {
            *place += 1;
        }
        if let Some(place) = letters.get_mut(usize::from(*byte)) {
            *place += 1;
        }
        changes += usize::from(before.is_some_and(|before| before != class));
        before = Some(class);
    }
    let different = letters.iter().filter(|count| **count > 0).count();
    let public = [&b"AAAA"[..], b"_ZN", b"_R"].iter().any(|start| part.starts_with(start));
    let [small, large, digits, marks] = seen;
    let mixed = small >= 4 && large >= 4 && digits >= 2 && marks * 8 <= part.len();
    mixed && !public && changes * 20 >= part.len() * 9 && different * 2 >= part.len().min(40)
}
