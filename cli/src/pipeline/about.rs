//! The `start` event: what the recorder found, and what the front said of the run.

use event::frame::Frame;
use event::frame::control::Start as StartFrame;
use event::model::{Start, What};
use event::wire::Malformed;
use storage::About;

use super::{At, Pipeline};

impl Pipeline {
    pub(super) fn on_start(&mut self, frame: &Frame<'_>, at: At) -> Result<(), Malformed> {
        let (told, rest) = frame.body::<StartFrame>()?;
        let (kernel, rest) =
            rest.split_at_checked(told.release_len.into()).ok_or(Malformed::Length)?;
        let host = rest.get(..told.host_len.into()).ok_or(Malformed::Length)?;
        self.learn_clocks(told.boot_ns, told.real_ns, at);
        self.beats.begin(told.boot_ns);
        self.with_start(at, |start| {
            start.kernel = Some(kernel.to_vec());
            start.host = Some(host.to_vec());
            start.uid = start.uid.or(Some(told.uid));
            start.trust = Some(event::protocol::trust::word(told.trust));
        });
        Ok(())
    }

    /// What the front said is not to be trusted, but shown; when it cannot be read, the rest stands.
    pub(super) fn on_about(&mut self, frame: &Frame<'_>, at: At) {
        let Some(about) = About::parse(frame.payload) else { return self.unreadable(at) };
        if let Some(interval_ms) = about.heartbeat_ms {
            self.beats.every(interval_ms);
        }
        let text = |text: &str| (!text.is_empty()).then(|| text.as_bytes().to_vec());
        let command: Vec<u8> =
            about.command().into_iter().flat_map(|argument| [argument, vec![0]].concat()).collect();
        let env = about.env().into_iter().flat_map(|named| [named, vec![0]].concat()).collect();
        self.with_start(at, |start| {
            start.env = env;
            start.redaction_key = about.redaction_key.as_deref().and_then(text);
            start.command = command;
            start.command_cut = about.command_cut;
            start.cwd = Some(about.cwd()).filter(|cwd| !cwd.is_empty());
            start.name = about.name.as_deref().and_then(text);
            start.user = text(&about.user);
            start.uid = Some(about.uid);
            start.version = text(&about.version);
        });
    }

    /// Both frames make one event, where the first of them stands.
    fn with_start(&mut self, at: At, change: impl FnOnce(&mut Start)) {
        let (serial, mut start) = self.start.take().unwrap_or_else(|| {
            let start = Start::default();
            (self.push(at, None, What::Start(Box::new(start.clone()))), start)
        });
        change(&mut start);
        if let Some(slot) = self.window.get(serial) {
            slot.event.what = What::Start(Box::new(start.clone()));
            slot.event.ts_ns = self.clock.utc(slot.event.boot_ns);
        }
        self.start = Some((serial, start));
    }
}
