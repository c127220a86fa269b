//! What may be in a bundle, under which names, and how large.

use event::sign::{LINE_LEN, SEAL_NAME, SEAL_SIG_NAME};

use crate::{
    RunId,
    run::{EPOCHS, MAX_RULES, MAX_SEAL, RULES, SEGMENTS},
    segments,
};

/// Lines of a host's log that go along: 10 MB. Whoever has recorded more is checked by the key of the run.
pub(super) const MAX_EPOCHS: u64 = 16_384;

/// Longest signature over a seal.
const MAX_SIGNATURE: u64 = 8 * 1024;

/// A file in a bundle. Their order is that in the bundle: what is small and says what the rest is comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Member {
    /// The seal's text.
    Seal,
    /// The signature over it.
    Signature,
    /// The host's log of keys, up to the run's.
    Epochs,
    /// A copy of rules, by its hash.
    Rules(String),
    /// A segment, by its number.
    Segment(u32),
}

impl Member {
    /// Its directory below that of the run, and its name there.
    pub(super) fn place(&self) -> (Option<&'static str>, String) {
        match self {
            Member::Seal => (Some(SEGMENTS), SEAL_NAME.to_owned()),
            Member::Signature => (Some(SEGMENTS), SEAL_SIG_NAME.to_owned()),
            Member::Epochs => (None, EPOCHS.to_owned()),
            Member::Rules(hash) => (Some(RULES), format!("{hash}.yml")),
            Member::Segment(number) => (Some(SEGMENTS), segments::name(*number)),
        }
    }

    /// The directory of its header for the run `id`, and its name.
    pub(super) fn path(&self, id: &RunId) -> (String, String) {
        let (dir, name) = self.place();
        (dir.map_or_else(|| id.to_string(), |dir| format!("{id}/{dir}")), name)
    }

    /// Reads what [`Member::path`] says; `None` for every other name.
    pub(super) fn parse(path: &str, name: &str) -> Option<(RunId, Member)> {
        let (id, dir) = match path.split_once('/') {
            Some((id, dir)) => (id, Some(dir)),
            None => (path, None),
        };
        let id = RunId::parse(id)?;
        let member = match (dir, name) {
            (Some(SEGMENTS), SEAL_NAME) => Member::Seal,
            (Some(SEGMENTS), SEAL_SIG_NAME) => Member::Signature,
            (None, EPOCHS) => Member::Epochs,
            (Some(RULES), name) => Member::Rules(hash_of(name)?),
            (Some(SEGMENTS), name) => Member::Segment(name.strip_suffix(".seg")?.parse().ok()?),
            _ => return None,
        };
        // Written as we write it, or it is not ours: `+00001.seg`, `1.seg`.
        (member.path(&id) == (path.to_owned(), name.to_owned())).then_some((id, member))
    }

    /// The most bytes that it may have.
    pub(super) fn limit(&self) -> u64 {
        match self {
            Member::Seal => MAX_SEAL,
            Member::Signature => MAX_SIGNATURE,
            Member::Epochs => MAX_EPOCHS * LINE_LEN as u64,
            Member::Rules(_) => MAX_RULES,
            // The limit of the whole holds.
            Member::Segment(_) => u64::MAX,
        }
    }
}

/// The hash in the name of a copy of rules.
pub(super) fn hash_of(name: &str) -> Option<String> {
    let hash = name.strip_suffix(".yml")?;
    let is_hash = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (hash.len() == 64 && hash.bytes().all(is_hash)).then(|| hash.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_called_one_way_only() {
        let id = RunId::parse("20261121-201530-claude-7k2m").expect("an id");
        let rules = Member::Rules("ab".repeat(32));
        let all = [Member::Seal, Member::Signature, Member::Epochs, rules, Member::Segment(17)];
        assert!(all.is_sorted());
        for member in all {
            let (path, name) = member.path(&id);
            assert_eq!(Member::parse(&path, &name), Some((id.clone(), member)));
        }
    }

    #[test]
    fn every_other_name_is_none() {
        let id = "20261121-201530-claude-7k2m";
        for (path, name) in [
            (format!("{id}/segments"), "17.seg"),
            (format!("{id}/segments"), "000017.seg.x"),
            (format!("{id}/segments"), "../seal"),
            (format!("{id}/segments/.."), "seal"),
            (format!("/{id}/segments"), "seal"),
            (format!("{id}/rules"), "x.yml"),
            (id.to_owned(), "events.jsonl.zst"),
            (id.to_owned(), "meta.json"),
            ("..".to_owned(), "epochs"),
            (String::new(), "epochs"),
        ] {
            assert_eq!(Member::parse(&path, name), None, "{path}/{name}");
        }
    }
}
