//! DSSE envelopes (secure-systems-lab/dsse, protocol 1.0.2): a payload of a known type, signed.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::Secret;

impl Secret {
    /// Returns the envelope of `payload`, one line of JSON without its newline. `payload_type` is a media type;
    /// the key's id is its fingerprint, as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn envelope(&self, payload_type: &str, payload: &[u8]) -> String {
        let signature = self.sign_raw(&pre_auth(payload_type, payload));
        // A media type, base64 and a fingerprint need no escapes.
        format!(
            r#"{{"payloadType":"{payload_type}","payload":"{}","signatures":[{{"keyid":"{}","sig":"{}"}}]}}"#,
            BASE64_STANDARD.encode(payload),
            self.public(),
            BASE64_STANDARD.encode(signature),
        )
    }
}

/// What is signed: "DSSEv1", type and payload, each with its length before it.
fn pre_auth(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    bytes.reserve(payload.len());
    let mut bytes = bytes.into_bytes();
    bytes.extend(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::pre_auth;

    #[test]
    fn what_is_signed_is_the_example_of_the_specification() {
        let bytes = pre_auth("http://example.com/HelloWorld", b"hello world");
        assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }
}
