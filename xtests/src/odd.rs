//! File names that want to be something else.

/// Returns names that are allowed in a directory and hard on those who print or parse them.
#[must_use]
pub fn odd_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        &b"plain"[..],
        b"two\nlines",
        b"\ttab and \rreturn",
        b"\x1b[31mred\x1b]0;title\x07",
        b"not utf-8 \xff\xfe",
        b"cut \xe2\x82",
        b"overlong \xc0\xaf",
        b"surrogate \xed\xa0\x80",
        b" ",
        b"-rf",
        b"quote\"back\\slash'$(x)`",
        b"\x01\x7f\xc2\x85",
        "bidi \u{202e}txt.exe".as_bytes(),
        "\u{e4}\u{1f600}\u{feff}".as_bytes(),
        b"{\"run\":\"x\"}",
        b"...",
        b"a (deleted)",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    names.push(vec![b'n'; 255]);
    names.push(vec![0xfe; 255]);
    names
}
