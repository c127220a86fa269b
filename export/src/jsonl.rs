//! JSON lines: the record's own form, byte for byte.

use std::io;

use crate::{
    Event, Run,
    format::{Output, Writer},
};

struct Lines(Output);

pub(crate) fn open(out: Output) -> Box<dyn Writer> {
    Box::new(Lines(out))
}

impl Writer for Lines {
    fn run(&mut self, _: &Run) -> io::Result<()> {
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.0.write_all(event.line)?;
        self.0.write_all(b"\n")
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.0.flush()
    }
}
