//! The one form of tar that a bundle has: ustar (POSIX.1-1988), regular files, nothing that can vary.
//!
//! A header is read by writing it anew: one that differs in any bit is none of ours. So there are no links,
//! devices, sparse files, long names or extensions to be handled, and the same files give the same bytes.

use std::io;

/// Bytes of a block.
pub(super) const BLOCK: usize = 512;

/// A header as it lies in the file.
pub(super) type Header = [u8; BLOCK];

/// Bytes of a name, of the directory before it, and the largest size that eleven octal digits hold.
const NAME: usize = 100;
const PREFIX: usize = 155;
const MOST: u64 = 0o77_777_777_777;

/// Bytes that a file of `size` takes with its header, as far as it can have one.
pub(super) fn taken(size: u64) -> Option<u64> {
    let block = BLOCK as u64;
    size.checked_next_multiple_of(block)?.checked_add(block)
}

/// Returns the header of the file `name` in the directory `path`.
pub(super) fn header(path: &str, name: &str, size: u64) -> io::Result<Header> {
    if name.len() > NAME || path.len() > PREFIX || size > MOST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "more than a header of tar can say",
        ));
    }
    let mut header = [0; BLOCK];
    let size = format!("{size:011o}\0");
    for (at, bytes) in [
        (0, name.as_bytes()),
        (100, b"0000600\0"),
        (108, b"0000000\0"),
        (116, b"0000000\0"),
        (124, size.as_bytes()),
        (136, b"00000000000\0"),
        // Counted as blanks in the sum.
        (148, b"        "),
        (156, b"0"),
        (257, b"ustar\x0000"),
        (329, b"0000000\0"),
        (337, b"0000000\0"),
        (345, path.as_bytes()),
    ] {
        put(&mut header, at, bytes);
    }
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    put(&mut header, 148, format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

fn put(header: &mut Header, at: usize, bytes: &[u8]) {
    if let Some(room) = header.get_mut(at..at + bytes.len()) {
        room.copy_from_slice(bytes);
    }
}

/// Returns directory, name and size of a header as [`header`] writes it; `None` for any other.
pub(super) fn parse(block: &Header) -> Option<(String, String, u64)> {
    let text = |from: usize, len: usize| {
        let bytes = block.get(from..from + len)?.split(|byte| *byte == 0).next()?;
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    };
    let (name, path) = (text(0, NAME)?, text(345, PREFIX)?);
    let size = u64::from_str_radix(&text(124, 12)?, 8).ok()?;
    let again = header(&path, &name, size).ok()?;
    (again == *block).then_some((path, name, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written_and_no_other_is() {
        let whole = header("20261121-201530-claude-7k2m/segments", "000001.seg", 67_108_864);
        let whole = whole.expect("it fits");
        let read = parse(&whole).expect("it is ours");
        assert_eq!((read.1.as_str(), read.2), ("000001.seg", 67_108_864));
        for at in 0..BLOCK {
            for bit in 0..8 {
                let mut other = whole;
                other[at] ^= 1 << bit;
                assert_eq!(parse(&other), None, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn what_a_header_cannot_say_is_refused() {
        assert!(header("a", &"x".repeat(101), 1).is_err());
        assert!(header(&"x".repeat(156), "a", 1).is_err());
        assert!(header("a", "a", 1 << 33).is_err());
        assert_eq!((taken(0), taken(1), taken(512)), (Some(512), Some(1024), Some(1024)));
        assert_eq!(taken(u64::MAX), None);
    }
}
