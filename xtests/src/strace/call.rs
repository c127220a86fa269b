//! One line of strace: a call that succeeded.

/// A call that changed or used a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// When it began, as strace writes it.
    pub(super) time: String,
    pub(super) pid: u32,
    pub(super) name: String,
    /// Names it was given, each with the directory that it is relative to where that is known.
    pub(super) names: Vec<(Option<String>, String)>,
    /// The path of the descriptor that it returned.
    pub(super) opened: Option<String>,
    pub(super) returned: i64,
    cwd: Option<String>,
    args: String,
}

impl Call {
    /// Takes a line apart; `None` for signals, exits and calls that failed.
    pub(super) fn parse(pid: u32, line: &str) -> Option<Call> {
        let (time, rest) = line.split_once(' ')?;
        let (name, rest) = rest.trim_start().split_once('(')?;
        let (args, result) = split_result(rest)?;
        let number: String =
            result.chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect();
        let returned = number.parse().ok()?;
        if returned < 0 {
            return None;
        }
        let opened = result.strip_prefix(number.as_str()).and_then(bracketed).map(str::to_owned);
        Some(Call {
            time: time.to_owned(),
            pid,
            name: name.to_owned(),
            names: names(name, args),
            opened,
            returned,
            cwd: args
                .split_once("AT_FDCWD<")
                .and_then(|(_, it)| Some(it.split_once('>')?.0.into())),
            args: args.to_owned(),
        })
    }

    /// The caller's working directory, where the line tells it.
    pub(super) fn cwd(&self) -> Option<&str> {
        self.cwd.as_deref()
    }

    /// Words of the flags, wherever they stand.
    pub(super) fn flags(&self) -> impl Iterator<Item = &str> {
        let words = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        self.args.split(words).filter(|word| word.starts_with("O_"))
    }
}

/// Splits `ARGS) = RESULT`; the last such place counts, as arguments may hold one.
fn split_result(rest: &str) -> Option<(&str, &str)> {
    let ends = |at: usize| rest.get(..at)?.trim_end().strip_suffix(')');
    rest.rmatch_indices(" = ")
        .find_map(|(at, sign)| Some((ends(at)?, rest.get(at + sign.len()..)?)))
}

/// The inside of a leading `<...>`.
fn bracketed(text: &str) -> Option<&str> {
    text.strip_prefix('<')?.rsplit_once('>').map(|(inner, _)| inner)
}

/// Finds the names among the arguments: strings, each with the descriptor just before it.
fn names(call: &str, args: &str) -> Vec<(Option<String>, String)> {
    let mut found = Vec::new();
    let mut rest = args;
    let mut dir = None;
    while let Some(at) = rest.find(['"', '<']) {
        let (_, tail) = rest.split_at(at);
        if let Some(inside) = tail.strip_prefix('<') {
            let Some((path, after)) = inside.split_once('>') else { break };
            dir = Some(path.to_owned());
            rest = after;
        } else {
            let Some((text, after)) = quoted(tail) else { break };
            found.push((dir.take(), text));
            rest = after;
        }
        // An exec's names end where its arguments begin.
        if call.starts_with("exec") && !found.is_empty() {
            break;
        }
    }
    // fchdir(3</w>): the descriptor is all there is.
    if let (true, Some(dir)) = (found.is_empty(), dir) {
        found.push((None, dir));
    }
    // The target of a symlink is a text, not a name that is used; it has no directory.
    found
}

/// Reads a C string; strace writes odd bytes in octal.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut bytes = Vec::new();
    let mut rest = inside.as_bytes();
    loop {
        match rest {
            [b'"', ..] => break,
            [b'\\', digits @ ..] if digits.first().is_some_and(u8::is_ascii_digit) => {
                let len = digits.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
                let octal = std::str::from_utf8(digits.get(..len)?).ok()?;
                bytes.push(u8::from_str_radix(octal, 8).ok()?);
                rest = digits.get(len..)?;
            }
            [b'\\', escaped, after @ ..] => {
                bytes.push(match escaped {
                    b'n' => b'\n',
                    b't' => b'\t',
                    other => *other,
                });
                rest = after;
            }
            [byte, after @ ..] => {
                bytes.push(*byte);
                rest = after;
            }
            [] => return None,
        }
    }
    let after = text.get(text.len() - rest.len() + 1..)?;
    Some((String::from_utf8_lossy(&bytes).into_owned(), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, names: &[(Option<&str>, &str)], opened: Option<&str>) {
        let call = Call::parse(1, line).expect(line);
        let found: Vec<_> =
            call.names.iter().map(|(dir, name)| (dir.as_deref(), name.as_str())).collect();
        assert_eq!(found, names, "{line}");
        assert_eq!(call.opened.as_deref(), opened, "{line}");
    }

    #[test]
    fn names_come_with_their_directories() {
        check(
            r#"1.2 renameat2(AT_FDCWD</a>, "x", 4</b>, "y", RENAME_NOREPLACE) = 0"#,
            &[(Some("/a"), "x"), (Some("/b"), "y")],
            None,
        );
        check(r#"1.2 rmdir("q")            = 0"#, &[(None, "q")], None);
        check(r#"1.2 fchdir(3</w>) = 0"#, &[(None, "/w")], None);
        check(
            r#"1.2 openat(AT_FDCWD</w>, "a \" = b", O_RDONLY) = 3</w/a " = b>"#,
            &[(Some("/w"), "a \" = b")],
            Some("/w/a \" = b"),
        );
        check(
            r#"1.2 openat(AT_FDCWD</w>, "a\303\244", O_RDONLY) = 3</w/a\303\244>"#,
            &[(Some("/w"), "aä")],
            Some(r"/w/a\303\244"),
        );
    }

    #[test]
    fn an_exec_has_one_name_whatever_its_arguments_are() {
        check(
            r#"1.2 execve("/bin/cc", ["cc", "-DX=\"a) = 0\""], 0x7ffe /* 35 vars */) = 0"#,
            &[(None, "/bin/cc")],
            None,
        );
    }

    #[test]
    fn failures_signals_and_ends_are_no_calls() {
        for line in [
            r#"1.2 unlink("x") = -1 ENOENT (No such file or directory)"#,
            "1.2 --- SIGCHLD {si_signo=SIGCHLD} ---",
            "1.2 +++ exited with 0 +++",
        ] {
            assert_eq!(Call::parse(1, line), None, "{line}");
        }
    }
}
