//! The register of connections: who listens, and to what.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use crate::{
    CloseReason,
    queue::{Offer, Queue},
    sse,
};

/// Bytes that may wait for one connection.
pub const QUEUE_BYTES: usize = 256 * 1024;

/// What a connection wants to hear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Channels; `None` for all.
    pub channels: Option<HashSet<String>>,
    /// Only publications behind this position: the connection has the others already.
    pub after: u64,
}

impl Filter {
    /// Whether a publication of that channel and position passes.
    pub fn passes(&self, channel: &str, position: u64) -> bool {
        position > self.after && self.channels.as_ref().is_none_or(|channels| channels.contains(channel))
    }
}

/// One event for everybody who listens.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    /// What filters select by.
    pub channel: &'a str,
    /// Place in the log; rises from one publication to the next.
    pub position: u64,
    /// The encoded frame, shared by all connections.
    pub frame: &'a Bytes,
}

/// Numbers since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Connections that are registered now.
    pub active: u64,
    /// Connections that were ever registered.
    pub connected: u64,
    /// Frames of publications that were queued for a connection.
    pub delivered: u64,
    /// Frames that a connection did not get, because it was closed for being slow.
    pub failed: u64,
    /// Ended connections, in the order of [`CloseReason::ALL`].
    pub closed: [u64; CloseReason::ALL.len()],
}

/// The register of connections.
#[derive(Debug, Default)]
pub struct Hub {
    register: Mutex<Register>,
    delivered: AtomicU64,
    failed: AtomicU64,
    closed: [AtomicU64; CloseReason::ALL.len()],
}

#[derive(Debug, Default)]
struct Register {
    connections: BTreeMap<u64, Connection>,
    connected: u64,
    position: u64,
    draining: bool,
}

#[derive(Debug)]
struct Connection {
    filter: Filter,
    queue: Arc<Queue>,
}

impl Hub {
    /// A hub without connections, to be shared.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Says where the log stands before the first publication, so that [`Subscription::joined_at`] is right from the start.
    pub fn start_at(&self, position: u64) {
        self.lock().position = position;
    }

    /// Position of the newest publication.
    pub fn position(&self) -> u64 {
        self.lock().position
    }

    /// Registers a connection. It gets every publication that passes the filter and comes after [`Subscription::joined_at`].
    pub fn register(self: &Arc<Self>, filter: Filter) -> Subscription {
        let mut register = self.lock();
        let number = register.connected;
        register.connected += 1;
        let queue = Arc::new(Queue::new(QUEUE_BYTES));
        let joined_at = register.position;
        if register.draining {
            queue.close(CloseReason::Draining, farewell(CloseReason::Draining, number));
        }
        register.connections.insert(number, Connection { filter, queue: queue.clone() });
        Subscription { hub: self.clone(), number, joined_at, queue }
    }

    /// Queues the frame for every connection whose filter it passes; those whose queue is full are closed. Gives the number of
    /// connections that it was queued for.
    pub fn publish(&self, publication: Publication<'_>) -> u64 {
        let mut register = self.lock();
        register.position = publication.position;
        let mut delivered = 0;
        let mut failed = 0;
        for (number, connection) in &register.connections {
            if !connection.filter.passes(publication.channel, publication.position) {
                continue;
            }
            match connection.queue.offer(publication.frame, || farewell(CloseReason::Slow, *number)) {
                Offer::Queued => delivered += 1,
                Offer::Overflowed | Offer::Closed => failed += 1,
            }
        }
        drop(register);
        self.delivered.fetch_add(delivered, Ordering::Relaxed);
        self.failed.fetch_add(failed, Ordering::Relaxed);
        delivered
    }

    /// Queues a sign of life for every connection. One sweep serves them all. The frame may carry the position that it is made for as a
    /// cursor; connections that are ahead of this hub get none, or their cursor would go back.
    pub fn heartbeat(&self, frame_at: impl FnOnce(u64) -> Bytes) {
        let register = self.lock();
        let frame = frame_at(register.position);
        for (number, connection) in &register.connections {
            if connection.filter.after <= register.position {
                connection.queue.offer(&frame, || farewell(CloseReason::Slow, *number));
            }
        }
    }

    /// Lets every connection send what waits for it and a `retry:`, and end; those that come later end at once.
    pub fn drain(&self) {
        let mut register = self.lock();
        register.draining = true;
        for (number, connection) in &register.connections {
            connection.queue.close(CloseReason::Draining, farewell(CloseReason::Draining, *number));
        }
    }

    /// Numbers since the start.
    pub fn statistics(&self) -> Statistics {
        let register = self.lock();
        Statistics {
            active: register.connections.len() as u64,
            connected: register.connected,
            delivered: self.delivered.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            closed: std::array::from_fn(|place| self.closed[place].load(Ordering::Relaxed)),
        }
    }

    fn forget(&self, number: u64) {
        let Some(connection) = self.lock().connections.remove(&number) else { return };
        let reason = connection.queue.closed().unwrap_or(CloseReason::Gone);
        self.closed[reason.index()].fetch_add(1, Ordering::Relaxed);
    }

    /// No method panics between two changes of the register, so that a poisoned lock still guards a whole one.
    fn lock(&self) -> MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last frame of a connection that is closed from this side.
fn farewell(reason: CloseReason, number: u64) -> Bytes {
    sse::Frame::new().retry(reason.retry(number)).encode()
}

/// A registered connection; dropping it removes it from the hub.
#[derive(Debug)]
pub struct Subscription {
    hub: Arc<Hub>,
    number: u64,
    joined_at: u64,
    pub(crate) queue: Arc<Queue>,
}

impl Subscription {
    /// Position of the newest publication before this connection: history ends here, what comes live begins behind it.
    pub const fn joined_at(&self) -> u64 {
        self.joined_at
    }

    /// Number of the connection in this process.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Lets the connection send what waits for it and a `retry:`, and end.
    pub fn close(&self, reason: CloseReason) {
        self.queue.close(reason, farewell(reason, self.number));
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.forget(self.number);
    }
}

#[cfg(test)]
mod tests;
