//! What all shards of an engine share.

use std::{
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus::{Histogram, HistogramOpts};
use tokio::sync::Notify;

use crate::{
    CloseReason, CursorCodec,
    opening::Resume,
    rendering::Renderings,
    ring::{Bounds, Ring},
};

/// Sizes and times of an engine.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Threads that connections are spread over.
    pub shards: usize,
    /// Bytes that may wait for one connection.
    pub queue_bytes: usize,
    /// Bytes that may wait for all connections; beyond it the one for which most waits is cut.
    pub budget_bytes: usize,
    /// Events that are kept for clients which come back.
    pub ring_events: usize,
    /// Bytes of them.
    pub ring_bytes: usize,
    /// Between two signs of life of a connection.
    pub heartbeat: Duration,
    /// After which a connection is renewed, less up to a fifth of it; `None` for never.
    pub age: Option<Duration>,
    /// How long a client may take for its history and the ring.
    pub catch_up: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            shards: std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(4),
            queue_bytes: 256 * 1024,
            budget_bytes: 64 * 1024 * 1024,
            ring_events: 10_000,
            ring_bytes: 16 * 1024 * 1024,
            heartbeat: Duration::from_secs(30),
            age: Some(Duration::from_secs(3600)),
            catch_up: Duration::from_secs(10),
        }
    }
}

/// How a connection is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// A shard writes to its socket.
    Raw,
    /// A shard writes to a pipe, which the HTTP server reads.
    Hyper,
    /// A session has the socket: a websocket.
    WebSocket,
    /// A session answers requests with what waits.
    Polling,
}

impl Path {
    /// All of them, in the order of the metrics.
    pub const ALL: [Self; 4] = [Self::Raw, Self::Hyper, Self::WebSocket, Self::Polling];

    /// Name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Hyper => "hyper",
            Self::WebSocket => "socket",
            Self::Polling => "requests",
        }
    }

    /// What the client speaks, as a label of metrics.
    pub const fn transport(self) -> &'static str {
        match self {
            Self::Raw | Self::Hyper => "sse",
            Self::WebSocket => "websocket",
            Self::Polling => "polling",
        }
    }
}

/// Numbers since the start of the process, by path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// In the order of [`Path::ALL`].
    pub by_path: [PathStatistics; Path::ALL.len()],
}

/// Numbers of the connections that are served in one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathStatistics {
    /// Connections that are open now.
    pub active: u64,
    /// Connections that were ever opened. A session that changed to a socket counts on both paths: where it began, and by that socket.
    pub opened: u64,
    /// Events that were written to a connection or wait for it.
    pub delivered: u64,
    /// Events that a connection did not get, because it was closed for being slow.
    pub failed: u64,
    /// Ended connections, in the order of [`CloseReason::ALL`].
    pub closed: [u64; CloseReason::ALL.len()],
    /// How subscriptions began, in the order of [`Resume::ALL`].
    pub resumed: [u64; Resume::ALL.len()],
    /// Bytes that wait for connections now.
    pub queued: u64,
}

impl Statistics {
    /// Connections that are open now.
    pub fn connections(&self) -> u64 {
        self.sum(|path| path.active)
    }

    /// Connections that were ever opened.
    pub fn opened(&self) -> u64 {
        self.sum(|path| path.opened)
    }

    /// Events that were written to a connection or wait for it.
    pub fn delivered(&self) -> u64 {
        self.sum(|path| path.delivered)
    }

    /// Events that a connection did not get.
    pub fn failed(&self) -> u64 {
        self.sum(|path| path.failed)
    }

    /// Connections that ended for that reason.
    pub fn closed(&self, reason: CloseReason) -> u64 {
        self.sum(|path| path.closed[reason as usize])
    }

    /// Subscriptions that began in that way.
    pub fn resumed(&self, resume: Resume) -> u64 {
        self.sum(|path| path.resumed[resume as usize])
    }

    /// Bytes that wait for connections now.
    pub fn queued(&self) -> u64 {
        self.sum(|path| path.queued)
    }

    fn sum(&self, number: impl Fn(&PathStatistics) -> u64) -> u64 {
        self.by_path.iter().map(number).sum()
    }
}

/// The same while it is counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    by_path: [PathCounters; Path::ALL.len()],
}

/// Counters of one path.
#[derive(Debug, Default)]
pub(crate) struct PathCounters {
    pub(crate) active: AtomicU64,
    pub(crate) opened: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) closed: [AtomicU64; CloseReason::ALL.len()],
    pub(crate) resumed: [AtomicU64; Resume::ALL.len()],
    pub(crate) queued: AtomicU64,
}

/// What all shards of an engine share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) codec: Arc<dyn CursorCodec>,
    pub(crate) renderings: Renderings,
    /// Data of a sign of life.
    pub(crate) heartbeat: fn() -> String,
    pub(crate) counters: Counters,
    /// Numbers of connections, in the order in which they came.
    pub(crate) numbers: AtomicU64,
    /// Seconds from a record's time to the last write of its event in a shard.
    pub(crate) ages: Histogram,
    /// Told when a connection ends.
    pub(crate) ended: Notify,
    /// Bytes of events that were published and that shards have not taken yet, of all shards together.
    pub(crate) untaken: AtomicU64,
    /// Told when a shard has taken some.
    pub(crate) taken: Notify,
    ring: RwLock<Ring>,
}

impl Shared {
    pub(crate) fn new(
        settings: Settings,
        codec: Arc<dyn CursorCodec>,
        heartbeat: fn() -> String,
        renderings: Renderings,
    ) -> Self {
        let ring = Ring::new(Bounds { events: settings.ring_events, bytes: settings.ring_bytes });
        Self {
            settings,
            codec,
            renderings,
            heartbeat,
            counters: Counters::default(),
            numbers: AtomicU64::new(0),
            ages: ages(),
            ended: Notify::new(),
            untaken: AtomicU64::new(0),
            taken: Notify::new(),
            ring: RwLock::new(ring),
        }
    }

    /// A shard has taken so many bytes of events.
    pub(crate) fn take(&self, bytes: u64) {
        subtract(&self.untaken, bytes);
        self.taken.notify_one();
    }

    /// No method panics between two changes of the ring, so that a poisoned lock still guards a whole one.
    pub(crate) fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ring_mut(&self) -> RwLockWriteGuard<'_, Ring> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// From a millisecond to what only a catching up takes.
const AGE_BUCKETS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

fn ages() -> Histogram {
    let help = "Seconds from the time of a record to the last write of its event, once for each shard";
    let options = HistogramOpts::new("realtime_delivery_age_seconds", help).buckets(AGE_BUCKETS.to_vec());
    Histogram::with_opts(options).expect("name and buckets are constant and in order")
}

impl Counters {
    pub(crate) const fn of(&self, path: Path) -> &PathCounters {
        &self.by_path[path as usize]
    }

    pub(crate) fn statistics(&self) -> Statistics {
        Statistics { by_path: self.by_path.each_ref().map(PathCounters::statistics) }
    }
}

impl PathCounters {
    fn statistics(&self) -> PathStatistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PathStatistics {
            active: read(&self.active),
            opened: read(&self.opened),
            delivered: read(&self.delivered),
            failed: read(&self.failed),
            closed: self.closed.each_ref().map(read),
            resumed: self.resumed.each_ref().map(read),
            queued: read(&self.queued),
        }
    }
}

/// Adds to a number that nobody waits for.
pub(crate) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

/// Takes from a number that nobody waits for.
pub(crate) fn subtract(counter: &AtomicU64, amount: u64) {
    counter.fetch_sub(amount, Ordering::Relaxed);
}
