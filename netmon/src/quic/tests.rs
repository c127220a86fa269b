//! The packets of RFC 9001, appendix A, and RFC 9369, appendix A.

use aes_gcm::aead::AeadInOut;
use proptest::prelude::*;

use super::*;

/// The client's first connection id in both documents.
const ID: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

/// The CRYPTO frame of appendix A.2: a ClientHello for example.com.
pub(crate) const CRYPTO: &str = "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868\
    04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100\
    000a00080006001d0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9\
    caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306\
    030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ff\
    ff0801100104800075300901100f088394c8f03e51570806048000ffff";

/// Bytes from hexadecimal digits.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(text, 16).expect("digits")
    };
    digits.chunks(2).map(pair).collect()
}

fn version(number: u32) -> &'static Version {
    VERSIONS.iter().find(|version| version.number == number).expect("a version")
}

/// Protects frames as a client does: a header of the documents' form, packet number of 4 bytes.
fn protect(version: &Version, keys_of: &[u8], id: &[u8], number: u32, frames: &[u8]) -> Vec<u8> {
    let keys = Keys::of(version, keys_of).expect("keys");
    let len = u16::try_from(frames.len() + 4 + TAG).expect("short") | 0x4000;
    let mut header = vec![0xc3 | version.initial << 4];
    header.extend(version.number.to_be_bytes());
    header.push(id.len() as u8);
    header.extend(id);
    header.extend([0, 0]);
    header.extend(len.to_be_bytes());
    let at = header.len();
    header.extend(number.to_be_bytes());
    let mut body = frames.to_vec();
    let nonce = keys.nonce(number).into();
    let cipher = Aes128Gcm::new(&keys.key.into());
    let tag = cipher.encrypt_inout_detached(&nonce, &header, body.as_mut_slice().into());
    let mut packet = [header, body, tag.expect("it fits").to_vec()].concat();
    let sample = packet[at + SAMPLE_AT..].first_chunk().expect("long enough");
    let mask = keys.mask(*sample);
    packet[0] ^= mask[0] & 0x0f;
    for (byte, mask) in packet[at..at + 4].iter_mut().zip(&mask[1..]) {
        *byte ^= mask;
    }
    packet
}

/// The example packet: the frame, padded to a datagram of 1,200 bytes.
pub(crate) fn example(number: u32) -> Vec<u8> {
    let mut frames = hex(CRYPTO);
    frames.resize(1162, 0);
    protect(version(number), &ID, &ID, 2, &frames)
}

#[test]
fn keys_are_those_of_the_documents() {
    let check = |number, key: &str, iv: &str, mask: &str| {
        let keys = Keys::of(version(number), &ID).expect("keys");
        assert_eq!(
            (keys.key.to_vec(), keys.iv.to_vec(), keys.mask.to_vec()),
            (hex(key), hex(iv), hex(mask))
        );
    };
    check(
        1,
        "1f369613dd76d5467730efcbe3b1a22d",
        "fa044b2f42a3fd3b46fb255c",
        "9f50449e04a0e810283a1e9933adedd2",
    );
}

#[test]
fn the_packets_are_those_of_the_documents() {
    let check = |number, begin: &str, end: &str| {
        let packet = example(number);
        assert_eq!(packet.len(), 1200);
        assert!(packet.starts_with(&hex(begin)), "{number:x}");
        assert!(packet.ends_with(&hex(end)), "{number:x}");
    };
    check(
        1,
        "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
        "7e78bfe706ca4cf5e9c5453e9f7cfd2b8b4c8d169a44e55c88d4a9a7f9474241e221af44860018ab0856972e194cd934",
    );
    check(
        0x6b33_43cf,
        "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071",
        "9a37ddec600545473cfb5a05e08d0b209973b2172b4d21fb69745a262ccde96ba18b2faa745b6fe189cf772a9f84cbfc",
    );
}

fn crypto_of(datagram: &[u8], known: &mut Option<Keys>) -> Vec<(u32, Vec<u8>)> {
    let mut found = Vec::new();
    crypto(datagram, known, |offset, piece| found.push((offset, piece.to_vec())));
    found
}

#[test]
fn the_crypto_data_of_both_versions_is_read() {
    for number in [1, 0x6b33_43cf] {
        let expected = [(0, hex(CRYPTO)[4..].to_vec())];
        assert_eq!(crypto_of(&example(number), &mut None), expected, "{number:x}");
    }
}

#[test]
fn a_changed_bit_makes_it_no_packet() {
    let packet = example(1);
    for at in [0, 6, 18, 22, 600, 1199] {
        let mut changed = packet.clone();
        changed[at] ^= 1;
        assert_eq!(crypto_of(&changed, &mut None), [], "byte {at}");
    }
}

#[test]
fn later_packets_are_read_with_the_keys_of_the_first() {
    let first = protect(version(1), &ID, &ID, 0, &[&[6, 0, 5][..], b"abcde"].concat());
    // An acknowledgement, a ping, and a piece at offset 5; to the id that the server chose.
    let frames = [&[2, 0, 0, 0, 0, 1, 6, 5, 3][..], b"fgh"].concat();
    let second = protect(version(1), &ID, b"server", 1, &frames);
    let mut known = None;
    assert_eq!(crypto_of(&second, &mut known), []);
    assert_eq!(crypto_of(&first, &mut known), [(0, b"abcde".to_vec())]);
    assert_eq!(crypto_of(&second, &mut known), [(5, b"fgh".to_vec())]);
    // Both in one datagram, and padding behind.
    let both = [first, second, vec![0; 300]].concat();
    assert_eq!(crypto_of(&both, &mut None).len(), 2);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), quic: bool) {
        if quic && bytes.len() > 6 {
            bytes[..6].copy_from_slice(&[0xc3, 0, 0, 0, 1, 4]);
        }
        crypto_of(&bytes, &mut Keys::of(version(1), &ID));
        let _ = each_crypto(&bytes, &mut |_, _| {});
    }
}
