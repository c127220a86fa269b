//! Files: their paths, what was done to them, what they held.

use crate::{
    pages::line::Line,
    text::{self, Safe},
};

/// What a file held: `/usr/bin/make  af1349b9f5f9a1a6 running`.
pub(super) fn hash(line: &Line) -> String {
    let path = line.bytes("path").map(|path| Safe::bytes(&path).to_string());
    let path = path.unwrap_or_else(|| "a file".to_owned());
    let digits: String = line.text("blake3").chars().take(16).collect();
    match line.text("hash_missing") {
        "" => format!("{path}  {} {}", Safe::new(&digits), Safe::new(line.text("hash_basis"))),
        why => format!("{path}  no hash: {}", Safe::new(why)),
    }
}

/// Returns the path of a file event, or what stands for it.
pub(crate) fn path(line: &Line) -> String {
    if let Some(path) = line.bytes("path") {
        return Safe::bytes(&path).to_string();
    }
    let reason = Safe::new(line.text("path_missing")).to_string();
    if let Some(claimed) = line.bytes("path_claimed") {
        let start = line.bytes("cwd").filter(|_| !claimed.starts_with(b"/"));
        return match start {
            Some(start) => Safe::bytes(&event::path::join(&start, &claimed)).to_string(),
            None => Safe::bytes(&claimed).to_string(),
        };
    }
    match line.bytes("name") {
        Some(name) => format!("(directory {reason})/{}", Safe::bytes(&name)),
        None => format!("(path {reason})"),
    }
}

pub(super) fn file(line: &Line) -> String {
    let mut text = path(line);
    if line.flag("dir") && !text.ends_with('/') {
        text.push('/');
    }
    if let Some(new) = line.bytes("path2") {
        text.push_str(" -> ");
        text.push_str(&Safe::bytes(&new).to_string());
    }
    if line.has("errno") {
        text.push_str(&format!("  {}", Safe::new(line.text("errno"))));
    }
    match line.number("count") {
        Some(count @ 2..) => format!("{text}  {}", times(count, line.flag("count_exact"))),
        _ => text,
    }
}

/// `x12`, or `x12+` where it may have been more.
pub(in crate::pages) fn times(count: u64, exact: bool) -> String {
    format!("x{}{}", text::count(count), if exact { "" } else { "+" })
}
