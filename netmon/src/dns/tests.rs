//! Messages as they are on the wire, and bytes that are none.

use proptest::prelude::*;

use super::*;

/// A name on the wire, its labels between dots.
pub(crate) fn wire(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut bytes: Vec<u8> =
        labels.flat_map(|l| [&[l.len() as u8][..], l.as_bytes()].concat()).collect();
    bytes.push(0);
    bytes
}

/// A message: number, flags, question, records (name, type, data).
pub(crate) fn message(
    id: u16,
    flags: u16,
    question: (&str, u16),
    records: &[(&[u8], u16, &[u8])],
) -> Vec<u8> {
    let counts = [1, records.len() as u16, 0, 0];
    let mut bytes: Vec<u8> =
        [id, flags].iter().chain(&counts).flat_map(|n| n.to_be_bytes()).collect();
    bytes.extend(wire(question.0));
    bytes.extend([question.1.to_be_bytes(), [0, 1]].concat());
    for (name, kind, data) in records {
        bytes.extend(*name);
        bytes.extend([kind.to_be_bytes(), [0, 1]].concat());
        bytes.extend(300u32.to_be_bytes());
        bytes.extend((data.len() as u16).to_be_bytes());
        bytes.extend(*data);
    }
    bytes
}

/// A pointer to the name that is asked for.
pub(crate) const ASKED: &[u8] = &[0xc0, 12];

#[test]
fn an_answer_has_its_records_and_the_addresses_behind_aliases() {
    let records: &[(&[u8], u16, &[u8])] = &[
        (ASKED, 5, &wire("cdn.example.net")),
        (&wire("cdn.example.net"), 1, &[192, 0, 2, 1]),
        (&wire("CDN.example.net"), 28, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        (&wire("other.example"), 1, &[192, 0, 2, 9]),
    ];
    let found = Message::parse(&message(7, 0x8180, ("www.example.com", 1), records));
    assert_eq!((found.id, found.is_answer, found.code, found.unreadable), (7, true, 0, false));
    assert_eq!(found.question, Some(("www.example.com".to_owned(), 1)));
    let texts: Vec<&str> = found.answers.iter().map(|record| record.text.as_str()).collect();
    let expected = [
        "www.example.com 300 CNAME cdn.example.net",
        "cdn.example.net 300 A 192.0.2.1",
        "CDN.example.net 300 AAAA 2001:db8::1",
        "other.example 300 A 192.0.2.9",
    ];
    assert_eq!(texts, expected);
    let addresses: Vec<String> = found.addresses().map(|address| address.to_string()).collect();
    assert_eq!(addresses, ["192.0.2.1", "2001:db8::1"], "of the name that was asked for");
}

#[test]
fn records_of_every_kind_have_a_text() {
    let check = |kind: u16, data: &[u8], expected: &str| {
        let bytes = message(1, 0x8000, ("a.b", kind), &[(ASKED, kind, data)]);
        let found = Message::parse(&bytes);
        assert!(!found.unreadable, "{expected}");
        let text = found.answers.first().map(|record| record.text.clone());
        assert_eq!(text, Some(format!("a.b 300 {expected}")));
    };
    check(12, ASKED, "PTR a.b");
    check(15, &[0, 10, 0xc0, 12], "MX 10 a.b");
    check(33, &[0, 1, 0, 2, 1, 187, 0xc0, 12], "SRV 1 2 443 a.b");
    check(16, b"\x03a\"b\x01\xff", r#"TXT "a\"b" "\xff""#);
    check(
        65,
        &[0, 1, 0, 0, 1, 0, 6, 2, b'h', b'2', 2, b'h', b'3', 0, 4, 0, 4, 1, 2, 3, 4, 0, 5, 0, 0],
        "HTTPS 1 . alpn=h2,h3 ipv4hint=1.2.3.4 ech",
    );
    check(64, &[0, 0, 0xc0, 12], "SVCB 0 a.b");
    check(999, &[1, 0xab], "TYPE999 \\# 2 01ab");
    check(1, &[1, 2, 3], "A \\# 3 010203");
    check(5, &[0xc0, 200], "CNAME \\# 2 c0c8");
}

#[test]
fn odd_bytes_in_names_are_written_out() {
    let mut bytes = message(1, 0, ("x", 1), &[]);
    bytes.splice(12..15, [4, b'a', b'.', 0, 0xff, 2, b'\\', b' ', 0]);
    let question = Message::parse(&bytes).question.map(|(name, _)| name);
    assert_eq!(question.as_deref(), Some(r"a\.\000\255.\\\032"));
    assert_eq!(Message::parse(&message(1, 0, ("", 2), &[])).question, Some((".".to_owned(), 2)));
}

#[test]
fn what_is_no_message_says_so_and_keeps_what_came_before() {
    let whole =
        message(1, 0x8000, ("a.b", 1), &[(ASKED, 1, &[1, 2, 3, 4]), (ASKED, 1, &[5, 6, 7, 8])]);
    for len in 0..whole.len() {
        assert!(Message::parse(&whole[..len]).unreadable, "{len}");
    }
    let cut = Message::parse(&whole[..whole.len() - 1]);
    assert_eq!((cut.answers.len(), cut.question.is_some()), (1, true));
    // Names that lead forward, to themselves, or in a circle.
    for pointer in [[0xc0, 12], [0xc0, 200], [0xff, 0xff], [0x80, 0]] {
        let mut bytes = message(1, 0, ("", 1), &[]);
        bytes.splice(12..13, pointer);
        assert!(Message::parse(&bytes).unreadable, "{pointer:?}");
    }
    let long = "abcdefghi.".repeat(26);
    assert!(Message::parse(&message(1, 0, (&long, 1), &[])).unreadable, "260 bytes");
}

#[test]
fn an_answer_with_very_many_records_is_told_in_part() {
    let records = vec![(ASKED, 1, &[1, 2, 3, 4][..]); MAX_ANSWERS + 1];
    let found = Message::parse(&message(1, 0x8000, ("a", 1), &records));
    assert_eq!((found.answers.len(), found.answers_cut), (MAX_ANSWERS, true));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in any::<u16>(), data in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = Message::parse(&bytes);
        for kind in [kind, 1, 5, 15, 16, 28, 33, 64, 65] {
            let _ = Message::parse(&message(1, 0x8000, ("a.b", kind), &[(ASKED, kind, &data)]));
        }
    }

    #[test]
    fn each_name_and_address_comes_back(name in "[a-z0-9-]{1,20}(\\.[a-z0-9-]{1,20}){0,5}", v4: [u8; 4], v6: [u8; 16], id: u16) {
        let found = Message::parse(&message(id, 0x8180, (&name, 1), &[(ASKED, 1, &v4), (ASKED, 28, &v6)]));
        prop_assert_eq!(found.question.as_ref().map(|(name, _)| name), Some(&name));
        prop_assert_eq!(found.id, id);
        let addresses: Vec<IpAddr> = found.addresses().collect();
        prop_assert_eq!(addresses, [IpAddr::from(v4), IpAddr::from(v6)]);
    }
}
