//! Frames that wait for one connection, bounded by bytes.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use crate::CloseReason;

/// What became of a frame that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It waits for the connection.
    Queued,
    /// It did not fit: the queue was dropped and the connection closes with [`CloseReason::Slow`].
    Overflowed,
    /// The connection closes already.
    Closed,
}

/// Frames that wait for one connection. The hub offers, the connection's body polls.
#[derive(Debug)]
pub struct Queue {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Bytes>,
    bytes: usize,
    closed: Option<CloseReason>,
    waker: Option<Waker>,
}

impl Queue {
    /// An empty queue that holds frames of `capacity` bytes in sum, or one frame of any size.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    /// Puts the frame behind those that wait. On overflow all that waits is replaced by `farewell`, and the connection closes.
    pub fn offer(&self, frame: &Bytes, farewell: impl FnOnce() -> Bytes) -> Offer {
        let mut state = self.lock();
        if state.closed.is_some() {
            return Offer::Closed;
        }
        // A frame that finds nothing waiting is taken whatever its size: its connection is not slow.
        if !state.frames.is_empty() && state.bytes + frame.len() > self.capacity {
            state.frames.clear();
            state.close(CloseReason::Slow, farewell());
            return Offer::Overflowed;
        }
        state.push(frame.clone());
        Offer::Queued
    }

    /// Lets the connection send what waits and `farewell`, and end. False if it was closed before.
    pub fn close(&self, reason: CloseReason, farewell: Bytes) -> bool {
        let mut state = self.lock();
        let open = state.closed.is_none();
        if open {
            state.close(reason, farewell);
        }
        open
    }

    /// Why the connection was closed from this side, if it was.
    pub fn closed(&self) -> Option<CloseReason> {
        self.lock().closed
    }

    /// The next frame; `None` at the end.
    pub fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut state = self.lock();
        if let Some(frame) = state.frames.pop_front() {
            state.bytes -= frame.len();
            return Poll::Ready(Some(frame));
        }
        if state.closed.is_some() {
            return Poll::Ready(None);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            empty => *empty = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// No method panics between two changes of the state, so that a poisoned lock still guards a whole one.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn close(&mut self, reason: CloseReason, farewell: Bytes) {
        self.closed = Some(reason);
        self.bytes = self.frames.iter().map(Bytes::len).sum();
        self.push(farewell);
    }
}
