//! Flags of `audit run`.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, ValueHint};

use super::{
    Globals, RetainArgs, RuleArgs, Severity,
    values::{Anchor, RingKib, Tag, duration, heartbeat, run_name},
};

/// What to do when recording cannot start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// Exit with 125; the command is not started
    Fail,
    /// Warn once and run the command unrecorded
    Run,
}

/// When to print the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SummaryWhen {
    /// On a terminal, in CI, or when something was not recorded
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Whether the command gets a mount namespace of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MountNs {
    /// Where the command cannot notice it
    Auto,
    /// Always
    On,
    /// Never
    Off,
}

/// How far the record is out of the recorded command's reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Trust {
    /// Whoever is recorded could have altered it
    Local,
    /// Root records
    Direct,
    /// The installed recorder records, into its own store
    Sealed,
}

/// Which failed opens are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailedOpens {
    /// Every one
    All,
    /// What was denied, and searches for secrets that are not there
    Denied,
    /// None
    None,
}

/// What to do when a run of the same name goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Locked {
    /// Nothing: exit with 0
    Skip,
    /// Exit with 75
    Fail,
}

/// What to do with what is new since the last run of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiffLast {
    /// Say it
    Report,
    /// Say it, and exit with --fail-code when the command succeeds
    FailOnNew,
}

/// Record a command and everything it starts.
///
/// Options end at the first word that is not one: the rest is the command, `--` is optional.
#[derive(Debug, Clone, Args)]
#[command(
    override_usage = "audit run [OPTIONS] [--] CMD [ARG]...",
    after_help = "Exits like CMD did. 125: not recorded and not started, 126: cannot be executed, \
                  127: not found; with --strict 123: recorded, but not completely.\nExample: audit run --name nightly -- /usr/local/bin/backup.sh"
)]
pub struct RunArgs {
    /// Name under which the run can be found again
    #[arg(short, long, value_parser = run_name)]
    pub name: Option<String>,
    /// Note a fact about the run; may be given several times
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    pub tags: Vec<Tag>,
    /// Do not record files
    #[arg(long)]
    pub no_files: bool,
    /// Do not record network use
    #[arg(long)]
    pub no_net: bool,
    /// Do not copy first bytes of connections: no DNS messages, no names of hosts
    #[arg(long)]
    pub no_host_names: bool,
    /// Do not record processes; files and flows are then without names of programs
    #[arg(long)]
    pub no_exec: bool,
    /// Do not count repeated opens of a file exactly
    #[arg(long)]
    pub no_open_counts: bool,
    /// Hash the contents of executed and written files (BLAKE3), up to 256 MiB each
    #[arg(long)]
    pub hash: bool,
    /// Record secrets on command lines as they are, not as marks
    #[arg(long)]
    pub no_redact: bool,
    /// Record this variable of the command's environment; may be given several times
    #[arg(long = "env", value_name = "NAME")]
    pub env: Vec<String>,
    /// Failed opens to record: denied (and searches for secrets that are not there), all, or none
    #[arg(
        long,
        value_name = "WHICH",
        value_enum,
        default_value = "denied",
        hide_possible_values = true
    )]
    pub failed_opens: FailedOpens,
    /// How long to go on recording processes that outlive the command
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub linger: Duration,
    /// Exit as soon as CMD does, also while what it left behind is still recorded. On a terminal that is
    /// so unless --fail-on, --strict, --diff-last or --log need the whole record
    #[arg(long, conflicts_with_all = ["fail_on", "strict", "diff_last", "log"])]
    pub no_wait: bool,
    /// Do not start the command (125) unless the record is at least so far out of its reach: sealed
    /// (installed recorder), direct (root records) or local
    #[arg(long, value_name = "LEVEL", value_enum, hide_possible_values = true)]
    pub require_trust: Option<Trust>,
    /// Exit with 123, whatever the command's status, when the record is not complete
    #[arg(long)]
    pub strict: bool,
    /// Which rules judge the run.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Exit with --fail-code when the command succeeds but a finding weighs this or more: info, low,
    /// medium, high or critical
    #[arg(long, value_name = "SEVERITY", value_enum, hide_possible_values = true)]
    pub fail_on: Option<Severity>,
    /// Do not start CMD while a run of this --name goes on: skip (exit with 0) or fail (exit with 75)
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "skip",
        requires = "name",
        hide_possible_values = true
    )]
    pub lock: Option<Locked>,
    /// Compare with the last run of this --name: report what differs, or fail-on-new: exit with
    /// --fail-code, too, when CMD succeeds and did something new (with --strict 122 when that cannot be
    /// known)
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "report",
        requires = "name",
        hide_possible_values = true
    )]
    pub diff_last: Option<DiffLast>,
    /// Exit status for --fail-on and --diff-last=fail-on-new
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u8).range(1..))]
    pub fail_code: u8,
    /// How often the record says that it goes on: whole seconds, 0 is never
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = heartbeat)]
    pub heartbeat: Duration,
    /// What to do when recording cannot start: fail (exit with 125) or run (warn, run unrecorded)
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        default_value = "fail",
        hide_possible_values = true
    )]
    pub on_error: OnError,
    /// Summary on standard error: always, never, or auto: on a terminal, in CI, or when something
    /// was not recorded
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_possible_values = true
    )]
    pub summary: SummaryWhen,
    /// Run the command as this user (name or uid); only root can
    #[arg(long)]
    pub user: Option<String>,
    /// Say at the run's start and end, elsewhere, what it is, so that it is missed when it is gone:
    /// stderr, syslog, or a FILE to append to; may be given several times
    #[arg(long = "anchor", value_name = "WHERE")]
    pub anchors: Vec<Anchor>,
    /// Also append the events to FILE, as JSON lines, as they are known; waits for the whole record
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log: Option<PathBuf>,
    /// Do not set AUDIT_RUN_ID in the command's environment
    #[arg(long)]
    pub no_env: bool,
    /// Mount namespace of its own for the command: on, off, or auto: where it cannot notice
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_possible_values = true
    )]
    pub mount_ns: MountNs,
    /// For how long it and others are kept.
    #[command(flatten)]
    pub retain: RetainArgs,
    /// Sizes of the process, network and opens rings in KiB, powers of two; 0 is the default
    #[arg(long, hide = true, value_name = "P,N,O", default_value = "0,0,0")]
    pub ring_kib: RingKib,
    /// Size at which the next segment file is begun, MiB
    #[arg(long, hide = true, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub segment_mib: Option<u32>,
    /// Command to record, with its arguments
    // No `allow_hyphen_values`: it would make a mistyped option the command.
    #[arg(
        required = true,
        trailing_var_arg = true,
        value_name = "CMD",
        value_hint = ValueHint::CommandWithArguments
    )]
    pub command: Vec<OsString>,
}

impl RunArgs {
    /// Whether something is asked for that only the whole record gives: the status of `audit`, or a copy.
    #[must_use]
    pub fn needs_all(&self) -> bool {
        self.fail_on.is_some() || self.strict || self.diff_last.is_some() || self.log.is_some()
    }

    /// When to print the summary, `-q` taken into account.
    #[must_use]
    pub fn summary_when(&self, globals: &Globals) -> SummaryWhen {
        if globals.quiet { SummaryWhen::Never } else { self.summary }
    }
}
