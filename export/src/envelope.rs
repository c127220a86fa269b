//! Lines in DSSE envelopes, one around each.

use std::io::{self, Write};

use event::sign::Secret;

use crate::{Output, intoto::PAYLOAD_TYPE};

/// Returns an output that writes each line of statements as an envelope signed by `key`. Holds one line.
#[must_use]
pub fn enveloped(out: Output, key: Secret) -> Output {
    Box::new(Envelopes { out, key, line: Vec::new() })
}

struct Envelopes {
    out: Output,
    key: Secret,
    line: Vec<u8>,
}

impl Write for Envelopes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend(part);
            if let Some(line) = self.line.strip_suffix(b"\n") {
                let envelope = self.key.envelope(PAYLOAD_TYPE, line);
                self.line.clear();
                writeln!(self.out, "{envelope}")?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
