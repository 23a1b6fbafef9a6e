//! Where the reader's events go.

use realtime_fanout::{Draft, Lane, Publisher};

/// Where events go.
pub(crate) trait Broadcast {
    /// A lane begins at that offset.
    fn begin(&mut self, lane: Lane, floor: u64);
    /// Nothing of the lane will come any more.
    fn retire(&mut self, lane: Lane);
    /// What lies below the offset was lost.
    fn lose(&mut self, lane: Lane, next: u64);
    /// The record gives no event.
    fn skip(&mut self, lane: Lane, offset: u64);
    /// The record is an event.
    fn push(&mut self, draft: &Draft<'_>);
    /// Sends out what waits.
    fn flush(&mut self);
    /// Until there is room for more.
    fn room(&self) -> impl Future<Output = ()> + Send;
}

impl Broadcast for Publisher {
    fn begin(&mut self, lane: Lane, floor: u64) {
        Self::begin(self, lane, floor);
    }

    fn retire(&mut self, lane: Lane) {
        Self::retire(self, lane);
    }

    fn lose(&mut self, lane: Lane, next: u64) {
        Self::lose(self, lane, next);
    }

    fn skip(&mut self, lane: Lane, offset: u64) {
        Self::skip(self, lane, offset);
    }

    fn push(&mut self, draft: &Draft<'_>) {
        Self::push(self, draft);
    }

    fn flush(&mut self) {
        Self::flush(self);
    }

    fn room(&self) -> impl Future<Output = ()> + Send {
        Self::room(self)
    }
}
