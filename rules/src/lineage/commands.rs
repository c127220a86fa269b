//! What was found out about commands: the same one in the same directory is looked at once, not each time that it
//! runs.

use std::rc::Rc;

use event::model::{Actor, Exec};
use foldhash::HashMap;

use super::node::Held;

/// Bytes that are remembered at most, about: beyond, all is forgotten.
const MOST: usize = 4 << 20;

/// Longest command with its program and directory that is remembered.
const LONGEST: usize = 1024;

/// What an entry takes beside its bytes, about.
const EACH: usize = 256;

/// Conditions that hold for what a process runs, by all that they look at.
#[derive(Debug, Default)]
pub(super) struct Commands {
    known: HashMap<Box<[u8]>, Rc<Held>>,
    bytes: usize,
    room: Vec<u8>,
}

impl Commands {
    /// Returns the place for the conditions that hold for this program with these arguments in this directory: of a
    /// command that came before with those that were found then.
    pub(super) fn held(&mut self, actor: &Actor, exec: &Exec) -> Rc<Held> {
        let Commands { known, bytes, room } = self;
        room.clear();
        for part in [actor.exe.as_deref(), exec.cwd.as_deref(), Some(&exec.argv)] {
            // Each with its length: where one ends is not for who names files to say.
            room.extend(part.map_or(u64::MAX, |part| part.len() as u64).to_le_bytes());
            room.extend_from_slice(part.unwrap_or_default());
        }
        if room.len() > LONGEST {
            return Rc::default();
        }
        if let Some(held) = known.get(room.as_slice()) {
            return held.clone();
        }
        if *bytes > MOST {
            known.clear();
            *bytes = 0;
        }
        *bytes += EACH + room.len();
        known.entry(room.as_slice().into()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_looked_at_once_and_memory_is_bounded() {
        let mut commands = Commands::default();
        let mut held = |exe: &[u8], argv: &[u8], cwd: Option<&[u8]>| {
            let actor = Actor { exe: Some(exe.into()), ..Actor::default() };
            let cwd = cwd.map(<[u8]>::to_vec);
            commands.held(&actor, &Exec { argv: argv.to_vec(), cwd, ..Exec::default() })
        };
        let first = held(b"/bin/true", b"true\0", Some(b"/"));
        assert!(Rc::ptr_eq(&first, &held(b"/bin/true", b"true\0", Some(b"/"))));
        for other in [
            held(b"/bin/true", b"true\0", Some(b"/x")),
            held(b"/bin/true", b"true\0", None),
            held(b"/bin/true", b"true\0a\0", Some(b"/")),
            held(b"/bin/tru", b"etrue\0", Some(b"/")),
        ] {
            assert!(!Rc::ptr_eq(&first, &other));
        }
        let long = [b'x'; LONGEST];
        assert!(!Rc::ptr_eq(&held(&long, b"", None), &held(&long, b"", None)));
        (0..100_000_u32).for_each(|number| drop(held(b"/bin/true", &number.to_le_bytes(), None)));
        assert!(commands.bytes <= MOST + EACH + LONGEST && commands.known.len() * EACH <= MOST);
    }
}
