//! How a connection ends.

use std::time::{Duration, Instant};

use super::{Key, Shard, Write};
use crate::{
    CloseReason, Path,
    shared::{add, subtract},
    sse,
};

/// How long a client may take for what waits when its connection is to end, and then for ending it.
const LINGER: Duration = Duration::from_secs(5);

impl<W: Write> Shard<W> {
    /// The connection gets no events any more; what its session said behind a history, it still gets.
    pub(super) fn leave_events(&mut self, index: u32, now: Instant) {
        let connection = &mut self.connections[index as usize];
        let (before, generation) = (connection.queued(), connection.generation);
        let said = connection.catching.as_mut().map(|catching| std::mem::take(&mut catching.said));
        self.unseat(index);
        self.recount(index, before);
        for piece in said.into_iter().flatten() {
            if self.get_mut(Key { index, generation }).is_some() {
                self.send(index, piece, now);
            }
        }
    }

    pub(super) fn unseat(&mut self, index: u32) {
        self.catching.remove(&index);
        let connection = &mut self.connections[index as usize];
        connection.catching = None;
        let Some(seat) = connection.seat.take() else { return };
        if let Some(moved) = self.groups.leave(seat) {
            self.connections[moved as usize].seat = Some(seat);
        }
    }

    /// Closes every connection.
    pub(crate) fn close_all(&mut self, reason: CloseReason, now: Instant) {
        for index in (0..).take(self.connections.capacity()) {
            self.close(index, reason, now);
        }
    }

    /// Lets the connection take what waits and a farewell, and end.
    pub(super) fn close(&mut self, index: u32, reason: CloseReason, now: Instant) {
        if !self.connections.contains(index as usize) || self.connections[index as usize].closing.is_some() {
            return;
        }
        self.leave_events(index, now);
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        connection.closing = Some(reason);
        let key = Key { index, generation: connection.generation };
        self.closing.push_back((now + LINGER, key));
        // A client that asks gets the farewell as an answer of its own: of one with events it drops those when it reads that this is the end.
        if connection.path != Path::Polling || connection.waiting.is_none() {
            self.take_leave(index, reason, now);
        }
    }

    fn take_leave(&mut self, index: u32, reason: CloseReason, now: Instant) {
        let connection = &mut self.connections[index as usize];
        connection.took_leave = true;
        let farewell = match &mut connection.session {
            Some(session) => session.farewell(reason),
            None => sse::Frame::new().retry(reason.retry(connection.number)).encode_open(),
        };
        self.send(index, farewell, now);
    }

    /// All that waited for a connection that is to end is written.
    pub(super) fn go_on_ending(&mut self, index: u32, reason: CloseReason, now: Instant) {
        if self.connections[index as usize].took_leave {
            self.finish(index, now);
        } else {
            self.take_leave(index, reason, now);
        }
    }

    /// Everything is written: the client has a while to end the connection from its side.
    fn finish(&mut self, index: u32, now: Instant) {
        if let Some(key) = self.key(index) {
            let connection = &mut self.connections[index as usize];
            if !connection.outlet.finish() {
                let reason = connection.closing.unwrap_or(CloseReason::Gone);
                return self.remove(index, reason);
            }
            connection.finished = Some(now + LINGER);
            self.closing.push_back((now + LINGER, key));
        }
    }

    pub(super) fn remove(&mut self, index: u32, reason: CloseReason) {
        let queued = self.connections[index as usize].queued();
        self.unseat(index);
        let mut connection = self.connections.remove(index as usize);
        self.blocked.remove(&index);
        self.count_queued(connection.path, queued, 0);
        self.forget_expiry(Key { index, generation: connection.generation }, connection.expiring.as_deref());
        let counters = self.shared.counters.of(connection.path);
        subtract(&counters.active, 1);
        add(&counters.closed[reason as usize], 1);
        if let Some(session) = &mut connection.session {
            session.ended(reason);
        }
        drop(connection);
        self.shared.ended.notify_waiters();
        if self.connections.is_empty() {
            self.connections.shrink_to_fit();
        }
    }

    /// Cuts those for which most waits, until what waits for all is within this shard's part of the budget.
    pub(super) fn keep_budget(&mut self) {
        let budget = self.shared.settings.budget_bytes / self.shared.settings.shards.max(1);
        if self.queued <= budget {
            return;
        }
        let queued = |index: &u32| self.connections[*index as usize].queued();
        let mut largest_last: Vec<u32> = self.blocked.iter().copied().collect();
        largest_last.sort_by_cached_key(queued);
        while self.queued > budget
            && let Some(index) = largest_last.pop()
        {
            self.remove(index, CloseReason::Slow);
        }
    }
}
