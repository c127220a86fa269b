//! The segment that is being read, in either form.

use std::fs::File;

use event::frame::{AlignedBytes, Block, MAGIC, MAGIC_BLOCKS, Unpacker};

use super::super::{Wrong, damage};

/// How the frames stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One behind the other.
    Frames,
    /// In blocks.
    Blocks,
}

/// The open file, and how far it was read.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) file: File,
    /// Bytes that were taken: whole frames of the first form, whole blocks of the second.
    pub(super) at: u64,
    /// Where the frame or block begins that is being read.
    pub(super) here: u64,
    pub(super) hash: blake3::Hasher,
    form: Option<Form>,
    /// Its first frame was read.
    begun: bool,
    unpacker: Unpacker,
    /// What is left of the last block.
    left: Option<Opened>,
}

/// A block of which some frames were read.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) plain: AlignedBytes,
    /// Number of its first frame.
    pub(super) first: u64,
    /// Bytes of frames that were read.
    pub(super) at: usize,
}

impl Current {
    pub(super) fn new(file: File) -> Current {
        Current {
            file,
            at: 0,
            here: 0,
            hash: blake3::Hasher::new(),
            form: None,
            begun: false,
            unpacker: Unpacker::new(),
            left: None,
        }
    }

    /// The form as the first bytes of the file say, of which `bytes` are the next; `None` when they say none.
    pub(super) fn form(&mut self, bytes: &[u8]) -> Option<Form> {
        if self.at == 0 {
            let forms = [(MAGIC, Form::Frames), (MAGIC_BLOCKS, Form::Blocks)];
            self.form =
                forms.into_iter().find(|(magic, _)| bytes.starts_with(magic)).map(|it| it.1);
        }
        self.form
    }

    /// What stands before the next frame: the magic before the first one.
    pub(super) fn front(&self) -> &'static [u8] {
        match self.form {
            Some(Form::Frames) if !self.begun => &MAGIC,
            Some(Form::Blocks) if !self.begun => &MAGIC_BLOCKS,
            _ => &[],
        }
    }

    /// Says that a frame was read.
    pub(super) fn begin(&mut self) {
        self.begun = true;
    }

    /// Takes `bytes` and what stands before them.
    pub(super) fn take(&mut self, front: &[u8], bytes: &[u8]) {
        self.hash.update(front).update(bytes);
        self.at += (front.len() + bytes.len()) as u64;
    }

    /// Unpacks the block that `rest` begins with, unless something is left of the last one, and takes it.
    pub(super) fn open(&mut self, rest: &mut &[u8]) -> Result<Opened, Wrong> {
        if let Some(left) = self.left.take() {
            return Ok(left);
        }
        self.here = self.at;
        let Block { plain, first, len } = self.unpacker.next(rest).map_err(damage::no_block)?;
        let (block, behind) = rest.split_at_checked(len).ok_or(Wrong::Torn)?;
        self.take(self.front(), block);
        *rest = behind;
        Ok(Opened { plain, first, at: 0 })
    }

    /// Keeps what is left of a block for the next time.
    pub(super) fn put_back(&mut self, left: Opened) {
        self.left = Some(left);
    }
}
