//! Where findings go, as the user writes it.

/// Where to, as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::findings) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) subject: String,
}

impl Address {
    /// Understands `nats://HOST[:PORT]/SUBJECT`.
    pub(in crate::findings) fn parse(word: &str, insecure: bool) -> Result<Address, String> {
        let form = "findings go to nats://HOST:PORT/SUBJECT";
        // What stands before an @ may be a password, and is not shown.
        if word.contains('@') {
            return Err(format!(
                "an address holds no password: it would be seen in lists of processes\n\
                 {form}, with AUDIT_SHIP_NATS_USER and AUDIT_SHIP_NATS_PASSWORD, or AUDIT_SHIP_NATS_TOKEN, set"
            ));
        }
        let wrong = |why: &str| format!("cannot send findings to {word}: {why}\n{form}");
        if word.starts_with("tls://") {
            return Err(wrong("TLS is not spoken to NATS: send to a leaf node or a tunnel here"));
        }
        let rest = word.strip_prefix("nats://").ok_or_else(|| wrong("it is no such address"))?;
        let (server, subject) = rest.split_once('/').ok_or_else(|| wrong("it has no subject"))?;
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
            _ => (server, Some(4222)),
        };
        let port = port.ok_or_else(|| wrong("its port is no number"))?;
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let token = |token: &str| !token.is_empty() && token.bytes().all(valid);
        if host.is_empty() || !subject.split('.').all(token) {
            return Err(wrong("a subject is words of letters, digits, - and _, with dots between"));
        }
        if !insecure && !["localhost", "127.0.0.1", "[::1]"].contains(&host) {
            return Err(wrong(
                "nats:// shows everything on the way: a leaf node or a tunnel here, or --insecure-http",
            ));
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Address { host, port, subject: subject.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood_and_others_refused() {
        let parse = |word: &str| Address::parse(word, false);
        let address = parse("nats://127.0.0.1:7/audit.findings").expect("an address");
        assert_eq!((address.host.as_str(), address.port), ("127.0.0.1", 7));
        assert_eq!(parse("nats://localhost/a").expect("an address").port, 4222);
        assert_eq!(parse("nats://[::1]/a").expect("an address").host, "::1");
        for (word, why) in [
            ("nats://a:b@localhost/x", "holds no password"),
            ("tls://localhost/x", "TLS is not spoken"),
            ("http://localhost/x", "no such address"),
            ("nats://localhost", "no subject"),
            ("nats://localhost:x/a", "no number"),
            ("nats://localhost/a.*", "words of letters"),
            ("nats://localhost/a..b", "words of letters"),
            ("nats://192.0.2.1/a", "shows everything"),
        ] {
            let told = parse(word).expect_err(word);
            assert!(told.contains(why) && !told.contains("a:b"), "{told}");
        }
        assert!(Address::parse("nats://192.0.2.1/a", true).is_ok());
    }
}
