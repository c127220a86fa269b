//! Checks that the supervisor makes by trying: `audit-supervisor --probe`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Check, State};
use crate::failure::strip_number;

/// More than this is no answer of ours.
const MAX_ANSWER: usize = 64 * 1024;

/// Asks the supervisor; its answer is a line `name TAB ok|warn|fail TAB detail` for each thing.
pub(super) fn checks(program: Option<PathBuf>, root: bool) -> Vec<Check> {
    let Some(program) = program else {
        return vec![
            Check::new("recorder", State::Fail, "the program audit-supervisor is not there")
                .fix("install it beside audit; `cargo build` in the source makes both"),
        ];
    };
    match ask(&program) {
        Ok(answer) => understand(&answer, root),
        Err(why) => vec![
            Check::new(
                "recorder",
                State::Fail,
                format!("cannot start {}: {why}", program.display()),
            )
            .fix("install it again; it must be executable by you"),
        ],
    }
}

fn ask(program: &Path) -> std::io::Result<Vec<u8>> {
    let output = Command::new(program).arg("--probe").stdin(Stdio::null()).output()?;
    Ok(output.stdout)
}

fn understand(answer: &[u8], root: bool) -> Vec<Check> {
    let text = String::from_utf8_lossy(answer.get(..MAX_ANSWER).unwrap_or(answer));
    let checks: Vec<Check> = text.lines().filter_map(|line| check(line, root)).collect();
    if checks.is_empty() {
        return vec![
            Check::new("recorder", State::Fail, "audit-supervisor --probe gave no answer")
                .fix("install audit and audit-supervisor of the same version"),
        ];
    }
    checks
}

fn check(line: &str, root: bool) -> Option<Check> {
    let mut words = line.splitn(3, '\t');
    let (name, state, detail) = (words.next()?, words.next()?, words.next()?);
    let state = match state {
        "ok" => State::Ok,
        "warn" => State::Warn,
        "fail" => State::Fail,
        _ => return None,
    };
    let check = Check::new(shown(name), state, strip_number(detail));
    Some(if state == State::Ok { check } else { check.fix(fix(name, detail, root)) })
}

/// What users call what the supervisor calls so.
fn shown(name: &str) -> &str {
    match name {
        "proc" => "processes",
        "net" => "network",
        "calls" => "system calls",
        "cgroup" => "run's cgroup",
        other => other,
    }
}

fn fix(name: &str, detail: &str, root: bool) -> &'static str {
    match name {
        // The supervisor's words: `too_old`, and `bpf::Error::reason`.
        _ if detail.contains("kernel is too old") => "a newer kernel: Linux 6.3 tells all",
        _ if detail.contains("its verifier says") => {
            "none here: report it with this line and the output of `uname -rm`"
        }
        _ if !root => "sudo audit doctor, to see what root could record",
        "cgroup" => {
            "let audit write below its own cgroup (container: run with a writable cgroup v2)"
        }
        "files" => "give it CAP_SYS_ADMIN and CAP_DAC_READ_SEARCH (container: --privileged)",
        _ => "give it CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN (container: --privileged)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_line_for_each_thing() {
        let answer =
            b"cgroup\tok\tleaf made\nproc\tfail\tnot permitted\ncalls\twarn\tnot permitted\n";
        let checks = understand(answer, true);
        let states: Vec<State> = checks.iter().map(|check| check.state).collect();
        assert_eq!(states, [State::Ok, State::Fail, State::Warn]);
        assert!(checks.iter().all(|check| (check.state == State::Ok) == check.fix.is_none()));
    }

    #[test]
    fn rights_are_no_fix_for_an_old_kernel_or_its_verifier() {
        let answer = b"net\twarn\tthis kernel is too old to tell x\ncalls\twarn\tcannot load; its verifier says: R2\n";
        let fixes: Vec<_> =
            understand(answer, true).into_iter().filter_map(|check| check.fix).collect();
        assert!(fixes.len() == 2 && !fixes.iter().any(|fix| fix.contains("CAP_")), "{fixes:?}");
    }

    #[test]
    fn no_answer_is_a_failure_with_a_fix() {
        for answer in [&b""[..], b"usage: x\n", b"\xff\xfe\n", b"a\tmaybe\tb"] {
            let checks = understand(answer, true);
            assert_eq!(checks.len(), 1, "{answer:?}");
            assert!(checks.iter().all(|check| check.state == State::Fail && check.fix.is_some()));
        }
    }

    #[test]
    fn a_missing_program_is_a_failure_with_a_fix() {
        for program in [None, Some(PathBuf::from("/nonexistent/audit-supervisor"))] {
            let checks = checks(program, true);
            assert!(checks.iter().all(|check| check.state == State::Fail && check.fix.is_some()));
        }
    }
}
