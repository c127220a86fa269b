//! Where `audit setup` puts things: fixed when the programs are built, so that no caller can choose.

/// The recorder that an ordinary user may start. `AUDIT_SUPERVISOR_PATH` at build time changes it.
pub const SUPERVISOR: &str = match option_env!("AUDIT_SUPERVISOR_PATH") {
    Some(path) => path,
    None => "/usr/libexec/audit-run/audit-supervisor",
};

/// Holds the directory of each user, named by uid. `AUDIT_STORE_PATH` at build time changes it.
pub const STORE: &str = match option_env!("AUDIT_STORE_PATH") {
    Some(path) => path,
    None => "/var/lib/audit-run",
};

/// Name of the recorder's directory of keys in [`STORE`]: its user's alone to write to.
pub const KEYS: &str = "host-keys";

/// The recorder's own user: owns the sealed runs, logs in nowhere.
pub const USER: &str = "_audit";

/// Who may start the installed recorder.
pub const GROUP: &str = "audit";
