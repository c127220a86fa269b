//! Waiting for what must happen, with a deadline and never by a sleep that hopes.

use std::time::{Duration, Instant};

/// How long anything may take that should take a moment; the machine may be busy.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until `look` finds something.
///
/// # Panics
/// When the deadline passes; says what was waited for.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(DEADLINE, what, look)
}

/// Waits until `look` finds something, for so long.
///
/// # Panics
/// When it takes longer; says what was waited for.
pub fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {limit:?} for {what}");
        std::thread::sleep(LOOK);
    }
}

/// Waits until `look` is true.
///
/// # Panics
/// When the deadline passes; says what was waited for.
pub fn until_true(what: &str, mut look: impl FnMut() -> bool) {
    until(what, || look().then_some(()));
}
