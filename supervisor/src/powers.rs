//! Each capability of an installed recorder: why, from when, to when.
//!
//! The file gives them as permitted only, so that nothing is in force before a step raises it. A step
//! raises what it needs and puts it down again; what no later step needs is given up for good. The
//! bounding set is emptied first: no program that this process could still execute would have any.

use std::io;

use rustix::thread::{
    CapabilitySet as Caps, CapabilitySets, capabilities, remove_capability_from_bounding_set,
    set_capabilities,
};

/// Empties the bounding set.
const BOUNDING: Caps = Caps::SETPCAP;
/// Lifts the caller's hard limits and its nice(1), which would act on the recording.
const LIMITS: Caps = Caps::SYS_RESOURCE.union(Caps::SYS_NICE);
/// Drops the caller's groups.
const GROUPS: Caps = Caps::SETGID;
/// Leaves the caller's cgroup, makes the leaf in it, moves the command there; makes a user's first
/// directory in the store, which is root's.
pub(crate) const PLACES: Caps = Caps::DAC_OVERRIDE;
/// Loads and attaches programs; `SYS_ADMIN` for the file system by which they share maps.
pub(crate) const PROGRAMS: Caps =
    Caps::BPF.union(Caps::PERFMON).union(Caps::NET_ADMIN).union(Caps::SYS_ADMIN);
/// Makes fanotify groups, marks mounts, and opens the roots of processes to find them.
pub(crate) const MARKS: Caps = Caps::SYS_ADMIN.union(Caps::SYS_PTRACE).union(Caps::DAC_READ_SEARCH);
/// Opens a directory by its handle to ask for its path, and files to hash them: until the end.
pub(crate) const LOOKUPS: Caps = Caps::DAC_READ_SEARCH;

/// Of a recorder with its caller's own rights, until the end: it also marks mounts that come later.
pub(crate) const OWN: Caps = LOOKUPS.union(Caps::SYS_ADMIN);

/// Of the keeper, until the end: marks, and removing the leaf from a cgroup that is not ours.
const KEEPER: Caps = MARKS.union(Caps::DAC_OVERRIDE);

/// All of them: what `audit setup` gives to the file.
const ALL: Caps = BOUNDING.union(LIMITS).union(GROUPS).union(PLACES).union(PROGRAMS).union(MARKS);

/// The right to raise capabilities. In a recorder with its caller's own rights all that it has is in
/// force already, until the command runs.
#[derive(Debug)]
pub(crate) struct Powers {
    installed: bool,
}

impl Powers {
    /// Of a recorder with its caller's own rights.
    pub(crate) fn own() -> Powers {
        Powers { installed: false }
    }

    /// Puts everything down, empties the bounding set and drops the caller's groups.
    ///
    /// # Errors
    /// When the file has not the capabilities that it should have.
    pub(crate) fn take() -> io::Result<Powers> {
        let permitted = capabilities(None)?.permitted.intersection(ALL);
        hold(permitted, Caps::empty())?;
        let powers = Powers { installed: true };
        powers.with(BOUNDING, || ALL_CAPS.for_each(forget))?;
        powers.give_up(BOUNDING)?;
        Ok(powers)
    }

    /// Raises `LIMITS` for `lift`, then `GROUPS` for `drop`; gives both up.
    ///
    /// # Errors
    /// Those of the steps.
    pub(crate) fn settle(
        &self,
        lift: impl FnOnce(),
        drop: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        // Where nobody has one of them (some sandboxes), the caller's hard limits stay.
        let have = capabilities(None)?.permitted.intersection(LIMITS);
        self.with(have, lift)?;
        self.give_up(LIMITS)?;
        self.with(GROUPS, drop)??;
        self.give_up(GROUPS)
    }

    /// Does `step` with `raised` in force, beside what is.
    ///
    /// # Errors
    /// When one of them is not ours to raise; the step is not done then.
    pub(crate) fn with<T>(&self, raised: Caps, step: impl FnOnce() -> T) -> io::Result<T> {
        if !self.installed {
            return Ok(step());
        }
        let before = capabilities(None)?;
        hold(before.permitted, before.effective.union(raised))?;
        let done = step();
        hold(before.permitted, before.effective)?;
        Ok(done)
    }

    /// Gives `caps` up for good.
    ///
    /// # Errors
    /// Those of capset(2).
    pub(crate) fn give_up(&self, caps: Caps) -> io::Result<()> {
        if !self.installed {
            return Ok(());
        }
        let now = capabilities(None)?;
        hold(now.permitted.difference(caps), now.effective.difference(caps))
    }

    /// Keeps only `kept`, and has it in force from now on; a recorder with its caller's own rights too.
    ///
    /// # Errors
    /// Those of capset(2).
    pub(crate) fn keep_only(&self, kept: Caps) -> io::Result<()> {
        let held = capabilities(None)?.permitted.intersection(kept);
        hold(held, held)
    }

    /// Keeps what the keeper needs. Where its caller has no `SYS_PTRACE` (some containers), it may look
    /// into processes that have no more than itself: then it keeps all.
    ///
    /// # Errors
    /// Those of capset(2).
    pub(crate) fn keep_keepers(&self) -> io::Result<()> {
        if !self.installed && !capabilities(None)?.permitted.contains(Caps::SYS_PTRACE) {
            return Ok(());
        }
        self.keep_only(KEEPER)
    }
}

/// Numbers of capabilities; the kernel refuses those that it does not have.
const ALL_CAPS: std::ops::Range<u32> = 0..64;

fn forget(number: u32) {
    let _ = remove_capability_from_bounding_set(Caps::from_bits_retain(1 << number));
}

fn hold(permitted: Caps, effective: Caps) -> io::Result<()> {
    let sets = CapabilitySets { permitted, effective, inheritable: Caps::empty() };
    Ok(set_capabilities(None, sets)?)
}
