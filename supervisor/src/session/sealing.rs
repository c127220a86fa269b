//! The end of a recording.

use event::frame::control::{Ending, Seal};

use crate::{clock, recorder::Recorder, segment::Writer, statement};

/// Detaches the programs, so that all counters stand still, takes what is left, and closes the record.
pub(super) fn seal(recorder: &mut Recorder, ending: Ending) {
    if let Some(why) = recorder.queues.sensors.detach() {
        statement::open_sockets_untold(&mut recorder.queues.writer, &why);
    }
    recorder.queues.drain_all();
    // What came and went within the last turn was never marked, and the record has to say so.
    recorder.follow_mounts();
    recorder.queues.finish_hashes();
    recorder.queues.finish_redaction();
    let last = LastWords {
        code: recorder.queues.main_code(),
        ending,
        alive: recorder.queues.processes.members.alive(),
    };
    recorder.queues.writer.close();
    recorder.checkpoint(clock::boot_ns());
    let writer = &mut recorder.queues.writer;
    // What the disk refuses is said again in the reserve.
    for attempt in 0..2 {
        let firm = writer.settle(clock::boot_ns());
        if attempt > 0 {
            // The frames that begin the reserve came behind the last signature.
            writer.sign(clock::boot_ns());
        }
        write_seal(writer, &last);
        if writer.settle(clock::boot_ns()) == firm {
            break;
        }
    }
    writer.finish(clock::boot_ns());
    recorder.leaf.remove();
}

/// What the seal says, but for the chain and the clocks.
struct LastWords {
    code: Option<i32>,
    ending: Ending,
    alive: u32,
}

fn write_seal(writer: &mut Writer, last: &LastWords) {
    let boot_ns = clock::boot_ns();
    let seal = Seal {
        chain: writer.link(),
        boot_ns,
        real_ns: clock::real_ns(),
        frames: writer.frames() + 1,
        main_code: last.code.unwrap_or(0),
        main_known: u32::from(last.code.is_some()),
        ending: last.ending as u32,
        alive: last.alive,
    };
    writer.seal(seal);
}
