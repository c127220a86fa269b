//! CRYPTO data out of a client's Initial packets of QUIC (RFC 9000, RFC 9001, version 2: RFC 9369).
//!
//! They are encrypted, but with keys made from a number in the packet itself, so that anybody may read
//! them. The check of the cipher tells a real one from bytes that only look so.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::AeadInOut;
use hkdf::Hkdf;
use sha2::Sha256;

use crate::cursor::Cursor;

/// What differs between the versions of QUIC.
struct Version {
    number: u32,
    salt: [u8; 20],
    /// The two bits of the type of Initial packets.
    initial: u8,
    labels: [&'static str; 3],
}

/// RFC 9001, 5.2 and RFC 9369, 3.3.
const VERSIONS: [Version; 2] = [
    Version {
        number: 1,
        salt: [
            0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
            0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
        ],
        initial: 0,
        labels: ["quic key", "quic iv", "quic hp"],
    },
    Version {
        number: 0x6b33_43cf,
        salt: [
            0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26,
            0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9,
        ],
        initial: 1,
        labels: ["quicv2 key", "quicv2 iv", "quicv2 hp"],
    },
];

/// Longest connection id (RFC 9000, 17.2).
const MAX_ID: usize = 20;
/// Where the sample for the header's mask begins behind the packet number (RFC 9001, 5.4.2).
const SAMPLE_AT: usize = 4;
const TAG: usize = 16;

/// Keys of a client's Initial packets.
#[derive(Clone)]
pub(crate) struct Keys {
    key: [u8; 16],
    iv: [u8; 12],
    mask: [u8; 16],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    fn of(version: &Version, id: &[u8]) -> Option<Keys> {
        let (_, initial) = Hkdf::<Sha256>::extract(Some(&version.salt), id);
        let mut secret = [0; 32];
        expand(&initial, "client in", &mut secret)?;
        let client = Hkdf::<Sha256>::from_prk(&secret).ok()?;
        let mut keys = Keys { key: [0; 16], iv: [0; 12], mask: [0; 16] };
        let [key, iv, mask] = version.labels;
        expand(&client, key, &mut keys.key)?;
        expand(&client, iv, &mut keys.iv)?;
        expand(&client, mask, &mut keys.mask)?;
        Some(keys)
    }

    fn mask(&self, sample: [u8; 16]) -> [u8; 16] {
        let mut block = sample.into();
        Aes128::new(&self.mask.into()).encrypt_block(&mut block);
        block.into()
    }

    /// The nonce of a packet. First packets have numbers that are not shortened.
    fn nonce(&self, number: u32) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, number) in nonce.iter_mut().rev().zip(number.to_le_bytes()) {
            *byte ^= number;
        }
        nonce
    }

    /// Takes the protection off `packet`; its number begins at `at`. Returns the frames.
    fn open(&self, packet: &[u8], at: usize) -> Option<Vec<u8>> {
        let sample = packet.get(at + SAMPLE_AT..)?.first_chunk::<16>()?;
        let mask = self.mask(*sample);
        let first = *packet.first()? ^ (mask.first()? & 0x0f);
        let len = usize::from(first & 3) + 1;
        let mut header = packet.get(..at + len)?.to_vec();
        *header.first_mut()? = first;
        let mut number = 0;
        for (byte, mask) in header.iter_mut().skip(at).zip(mask.iter().skip(1)) {
            *byte ^= mask;
            number = number << 8 | u32::from(*byte);
        }
        let sealed = packet.get(at + len..)?;
        let (body, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
        let tag: [u8; TAG] = tag.try_into().ok()?;
        let mut body = body.to_vec();
        let nonce = self.nonce(number).into();
        Aes128Gcm::new(&self.key.into())
            .decrypt_inout_detached(&nonce, &header, body.as_mut_slice().into(), &tag.into())
            .ok()?;
        Some(body)
    }
}

/// HKDF-Expand-Label (RFC 8446, 7.1) without context.
fn expand(from: &Hkdf<Sha256>, label: &str, out: &mut [u8]) -> Option<()> {
    let label = ["tls13 ", label].concat();
    let lens = [u16::try_from(out.len()).ok()?.to_be_bytes(), [0, u8::try_from(label.len()).ok()?]];
    let [high_low, [_, label_len]] = lens;
    let info = [&high_low[..], &[label_len], label.as_bytes(), &[0]].concat();
    from.expand(&info, out).ok()
}

/// Hands each piece of CRYPTO data in the Initial packets of a datagram to `take`, with its offset.
/// `known`: keys of this conversation; the server's first answer gives the client another connection
/// id to use, but the keys stay (RFC 9001, 5.2).
pub(crate) fn crypto(datagram: &[u8], known: &mut Option<Keys>, mut take: impl FnMut(u32, &[u8])) {
    let mut rest = datagram;
    while let Some((packet, after)) = next_packet(rest) {
        if let Some(initial) = packet {
            let own = Keys::of(initial.version, initial.id);
            let opened = |keys: &Keys| initial.open(keys);
            let frames = own.as_ref().and_then(opened);
            if frames.is_some() {
                *known = own;
            }
            let frames = frames.or_else(|| known.as_ref().and_then(opened));
            if let Some(frames) = frames {
                // Frames before one that does not belong there count.
                let _ = each_crypto(&frames, &mut take);
            }
        }
        rest = after;
    }
}

struct Initial<'a> {
    version: &'static Version,
    id: &'a [u8],
    packet: &'a [u8],
    number_at: usize,
}

impl Initial<'_> {
    fn open(&self, keys: &Keys) -> Option<Vec<u8>> {
        keys.open(self.packet, self.number_at)
    }
}

/// Splits the first packet off a datagram; it is none of interest when it is no Initial.
fn next_packet(datagram: &[u8]) -> Option<(Option<Initial<'_>>, &[u8])> {
    let mut cursor = Cursor(datagram);
    let first = cursor.u8()?;
    // A short header has no length and ends the datagram; zeros are padding.
    if first & 0xc0 != 0xc0 {
        return None;
    }
    let number = cursor.u32()?;
    let version = VERSIONS.iter().find(|version| version.number == number)?;
    let id = cursor.short().filter(|id| id.len() <= MAX_ID)?;
    cursor.short().filter(|id| id.len() <= MAX_ID)?;
    let kind = (first >> 4 & 3).wrapping_sub(version.initial) & 3;
    match kind {
        0 => {
            let token = varint(&mut cursor)?;
            cursor.take(usize::try_from(token).ok()?)?;
        }
        // Retry has no length.
        3 => return None,
        _ => {}
    }
    let len = usize::try_from(varint(&mut cursor)?).ok()?;
    let number_at = datagram.len() - cursor.0.len();
    let (packet, after) = datagram.split_at_checked(number_at.checked_add(len)?)?;
    let initial = (kind == 0).then_some(Initial { version, id, packet, number_at });
    Some((initial, after))
}

/// RFC 9000, 16.
fn varint(cursor: &mut Cursor<'_>) -> Option<u64> {
    let first = cursor.u8()?;
    let mut value = u64::from(first & 0x3f);
    for byte in cursor.take((1 << (first >> 6)) - 1)? {
        value = value << 8 | u64::from(*byte);
    }
    Some(value)
}

/// Frames that an Initial packet may hold: RFC 9000, 12.4.
fn each_crypto(frames: &[u8], take: &mut impl FnMut(u32, &[u8])) -> Option<()> {
    let mut cursor = Cursor(frames);
    while let Some(kind) = cursor.u8() {
        match kind {
            0 | 1 => {}
            2 | 3 => acknowledgement(kind, &mut cursor)?,
            6 => {
                let offset = varint(&mut cursor)?;
                let len = usize::try_from(varint(&mut cursor)?).ok()?;
                let data = cursor.take(len)?;
                take(u32::try_from(offset).ok()?, data);
            }
            _ => return None,
        }
    }
    Some(())
}

/// Reads over an ACK frame: RFC 9000, 19.3.
fn acknowledgement(kind: u8, cursor: &mut Cursor<'_>) -> Option<()> {
    varint(cursor)?;
    varint(cursor)?;
    let ranges = varint(cursor)?;
    varint(cursor)?;
    for _ in 0..ranges {
        varint(cursor)?;
        varint(cursor)?;
    }
    if kind == 3 {
        for _ in 0..3 {
            varint(cursor)?;
        }
    }
    Some(())
}

#[cfg(test)]
pub(crate) mod tests;
