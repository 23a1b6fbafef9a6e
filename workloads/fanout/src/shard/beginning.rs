//! How a connection begins: its place, its greeting, and what it misses.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use bytes::Bytes;

use super::{Key, Shard, Write, catching::Catching, connection::Connection};
use crate::{
    CloseReason, Filter, Vector,
    opening::{Grant, Heartbeat, Held, Resume, Seen, Start},
    ring::Place,
    session::{Session, Subscription},
    shared::{Path, add},
    sse,
};

/// A connection that is to be served.
pub(crate) struct Join<W> {
    pub(crate) outlet: W,
    pub(crate) path: Path,
    /// What is sent before anything else: the head of the answer.
    pub(crate) head: Bytes,
    pub(crate) begins: Begins,
    /// Lives as long as the connection.
    pub(crate) guard: Option<Held>,
}

/// What a connection is for.
pub(crate) enum Begins {
    /// Events, to a client that has nothing to say.
    Stream(Box<Grant>),
    /// A conversation.
    Session(Box<dyn Session>),
}

/// What is possible of what was granted.
enum Beginning {
    Live,
    After { seen: Seen, lacks: Lacks },
    Away(CloseReason),
}

/// What a connection lacks of the events.
struct Lacks {
    /// What the client has behind the history, and where that is in the ring.
    from: Vector,
    place: Place,
    source: Resume,
}

impl<W: Write> Shard<W> {
    /// Takes a connection in, which counts as active already, and sends what comes first. `None` when it ended at once.
    pub(crate) fn join(&mut self, join: Join<W>, now: Instant) -> Option<Key> {
        let Join { outlet, path, head, begins, guard } = join;
        let number = self.shared.numbers.fetch_add(1, Ordering::Relaxed);
        add(&self.shared.counters.of(path).opened, 1);
        self.generation = self.generation.wrapping_add(1) & 0x7fff_ffff;
        let (session, mut grant) = match begins {
            Begins::Session(session) => (Some(session), None),
            Begins::Stream(grant) => (None, Some(grant)),
        };
        let (heartbeat, expires) = match &mut grant {
            Some(grant) => (grant.heartbeat, grant.expires.take()),
            None => (Heartbeat::default(), None),
        };
        let index = self.connections.insert(Connection {
            outlet,
            generation: self.generation,
            seat: None,
            catching: None,
            waiting: None,
            closing: None,
            took_leave: false,
            finished: None,
            // A session would rather not be disturbed for being old.
            renewed: if session.is_some() { u32::MAX } else { self.renewal(number, now) },
            expiring: None,
            heartbeat,
            path,
            number,
            guard,
            session,
            wake: None,
        });
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        if let Some(expiry) = expires {
            self.await_expiry(index, expiry);
        }
        match grant {
            Some(grant) => self.begin(index, head, *grant, now),
            None => self.begin_session(index, head, now),
        }
        self.key(index)
    }

    fn begin_session(&mut self, index: u32, head: Bytes, now: Instant) {
        if !head.is_empty() {
            self.send(index, head, now);
        }
        let Some(key) = self.key(index) else { return };
        if self.sweep.drains() {
            self.close(index, CloseReason::Draining, now);
        } else {
            self.converse(key, now, |session, voice| session.begin(voice));
        }
    }

    fn begin(&mut self, index: u32, head: Bytes, grant: Grant, now: Instant) {
        match self.start(grant.start) {
            Beginning::Away(reason) => {
                self.send(index, head, now);
                self.close(index, reason, now);
            }
            Beginning::Live => {
                let cursor = self.cursor().to_owned();
                let greeting = self.greeting(index, grant.greeting.as_deref(), &cursor);
                self.count_resume(index, Resume::Live);
                self.send(index, concatenated(&head, &greeting), now);
                self.seat(index, &Arc::new(grant.filter));
            }
            Beginning::After { seen, lacks } => {
                let cursor = match seen {
                    Seen::Below(vector) => self.shared.codec.encode(&vector),
                    Seen::Said(text) => text,
                };
                let greeting = self.greeting(index, grant.greeting.as_deref(), &cursor);
                self.catch_up(index, grant.filter, grant.history, grant.held, lacks, now);
                self.send(index, concatenated(&head, &greeting), now);
                self.begin_turns(index, now);
            }
        }
    }

    /// Begins to send events to a session, as far as that is possible.
    pub(super) fn subscribe(&mut self, index: u32, subscription: Subscription, now: Instant) {
        let Subscription { filter, start, history, held } = subscription;
        self.leave_events(index, now);
        if self.key(index).is_none() {
            return;
        }
        match self.start(start) {
            Beginning::Away(reason) => self.close(index, reason, now),
            Beginning::Live => {
                self.count_resume(index, Resume::Live);
                self.seat(index, &Arc::new(filter));
            }
            Beginning::After { lacks, .. } => {
                self.catch_up(index, filter, history, held, lacks, now);
                self.begin_turns(index, now);
            }
        }
    }

    /// A short history goes out, or waits, at once: so what is held for it is free again, however slowly its client reads.
    fn begin_turns(&mut self, index: u32, now: Instant) {
        self.note_turn(index);
        let Some(key) = self.key(index) else { return };
        let catching = self.connections[index as usize].catching.as_ref();
        if catching.is_some_and(|catching| !catching.history.is_empty() && catching.is_short()) {
            self.turn(key, now);
        }
    }

    fn catch_up(
        &mut self,
        index: u32,
        filter: Filter,
        history: Vec<Bytes>,
        held: Option<Held>,
        lacks: Lacks,
        now: Instant,
    ) {
        let Lacks { from, place, source } = lacks;
        self.count_resume(index, source);
        let catching = Catching {
            filter: Arc::new(filter),
            history: history.into(),
            said: VecDeque::new(),
            held,
            vector: from,
            place,
            deadline: now + self.shared.settings.catch_up,
            noted: false,
        };
        self.connections[index as usize].catching = Some(Box::new(catching));
        self.catching.insert(index);
    }

    /// What is possible of what was granted.
    fn start(&self, granted: Start) -> Beginning {
        if self.sweep.drains() {
            return Beginning::Away(CloseReason::Draining);
        }
        if !self.open {
            return Beginning::Away(CloseReason::Unavailable);
        }
        match granted {
            Start::Live => Beginning::Live,
            Start::Away(reason) => Beginning::Away(reason),
            Start::After { seen, from, source } => match self.shared.ring().enter(from) {
                Some((from, place)) => Beginning::After { seen, lacks: Lacks { from, place, source } },
                None => Beginning::Away(CloseReason::Overtaken),
            },
        }
    }

    /// The first frame: when to come back after a cut, where the stream begins, what the service has to say.
    fn greeting(&self, index: u32, data: Option<&str>, cursor: &str) -> Bytes {
        let frame = sse::Frame::new().retry(CloseReason::Gone.retry(self.connections[index as usize].number));
        let Some(data) = data else { return frame.encode_open() };
        frame.id(cursor).data(data).encode()
    }

    fn count_resume(&self, index: u32, resume: Resume) {
        let path = self.connections[index as usize].path;
        add(&self.shared.counters.of(path).resumed[resume as usize], 1);
    }
}

fn concatenated(head: &Bytes, greeting: &Bytes) -> Bytes {
    if head.is_empty() { greeting.clone() } else { [head.as_ref(), greeting.as_ref()].concat().into() }
}
