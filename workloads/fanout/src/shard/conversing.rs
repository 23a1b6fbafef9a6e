//! Connections on which both sides speak: who calls their sessions, and does what these want.

use std::{any::Any, cmp::Reverse, sync::Arc, time::Instant};

use bytes::Bytes;

use super::{
    Key, Shard, Write,
    connection::{Connection, Waiting},
};
use crate::{
    CloseReason, Filter, Path,
    session::{Act, Address, Cursor, Session, Voice, Word},
    shared::subtract,
};

impl<W: Write> Shard<W> {
    /// The client of a session said something.
    pub(crate) fn hear(&mut self, key: Key, bytes: &mut [u8], now: Instant) {
        self.converse(key, now, |session, voice| session.hear(bytes, voice));
    }

    /// Somebody has something for a session. One without a socket is told also while it ends: only by a request can its client get what
    /// waits, and the farewell.
    pub(crate) fn tell(&mut self, key: Key, word: Word, now: Instant) {
        let hears = |it: &mut Connection<W>| it.closing.is_none() || it.path == Path::Polling;
        if self.get_mut(key).is_some_and(hears) {
            self.call(key, now, |session, voice| session.told(word, voice));
        }
    }

    /// Somebody has something for all sessions.
    pub(crate) fn announce(&mut self, news: &(dyn Any + Send + Sync), now: Instant) {
        let sessions = self.connections.iter().filter(|(_, connection)| connection.session.is_some());
        let keys: Vec<Key> = sessions.filter_map(|(index, _)| self.key(u32::try_from(index).ok()?)).collect();
        for key in keys {
            self.converse(key, now, |session, voice| session.announced(news, voice));
        }
    }

    /// Whether a session is at that place which hears its client.
    pub(crate) fn hears(&mut self, key: Key) -> bool {
        self.get_mut(key).is_some_and(|connection| connection.session.is_some() && connection.closing.is_none())
    }

    /// Connections that have another socket than before, since the last look.
    pub(crate) fn take_moved(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.moved)
    }

    /// When the next session is to be woken.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.wakes.peek().map(|Reverse((time, _))| *time)
    }

    /// Wakes sessions whose time has come.
    pub(super) fn wake_due(&mut self, now: Instant) {
        while self.next_wake().is_some_and(|time| time <= now) {
            let Some(Reverse((time, key))) = self.wakes.pop() else { return };
            if let Some(connection) = self.get_mut(key)
                && connection.wake == Some(time)
            {
                connection.wake = None;
                self.converse(key, now, |session, voice| session.wake(voice));
            }
        }
    }

    /// Calls a session, and does what it wants. One that is to end hears nothing any more.
    pub(super) fn converse(&mut self, key: Key, now: Instant, call: impl FnOnce(&mut dyn Session, &mut Voice<'_>)) {
        if self.get_mut(key).is_some_and(|connection| connection.closing.is_none()) {
            self.call(key, now, call);
        }
    }

    fn call(&mut self, key: Key, now: Instant, call: impl FnOnce(&mut dyn Session, &mut Voice<'_>)) {
        let Some(connection) = self.get_mut(key) else { return };
        let Some(mut session) = connection.session.take() else { return };
        let mut acts = std::mem::take(&mut self.acts);
        let connection = &self.connections[key.index as usize];
        // What comes behind history is said behind it, too.
        let vector = connection.catching.as_ref().map_or(&self.vector, |catching| &catching.vector);
        let cursor = Cursor { codec: &*self.shared.codec, vector };
        let address = Address { shard: self.number, key };
        call(&mut *session, &mut Voice { address, now, cursor, acts: &mut acts });
        self.connections[key.index as usize].session = Some(session);
        for act in acts.drain(..) {
            self.act(key, act, now);
        }
        self.acts = acts;
    }

    fn act(&mut self, key: Key, act: Act, now: Instant) {
        if let Act::Tell(address, word) = act {
            // Another shard's places are not ours.
            if address.shard == self.number {
                self.tell(address.key, word, now);
            }
            return;
        }
        let Some(connection) = self.get_mut(key) else { return };
        if connection.closing.is_some() && !matches!(act, Act::Answer(_)) {
            return;
        }
        match act {
            Act::Say(bytes) => self.say(key.index, bytes, now),
            Act::Subscribe(subscription) => self.subscribe(key.index, *subscription, now),
            Act::Select(filter) => self.select(key.index, filter),
            Act::Unsubscribe => self.leave_events(key.index, now),
            Act::WakeAt(time) => self.wake_at(key, time),
            Act::Answer(request) => {
                self.connections[key.index as usize].outlet.attend(request);
                self.writable(key, now);
            }
            Act::HandOver(address) if address.shard == self.number => self.hand_over(key, address.key, now),
            Act::HandOver(_) => self.close(key.index, CloseReason::Gone, now),
            Act::Close(reason) => self.close(key.index, reason, now),
            Act::Tell(..) => {}
        }
    }

    fn say(&mut self, index: u32, bytes: Bytes, now: Instant) {
        let connection = &mut self.connections[index as usize];
        let before = connection.queued();
        match &mut connection.catching {
            Some(catching) if !catching.history.is_empty() || !catching.said.is_empty() => {
                catching.said.push_back(bytes);
                self.recount(index, before);
                if self.connections[index as usize].queued() > self.shared.settings.queue_bytes {
                    self.remove(index, CloseReason::Slow);
                }
            }
            _ => _ = self.send(index, bytes, now),
        }
    }

    fn select(&mut self, index: u32, filter: Filter) {
        let filter = Arc::new(filter);
        let connection = &mut self.connections[index as usize];
        if let Some(catching) = &mut connection.catching {
            catching.filter = filter;
        } else if connection.seat.is_some() {
            self.unseat(index);
            self.seat(index, &filter);
        }
    }

    fn wake_at(&mut self, key: Key, time: Instant) {
        let wake = &mut self.connections[key.index as usize].wake;
        if wake.is_none_or(|before| time < before) {
            *wake = Some(time);
            self.wakes.push(Reverse((time, key)));
        }
    }

    /// Gives the socket of one connection to another, which speaks the form of that socket from now on.
    fn hand_over(&mut self, from: Key, to: Key, now: Instant) {
        let takes = |taker: &mut Connection<W>| taker.closing.is_none() && taker.session.is_some();
        if from == to || !self.get_mut(to).is_some_and(takes) {
            return self.close(from.index, CloseReason::Gone, now);
        }
        self.unseat(from.index);
        self.blocked.remove(&from.index);
        let giver = self.connections.remove(from.index as usize);
        self.count_queued(giver.path, giver.queued(), 0);
        let taker = &mut self.connections[to.index as usize];
        let (path, before) = (taker.path, taker.queued());
        rewrite(taker, giver.waiting);
        (taker.outlet, taker.path, taker.guard) = (giver.outlet, giver.path, giver.guard);
        let after = taker.queued();
        self.count_queued(path, before, 0);
        self.count_queued(giver.path, 0, after);
        subtract(&self.shared.counters.of(path).active, 1);
        self.moved.push(to);
        self.converse(to, now, |session, voice| session.moved(voice));
        self.reseat(to.index);
        self.writable(to, now);
    }

    /// A connection that gets events gets them in the form of its new socket.
    fn reseat(&mut self, index: u32) {
        let Some(connection) = self.connections.get(index as usize) else { return };
        let Some(seat) = connection.seat else { return };
        let filter = self.groups.filter(seat);
        self.unseat(index);
        self.seat(index, &filter);
    }
}

/// Puts what waits for a connection behind what was said on the socket that it is to get, and in the form of that socket.
fn rewrite<W>(taker: &mut Connection<W>, said: Option<Box<Waiting>>) {
    let Some(session) = taker.session.take() else { return };
    if let Some(catching) = &mut taker.catching {
        for pieces in [&mut catching.history, &mut catching.said] {
            *pieces = pieces.iter().map(|piece| session.rewrite(piece)).collect();
        }
    }
    let mut waiting = said.unwrap_or_default();
    if let Some(behind) = taker.waiting.take() {
        waiting.append(behind.rewritten(|piece| session.rewrite(piece)));
    }
    taker.waiting = Some(waiting).filter(|waiting| !waiting.is_empty());
    taker.session = Some(session);
}
