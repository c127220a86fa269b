//! What conditions can be about: fields of events, and what is known of who did it.

mod names;
mod things;

use event::model::table::{ACTOR, TYPES};

use names::{FLAGS, NUMBERS, OWN};
pub(crate) use things::{THINGS, thing, things_of};
use things::{things_by_somebody, things_with};

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
    /// A part of the time of the event.
    Clock(Part),
    /// Any value.
    Anything,
    /// A field of the table.
    Named(&'static str),
}

/// A part of an instant, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Part {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
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
            Field::Clock(part) => format!("{part:?}").to_ascii_lowercase(),
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
            Ancestor, Anything, Arg, Argv, Clock, Command, CommandLine, Cwd, Exe, Feeds, HomePath,
            Ip, LocalIp, LocalPort, NameAndArguments, Named, NewPeer, ParentCommandLine, ParentExe,
            Path, Port, User,
        };
        let beside_findings = |name: &str| things_with(name) & !things_of("finding", None);
        match self {
            Exe | CommandLine | Argv | Arg(_) | Command | NameAndArguments | ParentExe
            | ParentCommandLine | Ancestor | Cwd | User | Feeds => things_by_somebody(),
            Path | HomePath => beside_findings("path"),
            Ip | Port | NewPeer => beside_findings("peer"),
            LocalIp | LocalPort => things_with("local"),
            Anything | Clock(_) => u64::MAX,
            Named(name) => things_with(name),
        }
    }

    /// Whether its values are numbers.
    pub(crate) fn is_number(self) -> bool {
        match self {
            Field::Port | Field::LocalPort | Field::Clock(_) => true,
            Field::Named(name) => NUMBERS.contains(&name),
            _ => false,
        }
    }
}
