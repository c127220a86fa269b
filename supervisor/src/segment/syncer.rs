//! Syncs segments in a thread of its own: a disk that takes its time must not keep the loop from the
//! rings, which fill meanwhile.

use std::{
    io,
    os::fd::OwnedFd,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    thread,
};

/// Syncs that may wait: one that goes on, and the last ones of segments that ended meanwhile.
const WAITING: usize = 4;

/// The loop's side of the thread.
#[derive(Debug)]
pub(super) struct Syncer {
    todo: SyncSender<Arc<OwnedFd>>,
    done: Receiver<rustix::io::Result<()>>,
    /// Syncs whose end was not heard of.
    under_way: usize,
}

impl Syncer {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the machine has no room for one.
    pub(super) fn start() -> io::Result<Syncer> {
        let (todo, files) = sync_channel::<Arc<OwnedFd>>(WAITING);
        let (tell, done) = sync_channel(WAITING + 1);
        thread::Builder::new().name("sync".to_owned()).spawn(move || {
            for file in files {
                if tell.send(rustix::fs::fdatasync(&*file)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Syncer { todo, done, under_way: 0 })
    }

    /// Asks for a sync of `file`; false when too many wait.
    pub(super) fn ask(&mut self, file: &Arc<OwnedFd>) -> bool {
        let asked = self.under_way < WAITING && self.todo.try_send(Arc::clone(file)).is_ok();
        self.under_way += usize::from(asked);
        asked
    }

    /// Whether a sync goes on or waits, as far as was heard.
    pub(super) fn is_busy(&self) -> bool {
        self.under_way > 0
    }

    /// How those that ended since the last time ended.
    ///
    /// # Errors
    /// The first refusal of the disk.
    pub(super) fn hear(&mut self) -> io::Result<()> {
        let mut all = Ok(());
        while self.under_way > 0 {
            match self.done.try_recv() {
                Ok(result) => self.note(&mut all, result),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return self.is_gone(),
            }
        }
        all
    }

    /// Waits for all that were asked for.
    ///
    /// # Errors
    /// The first refusal of the disk.
    pub(super) fn wait(&mut self) -> io::Result<()> {
        let mut all = Ok(());
        while self.under_way > 0 {
            match self.done.recv() {
                Ok(result) => self.note(&mut all, result),
                Err(_) => return self.is_gone(),
            }
        }
        all
    }

    fn note(&mut self, all: &mut io::Result<()>, result: rustix::io::Result<()>) {
        self.under_way -= 1;
        if all.is_ok() {
            *all = result.map_err(io::Error::from);
        }
    }

    /// What it was asked for is not known to be on the disk.
    fn is_gone(&mut self) -> io::Result<()> {
        self.under_way = 0;
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_disk_refuses_is_heard_and_nothing_else() {
        let file = Arc::new(OwnedFd::from(tempfile::tempfile().expect("a file")));
        // A pipe cannot be synced (fdatasync(2), EINVAL).
        let (_, pipe) = io::pipe().expect("a pipe");
        let pipe = Arc::new(OwnedFd::from(pipe));
        let mut syncer = Syncer::start().expect("a thread");
        assert!(!syncer.is_busy());
        assert!(syncer.ask(&file));
        assert!(syncer.is_busy());
        syncer.wait().expect("a file can be synced");
        assert!(!syncer.is_busy());
        assert!(syncer.ask(&file) && syncer.ask(&pipe) && syncer.ask(&file));
        assert_eq!(syncer.wait().map_err(|why| why.raw_os_error()), Err(Some(libc::EINVAL)));
        syncer.hear().expect("it is said once");
    }

    #[test]
    fn no_more_wait_than_there_is_room_for() {
        let file = Arc::new(OwnedFd::from(tempfile::tempfile().expect("a file")));
        let mut syncer = Syncer::start().expect("a thread");
        let asked = (0..WAITING + 3).filter(|_| syncer.ask(&file)).count();
        assert_eq!(asked, WAITING, "nothing is heard in between");
        syncer.wait().expect("a file can be synced");
    }
}
