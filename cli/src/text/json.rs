//! Pages as JSON: indented for one document, a line for one of many.

use std::io::{self, Write};

use crate::args::Format;

/// Writes `page`, on one line for [`Format::Jsonl`].
///
/// JSON escapes C0 controls itself; others stay as they are, for programs to read.
pub(crate) fn write_json(
    out: &mut impl Write,
    page: &impl serde::Serialize,
    form: Format,
) -> io::Result<()> {
    match form {
        Format::Jsonl => serde_json::to_writer(&mut *out, page)?,
        _ => serde_json::to_writer_pretty(&mut *out, page)?,
    }
    out.write_all(b"\n")
}
