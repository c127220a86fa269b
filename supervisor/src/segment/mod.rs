//! Writes the segments: frames into a buffer, the buffer as a packed block to disk, the chain over all.
//!
//! The buffer is written when it has [`BLOCK`] bytes or its first frame waited [`WRITE_EVERY`];
//! `fdatasync` is grouped, and a thread waits for it. When the disk refuses, the record goes on in a reserve of [`RESERVE`] bytes and
//! only what matters most is written from then on; the rest is counted as lost.

mod account;
mod calls;
mod disk;
mod full;
mod seal;
mod signer;
mod syncer;

use std::{io, os::fd::OwnedFd, time::Duration};

use event::{
    frame::{
        self, Ask, Chain, Packer,
        control::{self, Seal},
    },
    protocol::Begin,
    sign::{SegmentSum, Sum},
};
use zerocopy::IntoBytes;

pub(crate) use account::{Account, Amount};
use disk::Disk;
use full::Health;
use signer::Signer;

use crate::store::Lease;

/// Frames are collected here. Larger than the largest frame by far; a drain of a ring's budget fits.
const BUFFER: usize = frame::MAX_PLAIN;

/// Bytes of frames after which a block does not wait for its time: more packs little better.
const BLOCK: usize = 64 * 1024;

/// Longest time that a frame waits in the buffer, see `docs/storage.md`. A write for each turn of the loop cost
/// more than the turn, and blocks of five frames.
const WRITE_EVERY: Duration = Duration::from_millis(20);

/// Bytes set aside on disk when a run starts, for its last words on a full disk. Enough for the
/// processes and connections of minutes.
pub(crate) const RESERVE: u64 = 1 << 20;

/// Part of the reserve that only control frames may use: losses, last checkpoint, seal.
const RESERVE_FOR_SEAL: u64 = 64 * 1024;

/// Room that a checkpoint and the losses before it take at most.
const CHECKPOINT_ROOM: u64 = 4096;

/// Unsynced bytes after which a sync does not wait for its time.
const SYNC_BYTES: u64 = 4 << 20;

/// Longest time that written bytes stay unsynced, see `docs/storage.md`.
const SYNC_EVERY: Duration = Duration::from_millis(200);

/// The run's segments, open at their end.
#[derive(Debug)]
pub(crate) struct Writer {
    disk: Disk,
    buffer: Box<[u8]>,
    filled: usize,
    hashed: usize,
    packer: Packer,
    /// When the first frame came that is in the buffer.
    waits_ns: Option<u64>,
    /// The open file has nothing yet: the buffer is what it begins with.
    begins: bool,
    seq: u64,
    chain: Chain,
    /// Sequence and chain as they are on disk, to return to when a write fails.
    safe: (u64, Chain),
    account: Account,
    health: Health,
    /// How often the disk refused, ever.
    refusals: u32,
    /// The end has come: the part of the reserve that was kept for it may be used.
    closing: bool,
    run: [u8; 64],
    segment_bytes: u64,
    /// Bytes that may still be written, the reserve not counted.
    budget: u64,
    /// Whom to ask for more.
    lease: Option<Lease>,
    synced_ns: u64,
    /// Hash of the open segment as it is on disk, for the seal.
    sum: Sum,
    /// The segments before it.
    sums: Vec<SegmentSum>,
    signer: Option<Signer>,
    seal: Option<Seal>,
}

impl Writer {
    /// Makes the first segment and the reserve in `dir`.
    ///
    /// # Errors
    /// Those of the system calls: a full or read-only store shows here, before anything runs.
    pub(crate) fn create(dir: OwnedFd, begin: &Begin, now_ns: u64) -> io::Result<Writer> {
        let disk = Disk::create(dir, RESERVE)?;
        let run = begin.run;
        let id = run.split(|b| *b == 0).next().unwrap_or_default();
        let chain = Chain::new(id);
        let mut writer = Writer {
            disk,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            filled: 0,
            hashed: 0,
            packer: Packer::new()?,
            waits_ns: None,
            begins: true,
            seq: 0,
            safe: (0, chain.clone()),
            chain,
            account: Account::new(),
            health: Health::Good,
            refusals: 0,
            closing: false,
            run,
            segment_bytes: begin.segment_bytes.max(1 << 16),
            budget: u64::MAX,
            lease: None,
            synced_ns: now_ns,
            sum: Sum::default(),
            sums: Vec::new(),
            signer: None,
            seal: None,
        };
        writer.open_segment(1, now_ns);
        writer.write_out(now_ns);
        match writer.health {
            Health::Good => Ok(writer),
            Health::Reserve(_) | Health::Dead => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    /// Syncs in a thread of its own from now on. Threads take over the rights of the one that starts
    /// them: to be called when those are as they shall be.
    pub(crate) fn sync_beside(&mut self) {
        self.disk.sync_beside();
    }

    /// From here on writes at most so many bytes and what `lease` adds, and then goes on as on a full disk.
    pub(crate) fn limit(&mut self, budget: u64, lease: Lease) {
        self.budget = budget.saturating_sub(RESERVE);
        self.lease = Some(lease);
    }

    /// Appends a frame that counts for no tally. Returns its sequence number, 0 if it is lost.
    pub(crate) fn control(&mut self, kind: u16, boot_ns: u64, parts: &[&[u8]]) -> u64 {
        self.append(None, kind, boot_ns, parts)
    }

    /// Appends a frame of the tally `id` that stands for itself. Returns its sequence number, 0 if it
    /// is lost (and counted).
    pub(crate) fn record(&mut self, id: u32, kind: u16, boot_ns: u64, parts: &[&[u8]]) -> u64 {
        self.append(Some((id, Amount::ONE)), kind, boot_ns, parts)
    }

    /// Appends a frame of the tally `id` that stands for `amount`.
    pub(crate) fn sum(
        &mut self,
        id: u32,
        amount: Amount,
        kind: u16,
        boot_ns: u64,
        parts: &[&[u8]],
    ) {
        self.append(Some((id, amount)), kind, boot_ns, parts);
    }

    /// Counts happenings of the tally `id` whose frame the disk did not take.
    pub(crate) fn lose(&mut self, id: u32, amount: Amount) {
        self.account.disk_lost(id, amount);
    }

    /// How often the disk refused so far: a sequence number from before the last time may be another
    /// frame's by now.
    pub(crate) fn refusals(&self) -> u32 {
        self.refusals
    }

    /// Whether a checkpoint may be written: not when only the room for the end is left.
    pub(crate) fn has_room(&self) -> bool {
        match self.health {
            Health::Good => true,
            Health::Reserve(left) => self.closing || left >= RESERVE_FOR_SEAL + CHECKPOINT_ROOM,
            Health::Dead => false,
        }
    }

    /// Whether the disk took everything so far.
    pub(crate) fn is_whole(&self) -> bool {
        self.health == Health::Good
    }

    /// Writes what is buffered now, so that what comes next stands on firm ground. Returns the number of
    /// refusals by then.
    pub(crate) fn settle(&mut self, now_ns: u64) -> u32 {
        self.write_out(now_ns);
        self.refusals
    }

    /// From now on only the end of the record is written.
    pub(crate) fn close(&mut self) {
        self.closing = true;
    }

    /// What was stored and what the disk took, by tally.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// Frames so far.
    pub(crate) fn frames(&self) -> u64 {
        self.seq
    }

    /// Ends a link of the chain and returns its value.
    pub(crate) fn link(&mut self) -> [u8; 32] {
        self.hash_buffer();
        self.chain.link()
    }

    /// Writes the buffer and syncs, each when enough bytes or time went by; begins the next segment when
    /// this one is long enough.
    pub(crate) fn flush(&mut self, now_ns: u64) {
        let since = *self.waits_ns.get_or_insert(now_ns);
        if self.filled >= BLOCK || now_ns.saturating_sub(since) >= nanoseconds(WRITE_EVERY) {
            self.write_out(now_ns);
        }
        if self.filled == 0 {
            self.waits_ns = None;
        }
        let heard = self.disk.synced();
        self.check(heard, now_ns);
        let due = now_ns.saturating_sub(self.synced_ns) >= nanoseconds(SYNC_EVERY);
        if self.disk.unsynced() >= SYNC_BYTES || (due && self.disk.unsynced() > 0) {
            self.sync_soon(now_ns);
        }
        if self.health == Health::Good && self.disk.written() >= self.segment_bytes {
            self.write_out(now_ns);
            let number = self.disk.number().saturating_add(1);
            let asked = self.disk.sync_soon();
            self.check(asked, now_ns);
            self.end_sum();
            match self.disk.next(number) {
                Ok(()) => self.open_segment(number, now_ns),
                Err(_) => self.fall_back(now_ns),
            }
        }
    }

    /// When what waits must be written, or unsynced bytes be synced, at the latest, boot-clock nanoseconds.
    pub(crate) fn flush_due_ns(&self) -> Option<u64> {
        let unsynced = self.disk.unsynced() > 0;
        let sync = unsynced.then(|| self.synced_ns.saturating_add(nanoseconds(SYNC_EVERY)));
        let write = self.waits_ns.map(|since| since.saturating_add(nanoseconds(WRITE_EVERY)));
        [sync, write].into_iter().flatten().min()
    }

    /// Writes and syncs everything and gives the reserve back: the last call of a run.
    pub(crate) fn finish(&mut self, now_ns: u64) {
        self.write_out(now_ns);
        let synced = self.disk.sync_now();
        self.check(synced, now_ns);
        self.disk.release_reserve();
        self.write_seal();
        self.disk.unlock();
    }

    fn append(
        &mut self,
        tally: Option<(u32, Amount)>,
        kind: u16,
        boot_ns: u64,
        parts: &[&[u8]],
    ) -> u64 {
        let payload: usize = parts.iter().map(|part| part.len()).sum();
        let len = frame::slim_len(payload);
        if !self.admits(kind, len) {
            return self.refuse(tally);
        }
        if self.buffer.len() - self.filled < len {
            self.write_out(boot_ns);
        }
        let seq = self.seq + 1;
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        match frame::encode_slim(room, kind, boot_ns, parts) {
            Some(len) => {
                self.filled += len;
                self.seq = seq;
                if let Some((id, amount)) = tally {
                    self.account.buffered(id, amount);
                }
                seq
            }
            None => self.refuse(tally),
        }
    }

    fn refuse(&mut self, tally: Option<(u32, Amount)>) -> u64 {
        if let Some((id, amount)) = tally {
            self.account.disk_lost(id, amount);
        }
        0
    }

    fn open_segment(&mut self, number: u32, now_ns: u64) {
        self.write_out(now_ns);
        self.packer.begin_anew();
        self.begins = true;
        let chain = self.chain.peek();
        let head = control::Segment { chain, run: self.run, version: frame::VERSION, number };
        self.control(control::KIND_SEGMENT, now_ns, &[head.as_bytes()]);
    }

    fn hash_buffer(&mut self) {
        if self.begins && self.hashed == 0 && self.filled > 0 {
            self.chain.update(&frame::MAGIC_BLOCKS);
        }
        self.chain.update(self.buffer.get(self.hashed..self.filled).unwrap_or_default());
        self.hashed = self.filled;
    }

    fn write_out(&mut self, now_ns: u64) {
        if self.filled == 0 {
            return;
        }
        self.hash_buffer();
        let written = self.append_block();
        (self.filled, self.hashed, self.waits_ns) = (0, 0, None);
        match written {
            Ok(()) => {
                self.account.written();
                self.signing(Signer::written);
                self.safe = (self.seq, self.chain.clone());
                self.begins = false;
            }
            Err(_) => self.fall_back(now_ns),
        }
    }

    fn append_block(&mut self) -> io::Result<()> {
        let plain = self.buffer.get(..self.filled).unwrap_or_default();
        let bare = self.seal.is_some();
        let ask = Ask { plain, first: self.safe.0 + 1, begins: self.begins, bare };
        let block = self.packer.pack(&ask)?;
        let len = block.len() as u64;
        let limited = self.health == Health::Good;
        if limited && !may_write(&mut self.budget, self.lease.as_ref(), len) {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        self.disk.append(block)?;
        self.budget = self.budget.saturating_sub(len);
        self.sum.update(block);
        Ok(())
    }

    /// One at a time: a disk that is slow is not given more to do, and the time runs anew.
    fn sync_soon(&mut self, now_ns: u64) {
        self.synced_ns = now_ns;
        if !self.disk.is_syncing() {
            let asked = self.disk.sync_soon();
            self.check(asked, now_ns);
        }
    }

    /// A failed sync may have dropped dirty pages; trying again would report success for bytes that are
    /// gone (fsyncgate). What was written stays readable or is torn; either shows.
    fn check(&mut self, synced: io::Result<()>, now_ns: u64) {
        if synced.is_err() {
            self.fall_back(now_ns);
        }
    }
}

/// Whether so many bytes may be written. Asks for more once in many megabytes: it may allocate.
fn may_write(budget: &mut u64, lease: Option<&Lease>, len: u64) -> bool {
    while *budget < len {
        match lease.map_or(0, Lease::more) {
            0 => return false,
            more => *budget = budget.saturating_add(more),
        }
    }
    true
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
