//! Removing runs instead of recording one.

use event::protocol::{DONE, Prune, refusal};

use super::{First, hear_first, id_of, no_leaf};
use crate::{cgroup::Parent, channel::Channel, refusal::Refusal, standing::Standing, store};

/// Removes the runs that the front names, one a word, unless it is itself recorded.
pub(super) fn prune(
    channel: &mut Channel,
    standing: &Standing,
    parent: &Parent,
    first: &Prune,
) -> Result<(), Refusal> {
    let Standing::For(caller) = standing else {
        return Err(Refusal::protocol("only an installed recorder has a store of its own"));
    };
    let own = rustix::process::geteuid().as_raw();
    if parent.is_recorded(own).map_err(|why| no_leaf(&why))? {
        let text = "cannot remove runs from inside a recorded run";
        return Err(Refusal::new(refusal::NOT_YOURS, libc::EPERM, text));
    }
    let mut next = *first;
    loop {
        match id_of(&next.run).and_then(|id| store::prune(store::INSTALLED, caller, id)) {
            Ok(()) => channel.send(DONE, None).map_err(Refusal::protocol)?,
            Err(why) => {
                channel.refuse(why.reason, why.errno, &why.text).map_err(Refusal::protocol)?;
            }
        }
        match hear_first(channel) {
            Ok((First::Prune(prune), _)) => next = prune,
            _ => return Ok(()),
        }
    }
}
