//! A connection that does not get events as they come yet: it is sent history, then the ring from its place on.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};

use super::connection::cost;
use crate::{Event, Filter, Vector, opening::Held, ring::Place, shared::Shared};

/// Bytes that one turn gathers, and events that it looks at.
const TURN_BYTES: usize = 64 * 1024;
const TURN_EVENTS: usize = 128;

/// How far a connection has come.
pub(super) struct Catching {
    pub(super) filter: Arc<Filter>,
    pub(super) history: VecDeque<Bytes>,
    /// What a session said meanwhile: it comes behind the history.
    pub(super) said: VecDeque<Bytes>,
    /// Kept until history is sent.
    pub(super) held: Option<Held>,
    /// What the client has.
    pub(super) vector: Vector,
    pub(super) place: Place,
    /// By then it must be at the head.
    pub(super) deadline: Instant,
    /// Whether its turn is noted already.
    pub(super) noted: bool,
}

/// What one turn gives.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Bytes, which may be none, and the number of events in them; another turn follows.
    More(Bytes, u64),
    /// It has everything that this shard has, and more: it waits.
    Wait,
    /// It has what this shard has: events may come as they come.
    Live,
    /// What it needs next is no longer kept.
    Overtaken,
}

impl Catching {
    /// The next turn, in the form with the number `rendering`, up to the shard's `head`, whose vector is `newest`.
    pub(super) fn turn(&mut self, shared: &Shared, rendering: u8, head: u64, newest: &Vector) -> Turn {
        if !self.history.is_empty() {
            return Turn::More(self.take_history(shared, rendering), 0);
        }
        if !self.said.is_empty() {
            let mut chunk = BytesMut::new();
            self.said.drain(..).for_each(|piece| shared.renderings.append(rendering, &mut chunk, &piece));
            return Turn::More(chunk.freeze(), 0);
        }
        if self.place.next < head {
            return self.read_ring(shared, rendering, head);
        }
        if self.place.shared_from.is_none() && newest.dominates(&self.vector) {
            self.place.shared_from = Some(self.place.next);
        }
        let shares = self.place.shared_from.is_some_and(|from| from <= self.place.next);
        if shares && self.place.next == head { Turn::Live } else { Turn::Wait }
    }

    fn take_history(&mut self, shared: &Shared, rendering: u8) -> Bytes {
        let mut chunk = BytesMut::new();
        while let Some(piece) = self.history.pop_front() {
            shared.renderings.append(rendering, &mut chunk, &piece);
            if chunk.len() >= TURN_BYTES {
                break;
            }
        }
        if self.history.is_empty() {
            self.held = None;
        }
        chunk.freeze()
    }

    /// Whether one turn takes all of the history.
    pub(super) fn is_short(&self) -> bool {
        self.history.iter().map(Bytes::len).sum::<usize>() <= TURN_BYTES
    }

    /// Bytes that a session said and that wait behind the history, with what it costs to keep them.
    pub(super) fn said_bytes(&self) -> usize {
        self.said.iter().map(cost).sum()
    }

    fn read_ring(&mut self, shared: &Shared, rendering: u8, head: u64) -> Turn {
        let events: Vec<Arc<Event>> = {
            let ring = shared.ring();
            let wanted = usize::try_from(head - self.place.next).unwrap_or(usize::MAX).min(TURN_EVENTS);
            match ring.read_from(self.place.next) {
                Some(events) => {
                    let mut bytes = 0;
                    let mut fits = |event: &&Arc<Event>| {
                        let before = bytes;
                        bytes += event.frame().len();
                        before < TURN_BYTES
                    };
                    events.take(wanted).take_while(|event| fits(event)).cloned().collect()
                }
                None => return Turn::Overtaken,
            }
        };
        let mut chunk = BytesMut::new();
        let mut count = 0;
        for event in events {
            count += u64::from(self.take_event(&event, shared, rendering, &mut chunk));
        }
        Turn::More(chunk.freeze(), count)
    }

    /// Appends the event if the client wants it and has it not.
    fn take_event(&mut self, event: &Event, shared: &Shared, rendering: u8, chunk: &mut BytesMut) -> bool {
        let shares = self.place.shared_from.is_some_and(|from| from <= self.place.next);
        self.place.next += 1;
        if self.vector.covers(event.lane, event.offset) {
            return false;
        }
        self.vector.advance(event.lane, event.offset);
        if !self.filter.passes(&event.channel, &event.kind, &event.data()) {
            return false;
        }
        let piece = if shares {
            shared.renderings.shared(rendering, event)
        } else {
            shared.renderings.own(rendering, event, &shared.codec.encode(&self.vector))
        };
        shared.renderings.append(rendering, chunk, &piece);
        true
    }
}
