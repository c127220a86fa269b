//! The caller's limits are for the command. The front reads and writes for the record, which may be
//! more than they allow, and must be there when the command ends.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::sys;

/// Limits that would end the front, or keep it from deriving.
const RAISED: [Resource; 5] =
    [Resource::Fsize, Resource::Cpu, Resource::As, Resource::Data, Resource::Nofile];

/// Raises our own limits as far as we may. Only after the fork: the command keeps what it was given.
pub(super) fn raise() {
    for resource in RAISED {
        let none = Rlimit { current: None, maximum: None };
        let hard = getrlimit(resource).maximum;
        let most = Rlimit { current: hard, maximum: hard };
        // A number of descriptors without limit is refused; where neither works, the old one stays.
        let _ = setrlimit(resource, none).or_else(|_| setrlimit(resource, most));
    }
    sys::survive_long_files();
}
