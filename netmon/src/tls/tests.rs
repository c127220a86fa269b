//! ClientHellos that are whole, split and cut.

use proptest::prelude::*;

use super::*;
use crate::quic::tests::{CRYPTO, hex};

/// A ClientHello with these extensions.
pub(crate) fn hello(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let long = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let all: Vec<u8> = extensions
        .iter()
        .flat_map(|(kind, data)| [kind.to_be_bytes().to_vec(), long(data)].concat())
        .collect();
    let body =
        [&[3, 3][..], &[7; 32], &[2, 1, 2], &long(&[0x13, 1]), &[1, 0], &long(&all)].concat();
    let len = (body.len() as u32).to_be_bytes();
    [&[CLIENT_HELLO][..], &len[1..], &body].concat()
}

/// A server name extension.
pub(crate) fn server_name(name: &[u8]) -> (u16, Vec<u8>) {
    let entry = [&[0][..], &(name.len() as u16).to_be_bytes(), name].concat();
    (SERVER_NAME, [&(entry.len() as u16).to_be_bytes()[..], &entry].concat())
}

/// Puts a handshake into records of at most `size` bytes.
pub(crate) fn records(handshake: &[u8], size: usize) -> Vec<u8> {
    let record =
        |part: &[u8]| [&[HANDSHAKE, 3, 1][..], &(part.len() as u16).to_be_bytes(), part].concat();
    handshake.chunks(size).flat_map(record).collect()
}

#[test]
fn the_hello_of_rfc_9001_has_its_name_and_protocol() {
    let expected = Hello {
        name: Some(b"example.com".to_vec()),
        alpn: vec!["alpn".to_owned()],
        ech: false,
        whole: true,
    };
    assert_eq!(client_hello(&hex(CRYPTO)[4..]), expected);
}

#[test]
fn a_hello_without_a_name_or_with_an_encrypted_one_says_so() {
    let none = client_hello(&hello(&[]));
    assert_eq!((none.name, none.ech, none.whole), (None, false, true));
    let front = [server_name(b"front.example"), (ENCRYPTED_HELLO, vec![0; 40])];
    let front = client_hello(&hello(&front));
    assert_eq!((front.name, front.ech, front.whole), (Some(b"front.example".to_vec()), true, true));
    assert_eq!(client_hello(b"\x02\x00\x00\x04abcd"), Hello::default(), "a ServerHello is none");
}

#[test]
fn a_name_counts_from_its_last_byte_on() {
    let bytes =
        hello(&[(0xaaaa, vec![]), server_name(b"a.example"), (ALPN, vec![0, 3, 2, b'h', b'2'])]);
    let end = bytes.windows(9).position(|part| part == b"a.example").expect("it is there") + 9;
    for len in 0..bytes.len() {
        let known = client_hello(&bytes[..len]);
        assert_eq!(known.name.is_some(), len >= end, "{len}");
        assert!(!known.whole, "{len}");
    }
    assert!(client_hello(&bytes).whole);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), like: bool) {
        let mut bytes = bytes;
        if like && bytes.len() > 4 {
            bytes[..4].copy_from_slice(&[1, 0, 0, 200]);
        }
        let _ = client_hello(&handshake(&bytes));
        let _ = client_hello(&bytes);
    }

    #[test]
    fn each_name_comes_back_from_records_of_any_size(
        name in prop::collection::vec(any::<u8>(), 1..64), size in 1usize..200, grease in prop::collection::vec(any::<u8>(), 0..40)
    ) {
        let bytes = hello(&[(0x0a0a, grease), server_name(&name)]);
        let joined = handshake(&records(&bytes, size));
        prop_assert_eq!(&joined, &bytes);
        prop_assert_eq!(client_hello(&joined).name, Some(name));
    }
}
