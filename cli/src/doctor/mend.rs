//! `audit doctor --fix`: runs the commands that mend what was found, those that one command can mend.

use std::{io::Write, path::Path, process::Command};

use super::{Check, State};
use crate::{failure::Failure, text::command_line};

/// What one command can mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mend {
    /// The recorder is not installed for this user, or the user is not of its group.
    SetUp,
    /// No control groups are mounted.
    MountCgroups,
}

impl Mend {
    /// The command, with `audit` as this program; `sudo` before it unless root runs it.
    fn command(self, audit: &Path, root: bool) -> Vec<String> {
        let words: Vec<String> = match self {
            // Without a name it is for whoever called sudo.
            Mend::SetUp => vec![audit.display().to_string(), "setup".to_owned()],
            Mend::MountCgroups => {
                ["mount", "-t", "cgroup2", "none", "/sys/fs/cgroup"].map(str::to_owned).to_vec()
            }
        };
        let sudo = (!root).then(|| "sudo".to_owned());
        sudo.into_iter().chain(words).collect()
    }
}

/// Runs what mends `checks`, and says on standard error what it runs. Returns whether anything was run.
///
/// # Errors
/// The first command that cannot be run or fails; those after it are not run.
pub(super) fn mend(checks: &[Check], root: bool) -> Result<bool, Failure> {
    let audit = std::env::current_exe()
        .map_err(|why| Failure::because("cannot find the program that runs", &why))?;
    let mends = checks.iter().filter(|check| check.state != State::Ok).filter_map(|it| it.mend);
    let mut any = false;
    for mend in mends {
        let words = mend.command(&audit, root);
        let shown = command_line(words.iter().map(String::as_bytes));
        // Nobody is left to hear that standard error is closed.
        let _ = writeln!(anstream::stderr(), "audit: running {shown}");
        run(&words, &shown)?;
        any = true;
    }
    Ok(any)
}

fn run(words: &[String], shown: &str) -> Result<(), Failure> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let status = Command::new(program)
        .args(arguments)
        .status()
        .map_err(|why| Failure::because(format!("cannot run {shown}"), &why))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("cannot mend it: {shown}: {status}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_root_is_asked_of_sudo_by_everybody_else() {
        let audit = Path::new("/usr/bin/audit");
        assert_eq!(Mend::SetUp.command(audit, false), ["sudo", "/usr/bin/audit", "setup"]);
        assert_eq!(
            Mend::MountCgroups.command(audit, true),
            ["mount", "-t", "cgroup2", "none", "/sys/fs/cgroup"]
        );
    }

    #[test]
    fn only_what_is_wrong_and_can_be_mended_is_run() {
        let fine = Check::new("rights", State::Ok, "sealed").mended_by(Mend::SetUp);
        let no_way = Check::new("kernel", State::Fail, "no BTF").fix("another kernel");
        assert!(!mend(&[fine, no_way], true).expect("nothing is run"));
    }

    #[test]
    fn a_command_that_fails_is_named() {
        let words = ["sh", "-c", "exit 3"].map(str::to_owned);
        let failure = run(&words, "sh -c 'exit 3'").expect_err("it fails");
        assert_eq!(failure.message(), "cannot mend it: sh -c 'exit 3': exit status: 3");
    }
}
