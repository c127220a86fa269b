//! Pauses after failures: each twice as long as the one before, with chance in it, so that a fleet
//! that lost its server together does not come back together.

use std::time::{Duration, Instant};

/// Longest pause.
const LONGEST: Duration = Duration::from_secs(300);

/// How a target does.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    pub(crate) fn new(first: Duration) -> Backoff {
        Backoff { first, failures: 0, until: None }
    }

    /// It works.
    pub(crate) fn works(&mut self) {
        self.failures = 0;
        self.until = None;
    }

    /// It failed; the server may have said how long to wait, which is taken for at least that.
    pub(crate) fn failed(&mut self, wanted: Option<Duration>) -> Duration {
        let pause = pause(self.first, self.failures, chance()).max(wanted.unwrap_or_default());
        let pause = pause.min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(Instant::now() + pause);
        pause
    }

    /// Failures without a success between them.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// How long to wait yet.
    pub(crate) fn left(&self) -> Duration {
        self.until.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()))
    }
}

/// Between half and all of `first * 2^failures`, as `chance` (0 to 1) says.
fn pause(first: Duration, failures: u32, chance: f64) -> Duration {
    let whole = first.saturating_mul(2_u32.saturating_pow(failures.min(20))).min(LONGEST);
    whole.mul_f64(0.5 + 0.5 * chance)
}

fn chance() -> f64 {
    let mut bytes = [0; 4];
    let flags = rustix::rand::GetRandomFlags::empty();
    // Without chance, all wait for the longest time.
    match rustix::rand::getrandom(&mut bytes, flags) {
        Ok(4) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let first = Duration::from_millis(500);
        let longest: Vec<u64> =
            [0, 1, 2, 9, 10, 40].map(|n| pause(first, n, 1.0).as_millis() as u64).to_vec();
        assert_eq!(longest, [500, 1000, 2000, 256_000, 300_000, 300_000]);
        assert_eq!(pause(first, 1, 0.0), first);
    }

    #[test]
    fn a_server_that_says_when_is_heard_within_reason() {
        let mut target = Backoff::new(Duration::from_millis(1));
        assert_eq!(target.failed(Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(target.failed(Some(Duration::from_secs(86_400))), LONGEST);
        target.works();
        assert_eq!((target.failures(), target.left()), (0, Duration::ZERO));
    }
}
