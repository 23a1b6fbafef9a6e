//! The hub as a whole: its shards, each with a thread of its own, and the one who publishes.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use prometheus::Histogram;
use thiserror::Error;

use crate::{
    CloseReason, CursorCodec, Draft, Event, Lane, Settings, Statistics, Vector,
    inbox::{Command, Inbox},
    opening::Held,
    outlet::{Outlet, Requests},
    reactor,
    rendering::Renderings,
    session::{Address, News, Rendering, Session, Word},
    shard::{Batch, Begins, Join},
    shared::{Path, Shared, add},
};

/// Bytes of events that may wait for one shard.
const UNTAKEN: u64 = 4 * 1024 * 1024;

/// The engine cannot be started.
#[derive(Debug, Error)]
pub enum Error {
    /// The system gave no thread, or no means to wait for sockets.
    #[error("failed to start shard {shard}")]
    StartShard {
        /// Number of the shard.
        shard: usize,
        /// The system's reason.
        source: io::Error,
    },
}

/// The hub as a whole. Clones are the same one.
#[derive(Clone)]
pub struct Engine(Arc<State>);

struct State {
    shared: Arc<Shared>,
    inboxes: Vec<Inbox>,
    /// Connections are dealt out in turn.
    joined: AtomicUsize,
}

impl Engine {
    /// Starts the shards. `codec` writes cursors; `heartbeat` gives the data of a sign of life.
    ///
    /// # Errors
    /// [`enum@Error`] when the system refuses.
    pub fn start(
        settings: Settings,
        codec: Arc<dyn CursorCodec>,
        heartbeat: fn() -> String,
    ) -> Result<(Self, Publisher), Error> {
        Self::start_with(settings, codec, heartbeat, Vec::new())
    }

    /// The same, with forms beside SSE: sessions ask for them by their number, the first of which is 1.
    ///
    /// # Errors
    /// [`enum@Error`] when the system refuses.
    pub fn start_with(
        settings: Settings,
        codec: Arc<dyn CursorCodec>,
        heartbeat: fn() -> String,
        renderings: Vec<Arc<dyn Rendering>>,
    ) -> Result<(Self, Publisher), Error> {
        let shared = Arc::new(Shared::new(settings, codec, heartbeat, Renderings::new(renderings)));
        let inboxes = (0..settings.shards.max(1))
            .map(|shard| reactor::start(shard, shared.clone()).map_err(|source| Error::StartShard { shard, source }))
            .collect::<Result<Vec<_>, _>>()?;
        let engine = Self(Arc::new(State { shared, inboxes, joined: AtomicUsize::new(0) }));
        let publisher = Publisher { engine: engine.clone(), vector: Vector::default(), waiting: Vec::new() };
        Ok((engine, publisher))
    }

    /// Whether the events behind `vector` are all in memory.
    pub fn covers(&self, vector: &Vector) -> bool {
        let ring = self.0.shared.ring();
        ring.covers(&ring.current(vector.clone()))
    }

    /// How far the log was read.
    pub fn vector(&self) -> Vector {
        self.0.shared.ring().newest().clone()
    }

    /// The lanes and where memory begins in each.
    pub fn floor(&self) -> Vector {
        self.0.shared.ring().floor().clone()
    }

    /// The text of a cursor.
    pub fn encode(&self, vector: &Vector) -> String {
        self.0.shared.codec.encode(vector)
    }

    /// From now on connections are served; until then they are told to come back.
    pub fn open(&self) {
        self.tell_all(|| Command::Open);
    }

    /// Closes all connections, spread over the window, and those that come later at once.
    pub fn drain(&self, window: Duration) {
        self.tell_all(|| Command::Drain(window));
    }

    /// Numbers since the start.
    pub fn statistics(&self) -> Statistics {
        self.0.shared.counters.statistics()
    }

    /// Whether events go out in other forms beside SSE.
    pub(crate) fn speaks(&self) -> bool {
        self.0.shared.renderings.beside_sse() > 0
    }

    /// Ages of events when they were written, in seconds.
    pub(crate) fn ages(&self) -> &Histogram {
        &self.0.shared.ages
    }

    /// Until no connection is left.
    pub async fn ended(&self) {
        loop {
            let ended = self.0.shared.ended.notified();
            if self.statistics().connections() == 0 {
                return;
            }
            ended.await;
        }
    }

    /// Tells a session something; nothing happens when it has ended, and the word is dropped.
    pub fn tell(&self, address: Address, word: Word) {
        if let Some(inbox) = self.0.inboxes.get(usize::from(address.shard)) {
            inbox.push(Command::Tell(address.key, word));
        }
    }

    /// Tells all sessions something.
    pub fn announce(&self, news: &News) {
        self.tell_all(|| Command::Announce(news.clone()));
    }

    /// Begins a session without a socket: what waits for its client answers the requests that the session gives to its voice. Pieces of an
    /// answer stand behind one another with `separator` between. The guard lives as long as the session.
    pub fn converse(&self, session: Box<dyn Session>, separator: u8, guard: Option<Held>) {
        self.join(Join {
            outlet: Outlet::Requests(Requests::new(separator)),
            path: Path::Polling,
            head: Bytes::new(),
            begins: Begins::Session(session),
            guard,
        });
    }

    /// Gives a connection to a shard.
    pub(crate) fn join(&self, join: Join<Outlet>) {
        let number = self.0.joined.fetch_add(1, Ordering::Relaxed) % self.0.inboxes.len();
        self.join_shard(number, join);
    }

    /// Gives a connection to the shard of that address. One that no shard has is dropped.
    pub(crate) fn join_at(&self, address: Address, join: Join<Outlet>) {
        self.join_shard(usize::from(address.shard), join);
    }

    fn join_shard(&self, number: usize, join: Join<Outlet>) {
        if let Some(inbox) = self.0.inboxes.get(number) {
            add(&self.0.shared.counters.of(join.path).active, 1);
            inbox.push(Command::Join(Box::new(join)));
        }
    }

    fn tell_all(&self, command: impl Fn() -> Command) {
        for inbox in &self.0.inboxes {
            inbox.push(command());
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        for inbox in &self.inboxes {
            inbox.push(Command::Stop);
        }
    }
}

/// The one who publishes.
pub struct Publisher {
    engine: Engine,
    vector: Vector,
    waiting: Vec<Arc<Event>>,
}

impl Publisher {
    /// A lane begins: from `floor` on all its events will be in memory.
    pub fn begin(&mut self, lane: Lane, floor: u64) {
        self.flush();
        self.vector.set(lane, floor);
        self.engine.0.shared.ring_mut().begin(lane, floor);
        self.flush();
    }

    /// Nothing of the lane will come any more, and nobody misses what came.
    pub fn retire(&mut self, lane: Lane) {
        self.flush();
        {
            let mut ring = self.engine.0.shared.ring_mut();
            ring.retire(lane);
            self.vector = ring.current(std::mem::take(&mut self.vector));
        }
        self.flush();
    }

    /// Records of the lane below `next` were lost before they could be read. Every connection is closed, to come back and be told what it
    /// misses.
    pub fn lose(&mut self, lane: Lane, next: u64) {
        self.flush();
        self.engine.0.shared.ring_mut().lose(lane, next);
        self.vector.set(lane, next.max(self.vector.next(lane)));
        self.engine.tell_all(|| Command::Close(CloseReason::Overtaken));
        self.flush();
    }

    /// Until the shards have taken most of what was published: who publishes more than they can deliver has to wait here, or memory fills.
    pub async fn room(&self) {
        let State { shared, inboxes, .. } = &*self.engine.0;
        loop {
            let taken = shared.taken.notified();
            if shared.untaken.load(Ordering::Relaxed) <= UNTAKEN * inboxes.len() as u64 {
                return;
            }
            taken.await;
        }
    }

    /// The record at that offset gives no event.
    pub fn skip(&mut self, lane: Lane, offset: u64) {
        self.vector.advance(lane, offset);
    }

    /// Renders an event, which goes out with the next [`Self::flush`].
    pub fn push(&mut self, draft: &Draft<'_>) {
        self.vector.advance(draft.lane, draft.offset);
        let cursor = self.engine.encode(&self.vector);
        let renderings = self.engine.0.shared.renderings.beside_sse();
        self.waiting.push(Arc::new(Event::with_renderings(draft, &cursor, renderings)));
    }

    /// Sends out what was pushed: into memory, and to each shard at once.
    pub fn flush(&mut self) {
        let events = std::mem::take(&mut self.waiting);
        let bytes = events.iter().map(|event| event.frame().len() as u64).sum();
        let first = {
            let mut ring = self.engine.0.shared.ring_mut();
            let first = ring.head();
            for event in &events {
                ring.push(event.clone());
            }
            ring.raise(&self.vector);
            first
        };
        let batch = Arc::new(Batch { first, events, bytes, vector: self.vector.clone() });
        add(&self.engine.0.shared.untaken, bytes * self.engine.0.inboxes.len() as u64);
        self.engine.tell_all(|| Command::Publish(batch.clone()));
    }
}
