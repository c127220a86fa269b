//! A file of allowed signers, as ssh-keygen(1) describes it, as far as it can speak of a recorder.

use event::sign::{Certificate, NAMESPACE_SEAL, PRINCIPAL, Public};

use crate::time;

/// One line: a host's key and when it may have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    key: Public,
    after: Option<u64>,
    before: Option<u64>,
}

/// A line that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the allowed signers {why}")]
pub struct SignersError {
    /// 1, 2, …
    line: usize,
    /// What is wrong with it.
    why: &'static str,
}

impl Signer {
    /// Reads a file. Lines for other principals, other namespaces, other algorithms and of plain keys,
    /// which certify nothing, are passed over.
    ///
    /// # Errors
    /// [`SignersError`] for options and times that are not understood: they might forbid something.
    pub fn parse(text: &str) -> Result<Vec<Signer>, SignersError> {
        let mut signers = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if !text.is_empty() && !text.starts_with('#') {
                signers.extend(line_of(text).map_err(|why| SignersError { line, why })?);
            }
        }
        Ok(signers)
    }

    /// The line that allows the host of `certificate` to have signed at that time alone.
    #[must_use]
    pub fn line(certificate: &Certificate, before: Option<u64>) -> String {
        let stamp = |name: &str, unix: u64| {
            let stamp = time::stamp(unix).replace('-', "");
            format!(",{name}=\"{stamp}Z\"")
        };
        let after = stamp("valid-after", certificate.made_s);
        let before = before.map(|unix| stamp("valid-before", unix)).unwrap_or_default();
        format!(
            "{PRINCIPAL} cert-authority,namespaces=\"{NAMESPACE_SEAL}\"{after}{before} {} epoch-{}\n",
            certificate.host.line(),
            certificate.epoch
        )
    }

    pub(super) fn allows(&self, certificate: &Certificate) -> bool {
        self.key == certificate.host
            && self.after.is_none_or(|after| after <= certificate.made_s)
            && self.before.is_none_or(|before| certificate.made_s <= before)
    }
}

fn line_of(text: &str) -> Result<Option<Signer>, &'static str> {
    let (principals, rest) = text.split_once([' ', '\t']).ok_or("has no key")?;
    let (options, key) = match Public::from_line(rest) {
        Some(key) => ("", Some(key)),
        None => {
            let (options, rest) = split_options(rest.trim_start());
            (options, Public::from_line(rest))
        }
    };
    let ours = principals.split(',').any(|name| [PRINCIPAL, "*"].contains(&name));
    let Some(key) = key.filter(|_| ours) else { return Ok(None) };
    let mut signer = Signer { key, after: None, before: None };
    let (mut authority, mut named) = (false, true);
    for option in quoted_split(options) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "cert-authority" => authority = true,
            "namespaces" => named = value.split(',').any(|it| [NAMESPACE_SEAL, "*"].contains(&it)),
            "valid-after" => signer.after = Some(unix(value)?),
            "valid-before" => signer.before = Some(unix(value)?),
            "" => {}
            _ => return Err("has an option that is not known"),
        }
    }
    Ok((authority && named).then_some(signer))
}

/// The options end at the first blank outside quotes.
fn split_options(text: &str) -> (&str, &str) {
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '"';
        !quoted && c.is_ascii_whitespace()
    });
    end.map_or((text, ""), |end| text.split_at(end))
}

fn quoted_split(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c: char| {
        quoted ^= c == '"';
        !quoted && c == ','
    })
}

/// `YYYYMMDD[HHMM[SS]]Z`. Without the Z it would be in a time zone that is not known here.
fn unix(text: &str) -> Result<u64, &'static str> {
    let wrong = "has a time that is not YYYYMMDDHHMMSSZ";
    let digits = text.strip_suffix('Z').ok_or(wrong)?;
    if ![8, 12, 14].contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong);
    }
    time::of_stamp(&format!("{digits:0<14}")).ok_or(wrong)
}
