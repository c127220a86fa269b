//! What can be set elsewhere than on the command line: flags, by their long names.

/// A setting: `run.linger` is `--linger` of `audit run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    /// Table of the file.
    pub(crate) section: Section,
    /// The flag, without dashes.
    pub(crate) long: &'static str,
}

/// A table of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// Flags of `audit run`.
    Run,
    /// Where runs are, and for how long.
    Store,
    /// Flags of `audit ship`.
    Ship,
    /// How pages look.
    Output,
}

impl Section {
    /// Its name in the file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Section::Run => "run",
            Section::Store => "store",
            Section::Ship => "ship",
            Section::Output => "output",
        }
    }
}

const fn run(long: &'static str) -> Key {
    Key { section: Section::Run, long }
}

const fn store(long: &'static str) -> Key {
    Key { section: Section::Store, long }
}

const fn ship(long: &'static str) -> Key {
    Key { section: Section::Ship, long }
}

const fn output(long: &'static str) -> Key {
    Key { section: Section::Output, long }
}

/// Every one, in the order of `audit config show`. Not among them: what belongs to one run (a name,
/// tags, rules, --user) and what only tests set.
pub(crate) const KEYS: [Key; 37] = [
    store("home"),
    store("retain-runs"),
    store("retain-size"),
    store("retain-age"),
    store("min-free"),
    run("no-files"),
    run("no-net"),
    run("no-host-names"),
    run("no-exec"),
    run("no-open-counts"),
    run("hash"),
    run("no-redact"),
    run("env"),
    run("failed-opens"),
    run("linger"),
    run("heartbeat"),
    run("require-trust"),
    run("strict"),
    run("fail-on"),
    run("fail-code"),
    run("on-error"),
    run("summary"),
    run("anchor"),
    run("no-env"),
    ship("to"),
    ship("findings"),
    ship("parts"),
    ship("state"),
    ship("endpoint"),
    ship("ca"),
    ship("insecure-http"),
    ship("spool-max"),
    ship("tries"),
    ship("pause"),
    ship("interval"),
    output("color"),
    output("ts"),
];

impl Key {
    /// Finds `name` of the table `section`.
    pub(crate) fn find(section: &str, name: &str) -> Option<Key> {
        KEYS.into_iter().find(|key| key.section.name() == section && key.long == name)
    }

    /// The variable of the environment that sets it. None for those that may be given several times:
    /// how their values are told apart would have to be guessed.
    pub(crate) fn variable(self) -> Option<String> {
        let of = if self.section == Section::Ship { "SHIP_" } else { "" };
        match self.long {
            "env" | "anchor" | "to" | "findings" | "parts" => None,
            long => Some(format!("AUDIT_{of}{}", long.replace('-', "_").to_uppercase())),
        }
    }

    /// As users write it.
    pub(crate) fn name(self) -> String {
        format!("{}.{}", self.section.name(), self.long)
    }

    /// The command whose flag it is; none of those that every command has.
    pub(crate) fn command(self) -> Option<&'static str> {
        match self.section {
            Section::Run => Some("run"),
            Section::Store if self.long != "home" => Some("run"),
            Section::Ship => Some("ship"),
            Section::Store | Section::Output => None,
        }
    }
}
