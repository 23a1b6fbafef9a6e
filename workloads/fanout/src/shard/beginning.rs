//! How a connection begins: its place, its greeting, and what it misses.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use bytes::Bytes;

use super::{Key, Shard, Write, catching::Catching, connection::Connection};
use crate::{
    CloseReason, Vector,
    opening::{Grant, Held, Resume, Seen, Start},
    ring::Place,
    shared::{Path, add},
    sse,
};

/// A connection that is to be served.
pub(crate) struct Join<W> {
    pub(crate) outlet: W,
    pub(crate) path: Path,
    /// What is sent before anything else: the head of the answer.
    pub(crate) head: Bytes,
    pub(crate) grant: Grant,
    /// Lives as long as the connection.
    pub(crate) guard: Option<Held>,
}

/// What is possible of what was granted.
enum Beginning {
    Live,
    After { seen: Seen, from: Vector, place: Place, source: Resume },
    Away(CloseReason),
}

impl<W: Write> Shard<W> {
    /// Takes a connection in, which counts as active already, and sends what comes first. `None` when it ended at once.
    pub(crate) fn join(&mut self, join: Join<W>, now: Instant) -> Option<Key> {
        let Join { outlet, path, head, grant, guard } = join;
        let number = self.shared.counters.opened.fetch_add(1, Ordering::Relaxed);
        self.generation = self.generation.wrapping_add(1) & 0x7fff_ffff;
        let index = self.connections.insert(Connection {
            outlet,
            generation: self.generation,
            seat: None,
            catching: None,
            waiting: None,
            closing: None,
            finished: None,
            expires: self.expiry(number, now),
            heartbeat: grant.heartbeat,
            path,
            number,
            _guard: guard,
        });
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.begin(index, head, grant, now);
        self.key(index)
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
                self.count_resume(Resume::Live);
                self.send(index, concatenated(&head, &greeting), now);
                self.seat(index, &Arc::new(grant.filter));
            }
            Beginning::After { seen, from, place, source } => {
                let cursor = match seen {
                    Seen::Below(vector) => self.shared.codec.encode(&vector),
                    Seen::Said(text) => text,
                };
                let greeting = self.greeting(index, grant.greeting.as_deref(), &cursor);
                self.count_resume(source);
                let catching = Catching {
                    filter: Arc::new(grant.filter),
                    history: grant.history.into(),
                    held: grant.held,
                    vector: from,
                    place,
                    deadline: now + self.shared.settings.catch_up,
                    noted: false,
                };
                self.connections[index as usize].catching = Some(Box::new(catching));
                self.catching.insert(index);
                self.send(index, concatenated(&head, &greeting), now);
                self.note_turn(index);
            }
        }
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
                Some((from, place)) => Beginning::After { seen, from, place, source },
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

    fn count_resume(&self, resume: Resume) {
        add(&self.shared.counters.resumed[resume as usize], 1);
    }
}

fn concatenated(head: &Bytes, greeting: &Bytes) -> Bytes {
    if head.is_empty() { greeting.clone() } else { [head.as_ref(), greeting.as_ref()].concat().into() }
}
