//! What was heard of sockets lately: the rings of sockets and of system calls are not in step.

use std::collections::HashMap;

/// When something was heard of a socket, and with which errno.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) at_ns: u64,
    pub(crate) errno: u32,
}

/// By socket, for one to two windows.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    young: HashMap<u64, Heard>,
    old: HashMap<u64, Heard>,
}

impl Recent {
    pub(crate) fn put(&mut self, cookie: u64, heard: Heard) {
        self.young.insert(cookie, heard);
    }

    /// Returns what was heard of the socket at this time or later.
    pub(crate) fn since(&self, cookie: u64, at_ns: u64) -> Option<Heard> {
        let heard = self.young.get(&cookie).or_else(|| self.old.get(&cookie)).copied();
        heard.filter(|heard| heard.at_ns >= at_ns)
    }

    /// A window ended: what was heard before the last one is forgotten.
    pub(crate) fn age(&mut self) {
        self.old = std::mem::take(&mut self.young);
    }
}
