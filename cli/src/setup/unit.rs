//! `audit setup --unit NAME`: the drop-in with which systemd starts a service's commands recorded.
//!
//! Only prints. What of the unit's hardening the recorder cannot work under is named line by line, and
//! overruled no further than it must be.

use std::process::Command;

use crate::failure::Failure;

/// Bounding sets must leave these to a recorder that root starts (docs/security.md).
const CAPABILITIES: &str = "CAP_SETPCAP CAP_SYS_RESOURCE CAP_SYS_NICE CAP_SETUID CAP_SETGID \
    CAP_DAC_OVERRIDE CAP_BPF CAP_PERFMON CAP_NET_ADMIN CAP_SYS_ADMIN CAP_SYS_PTRACE \
    CAP_DAC_READ_SEARCH";

/// Settings under which nothing can be recorded, with what they must be and why.
const IN_THE_WAY: [(&str, &[&str], &str, &str); 5] = [
    ("NoNewPrivileges", YES, "no", "the installed recorder is a set-uid program"),
    ("ProtectControlGroups", YES_AND_MORE, "no", "the run has a cgroup of its own"),
    ("PrivateUsers", YES_AND_MORE, "no", "the kernel lets nobody in a user namespace record"),
    (
        "ProtectProc",
        &["invisible", "noaccess", "ptraceable"],
        "default",
        "programs are told by /proc",
    ),
    ("ProcSubset", &["pid"], "all", "the kernel's types and mounts are in /proc and /sys"),
];

/// A service is not stopped by what goes wrong with its record.
const FLAGS: &str = "--on-error run";

/// Where the command ends when the service is up: the service itself is what it leaves behind.
const FLAGS_WHERE_IT_FORKS: &str = "--on-error run --no-wait --linger 3650d";

const YES: &[&str] = &["yes", "true", "1", "on"];
const YES_AND_MORE: &[&str] =
    &["yes", "true", "1", "on", "self", "identity", "full", "strict", "private"];

/// Prints the drop-in of the unit `name`.
pub(super) fn print(name: &str) -> Result<String, Failure> {
    let name = if name.contains('.') { name.to_owned() } else { format!("{name}.service") };
    let good = |b: u8| b.is_ascii_alphanumeric() || b":-_.\\@".contains(&b);
    if !name.bytes().all(good) || name.starts_with('-') || !name.ends_with(".service") {
        return Err(Failure::new(format!("cannot record '{name}': not the name of a service")));
    }
    let shown = Command::new("systemctl").args(["cat", "--no-pager", "--", &name]).output();
    let shown = shown
        .map_err(|why| Failure::because("cannot read the unit: systemctl does not start", &why))?;
    let text = String::from_utf8_lossy(&shown.stdout);
    if text.trim().is_empty() {
        return Err(Failure::new(format!("cannot find the unit {name}"))
            .hint("systemctl list-unit-files --type service"));
    }
    drop_in(&name, &text)
}

/// What of a unit matters here, later lines over earlier ones (systemd.syntax(7)).
#[derive(Debug, Default, PartialEq, Eq)]
struct Unit {
    starts: Vec<String>,
    settings: Vec<(String, String)>,
}

impl Unit {
    fn read(text: &str) -> Unit {
        let (mut unit, mut in_service) = (Unit::default(), false);
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let mut line = line.trim().to_owned();
            while line.ends_with('\\') {
                line.pop();
                line.push_str(lines.next().unwrap_or_default().trim());
            }
            if line.starts_with('[') {
                in_service = line == "[Service]";
                continue;
            }
            let Some((key, value)) = line.split_once('=').filter(|_| in_service) else { continue };
            let (key, value) = (key.trim(), value.trim());
            if key.starts_with(['#', ';']) {
                continue;
            }
            match key {
                "ExecStart" if value.is_empty() => unit.starts.clear(),
                "ExecStart" => unit.starts.push(value.to_owned()),
                _ => unit.settings.push((key.to_owned(), value.to_owned())),
            }
        }
        unit
    }

    fn get(&self, key: &str) -> Option<&str> {
        let of = self.settings.iter().rfind(|(name, _)| name == key);
        of.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Who it runs as, if not root.
    fn user(&self) -> Option<&str> {
        let user = self.get("User").filter(|user| !matches!(*user, "root" | "0"));
        user.or(self.is_dynamic().then_some("a user of the moment"))
    }

    fn forks(&self) -> bool {
        self.get("Type") == Some("forking")
    }

    fn is_dynamic(&self) -> bool {
        self.get("DynamicUser").is_some_and(|value| YES.contains(&value))
    }
}

fn drop_in(name: &str, text: &str) -> Result<String, Failure> {
    let unit = Unit::read(text);
    if unit.starts.is_empty() {
        return Err(Failure::new(format!("cannot record {name}: it has no ExecStart")));
    }
    let label =
        name.trim_end_matches(".service").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let mut page = format!(
        "# {name}, recorded. Save as /etc/systemd/system/{name}.d/50-audit.conf, or paste into\n\
         # systemctl edit {name}; then: systemctl daemon-reload, systemctl restart {name}\n\
         [Service]\nExecStart=\n"
    );
    let flags = if unit.forks() { FLAGS_WHERE_IT_FORKS } else { FLAGS };
    for start in &unit.starts {
        let line = recorded(start, label.trim_matches('-'), flags);
        page.push_str(&format!("ExecStart={line}\n"));
    }
    page.push_str(
        "# The recorder makes a cgroup for each run below the unit's own.\nDelegate=yes\n",
    );
    page.push_str(&stopping(&unit));
    let sealed = unit.user();
    page.push_str(&match sealed {
        Some(user) => format!(
            "# It runs as {user}: members of the group audit have the installed recorder\n\
             # (sudo audit setup).\nSupplementaryGroups=audit\n"
        ),
        None => {
            "# Runs are in /var/lib/audit-run, also where the rest of the system is read-only.\n\
                 ReadWritePaths=-/var/lib/audit-run\n"
                .to_owned()
        }
    });
    if unit.is_dynamic() {
        page.push_str(
            "# DynamicUser=yes implies NoNewPrivileges=yes, under which no set-uid program has an effect:\n\
             # make a user (sysusers.d) and name it.\n#DynamicUser=no\n#User=NAME\n",
        );
    }
    for (key, bad, good, why) in IN_THE_WAY {
        // Root needs no set-uid program.
        let matters = key != "NoNewPrivileges" || sealed.is_some();
        if matters && unit.get(key).is_some_and(|value| bad.contains(&value)) {
            page.push_str(&format!(
                "# Was {}: {why}.\n{key}={good}\n",
                unit.get(key).unwrap_or_default()
            ));
        }
    }
    if let Some(set) = unit.get("CapabilityBoundingSet").filter(|_| sealed.is_none()) {
        page.push_str(&format!(
            "# Was {set}: the recorder needs these too, and the command gets no more than before\n\
             # only if it drops them itself.\nCapabilityBoundingSet={CAPABILITIES}\n"
        ));
    }
    if let Some(filter) = unit.get("SystemCallFilter") {
        page.push_str(&format!(
            "# Was {filter}: added to it.\nSystemCallFilter=bpf perf_event_open fanotify_init fanotify_mark \
             pidfd_open clone3 setns open_by_handle_at\n"
        ));
    }
    Ok(page)
}

/// How it is stopped so that the record gets its end.
fn stopping(unit: &Unit) -> String {
    if !unit.forks() {
        return "# A stop asks the command first, by the recorder; what is left gets SIGKILL.\n\
                KillMode=mixed\n"
            .to_owned();
    }
    let mut lines = "# Type=forking: audit ends when the command has forked, and the recorder goes on until the\n\
         # service is stopped: all are asked to end, and the recorder ends after the others.\n\
         KillMode=control-group\n"
        .to_owned();
    if unit.get("PIDFile").is_none() {
        lines.push_str(
            "# There is no PIDFile=, and a guess could take the recorder for the service.\n\
             GuessMainPID=no\n",
        );
    }
    lines
}

/// The command behind `audit run`; the signs before it stay in front (systemd.service(5)).
fn recorded(start: &str, label: &str, flags: &str) -> String {
    let command = start.trim_start_matches(['@', '-', ':', '+', '!', '|']);
    let signs = &start[..start.len() - command.len()];
    // `@` gives the program another argv[0], which audit does not: the word is left out.
    let (signs, command) = match signs.contains('@') {
        true => {
            let mut words = command.splitn(3, char::is_whitespace);
            let program = words.next().unwrap_or_default();
            let rest = words.nth(1).unwrap_or_default();
            (signs.replace('@', ""), format!("{program} {rest}").trim_end().to_owned())
        }
        false => (signs.to_owned(), command.to_owned()),
    };
    format!("{signs}/usr/bin/audit run --name {label} {flags} -- {command}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_each_line_counts() {
        let unit = Unit::read(
            "[Unit]\nExecStart=/no\n[Service]\n# ExecStart=/comment\nExecStart=/old\nUser=app\n\n\
             [Service]\nExecStart=\nExecStart=-/new --a \\\n   --b\nUser=\n",
        );
        assert_eq!(unit.starts, ["-/new --a --b"]);
        assert_eq!((unit.get("User"), unit.user()), (None, None));
    }

    #[test]
    fn signs_before_the_command_stay_before_it() {
        let line = |start| recorded(start, "app", FLAGS);
        let run = "/usr/bin/audit run --name app --on-error run --";
        assert_eq!(line("/usr/bin/app -x"), format!("{run} /usr/bin/app -x"));
        assert_eq!(line("-!/usr/bin/app"), format!("-!{run} /usr/bin/app"));
        assert_eq!(line("@/usr/sbin/app app: main -x"), format!("{run} /usr/sbin/app main -x"));
    }

    #[test]
    fn a_hardened_service_is_told_which_lines_to_change() {
        let page = drop_in(
            "app.service",
            "[Service]\nExecStart=/usr/bin/app\nUser=app\nNoNewPrivileges=yes\n\
             ProtectControlGroups=true\nProtectSystem=strict\nSystemCallFilter=@system-service\n",
        );
        insta::assert_snapshot!("unit_hardened", page.expect("it has a command"));
    }

    #[test]
    fn what_a_forking_service_leaves_behind_is_recorded_until_it_is_stopped() {
        let page = drop_in("app.service", "[Service]\nType=forking\nExecStart=/usr/bin/app -d\n");
        insta::assert_snapshot!("unit_forking", page.expect("it has a command"));
    }

    #[test]
    fn a_plain_service_of_roots_is_told_little() {
        let page = drop_in("my-app@1.service", "[Service]\nExecStart=/usr/bin/app\n");
        insta::assert_snapshot!("unit_plain", page.expect("it has a command"));
        assert!(drop_in("x.service", "[Service]\nType=oneshot\n").is_err());
    }
}
