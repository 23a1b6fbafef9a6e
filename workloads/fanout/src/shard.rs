//! One shard of the hub: who listens to what. Synchronous, without a clock: whoever owns it passes the time in.
//!
//! ```text
//! join ──► catching (history, then the ring) ──► live (a seat in the group of its filter) ──► closing ──► gone
//! ```

mod beginning;
mod catching;
mod connection;
mod conversing;
mod ending;
mod expiring;
mod groups;
mod sweep;

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use slab::Slab;

pub(crate) use self::{
    beginning::{Begins, Join},
    connection::Write,
};
use self::{
    catching::Turn,
    connection::{Connection, Sent},
    groups::{Delivery, Groups},
    sweep::Sweep,
};
use crate::{
    CloseReason, Event, Filter, Vector,
    session::Act,
    shared::{Path, Shared, add, subtract},
};

/// Turns of catching up between two looks at what else there is to do.
const TURNS: usize = 16;

/// Events that were published together.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Position of the first.
    pub(crate) first: u64,
    pub(crate) events: Vec<Arc<Event>>,
    /// Length of their frames.
    pub(crate) bytes: u64,
    /// How far the log was read behind them.
    pub(crate) vector: Vector,
}

/// A connection of a shard. One that came later never has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    index: u32,
    generation: u32,
}

/// Who listens to what.
pub(crate) struct Shard<W> {
    /// Which shard of the engine it is.
    number: u16,
    shared: Arc<Shared>,
    started: Instant,
    connections: Slab<Connection<W>>,
    groups: Groups,
    /// Connections that catch up, or wait for this shard to catch up with them.
    catching: BTreeSet<u32>,
    turns: VecDeque<Key>,
    blocked: BTreeSet<u32>,
    /// When to look whether a connection has ended that was to end.
    closing: VecDeque<(Instant, Key)>,
    /// Bytes that wait for all connections.
    queued: usize,
    sweep: Sweep,
    /// Position behind the newest event, and how far the log was read there.
    head: u64,
    vector: Vector,
    cursor: Option<String>,
    generation: u32,
    open: bool,
    /// When to wake which session.
    wakes: BinaryHeap<Reverse<(Instant, Key)>>,
    /// When to see to which connection whose client may listen no longer then.
    expiries: BTreeSet<(Instant, Key)>,
    /// Connections that got the socket of another one.
    moved: Vec<Key>,
    /// Kept for its room.
    acts: Vec<Act>,
}

impl From<Key> for usize {
    fn from(key: Key) -> Self {
        (key.generation as Self) << 32 | key.index as Self
    }
}

impl From<usize> for Key {
    fn from(number: usize) -> Self {
        Self { index: (number & 0xffff_ffff) as u32, generation: (number >> 32) as u32 }
    }
}

impl Key {
    pub(crate) fn to_bytes(self) -> [u8; 8] {
        (usize::from(self) as u64).to_be_bytes()
    }

    pub(crate) const fn from_bytes(bytes: [u8; 8]) -> Self {
        let number = u64::from_be_bytes(bytes);
        Self { index: (number & 0xffff_ffff) as u32, generation: (number >> 32) as u32 }
    }
}

impl<W: Write> Shard<W> {
    pub(crate) fn new(number: u16, shared: Arc<Shared>, now: Instant) -> Self {
        Self {
            number,
            sweep: Sweep::new(shared.settings.heartbeat, now),
            shared,
            started: now,
            connections: Slab::new(),
            groups: Groups::default(),
            catching: BTreeSet::new(),
            turns: VecDeque::new(),
            blocked: BTreeSet::new(),
            closing: VecDeque::new(),
            queued: 0,
            head: 0,
            vector: Vector::default(),
            cursor: None,
            generation: 0,
            open: false,
            wakes: BinaryHeap::new(),
            expiries: BTreeSet::new(),
            moved: Vec::new(),
            acts: Vec::new(),
        }
    }

    /// From now on connections are served.
    pub(crate) const fn open(&mut self) {
        self.open = true;
    }

    /// The cursor of this shard's head.
    fn cursor(&mut self) -> &str {
        let Self { cursor, shared, vector, .. } = self;
        cursor.get_or_insert_with(|| shared.codec.encode(vector))
    }

    /// Gives the events to everybody who wants them.
    pub(crate) fn publish(&mut self, batches: &[Arc<Batch>], now: Instant) {
        let Some(last) = batches.last() else { return };
        self.head = last.first + last.events.len() as u64;
        self.vector = last.vector.clone();
        self.cursor = None;
        let shared = self.shared.clone();
        let events = batches.iter().flat_map(|batch| &batch.events);
        for delivery in self.groups.route(events, &shared.renderings) {
            self.deliver(&delivery, now);
        }
        let waiting: Vec<u32> = self.catching.iter().copied().collect();
        for index in waiting {
            self.note_turn(index);
        }
        self.keep_budget();
    }

    /// Notes how old the events of a batch are that was published; `now` in milliseconds since 1970. What came before connections are
    /// served is old by nature.
    pub(crate) fn note_ages(&self, batch: &Batch, now: i64) {
        if !self.open {
            return;
        }
        for recorded_at in batch.events.iter().filter_map(|event| event.recorded_at) {
            self.shared.ages.observe((now - recorded_at).max(0) as f64 / 1000.0);
        }
    }

    fn deliver(&mut self, delivery: &Delivery, now: Instant) {
        let shared = self.shared.clone();
        // From the back: a connection that ends on the way gives its place to the last one, which has its bytes already.
        for place in (0..self.groups.members(delivery.group).len()).rev() {
            let Some(index) = self.groups.members(delivery.group).get(place).copied() else { continue };
            let counters = shared.counters.of(self.connections[index as usize].path);
            let taken = self.send(index, delivery.chunk.clone(), now);
            add(if taken { &counters.delivered } else { &counters.failed }, delivery.events);
        }
    }

    /// Writes to a connection, or lets wait; ends it, and says so, when neither is possible.
    fn send(&mut self, index: u32, chunk: Bytes, now: Instant) -> bool {
        let connection = &mut self.connections[index as usize];
        let before = connection.queued();
        // What is said at the end is little, and must not be lost for what waits before it.
        let bound = if connection.closing.is_some() { usize::MAX } else { self.shared.settings.queue_bytes };
        let sent = connection.send(chunk, bound);
        self.settle(index, before, sent, now);
        matches!(sent, Sent::Written | Sent::Waits)
    }

    /// Keeps account of a connection's queue after it was written to.
    fn settle(&mut self, index: u32, before: usize, sent: Sent, now: Instant) {
        self.recount(index, before);
        let closing = self.connections[index as usize].closing;
        match (sent, closing) {
            (Sent::Waits, _) => {}
            (Sent::Written, Some(reason)) => self.go_on_ending(index, reason, now),
            (Sent::Written, None) => self.note_turn(index),
            (Sent::Overflow, _) => self.remove(index, CloseReason::Slow),
            (Sent::Broken, _) => self.remove(index, closing.unwrap_or(CloseReason::Gone)),
        }
    }

    /// Keeps account of what waits for a connection, for which so much waited before.
    fn recount(&mut self, index: u32, before: usize) {
        let connection = &self.connections[index as usize];
        let after = connection.queued();
        self.count_queued(connection.path, before, after);
        if after > 0 {
            self.blocked.insert(index);
        } else if before > 0 {
            self.blocked.remove(&index);
        }
    }

    /// Keeps account of bytes that wait for a connection on that path.
    fn count_queued(&mut self, path: Path, before: usize, after: usize) {
        let queued = &self.shared.counters.of(path).queued;
        if after > before {
            self.queued += after - before;
            add(queued, (after - before) as u64);
        } else if before > after {
            self.queued -= before - after;
            subtract(queued, (before - after) as u64);
        }
    }

    /// The connection takes bytes again.
    pub(crate) fn writable(&mut self, key: Key, now: Instant) {
        let Some(connection) = self.get_mut(key) else { return };
        let before = connection.queued();
        if before > 0 {
            let sent = connection.flush();
            self.settle(key.index, before, sent, now);
        }
    }

    /// The client ended the connection.
    pub(crate) fn gone(&mut self, key: Key) {
        let Some(connection) = self.get_mut(key) else { return };
        let reason = connection.closing.unwrap_or(CloseReason::Gone);
        self.remove(key.index, reason);
    }

    /// What the connection writes to.
    pub(crate) fn outlet_mut(&mut self, key: Key) -> Option<&mut W> {
        self.get_mut(key).map(|connection| &mut connection.outlet)
    }

    /// Some turns of those that catch up. True when there is more to do at once.
    pub(crate) fn work(&mut self, now: Instant) -> bool {
        for _ in 0..TURNS {
            let Some(key) = self.turns.pop_front() else { break };
            self.turn(key, now);
        }
        self.keep_budget();
        !self.turns.is_empty()
    }

    fn note_turn(&mut self, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        let generation = connection.generation;
        if let Some(catching) = connection.catching.as_mut().filter(|catching| !catching.noted)
            && connection.waiting.is_none()
        {
            catching.noted = true;
            self.turns.push_back(Key { index, generation });
        }
    }

    fn turn(&mut self, key: Key, now: Instant) {
        let Some(connection) = self.connections.get_mut(key.index as usize) else { return };
        let (path, rendering, before) = (connection.path, connection.rendering(), connection.queued());
        let Some(catching) = connection.catching.as_mut().filter(|_| connection.generation == key.generation) else {
            return;
        };
        catching.noted = false;
        let turn = catching.turn(&self.shared, rendering, self.head, &self.vector);
        self.recount(key.index, before);
        match turn {
            Turn::Wait => {}
            Turn::Overtaken => self.close(key.index, CloseReason::Overtaken, now),
            Turn::More(chunk, _) if chunk.is_empty() => self.note_turn(key.index),
            Turn::More(chunk, events) => {
                let shared = self.shared.clone();
                let counters = shared.counters.of(path);
                let taken = self.send(key.index, chunk, now);
                add(if taken { &counters.delivered } else { &counters.failed }, events);
            }
            Turn::Live => {
                let catching = &self.connections[key.index as usize].catching;
                if let Some(filter) = catching.as_ref().map(|catching| catching.filter.clone()) {
                    self.seat(key.index, &filter);
                }
            }
        }
    }

    fn seat(&mut self, index: u32, filter: &Arc<Filter>) {
        self.catching.remove(&index);
        if let Some(connection) = self.connections.get_mut(index as usize).filter(|it| it.closing.is_none()) {
            connection.catching = None;
            connection.seat = Some(self.groups.seat(filter, connection.rendering(), index));
        }
    }

    fn key(&self, index: u32) -> Option<Key> {
        self.connections.get(index as usize).map(|connection| Key { index, generation: connection.generation })
    }

    fn get_mut(&mut self, key: Key) -> Option<&mut Connection<W>> {
        self.connections.get_mut(key.index as usize).filter(|connection| connection.generation == key.generation)
    }
}

#[cfg(test)]
mod tests;
