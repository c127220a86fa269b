//! Who did something to a file: which process, and which of its programs.

use event::{ProcId, frame::files::file_flag};

use crate::programs::Program;

/// Who did it, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// A process of the run, and which of its programs.
    Member(ProcId, Program),
    /// One with rights that the user who records has not.
    Held,
    /// A process that is not in the table.
    Stranger {
        /// Whether forks were lost, so that it may be of the run.
        perhaps: bool,
    },
}

/// The same, as a frame tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By {
    pub(crate) id: ProcId,
    /// Bits of [`event::frame::files::File::flags`].
    pub(crate) flags: u32,
    /// See [`Program::number`].
    program: u32,
}

impl By {
    pub(crate) fn member(id: ProcId, program: Program) -> By {
        let later = program.later.min(file_flag::LATER_MASK);
        By { id, flags: later << file_flag::LATER_SHIFT, program: program.number }
    }

    pub(crate) fn stranger(pid: u32) -> By {
        By { id: ProcId { pid, start_ns: 0 }, flags: file_flag::UNKNOWN_PROCESS, program: 0 }
    }

    /// Tells it from others: what two programs of one process did is not summed.
    pub(crate) fn key(&self) -> [u8; 16] {
        let mut key = [0; 16];
        let (process, program) = key.split_at_mut(12);
        let (pid, start) = process.split_at_mut(4);
        pid.copy_from_slice(&self.id.pid.to_ne_bytes());
        start.copy_from_slice(&self.id.start_ns.to_ne_bytes());
        program.copy_from_slice(&self.program.to_ne_bytes());
        key
    }
}
