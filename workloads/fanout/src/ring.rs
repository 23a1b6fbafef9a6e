//! The newest events, in the order in which they were published.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{Event, Lane, Vector, lane::RETIRED};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Events at most.
    pub events: usize,
    /// Bytes of their frames at most; the newest event is kept whatever its size.
    pub bytes: usize,
}

/// The newest events. Each has a position: its number in the order of this process.
#[derive(Debug)]
pub struct Ring {
    bounds: Bounds,
    events: VecDeque<Arc<Event>>,
    /// Position of the oldest event that is kept.
    oldest: u64,
    bytes: usize,
    /// From there on every lane is complete.
    floor: Vector,
    newest: Vector,
    retired: Vector,
    /// Offset and position of every event that is kept, by lane.
    lanes: BTreeMap<Lane, VecDeque<(u64, u64)>>,
}

/// Where a client goes on in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Everything before this position it has.
    pub next: u64,
    /// From this position on the shared cursors cover every event that it has; `None` as long as it has more than this process. They may lack
    /// records that gave no event: nothing is sent twice for that.
    pub shared_from: Option<u64>,
}

impl Ring {
    /// An empty ring.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            events: VecDeque::new(),
            oldest: 0,
            bytes: 0,
            floor: Vector::default(),
            newest: Vector::default(),
            retired: Vector::default(),
            lanes: BTreeMap::new(),
        }
    }

    /// A lane begins at that offset.
    pub fn begin(&mut self, lane: Lane, floor: u64) {
        self.floor.set(lane, floor);
        self.newest.set(lane, floor);
        self.lanes.entry(lane).or_default();
    }

    /// Nothing of the lane will be wanted any more.
    pub fn retire(&mut self, lane: Lane) {
        for vector in [&mut self.floor, &mut self.newest, &mut self.retired] {
            vector.set(lane, RETIRED);
        }
        self.lanes.remove(&lane);
    }

    /// Records of the lane below `next` never came: who has not got them is not covered.
    pub fn lose(&mut self, lane: Lane, next: u64) {
        for vector in [&mut self.floor, &mut self.newest] {
            vector.set(lane, next.max(vector.next(lane)));
        }
    }

    /// Appends an event; the oldest make room.
    pub fn push(&mut self, event: Arc<Event>) {
        let position = self.head();
        self.bytes += event.frame().len();
        self.newest.advance(event.lane, event.offset);
        if let Some(lane) = self.lanes.get_mut(&event.lane) {
            lane.push_back((event.offset, position));
        }
        self.events.push_back(event);
        while self.events.len() > 1 && (self.events.len() > self.bounds.events || self.bytes > self.bounds.bytes) {
            self.evict();
        }
    }

    fn evict(&mut self) {
        let Some(event) = self.events.pop_front() else { return };
        self.oldest += 1;
        self.bytes -= event.frame().len();
        if let Some(lane) = self.lanes.get_mut(&event.lane) {
            lane.pop_front();
            self.floor.advance(event.lane, event.offset);
        }
    }

    /// Says how far the log was read, records without an event included.
    pub fn raise(&mut self, vector: &Vector) {
        self.newest.raise(vector);
    }

    /// Position that the next event gets.
    pub fn head(&self) -> u64 {
        self.oldest + self.events.len() as u64
    }

    /// From where on each lane is complete.
    pub const fn floor(&self) -> &Vector {
        &self.floor
    }

    /// How far each lane was read.
    pub const fn newest(&self) -> &Vector {
        &self.newest
    }

    /// The vector, with nothing wanted of lanes that are retired.
    pub fn current(&self, mut vector: Vector) -> Vector {
        vector.raise(&self.retired);
        vector
    }

    /// Whether everything behind `vector` is kept. It must be [`Self::current`].
    pub fn covers(&self, vector: &Vector) -> bool {
        vector.dominates(&self.floor)
    }

    /// Lets a client in that has everything below `vector`: the vector as it is now, and where it goes on. `None` when something that comes next
    /// for it is not kept.
    pub fn enter(&self, vector: Vector) -> Option<(Vector, Place)> {
        let vector = self.current(vector);
        self.covers(&vector).then(|| (vector.clone(), self.locate(&vector)))
    }

    /// Where a client goes on that has everything below `vector`. It must be [`Self::current`] and covered.
    fn locate(&self, vector: &Vector) -> Place {
        let mut next = self.head();
        let mut shared_from = self.oldest;
        for (lane, events) in &self.lanes {
            let seen = events.partition_point(|(offset, _)| vector.covers(*lane, *offset));
            if let Some((_, position)) = events.get(seen) {
                next = next.min(*position);
            }
            if let Some((_, position)) = seen.checked_sub(1).and_then(|last| events.get(last)) {
                shared_from = shared_from.max(position + 1);
            }
        }
        Place { next, shared_from: self.newest.dominates(vector).then_some(shared_from) }
    }

    /// The events from that position on; `None` when the first of them is no longer kept.
    pub fn read_from(&self, position: u64) -> Option<impl Iterator<Item = &Arc<Event>>> {
        let skipped = usize::try_from(position.checked_sub(self.oldest)?).ok()?;
        Some(self.events.range(skipped.min(self.events.len())..))
    }
}

#[cfg(test)]
mod tests;
