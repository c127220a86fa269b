//! Tries each topic and says what came of it, for `audit doctor`.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use crate::attach::{Loader, Numbers};
use crate::error::Error;
use crate::load::{Settings, one};
use crate::programs::Topic;
use crate::types::Types;

/// What became of one topic.
#[derive(Debug)]
pub struct Probed {
    /// Which one.
    pub topic: Topic,
    /// What the kernel has no hook for ([`crate::Source::absent`]), or the first thing that it refused.
    pub result: Result<Vec<&'static str>, Error>,
    /// How long loading and attaching took.
    pub took: Duration,
}

/// Loads each topic with the smallest ring, attaches it to `leaf`, and lets it go again.
///
/// Trying is the only sure way: kernels refuse program types for reasons that neither their
/// version nor their configuration shows. `leaf` should be a cgroup made for this, without
/// processes.
///
/// # Errors
/// [`Error::Types`] or [`Error::Leaf`] when no topic could even be tried.
pub fn probe(leaf: BorrowedFd<'_>) -> Result<Vec<Probed>, Error> {
    let settings = Settings {
        proc_ring: SMALLEST_RING,
        net_ring: SMALLEST_RING,
        call_ring: SMALLEST_RING,
        ..Settings::default()
    };
    let numbers = Numbers::of(&settings, leaf).map_err(Error::Leaf)?;
    let types = Types::of_kernel().map_err(Error::Types)?;
    let mut loader = Loader::new(&settings, &numbers, &types, leaf)?;
    let mut one = |topic| {
        let begin = Instant::now();
        let result = one(&mut loader, &types, topic).map(|mut source| {
            source.detach();
            source.absent
        });
        Probed { topic, result, took: begin.elapsed() }
    };
    Ok(Topic::ALL.into_iter().map(&mut one).collect())
}

/// A page, on every machine that has pages of 4 to 64 KiB.
const SMALLEST_RING: u32 = 64 << 10;
