//! Who is woken: the reader by the first record of a while, and by no other until it asks for it.

use bpf::Topic;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use crate::actor::go_on;
use crate::run::{Run, able};

/// Wake-ups of the ring of processes, each told once.
struct Bell(rustix::fd::OwnedFd);

impl Bell {
    fn of(run: &Run) -> Bell {
        let bell = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an epoll");
        let edges = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&bell, run.ring(Topic::Proc), epoll::EventData::new_u64(0), edges)
            .expect("it is added");
        Bell(bell)
    }

    /// Whether it rang since the last time, or does within a moment: the kernel rings from an interrupt.
    fn rang(&self) -> bool {
        let mut told = Vec::with_capacity(1);
        let moment = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
        epoll::wait(&self.0, spare_capacity(&mut told), Some(&moment)).expect("it waits") > 0
    }
}

/// Processes that begin and end; nothing is read.
fn play(run: &Run) {
    assert!(run.start("opens").wait().expect("wait").success());
}

#[test]
fn the_first_record_of_a_while_wakes_the_reader_and_those_behind_it_do_not() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    let bell = Bell::of(&run);
    for _ in 0..2 {
        play(&run);
        assert!(bell.rang(), "the first record");
        run.drain();
        assert!(!run.is_waiting(Topic::Proc), "all is read");
        play(&run);
        assert!(!bell.rang(), "who was woken looks by itself");
        assert!(run.is_waiting(Topic::Proc), "there is something to read all the same");
        run.drain();
        run.rouse();
    }
}

#[test]
fn a_program_in_a_mount_namespace_of_its_own_wakes_the_reader_at_once() {
    if !able() {
        return;
    }
    let mut run = Run::begin();
    let bell = Bell::of(&run);
    let go_on = go_on(std::process::id());
    let mut actor = run.start("elsewhere");
    assert!(bell.rang(), "the first record");
    while bell.rang() {}
    std::fs::write(&go_on, "").expect("it is made");
    assert!(bell.rang(), "marks are missing where it goes");
    assert!(actor.wait().expect("wait").success());
    std::fs::remove_file(&go_on).expect("it is removed");
    run.drain();
}
