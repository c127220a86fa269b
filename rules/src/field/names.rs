//! What rules call the fields, and what values those have.

use super::{Class, Field};

/// Names of fields that are not simply those of the table.
pub(super) const OWN: &[(&str, Field, Class)] = &[
    ("exe", Field::Exe, Class::Program),
    ("command_line", Field::CommandLine, Class::Text),
    ("argv", Field::Argv, Class::Text),
    ("command", Field::Command, Class::Command),
    ("parent", Field::ParentExe, Class::Program),
    ("parent_command_line", Field::ParentCommandLine, Class::Text),
    ("ancestor", Field::Ancestor, Class::Program),
    ("cwd", Field::Cwd, Class::Path),
    ("user", Field::User, Class::Text),
    ("feeds", Field::Feeds, Class::Program),
    ("path", Field::Path, Class::Path),
    ("ip", Field::Ip, Class::Address),
    ("port", Field::Port, Class::Number),
    ("local_ip", Field::LocalIp, Class::Address),
    ("local_port", Field::LocalPort, Class::Number),
    ("new_peer", Field::NewPeer, Class::Flag),
];

/// Fields of the table that are numbers.
pub(super) const NUMBERS: &[&str] = &[
    "uid",
    "pid",
    "ppid",
    "gid",
    "euid",
    "egid",
    "suid",
    "sgid",
    "fsuid",
    "fsgid",
    "caps",
    "caps_permitted",
    "argc",
    "argv_len",
    "length",
    "count",
    "size_before",
    "size_after",
    "size",
    "sent_bytes",
    "received_bytes",
    "sent_packets",
    "received_packets",
    "family",
    "code",
    "signal",
    "ret",
    "peer_pid",
    "target_pid",
    "child_pid",
    "parent_pid",
    "utime_ns",
    "stime_ns",
    "alive",
    "beat",
    "bytes",
    "child_start_ns",
    "cookie",
    "dev",
    "events",
    "evidence",
    "exe_dev",
    "exe_gen",
    "exe_ino",
    "folded",
    "gen",
    "id",
    "interval_ms",
    "lost",
    "opens_in_events",
    "opens_lost",
    "opens_seen",
    "opens_unnamed",
    "peer_start_ns",
    "processes",
    "seen",
    "socket",
    "start_ns",
    "stored",
    "target_start_ns",
    "group_count",
    "sender_uid",
    "ino",
];

/// Fields of the table that are there, and true, or not there.
pub(super) const FLAGS: &[&str] = &[
    "new_mount_namespace",
    "core",
    "exe_cut",
    "argv_cut",
    "argv_fault",
    "cwd_cut",
    "cwd_deleted",
    "name_cut",
    "secure",
    "unlinked",
    "loader",
    "path_cut",
    "open_only",
    "other_names",
    "unsure",
    "dir",
    "created",
    "truncated",
    "mapped",
    "outside",
    "ech",
    "args_claimed",
    "peer_in_run",
    "target_in_run",
    "text_fault",
    "abi32",
    "unasked",
    "unreadable",
    "answers_cut",
    "count_exact",
    "inherited",
    "command_cut",
];

#[cfg(test)]
mod tests {
    use event::model::table::TYPES;
    use serde_json::Value;

    use super::{FLAGS, NUMBERS};

    #[test]
    fn numbers_and_flags_are_fields_of_the_table() {
        for name in NUMBERS.iter().chain(FLAGS) {
            assert!(TYPES.iter().any(|kind| kind.has_field(name)), "{name}");
        }
    }

    /// The examples in the documents are made by the program (cli/src/pipeline/tests/documents.rs).
    #[test]
    fn fields_are_numbers_and_flags_as_in_the_documents() {
        let page = include_str!("../../../docs/events.md");
        let lines = page.lines().filter(|line| line.starts_with("{\"run\""));
        let events: Vec<Value> =
            lines.map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
        assert!(events.len() > 20, "{}", events.len());
        let mut wrong = Vec::new();
        for (name, value) in events.iter().filter_map(Value::as_object).flatten() {
            // `cause` is a number in a finding and a word in a loss: rules compare it as text.
            let is = (NUMBERS.contains(&name.as_str()), FLAGS.contains(&name.as_str()));
            if is != (value.is_number(), value.is_boolean())
                && !["seq", "cause"].contains(&name.as_str())
            {
                wrong.push(format!("{name}: {value}"));
            }
        }
        wrong.sort();
        wrong.dedup();
        assert_eq!(wrong, Vec::<String>::new(), "put them into NUMBERS or FLAGS above");
    }
}
