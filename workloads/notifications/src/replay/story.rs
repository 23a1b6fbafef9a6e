//! What a client is told about what it missed.

use bytes::Bytes;
use realtime_fanout::{CursorCodec, Lane, Vector, sse::Frame};

use super::{History, Limits, SharedRoom};
use crate::{cursor::Codec, gap::Gap};

/// Frames so far, and where the client is behind them.
pub(super) struct Story<'a> {
    codec: &'a Codec,
    limits: Limits,
    vector: Vector,
    frames: Vec<Bytes>,
    events: usize,
    bytes: usize,
    /// What the frames take of the room that all histories share.
    room: SharedRoom,
    gap: bool,
}

/// Whether there is more to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Left,
    /// The event did not fit.
    None,
    /// Other histories take all the room that there is.
    Taken,
}

impl<'a> Story<'a> {
    /// Nothing is told yet.
    pub(super) const fn new(codec: &'a Codec, limits: Limits, from: Vector, room: SharedRoom) -> Self {
        Self { codec, limits, vector: from, frames: Vec::new(), events: 0, bytes: 0, room, gap: false }
    }

    /// Where the client is.
    pub(super) const fn vector(&self) -> &Vector {
        &self.vector
    }

    /// Events so far.
    pub(super) const fn events(&self) -> usize {
        self.events
    }

    /// Tells the event of a record, or only goes on behind a record that the client does not want.
    pub(super) fn tell(&mut self, lane: Lane, offset: u64, data: Option<&str>) -> Room {
        let full = self.events >= self.limits.events || self.bytes >= self.limits.bytes;
        match data {
            Some(_) if full => return Room::None,
            None => self.vector.advance(lane, offset),
            Some(data) => {
                self.vector.advance(lane, offset);
                let frame = Frame::new().id(&self.codec.encode(&self.vector)).data(data).encode();
                if !self.room.take(frame.len()) {
                    return Room::Taken;
                }
                self.events += 1;
                self.bytes += frame.len();
                self.frames.push(frame);
            }
        }
        Room::Left
    }

    /// There is nothing more of the lane below that offset.
    pub(super) fn pass(&mut self, lane: Lane, next: u64) {
        if next > self.vector.next(lane) {
            self.vector.set(lane, next);
        }
    }

    /// Goes on elsewhere, and says why.
    pub(super) fn jump(&mut self, gap: Gap, to: Vector) {
        let (from, id) = (self.codec.encode(&self.vector), self.codec.encode(&to));
        self.frames.push(gap.frame(&from, &id));
        self.vector = to;
        self.gap = true;
    }

    /// All that is told, and the room that it takes.
    pub(super) fn end(self) -> (History, SharedRoom) {
        (History { frames: self.frames, end: self.vector, gap: self.gap }, self.room)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::lanes::Lanes;

    fn codec() -> Codec {
        Codec::new(Arc::new(Lanes::new([])), b"key")
    }

    fn limits(events: usize, bytes: usize) -> Limits {
        Limits { events, bytes, ..Limits::default() }
    }

    #[test]
    fn tells_events_until_one_does_not_fit_and_goes_on_behind_the_others() {
        let codec = codec();
        for limits in [limits(2, 1000), limits(1000, 50)] {
            let mut story = Story::new(&codec, limits, Vector::default(), SharedRoom::new(1000));
            assert_eq!(story.tell(Lane(0), 4, Some("a")), Room::Left);
            assert_eq!(story.tell(Lane(0), 5, None), Room::Left);
            assert_eq!(story.tell(Lane(0), 6, Some("a")), Room::Left);
            assert_eq!(story.tell(Lane(0), 7, None), Room::Left);
            assert_eq!(story.tell(Lane(0), 8, Some("a")), Room::None);
            assert_eq!((story.vector().next(Lane(0)), story.events()), (8, 2));
        }
    }

    #[test]
    fn histories_share_their_room_and_give_it_back() {
        let codec = codec();
        let room = SharedRoom::new(100);
        let story = || Story::new(&codec, limits(1000, 1000), Vector::default(), room.another());
        let (mut one, mut other) = (story(), story());
        let data = "x".repeat(40);
        assert_eq!(one.tell(Lane(0), 0, Some(&data)), Room::Left);
        assert_eq!(other.tell(Lane(0), 0, Some(&data)), Room::Taken);
        let (history, taken) = one.end();
        drop(history);
        assert_eq!(other.tell(Lane(0), 1, Some(&data)), Room::Taken, "the room is held as long as its holder");
        drop(taken);
        assert_eq!(other.tell(Lane(0), 2, Some(&data)), Room::Left);
    }

    #[test]
    fn tells_of_a_jump() {
        let codec = codec();
        let mut story = Story::new(&codec, limits(2, 1000), Vector::default(), SharedRoom::new(1000));
        let to: Vector = [(Lane(0), 9)].into_iter().collect();
        story.pass(Lane(0), 3);
        story.pass(Lane(0), 2);
        assert_eq!(story.vector().next(Lane(0)), 3);
        let text = codec.encode(story.vector());
        story.jump(Gap::Trimmed, to.clone());
        let frames = vec![Gap::Trimmed.frame(&text, &codec.encode(&to))];
        assert_eq!(story.end().0, History { frames, end: to, gap: true });
    }
}
