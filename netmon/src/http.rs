//! The host that the first HTTP request of a connection is for (RFC 9112, 3.2).

use std::net::IpAddr;

use event::model::HostSource;

/// Reads the head of a request, as far as it has come; lines count when they have ended. What the
/// recorder left out of it does not matter here.
pub(crate) fn host(head: &[u8]) -> Option<(Vec<u8>, HostSource)> {
    let end = head.iter().rposition(|byte| *byte == b'\n')?;
    let mut lines = head.get(..end)?.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let mut first = lines.next()?.split(|byte| *byte == b' ');
    let target = first.next().filter(|method| *method == b"CONNECT").and(first.next());
    if let Some(name) = target.and_then(name_of) {
        return Some((name, HostSource::HttpConnect));
    }
    for line in lines.take_while(|line| !line.is_empty()) {
        let Some((field, value)) = line.split_at_checked(5) else { continue };
        if field.eq_ignore_ascii_case(b"host:") {
            return Some((name_of(value)?, HostSource::HttpHost));
        }
    }
    None
}

/// Returns the host of `HOST:PORT`; none when it is an address, which is no name.
fn name_of(value: &[u8]) -> Option<Vec<u8>> {
    let value = value.trim_ascii();
    if value.first() == Some(&b'[') {
        return None;
    }
    let name = value.split(|byte| *byte == b':').next()?;
    let text = std::str::from_utf8(name).unwrap_or_default();
    (!name.is_empty() && text.parse::<IpAddr>().is_err()).then(|| name.to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(head: &str, expected: Option<(&str, HostSource)>) {
        let expected = expected.map(|(name, source)| (name.as_bytes().to_vec(), source));
        assert_eq!(host(head.as_bytes()), expected, "{head:?}");
    }

    #[test]
    fn the_host_is_that_of_the_line_or_of_connect() {
        use HostSource::{HttpConnect, HttpHost};
        check("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", Some(("a.example", HttpHost)));
        check("POST /x HTTP/1.1\nA: b\nhOST:a.example:8080\n\n", Some(("a.example", HttpHost)));
        check("CONNECT b.example:443 HTTP/1.1\r\nHost: c\r\n", Some(("b.example", HttpConnect)));
        check("GET \nU\nHost: a.example\r\n", Some(("a.example", HttpHost)));
        for head in [
            "",
            "GET / HTTP/1.1\r\nHost: a.exam",
            "GET / HTTP/1.1\r\n\r\nHost: body.example\r\n",
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n",
            "GET / HTTP/1.1\r\nHost: [::1]:80\r\n",
            "GET / HTTP/1.1\r\nHost: \r\n",
            "GET / HTTP/1.1\r\nX-Host: a\r\n",
        ] {
            check(head, None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = host(&bytes);
        }

        #[test]
        fn each_name_comes_back(name in "[a-z][a-z0-9.-]{0,40}", before in "([A-Z][a-z]{1,9}: [ -~]{0,20}\r\n){0,3}") {
            let head = format!("GET / HTTP/1.1\r\n{before}Host: {name}\r\n");
            prop_assume!(!before.to_ascii_lowercase().contains("host:"));
            prop_assert_eq!(host(head.as_bytes()), Some((name.into_bytes(), HostSource::HttpHost)));
        }
    }
}
