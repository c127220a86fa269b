//! A disk that refuses: the record goes on in the reserve with what matters most, then not at all.

use event::frame::{BLOCK_HEAD_LEN, control, redact, signed};

use super::{RESERVE, RESERVE_FOR_SEAL, Writer, signer::Signer};

/// How the writing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// Everything is written.
    Good,
    /// The disk refused once; so many bytes of the reserve are left.
    Reserve(u64),
    /// The disk refused the reserve too: nothing more is written, the run will have no seal.
    Dead,
}

impl Writer {
    /// On a full disk: what says how the record stands, processes and sockets, as long as the reserve
    /// lasts; the last part of it is for the end alone.
    pub(super) fn admits(&mut self, kind: u16, len: usize) -> bool {
        // At worst it is a block of its own that does not pack.
        let len = (len + BLOCK_HEAD_LEN) as u64;
        match &mut self.health {
            Health::Good => true,
            Health::Dead => false,
            Health::Reserve(left) => {
                let keep = if self.closing { 0 } else { RESERVE_FOR_SEAL };
                let fits = is_precious(kind) && *left >= keep + len;
                *left -= if fits { len } else { 0 };
                fits
            }
        }
    }

    /// After a refusal: what was buffered is lost and counted, the next frames continue after the last
    /// good one.
    pub(super) fn fall_back(&mut self, now_ns: u64) {
        self.refusals += 1;
        self.account.refused();
        self.signing(Signer::refused);
        self.end_sum();
        (self.seq, self.chain) = (self.safe.0, self.safe.1.clone());
        (self.filled, self.hashed, self.waits_ns) = (0, 0, None);
        self.health = match self.health {
            Health::Good if self.disk.use_reserve() => Health::Reserve(RESERVE),
            _ => Health::Dead,
        };
        if self.health != Health::Dead {
            self.open_segment(self.disk.number(), now_ns);
        }
    }
}

/// Kinds that are written into the reserve.
fn is_precious(kind: u16) -> bool {
    let says = [
        control::KIND_SEGMENT,
        control::KIND_CHECKPOINT,
        control::KIND_SEAL,
        control::KIND_LOST,
        control::KIND_SOURCE,
        // Without it an exec of the reserve would show only stars.
        redact::KIND_REDACTED,
        signed::KIND_KEYS,
        signed::KIND_SIGNATURE,
    ];
    let record = kind < event::wire::Kind::Open as u16 && kind != event::wire::Kind::Payload as u16;
    record || says.contains(&kind)
}
