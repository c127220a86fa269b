//! The socket to the front: one packet a message, descriptors beside it.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use event::protocol::{self, MAX_PACKET, Message, REFUSED, Refused};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use zerocopy::IntoBytes;

/// Longest text of a refusal, bytes; longer ones are cut.
const MAX_TEXT: usize = 4096;

/// Our end of the socket pair.
#[derive(Debug)]
pub(crate) struct Channel {
    socket: OwnedFd,
    packet: Box<[u64]>,
}

impl Channel {
    /// Speaks over `socket`, which is of `SOCK_SEQPACKET`.
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Channel { socket, packet: vec![0; MAX_PACKET.div_ceil(8)].into_boxed_slice() }
    }

    /// Waits for the next message and the descriptor that came with it.
    ///
    /// # Errors
    /// `UnexpectedEof` when the front is gone, `InvalidData` for what is no message of ours.
    pub(crate) fn receive(&mut self) -> io::Result<(Message<'_>, Option<OwnedFd>)> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let bytes = self.packet.as_mut_bytes();
        let flags = RecvFlags::CMSG_CLOEXEC;
        let got = recvmsg(&self.socket, &mut [IoSliceMut::new(bytes)], &mut ancillary, flags)?;
        let mut fds = ancillary.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        });
        // One descriptor a message; more than that are closed as they are dropped.
        let fd = fds.by_ref().flatten().next();
        if got.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let packet = self.packet.as_bytes().get(..got.bytes).unwrap_or_default();
        let message = Message::parse(packet)
            .map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
        Ok((message, fd))
    }

    /// Whether there is something to receive.
    pub(crate) fn has_word(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        rustix::net::recv(&self.socket, &mut [0_u8; 1], flags).is_ok()
    }

    /// Says `kind`, with a descriptor if given.
    ///
    /// # Errors
    /// Those of sendmsg(2); `EPIPE` when the front is gone.
    pub(crate) fn send(&self, kind: u32, fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
        self.say(kind, &[], fd)
    }

    /// Says `kind` with a body, and a descriptor if given.
    ///
    /// # Errors
    /// As [`Channel::send`].
    pub(crate) fn say(&self, kind: u32, body: &[u8], fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
        self.send_parts(&[protocol::head(kind).as_bytes(), body], fd)
    }

    /// Says that recording does not start, and why.
    ///
    /// # Errors
    /// Those of sendmsg(2).
    pub(crate) fn refuse(&self, reason: u32, errno: i32, text: &str) -> io::Result<()> {
        let text = text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default().as_bytes();
        let body = Refused { errno, reason };
        self.send_parts(&[protocol::head(REFUSED).as_bytes(), body.as_bytes(), text], None)
    }

    /// Whether the front still holds its end; what it says now is of no use and dropped.
    pub(crate) fn is_open(&mut self) -> bool {
        let flags = RecvFlags::DONTWAIT;
        match rustix::net::recv(&self.socket, self.packet.as_mut_bytes(), flags) {
            Ok((_, 0)) => false,
            Ok(_) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => true,
            Err(_) => false,
        }
    }

    fn send_parts(&self, parts: &[&[u8]], fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let packet = parts.concat();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let fds = fd.map(|fd| [fd]);
        if let Some(fds) = &fds {
            ancillary.push(SendAncillaryMessage::ScmRights(fds));
        }
        sendmsg(&self.socket, &[IoSlice::new(&packet)], &mut ancillary, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
