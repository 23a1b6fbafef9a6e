//! One connection: what is written to it, and what waits until it takes more.

use std::{collections::VecDeque, io, time::Instant};

use bytes::{Buf, Bytes};

use super::{catching::Catching, expiring::Expiring, groups::Seat};
use crate::{
    CloseReason,
    opening::{Heartbeat, Held},
    session::{Request, Session},
    shared::Path,
};

/// What a connection writes to.
pub(crate) trait Write {
    /// Takes bytes from the front as far as there is room and says how many.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when there is no room; the shard is told once there is. Any other error ends the connection.
    fn write(&mut self, chunks: &[Bytes]) -> io::Result<usize>;

    /// Nothing comes after what was written. Says whether the client has to end the connection now.
    fn finish(&mut self) -> bool;

    /// A request comes that is answered by what is written next.
    fn attend(&mut self, request: Request);
}

/// One connection.
pub(super) struct Connection<W> {
    pub(super) outlet: W,
    pub(super) generation: u32,
    /// Where it sits when it gets events as they come.
    pub(super) seat: Option<Seat>,
    /// As long as it does not.
    pub(super) catching: Option<Box<Catching>>,
    pub(super) waiting: Option<Box<Waiting>>,
    pub(super) closing: Option<CloseReason>,
    /// The farewell was sent, or waits.
    pub(super) took_leave: bool,
    /// Everything is written; the client has until then to end the connection.
    pub(super) finished: Option<Instant>,
    /// When it is renewed, in seconds of the shard.
    pub(super) renewed: u32,
    /// When its client may listen no longer. Most connections have none, and none of the room that it takes.
    pub(super) expiring: Option<Box<Expiring>>,
    pub(super) heartbeat: Heartbeat,
    pub(super) path: Path,
    /// Number in this process.
    pub(super) number: u64,
    /// Lives as long as the connection.
    pub(super) guard: Option<Held>,
    /// The protocol, if both sides speak. It is not here while it is called.
    pub(super) session: Option<Box<dyn Session>>,
    /// When the session is to be woken.
    pub(super) wake: Option<Instant>,
}

/// Bytes that a connection has not taken yet.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    chunks: VecDeque<Bytes>,
    bytes: usize,
}

/// What became of bytes for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It took them.
    Written,
    /// Some wait.
    Waits,
    /// There is no more room to wait.
    Overflow,
    /// It is gone.
    Broken,
}

impl<W: Write> Connection<W> {
    /// Writes, or lets wait. Nothing is lost or reordered; bytes that find nothing waiting are taken whatever their number.
    pub(super) fn send(&mut self, chunk: Bytes, bound: usize) -> Sent {
        match &mut self.waiting {
            Some(waiting) if waiting.bytes + cost(&chunk) > bound => Sent::Overflow,
            Some(waiting) => {
                waiting.push(chunk);
                Sent::Waits
            }
            None => self.write(chunk),
        }
    }

    fn write(&mut self, mut chunk: Bytes) -> Sent {
        while chunk.has_remaining() {
            match self.outlet.write(std::slice::from_ref(&chunk)) {
                Ok(0) => return Sent::Broken,
                Ok(written) => chunk.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.waiting.get_or_insert_default().push(chunk);
                    return Sent::Waits;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Sent::Broken,
            }
        }
        Sent::Written
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self) -> Sent {
        while let Some(waiting) = &mut self.waiting {
            match self.outlet.write(waiting.chunks.as_slices().0) {
                Ok(0) => return Sent::Broken,
                Ok(written) => waiting.consume(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Sent::Waits,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Sent::Broken,
            }
            if waiting.chunks.is_empty() {
                self.waiting = None;
            }
        }
        Sent::Written
    }

    /// Number of the form in which it gets events.
    pub(super) fn rendering(&self) -> u8 {
        self.session.as_ref().map_or(0, |session| session.rendering())
    }

    /// Bytes that wait, with what it costs to keep them.
    pub(super) fn queued(&self) -> usize {
        let said = self.catching.as_ref().map_or(0, |catching| catching.said_bytes());
        self.waiting.as_ref().map_or(0, |waiting| waiting.bytes) + said
    }
}

impl Waiting {
    /// Each piece in another form.
    pub(super) fn rewritten(&self, rewrite: impl Fn(&[u8]) -> Bytes) -> Self {
        let mut rewritten = Self::default();
        for chunk in &self.chunks {
            rewritten.push(rewrite(chunk));
        }
        rewritten
    }

    /// Puts others behind.
    pub(super) fn append(&mut self, mut other: Self) {
        self.bytes += other.bytes;
        self.chunks.append(&mut other.chunks);
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    fn push(&mut self, chunk: Bytes) {
        self.bytes += cost(&chunk);
        self.chunks.push_back(chunk);
    }

    fn consume(&mut self, mut written: usize) {
        while let Some(front) = self.chunks.front_mut() {
            if written < front.len() {
                front.advance(written);
                self.bytes -= written;
                return;
            }
            written -= front.len();
            self.bytes -= cost(front);
            self.chunks.pop_front();
        }
    }
}

/// Many small chunks cost more than their bytes.
pub(super) fn cost(chunk: &Bytes) -> usize {
    chunk.len() + size_of::<Bytes>()
}
