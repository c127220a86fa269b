//! Marks in place of secrets: the record has stars there, and what tells equal secrets from others.

use event::ProcId;
use event::frame::{Frame, redact::Redacted};
use event::model::{Event, Exec, Redaction, What};
use event::redact;
use event::wire::Malformed;

use super::Pipeline;

impl Pipeline {
    /// A place in the argv that comes next.
    pub(super) fn on_redacted(&mut self, frame: &Frame<'_>) -> Result<(), Malformed> {
        let (told, _) = frame.body::<Redacted>()?;
        let at = usize::try_from(told.at).map_err(|_| Malformed::Length)?;
        let len = usize::try_from(told.len).map_err(|_| Malformed::Length)?;
        let id = ProcId { pid: told.pid, start_ns: told.start_ns };
        self.marks.entry(id).or_default().push(Redaction { at, len, mark: told.mark });
        Ok(())
    }
}

/// Puts the marks into an argv that is whole by now.
pub(super) fn show(event: &mut Event) {
    let What::Exec(exec) = &mut event.what else { return };
    let Exec { argv, redacted, .. } = exec.as_mut();
    if redacted.is_empty() {
        return;
    }
    redacted.sort_by_key(|place| place.at);
    let marks =
        redacted.iter().map(|place| (place.at..place.at.saturating_add(place.len), place.mark));
    *argv = redact::replaced(argv, marks);
}
