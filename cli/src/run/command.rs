//! The command as the user gave it, made ready for exec: files to try, argv, environment.

use std::{
    ffi::{CString, OsStr, OsString},
    io,
    os::unix::ffi::{OsStrExt, OsStringExt},
};

/// Where execvp(3) looks when PATH is not set (glibc: confstr `_CS_PATH`).
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// Returns the files that execvp(3) would try for `name`, in its order.
pub(super) fn candidates(name: &OsStr, path: Option<&OsStr>) -> io::Result<Vec<CString>> {
    let bytes = name.as_bytes();
    if bytes.contains(&b'/') || bytes.is_empty() {
        return Ok(vec![c_string(name)?]);
    }
    let path = path.map_or(DEFAULT_PATH, OsStr::as_bytes);
    path.split(|b| *b == b':')
        .map(|dir| {
            // An empty element is the working directory.
            let file = if dir.is_empty() { bytes.to_vec() } else { [dir, b"/", bytes].concat() };
            c_string(&OsString::from_vec(file))
        })
        .collect()
}

/// Returns `words` as C strings.
pub(super) fn c_strings(words: &[OsString]) -> io::Result<Vec<CString>> {
    words.iter().map(|word| c_string(word)).collect()
}

/// Returns the environment block `own` with `added` at the end, in place of an entry of that name.
pub(super) fn environment(
    own: Vec<CString>,
    (name, value): (&str, &str),
) -> io::Result<Vec<CString>> {
    let is_old = |entry: &CString| {
        entry
            .as_bytes()
            .strip_prefix(name.as_bytes())
            .is_some_and(|rest| rest.first() == Some(&b'='))
    };
    let mut block: Vec<_> = own.into_iter().filter(|entry| !is_old(entry)).collect();
    block.push(c_string(OsStr::new(&format!("{name}={value}")))?);
    Ok(block)
}

/// Takes out of `block` the variables of `names` that are meant for the process `pid`; returns the rest
/// and the names taken, each as `NAME=`.
pub(super) fn split_pids(
    block: Vec<CString>,
    names: &[&str],
    pid: u32,
) -> (Vec<CString>, Vec<String>) {
    let meant = |name: &str| format!("{name}={pid}").into_bytes();
    let for_us: Vec<_> = names
        .iter()
        .filter(|name| block.iter().any(|entry| entry.as_bytes() == meant(name)))
        .copied()
        .collect();
    let stays = |entry: &CString| for_us.iter().all(|name| entry.as_bytes() != meant(name));
    let rest = block.into_iter().filter(stays).collect();
    (rest, for_us.iter().map(|name| format!("{name}=")).collect())
}

fn c_string(word: &OsStr) -> io::Result<CString> {
    CString::new(word.as_bytes()).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(name: &str, path: Option<&str>) -> Vec<String> {
        let list = candidates(OsStr::new(name), path.map(OsStr::new)).expect("no NUL in it");
        list.into_iter().map(|file| file.into_string().expect("UTF-8")).collect()
    }

    #[test]
    fn a_name_with_a_slash_is_not_searched() {
        assert_eq!(tried("./x", Some("/bin")), ["./x"]);
    }

    #[test]
    fn only_what_is_meant_for_this_process_is_meant_for_the_command() {
        let block = ["A=1", "LISTEN_PID=7", "WATCHDOG_PID=70", "B"]
            .map(|entry| CString::new(entry).expect("no NUL in it"));
        let (rest, taken) = split_pids(block.to_vec(), &["LISTEN_PID", "WATCHDOG_PID"], 7);
        assert_eq!(taken, ["LISTEN_PID="]);
        assert_eq!(rest, [c"A=1", c"WATCHDOG_PID=70", c"B"].map(CString::from));
    }

    #[test]
    fn path_elements_are_tried_in_order_and_empty_ones_mean_here() {
        assert_eq!(tried("ls", Some("/a::/b:")), ["/a/ls", "ls", "/b/ls", "ls"]);
        assert_eq!(tried("ls", None), ["/bin/ls", "/usr/bin/ls"]);
    }
}
