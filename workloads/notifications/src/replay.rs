//! Reads from the log what a client missed that memory no longer holds.
//!
//! ```text
//! vector of the client -> consumer of its own -> one Source a lane (window, filter) -> merged by time -> Story: frames with ids, gaps
//! ```

mod room;
mod session;
mod source;
mod story;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use rdkafka::{ClientConfig, error::KafkaError};
use realtime_fanout::{Engine, Filter, Vector};
use thiserror::Error;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinError, spawn_blocking},
    time::timeout,
};
use tracing::{debug, info, warn};

pub(crate) use self::room::SharedRoom;
use self::session::Session;
use crate::{check::Checker, cursor::Codec, lanes::Lanes, measures::Measures, survey};

/// Replays at once.
const AT_ONCE: usize = 8;
/// Bytes of all histories that are in memory, those included that are being sent.
const ROOM: u32 = 64 * 1024 * 1024;
/// How long the others wait for their turn.
const TURN: Duration = Duration::from_secs(10);

/// Why the log was not read. The client keeps its cursor and comes back.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// Too many others.
    #[error("failed to get a turn: {AT_ONCE} replays run")]
    AwaitTurn,
    /// Too much of others.
    #[error("failed to get room for a history: those of others take {ROOM} bytes")]
    TakeRoom,
    /// The configuration was refused.
    #[error("failed to configure the consumer of a replay")]
    ConfigureConsumer(#[source] KafkaError),
    /// What topics there are.
    #[error("failed to read the topics of a replay")]
    ReadTopics(#[source] realtime_kafka_topics::Error),
    /// The topic is gone, or another one than the reader has.
    #[error("failed to find topic {topic} as it was")]
    FindTopic { topic: Box<str> },
    /// Where a partition begins and ends.
    #[error("failed to read the extent of a partition")]
    ReadExtent(#[source] survey::Error),
    /// The list of partitions was refused.
    #[error("failed to assign the partitions of a replay")]
    AssignPartitions(#[source] KafkaError),
    /// Records do not come.
    #[error("failed to read the records of a replay")]
    ReadRecords(#[source] KafkaError),
    /// The log ends before memory begins: a broker that has just become the leader may not know its end yet.
    #[error("failed to get on: the log seems to end before memory begins")]
    Advance,
    /// Nothing came in time.
    #[error("failed to hear of the brokers in time")]
    AwaitBrokers,
    /// The client went.
    #[error("failed to go on: the client is gone")]
    GoOn,
    /// The thread of the replay ended early.
    #[error("failed to await the replay")]
    AwaitReplay(#[source] JoinError),
}

/// What the process holds in memory: the log is read until that goes on.
pub(crate) trait Memory: Send + Sync + 'static {
    /// From there on it is complete.
    fn floor(&self) -> Vector;
    /// How far the log was read.
    fn newest(&self) -> Vector;
}

impl Memory for Engine {
    fn floor(&self) -> Vector {
        Self::floor(self)
    }

    fn newest(&self) -> Vector {
        self.vector()
    }
}

/// How much one client gets from the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Events that pass its filter.
    pub(crate) events: usize,
    /// Bytes of their frames.
    pub(crate) bytes: usize,
    /// Time that reading takes.
    pub(crate) time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { events: 10_000, bytes: 16 * 1024 * 1024, time: Duration::from_secs(10) }
    }
}

/// What a client missed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct History {
    /// Events and gaps in order, each with its id.
    pub(crate) frames: Vec<Bytes>,
    /// Where memory goes on.
    pub(crate) end: Vector,
    /// Whether something is missing, which a frame tells.
    pub(crate) gap: bool,
}

/// What all replays share.
pub(crate) struct Parts {
    /// Of the brokers.
    pub(crate) config: ClientConfig,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) checker: Arc<Checker>,
    pub(crate) codec: Arc<Codec>,
    pub(crate) memory: Arc<dyn Memory>,
    /// Offsets of a partition within which an id counts once.
    pub(crate) window: u64,
    pub(crate) limits: Limits,
    pub(crate) measures: Measures,
}

/// Reads the log for clients, a few at once.
#[derive(Clone)]
pub(crate) struct Replays {
    parts: Arc<Parts>,
    turns: Arc<Semaphore>,
    room: Arc<SharedRoom>,
    /// The log does not answer, which was logged.
    outage: Arc<AtomicBool>,
}

/// What a history has of what all share: to be kept until it is sent.
#[derive(Debug)]
pub(crate) struct Held {
    _turn: OwnedSemaphorePermit,
    _room: SharedRoom,
}

/// Tells the thread that nobody waits for it.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Replays {
    /// None runs yet.
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            room: Arc::new(SharedRoom::new(ROOM)),
            outage: Arc::default(),
        }
    }

    /// What passes the filter behind `from`, up to where memory goes on, and its turn and room: they are to be kept until the history is sent,
    /// so that no more histories than turns, and no more bytes than there is room for, are in memory. Dropping the future ends the replay.
    ///
    /// # Errors
    /// [`enum@Error`] when the log cannot be read now. It is logged and counted here: an outage once, not for each client.
    pub(crate) async fn read(&self, from: Vector, filter: Filter) -> Result<(History, Held), Error> {
        let read = self.try_read(from, filter).await;
        match &read {
            Ok(_) => {
                if self.outage.swap(false, Ordering::Relaxed) {
                    info!("history can be read again");
                }
            }
            Err(error) => self.fail(error),
        }
        read
    }

    fn fail(&self, error: &Error) {
        self.parts.measures.replays_failed.inc();
        let busy = matches!(error, Error::AwaitTurn | Error::TakeRoom);
        let error = error as &dyn std::error::Error;
        if !busy && !self.outage.swap(true, Ordering::Relaxed) {
            warn!(error, "history cannot be read, streams are sent away");
        } else {
            debug!(error, "history cannot be read, stream sent away");
        }
    }

    async fn try_read(&self, from: Vector, filter: Filter) -> Result<(History, Held), Error> {
        let turn = timeout(TURN, self.turns.clone().acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(Error::AwaitTurn)?;
        let alone = Arc::new(AtomicBool::new(false));
        let _waiting = Waiting(alone.clone());
        let (parts, room) = (self.parts.clone(), self.room.another());
        let replay = spawn_blocking(move || {
            let begun = Instant::now();
            let (history, room, events) = Session::new(&parts, from, filter, &alone, room).run()?;
            parts.measures.replay(begun.elapsed(), events);
            Ok((history, Held { _turn: turn, _room: room }))
        });
        replay.await.map_err(Error::AwaitReplay)?
    }
}

#[cfg(test)]
mod tests;
