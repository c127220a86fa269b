//! What the front itself tells of the command, without its secrets.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use event::redact::{self, Key};
use storage::Store;

use crate::{args::RunArgs, failure::Failure};

/// The key, unless the user wants secrets in the record.
#[derive(Debug, Clone)]
pub(super) struct Secrets(Option<Key>);

impl Secrets {
    /// Takes the store's key; one for this run alone where the store gives none, so that marks then
    /// match within the run only.
    pub(super) fn of(args: &RunArgs, store: &Store) -> Result<Secrets, Failure> {
        if args.no_redact {
            return Ok(Secrets(None));
        }
        let key = store.redaction_key().or_else(|_| storage::random_key());
        let key = key.map_err(|why| Failure::because("cannot make a key for marks", &why))?;
        Ok(Secrets(Some(Key::new(key))))
    }

    /// The key, as the recorder gets it.
    pub(super) fn key(&self) -> Option<&Key> {
        self.0.as_ref()
    }

    /// Name of the key.
    pub(super) fn name(&self) -> Option<String> {
        self.0.as_ref().map(Key::name)
    }

    /// The words of a command line.
    pub(super) fn words(&self, words: &[OsString]) -> Vec<Vec<u8>> {
        let plain = words.iter().map(|word| word.as_bytes());
        let Some(key) = &self.0 else { return plain.map(<[u8]>::to_vec).collect() };
        let argv = plain.collect::<Vec<_>>().join(&0);
        // An argument has no NUL, and neither has a mark.
        redact::marked(&argv, key).0.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
    }

    /// `NAME=value` of the variables of these names that are set.
    pub(super) fn variables(&self, names: &[String]) -> Vec<Vec<u8>> {
        let set = names.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        set.map(|(name, value)| self.variable(name, &value)).collect()
    }

    /// The value of a tag.
    pub(super) fn tag(&self, key: &str, value: &str) -> String {
        let whole = self.variable(key, OsStr::new(value));
        let value = whole.get(key.len() + 1..).unwrap_or_default();
        String::from_utf8_lossy(value).into_owned()
    }

    fn variable(&self, name: &str, value: &OsStr) -> Vec<u8> {
        let whole = [name.as_bytes(), b"=", value.as_bytes()].concat();
        self.0.as_ref().map_or_else(|| whole.clone(), |key| redact::marked(&whole, key).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_number_and_lose_their_secrets() {
        let key = Key::new([3; 32]);
        let mark = redact::shown(&key.mark(b"hunter2"));
        let words = ["curl", "-u", "me:hunter2", ""].map(OsString::from);
        let shown = Secrets(Some(key)).words(&words);
        let expected =
            ["curl", "-u", &format!("me:{mark}"), ""].map(|word| word.as_bytes().to_vec());
        assert_eq!(shown, expected);
        assert_eq!(Secrets(None).words(&words)[2], b"me:hunter2");
    }

    #[test]
    fn a_variable_that_is_called_like_a_secret_is_a_mark() {
        let key = Key::new([3; 32]);
        let mark = redact::shown(&key.mark(b"two words"));
        let secrets = Secrets(Some(key));
        let shown = |name, value: &str| secrets.variable(name, OsStr::new(value));
        assert_eq!(shown("DB_PASSWORD", "two words"), format!("DB_PASSWORD={mark}").into_bytes());
        assert_eq!(shown("LANG", "C.UTF-8"), b"LANG=C.UTF-8");
        assert_eq!(secrets.tag("ticket", "A-7"), "A-7");
        assert_eq!(secrets.tag("api-token", "two words"), mark);
    }
}
