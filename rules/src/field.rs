//! What conditions can be about: fields of events, and what is known of who did it.

use event::model::table::{self, ACTOR, TYPES};

/// Something that a condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Field {
    /// The file that the process runs.
    Exe,
    /// Its arguments, joined by spaces.
    CommandLine,
    /// Each of its arguments.
    Argv,
    /// The argument with this number.
    Arg(u8),
    /// Program and arguments, token by token.
    Command,
    /// The name that execve(2) was given, and its arguments, joined: what logira looks at.
    NameAndArguments,
    /// The file that the parent runs.
    ParentExe,
    /// The parent's arguments, joined.
    ParentCommandLine,
    /// The file that any ancestor runs.
    Ancestor,
    /// Working directory.
    Cwd,
    /// Name of the real user, where it is known.
    User,
    /// Programs that read what the process writes to its standard output.
    Feeds,
    /// Any path of the event: old, new, other names of the same file.
    Path,
    /// The same below a home directory, without it.
    HomePath,
    /// The peer's address.
    Ip,
    /// The peer's port.
    Port,
    /// Own address.
    LocalIp,
    /// Own port.
    LocalPort,
    /// The peer was not seen before in this run.
    NewPeer,
    /// Any value.
    Anything,
    /// A field of the table.
    Named(&'static str),
}

/// What values a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Path,
    Program,
    Text,
    Number,
    Flag,
    Address,
    Command,
}

/// Names of fields that are not simply those of the table.
const OWN: &[(&str, Field, Class)] = &[
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
const NUMBERS: &[&str] = &[
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
    "ino",
];

/// Fields of the table that are there, and true, or not there.
const FLAGS: &[&str] = &[
    "new_mount_namespace",
    "core",
    "exe_cut",
    "argv_cut",
    "argv_fault",
    "cwd_cut",
    "name_cut",
    "secure",
    "unlinked",
    "loader",
    "path_cut",
    "open_only",
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
    "command_cut",
];

impl Field {
    /// Returns the field that rules call so, and what values it has.
    pub(crate) fn of_name(name: &str) -> Option<(Field, Class)> {
        if let Some((_, field, class)) = OWN.iter().find(|(own, ..)| *own == name) {
            return Some((*field, *class));
        }
        if let Some(number) = name.strip_prefix("argv.").and_then(|rest| rest.parse().ok()) {
            return Some((Field::Arg(number), Class::Text));
        }
        let names = TYPES.iter().flat_map(|kind| kind.fields.iter()).chain(ACTOR);
        let known = names.copied().find(|known| *known == name)?;
        let class = match known {
            _ if NUMBERS.contains(&known) => Class::Number,
            _ if FLAGS.contains(&known) => Class::Flag,
            "peer_exe" | "target_exe" => Class::Program,
            "file" | "interp" | "launched" | "path2" | "also" | "path_claimed" | "bound" => {
                Class::Path
            }
            _ => Class::Text,
        };
        Some((Field::Named(known), class))
    }

    /// Its name.
    pub(crate) fn name(self) -> String {
        match self {
            Field::Named(name) => name.to_owned(),
            Field::Arg(number) => format!("argv.{number}"),
            Field::HomePath => "path".to_owned(),
            Field::Anything => "any".to_owned(),
            Field::NameAndArguments => "command_line".to_owned(),
            other => {
                let own = OWN.iter().find(|(_, field, _)| *field == other);
                own.map_or("field", |(name, ..)| name).to_owned()
            }
        }
    }

    /// The things that have it.
    pub(crate) fn things(self) -> u64 {
        use Field::{
            Ancestor, Anything, Arg, Argv, Command, CommandLine, Cwd, Exe, Feeds, HomePath, Ip,
            LocalIp, LocalPort, NameAndArguments, Named, NewPeer, ParentCommandLine, ParentExe,
            Path, Port, User,
        };
        match self {
            Exe | CommandLine | Argv | Arg(_) | Command | NameAndArguments | ParentExe
            | ParentCommandLine | Ancestor | Cwd | User | Feeds => {
                things_where(|kind| kind.has_actor)
            }
            Path | HomePath => {
                things_where(|kind| kind.has_field("path") && kind.name != "finding")
            }
            Ip | Port | NewPeer => {
                things_where(|kind| kind.has_field("peer") && kind.name != "finding")
            }
            LocalIp | LocalPort => things_where(|kind| kind.has_field("local")),
            Anything => u64::MAX,
            Named(name) => things_where(|kind| kind.has_field(name)),
        }
    }

    /// Whether it is about the process, as long as that runs one program.
    pub(crate) fn is_of_process(self) -> bool {
        use Field::{
            Ancestor, Arg, Argv, Command, CommandLine, Cwd, Exe, NameAndArguments,
            ParentCommandLine, ParentExe,
        };
        matches!(
            self,
            Exe | CommandLine
                | Argv
                | Arg(_)
                | Command
                | NameAndArguments
                | ParentExe
                | ParentCommandLine
                | Ancestor
                | Cwd
        )
    }
}

/// The things (type and operation, a bit each) of the types that are so.
pub(crate) fn things_where(is: impl Fn(&table::Type) -> bool) -> u64 {
    TYPES.iter().filter(|kind| is(kind)).fold(0, |all, kind| all | things_of(kind.name, None))
}

/// The things of a type, or the one with this operation.
pub(crate) fn things_of(kind: &str, op: Option<&str>) -> u64 {
    let mut bit = 0_u32;
    let mut all = 0;
    for known in TYPES {
        let ops = known.ops.len().max(1);
        for place in 0..ops {
            let is_op = op.is_none_or(|op| known.ops.get(place) == Some(&op));
            if known.name == kind && is_op {
                all |= 1_u64.checked_shl(bit).unwrap_or(0);
            }
            bit += 1;
        }
    }
    all
}

/// Returns the place of an event among the things.
pub(crate) fn thing(kind: &str, op: Option<&str>) -> usize {
    let mut place = 0;
    for known in TYPES {
        if known.name == kind {
            let at = op.and_then(|op| known.ops.iter().position(|one| *one == op));
            return place + at.unwrap_or(0);
        }
        place += known.ops.len().max(1);
    }
    THINGS - 1
}

/// More than there are types and operations; a bit each in 64.
pub(crate) const THINGS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_and_operation_has_a_bit_of_its_own() {
        let mut all = 0_u64;
        for kind in TYPES {
            for op in kind.ops.iter().map(|op| Some(*op)).chain(kind.ops.is_empty().then_some(None))
            {
                let bit = things_of(kind.name, op);
                assert_eq!((bit.count_ones(), all & bit), (1, 0), "{} {op:?}", kind.name);
                assert_eq!(bit, 1 << thing(kind.name, op));
                all |= bit;
            }
        }
    }

    #[test]
    fn numbers_and_flags_are_fields_of_the_table() {
        for name in NUMBERS.iter().chain(FLAGS) {
            assert!(TYPES.iter().any(|kind| kind.has_field(name)), "{name}");
        }
    }
}
