//! AWS Signature Version 4: what shows an S3-compatible store who asks.
//!
//! Own lines, as the crates for it bring an SDK with them: four HMACs and one
//! canonical text, held to Amazon's published example.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::digest::{hex, sha256};

/// Who asks. The secret is shown by no format.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(super) key_id: String,
    pub(super) secret: String,
    pub(super) token: Option<String>,
    pub(super) region: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Signer").field("region", &self.region).finish_non_exhaustive()
    }
}

/// A request, as far as it is signed. The path is encoded as it goes over the wire.
#[derive(Debug)]
pub(super) struct Request<'r> {
    pub(super) method: &'r str,
    pub(super) host: &'r str,
    pub(super) path: &'r str,
    pub(super) payload_sha256: &'r str,
    /// Other headers, by lower-case name.
    pub(super) headers: &'r [(&'static str, String)],
}

impl Signer {
    /// Returns the headers that the request needs besides its own, at `YYYYMMDDTHHMMSSZ`.
    pub(super) fn sign(&self, request: &Request<'_>, at: &str) -> Vec<(&'static str, String)> {
        let mut added = vec![
            ("x-amz-content-sha256", request.payload_sha256.to_owned()),
            ("x-amz-date", at.to_owned()),
        ];
        added.extend(self.token.clone().map(|token| ("x-amz-security-token", token)));
        let mut signed: Vec<(&str, &str)> = vec![("host", request.host)];
        let all = request.headers.iter().chain(&added);
        signed.extend(all.map(|(name, value)| (*name, value.as_str())));
        signed.sort_unstable();
        let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String =
            signed.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let canonical = format!(
            "{}\n{}\n\n{lines}\n{names}\n{}",
            request.method, request.path, request.payload_sha256
        );
        let day = at.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let text = format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{}", sha256(canonical.as_bytes()));
        let key = [day, &self.region, "s3", "aws4_request"]
            .iter()
            .fold(format!("AWS4{}", self.secret).into_bytes(), |key, word| mac(&key, word));
        let signature = hex(&mac(&key, &text));
        let credential = format!("{}/{scope}", self.key_id);
        added.push((
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={names},Signature={signature}"
            ),
        ));
        added
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length; the error is of algorithms that do not.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Encodes a path: all but unreserved characters and `/`.
pub(super) fn encoded(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Example: PUT Object" of Amazon S3's API reference, Signature Calculations for the
    /// Authorization Header.
    #[test]
    fn the_published_example_has_the_published_signature() {
        let signer = Signer {
            key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            token: None,
            region: "us-east-1".to_owned(),
        };
        let headers = [
            ("date", "Fri, 24 May 2013 00:00:00 GMT".to_owned()),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY".to_owned()),
        ];
        let request = Request {
            method: "PUT",
            host: "examplebucket.s3.amazonaws.com",
            path: &encoded("/test$file.text"),
            payload_sha256: "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            headers: &headers,
        };
        let added = signer.sign(&request, "20130524T000000Z");
        assert_eq!(
            added.last().expect("a header").1,
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,\
             Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
    }

    #[test]
    fn a_secret_is_shown_by_no_format() {
        let secret = "wJalrXUtnFEMI";
        let signer = Signer {
            key_id: "AKIA".to_owned(),
            secret: secret.to_owned(),
            token: Some(secret.to_owned()),
            region: "r".to_owned(),
        };
        assert!(!format!("{signer:?}").contains(secret));
    }

    #[test]
    fn percent_signs_of_a_partition_are_encoded_once_more() {
        assert_eq!(encoded("/b/host=a%2Fb/r.seal"), "/b/host%3Da%252Fb/r.seal");
    }
}
