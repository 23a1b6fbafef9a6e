//! What time brings: signs of life, ages, the end of a drain. One sweep for all connections of a shard, a slice of them at a time.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Shard, Write, connection::Connection};
use crate::{CloseReason, Vector, close::scatter, opening::Heartbeat, sse};

/// Parts of a heartbeat's period: each connection has its sign of life in one of them, so that they do not come at once.
const SLICES: usize = 120;
/// Between two looks at what is to end during a drain.
const DRAIN_TICK: Duration = Duration::from_millis(20);

/// Where the sweep is.
#[derive(Debug)]
pub(super) struct Sweep {
    tick: Duration,
    next: Instant,
    slice: usize,
    drain: Option<Drain>,
}

#[derive(Clone, Copy, Debug)]
struct Drain {
    begun: Instant,
    window: Duration,
}

impl Sweep {
    pub(super) fn new(heartbeat: Duration, now: Instant) -> Self {
        let tick = heartbeat / SLICES as u32;
        Self { tick, next: now + tick, slice: 0, drain: None }
    }

    pub(super) const fn drains(&self) -> bool {
        self.drain.is_some()
    }
}

/// A sign of life in its forms, made when first needed.
struct Signs<'a> {
    text: &'a str,
    cursor: String,
    data: Option<Bytes>,
    comment: Option<Bytes>,
}

impl Signs<'_> {
    fn of(&mut self, form: Heartbeat) -> Bytes {
        let (place, text, cursor) = match form {
            Heartbeat::Data => (&mut self.data, Some(self.text), &self.cursor),
            Heartbeat::Comment => (&mut self.comment, None, &self.cursor),
        };
        place.get_or_insert_with(|| sign(text, cursor)).clone()
    }
}

/// A comment comes with an id, too: clients take it although they see no event.
fn sign(data: Option<&str>, cursor: &str) -> Bytes {
    match data {
        Some(data) => sse::Frame::new().id(cursor).data(data).encode(),
        None => sse::Frame::new().comment("heartbeat").id(cursor).encode(),
    }
}

impl<W: Write> Shard<W> {
    /// When [`Self::sweep`] is due; never without connections.
    pub(crate) fn next_sweep(&self) -> Option<Instant> {
        let sweep = (!self.connections.is_empty()).then_some(self.sweep.next);
        [sweep, self.next_wake(), self.next_expiry()].into_iter().flatten().min()
    }

    /// Does what is due.
    pub(crate) fn sweep(&mut self, now: Instant) {
        self.wake_due(now);
        self.expire_due(now);
        if now < self.sweep.next {
            return;
        }
        self.end_lingering(now);
        self.end_late(now);
        if self.sweep.drain.is_some() {
            self.sweep.next = now + DRAIN_TICK;
            self.drain_due(now);
            return;
        }
        self.sweep.next = now + self.sweep.tick;
        let slice = self.sweep.slice;
        self.sweep.slice = (slice + 1) % SLICES;
        self.visit(slice, now);
    }

    /// Signs of life for one slice, and the end of those that are old.
    fn visit(&mut self, slice: usize, now: Instant) {
        let seconds = self.seconds(now);
        let text = (self.shared.heartbeat)();
        let mut signs = Signs { text: &text, cursor: self.cursor().to_owned(), data: None, comment: None };
        for index in (slice..self.connections.capacity()).step_by(SLICES) {
            let Some(connection) = self.connections.get(index) else { continue };
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            if connection.closing.is_some() {
                continue;
            }
            if connection.renewed <= seconds {
                self.close(index, CloseReason::Aged, now);
                continue;
            }
            // A session sees to its client itself.
            if connection.waiting.is_some() || connection.session.is_some() {
                continue;
            }
            let form = connection.heartbeat;
            let sign = match &connection.catching {
                None => signs.of(form),
                Some(catching) if catching.noted => continue,
                Some(catching) => {
                    let cursor = self.shared.codec.encode(&raised(&catching.vector, &self.vector));
                    sign((form == Heartbeat::Data).then_some(text.as_str()), &cursor)
                }
            };
            self.send(index, sign, now);
        }
    }

    /// Connections that were to end, and whose clients neither take the rest nor end them.
    fn end_lingering(&mut self, now: Instant) {
        while let Some((_, key)) = self.closing.pop_front_if(|(until, _)| *until <= now) {
            let over = |it: &mut Connection<W>| it.finished.is_none_or(|until| until <= now);
            if self.get_mut(key).is_some_and(over) {
                self.gone(key);
            }
        }
    }

    /// Connections that take too long for what they missed.
    fn end_late(&mut self, now: Instant) {
        let late = |index: &u32| {
            let connection = &self.connections[*index as usize];
            let catching = connection.catching.as_ref();
            // One that only waits for its turn is not slow, this shard is.
            catching.is_some_and(|it| it.deadline <= now && connection.waiting.is_some())
        };
        let late: Vec<u32> = self.catching.iter().copied().filter(late).collect();
        for index in late {
            self.remove(index, CloseReason::Slow);
        }
    }

    /// Closes every connection within the window; those that come later at once.
    pub(crate) fn drain(&mut self, window: Duration, now: Instant) {
        self.sweep.drain = Some(Drain { begun: now, window });
        self.sweep.next = now;
    }

    fn drain_due(&mut self, now: Instant) {
        let Some(Drain { begun, window }) = self.sweep.drain else { return };
        let due = |number: u64| begun + window.mul_f64((scatter(number) % 1000) as f64 / 1000.0) <= now;
        let due: Vec<u32> = (0..)
            .zip(0..self.connections.capacity())
            .filter(|(_, index)| {
                let connection = self.connections.get(*index);
                connection.is_some_and(|connection| connection.closing.is_none() && due(connection.number))
            })
            .map(|(index, _)| index)
            .collect();
        for index in due {
            self.close(index, CloseReason::Draining, now);
        }
    }

    /// When a new connection is renewed: after 80 to 100 % of the age, in seconds of the shard.
    pub(super) fn renewal(&self, number: u64, now: Instant) -> u32 {
        let Some(age) = self.shared.settings.age else { return u32::MAX };
        let share = 0.8 + 0.2 * (scatter(!number) % 1000) as f64 / 1000.0;
        self.seconds(now).saturating_add(u32::try_from(age.mul_f64(share).as_secs().max(1)).unwrap_or(u32::MAX))
    }

    fn seconds(&self, now: Instant) -> u32 {
        u32::try_from(now.duration_since(self.started).as_secs()).unwrap_or(u32::MAX)
    }
}

fn raised(vector: &Vector, other: &Vector) -> Vector {
    let mut raised = vector.clone();
    raised.raise(other);
    raised
}
