//! A bounded pipe between a shard and the body of an answer: for streams whose socket the HTTP server keeps.

use std::{
    collections::VecDeque,
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::{
    inbox::{Command, Inbox},
    opening::Held,
    shard::Key,
};

/// Bytes that a pipe holds at most.
const CAPACITY: usize = 64 * 1024;

/// The stream was cut before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the stream was cut")]
pub(crate) struct Cut;

/// A pipe. `cut` is cancelled when the writer leaves before the reader has all: a server that waits for its client does not ask the body.
/// `guard` lives as long as the reader: a server may keep the body of a client that reads nothing for as long as it likes.
pub(crate) fn pipe(cut: CancellationToken, guard: Option<Held>) -> (PipeWriter, EventStream) {
    let pipe = Arc::<Pipe>::default();
    (PipeWriter { pipe: pipe.clone(), cut }, EventStream { pipe, _guard: guard })
}

#[derive(Default)]
struct Pipe(Mutex<State>);

#[derive(Default)]
struct State {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    /// The writer found no room and waits to be told.
    full: bool,
    end: Option<Result<(), Cut>>,
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<(Inbox, Key)>,
}

impl Pipe {
    /// No method panics between two changes, so that a poisoned lock still guards a whole state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tell(&mut self, command: impl FnOnce(Key) -> Command) {
        if let Some((inbox, key)) = &self.writer {
            inbox.push(command(*key));
        }
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn tell_if_emptied(&mut self) {
        if self.full && self.chunks.is_empty() && self.writer.is_some() {
            self.full = false;
            self.tell(Command::Writable);
        }
    }
}

/// The shard's end.
pub(crate) struct PipeWriter {
    pipe: Arc<Pipe>,
    cut: CancellationToken,
}

impl PipeWriter {
    /// Says whom to tell that there is room again, or that the reader is gone; also when that was so before.
    pub(crate) fn bind(&self, inbox: Inbox, key: Key) {
        let mut state = self.pipe.lock();
        state.writer = Some((inbox, key));
        if state.reader_gone {
            state.tell(Command::Gone);
        } else {
            state.tell_if_emptied();
        }
    }

    /// Takes as many bytes as there is room for.
    ///
    /// # Errors
    /// `WouldBlock` when there is none, `BrokenPipe` when the reader is gone.
    pub(crate) fn write(&self, chunks: &[Bytes]) -> io::Result<usize> {
        let mut state = self.pipe.lock();
        if state.reader_gone {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let before = state.bytes;
        for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
            let room = CAPACITY - state.bytes;
            if room == 0 {
                break;
            }
            let taken = chunk.slice(..chunk.len().min(room));
            state.bytes += taken.len();
            state.chunks.push_back(taken);
        }
        let written = state.bytes - before;
        if written == 0 && chunks.iter().any(|chunk| !chunk.is_empty()) {
            state.full = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.wake_reader();
        Ok(written)
    }

    /// Lets the reader see the end behind what it has not read yet.
    pub(crate) fn finish(&self) {
        let mut state = self.pipe.lock();
        state.end = Some(Ok(()));
        state.wake_reader();
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        let mut state = self.pipe.lock();
        let unread = state.end.is_none() || !state.chunks.is_empty();
        if unread && !state.reader_gone {
            state.end = Some(Err(Cut));
            state.chunks.clear();
            state.bytes = 0;
            state.wake_reader();
            self.cut.cancel();
        }
        state.writer = None;
    }
}

impl fmt::Debug for PipeWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PipeWriter")
    }
}

/// The body of an answer: what a shard writes.
pub(crate) struct EventStream {
    pipe: Arc<Pipe>,
    _guard: Option<Held>,
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let mut state = self.pipe.lock();
        if let Some(chunk) = state.chunks.pop_front() {
            state.bytes -= chunk.len();
            state.tell_if_emptied();
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match state.end {
            Some(Ok(())) => Poll::Ready(None),
            Some(Err(cut)) => Poll::Ready(Some(Err(cut))),
            None => {
                state.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let mut state = self.pipe.lock();
        state.reader_gone = true;
        state.chunks = VecDeque::new();
        state.tell(Command::Gone);
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EventStream")
    }
}

#[cfg(test)]
mod tests;
