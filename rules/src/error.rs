//! What is wrong with a condition, and how to write it.

/// A condition that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// A glob is broken.
    Pattern {
        /// The glob.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A destination is none.
    Dest {
        /// What was given.
        dest: String,
    },
    /// There is no such type of event.
    Type {
        /// What was given.
        name: String,
    },
    /// No type of event has such an operation.
    Op {
        /// What was given.
        name: String,
    },
}

impl Error {
    /// Returns how it could be written.
    #[must_use]
    pub fn hint(&self) -> String {
        let names = |names: Vec<&str>| format!("one of {}", names.join(", "));
        let types = event::model::table::TYPES.iter();
        match self {
            Error::Pattern { .. } => {
                "wildcards are * ? [abc] and {a,b}; a backslash takes away their meaning".to_owned()
            }
            Error::Dest { .. } => {
                "use HOST, HOST:PORT, :PORT, [2001:db8::1]:443 or 10.0.0.0/8".to_owned()
            }
            Error::Type { .. } => names(types.map(|kind| kind.name).collect()),
            Error::Op { .. } => names(types.flat_map(|kind| kind.ops.iter().copied()).collect()),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Pattern { pattern, reason } => {
                write!(f, "cannot read the pattern '{pattern}': {reason}")
            }
            Error::Dest { dest } => write!(f, "cannot read the destination '{dest}'"),
            Error::Type { name } => write!(f, "cannot find a type of event '{name}'"),
            Error::Op { name } => write!(f, "cannot find an operation '{name}'"),
        }
    }
}

impl std::error::Error for Error {}
