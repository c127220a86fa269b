//! The seal as a text of its own: what is signed for people who have no tool of ours.
//!
//! The recorder writes it from what it recorded; a verifier writes it again from what it read and
//! compares. Nobody parses it but people and jq.

use super::Public;
use crate::{
    digest::hex,
    frame::control::{Ending, Seal, Start},
    json, time,
};

/// Name of the seal's text, beside the segments.
pub const SEAL_NAME: &str = "seal";
/// Name of the signature over it.
pub const SEAL_SIG_NAME: &str = "seal.sig";

/// What a seal says.
#[derive(Debug, Clone, Copy)]
pub struct SealText<'a> {
    /// The run's id.
    pub run: &'a [u8],
    /// The host's name.
    pub host: &'a [u8],
    /// How the recording began.
    pub start: &'a Start,
    /// How it ended.
    pub seal: &'a Seal,
    /// Which epoch of the host's keys certified the run's.
    pub epoch: u64,
    /// The host's key of that epoch.
    pub key: &'a Public,
    /// Every segment, in order.
    pub segments: &'a [SegmentSum],
}

impl SealText<'_> {
    /// How the text has one segment.
    #[must_use]
    pub fn entry(segment: &SegmentSum) -> String {
        let SegmentSum { number, len, sha256 } = segment;
        format!(r#"{{"file":"{number:06}.seg","len":{len},"sha256":"{}"}}"#, hex(sha256))
    }
}

/// A whole segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentSum {
    /// 1, 2, …
    pub number: u32,
    /// Bytes.
    pub len: u64,
    /// SHA-256 over all of them.
    pub sha256: [u8; 32],
}

/// Returns the text: one JSON object, a newline.
#[must_use]
pub fn seal_text(what: &SealText<'_>) -> Vec<u8> {
    let SealText { start, seal, .. } = what;
    let mut out = br#"{"schema":"audit.seal","version":1,"run":"#.to_vec();
    json::string(what.run, &mut out);
    out.extend(br#","host":"#);
    json::string(what.host, &mut out);
    out.extend(br#","started":""#);
    time::rfc3339(start.real_ns, &mut out);
    out.extend(br#"","ended":""#);
    time::rfc3339(seal.real_ns, &mut out);
    let ending = Ending::from_wire(seal.ending).map_or("unknown", Ending::name);
    let status = if seal.main_known == 1 { seal.main_code.to_string() } else { "null".to_owned() };
    let Seal { frames, alive, chain, .. } = seal;
    let (uid, trust) = (start.uid, start.trust);
    out.extend(
        format!(
            r#"","trust":{trust},"uid":{uid},"wait_status":{status},"ending":"{ending}","alive":{alive},"frames":{frames},"chain":"{}","epoch":{},"key":"{}","segments":["#,
            hex(chain),
            what.epoch,
            what.key,
        )
        .bytes(),
    );
    for (at, segment) in what.segments.iter().enumerate() {
        out.extend(if at == 0 { "" } else { "," }.bytes());
        out.extend(SealText::entry(segment).bytes());
    }
    out.extend(b"]}\n");
    out
}
