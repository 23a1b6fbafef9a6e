//! One replay, on a thread that may wait.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};
use realtime_fanout::{Filter, Vector};
use realtime_kafka_topics::topic_ids;

use super::{
    Error, History, Parts, SharedRoom,
    source::{Look, Source},
    story::{Room, Story},
};
use crate::{
    gap::Gap,
    lanes::Place,
    survey::{Extent, QUESTION, extent},
    window::Window,
};

/// Kibibytes that one replay fetches ahead.
const AHEAD: usize = 4096;
/// Of them, what each partition has at least.
const SHARE: usize = 64;
/// How long a look at one partition may take.
const LOOK: Duration = Duration::from_millis(20);

/// One replay.
pub(super) struct Session<'a> {
    parts: &'a Parts,
    filter: Filter,
    story: Story<'a>,
    deadline: Instant,
    /// Nobody waits for it.
    alone: &'a AtomicBool,
    trouble: Option<KafkaError>,
    /// Whether partitions in which the client is further than this process were compared with their logs.
    compared: bool,
}

/// A partition that is to be read up to the goal.
struct Wanted {
    place: Place,
    goal: u64,
    extent: Extent,
    /// Where memory began when the extent was asked for.
    floor: u64,
}

/// How a round ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Every goal is reached.
    Done,
    /// A limit is.
    Limit,
}

impl<'a> Session<'a> {
    /// A replay for a client that has everything below `from`.
    pub(super) fn new(parts: &'a Parts, from: Vector, filter: Filter, alone: &'a AtomicBool, room: SharedRoom) -> Self {
        let story = Story::new(&parts.codec, parts.limits, from, room);
        let deadline = Instant::now() + parts.limits.time;
        Self { parts, filter, story, deadline, alone, trouble: None, compared: false }
    }

    /// Reads until memory goes on, or until a limit is reached. Memory moves meanwhile, so a second round may follow. Also tells the room that
    /// the history takes, and the number of events.
    pub(super) fn run(mut self) -> Result<(History, SharedRoom, usize), Error> {
        loop {
            let wanted = self.wanted();
            if wanted.is_empty() {
                break;
            }
            let (before, compared) = (self.story.vector().clone(), self.compared);
            let round = self.round(wanted)?;
            if round == Round::Done && compared && *self.story.vector() == before {
                return Err(Error::Advance);
            }
            if round == Round::Limit {
                let mut newest = self.parts.memory.newest();
                newest.raise(self.story.vector());
                self.story.jump(Gap::Limit, newest);
                break;
            }
        }
        let events = self.story.events();
        let (history, room) = self.story.end();
        Ok((history, room, events))
    }

    /// Partitions with their goals: a quarter into memory, so that it still goes on there when the client joins. Where the client is further
    /// than this process, only the log can tell whether that is possible. None when memory goes on.
    fn wanted(&self) -> Vec<(Place, u64)> {
        let (floor, newest) = (self.parts.memory.floor(), self.parts.memory.newest());
        let next = |place: &Place| self.story.vector().next(place.lane);
        let ahead = |place: &Place| !self.compared && next(place) > newest.next(place.lane);
        let places = self.parts.lanes.places();
        if places.iter().all(|place| next(place) >= floor.next(place.lane) && !ahead(place)) {
            return Vec::new();
        }
        let wanted = places.into_iter().filter_map(|place| {
            let (next, begin) = (next(&place), floor.next(place.lane));
            let goal = begin + newest.next(place.lane).saturating_sub(begin) / 4;
            (next < goal || ahead(&place)).then_some((place, goal.max(next)))
        });
        wanted.collect()
    }

    fn round(&mut self, wanted: Vec<(Place, u64)>) -> Result<Round, Error> {
        let consumer = Arc::new(self.consumer(wanted.len())?);
        self.compare_topics(&consumer, &wanted)?;
        let wanted = self.extents(&consumer, wanted)?;
        self.tell_gaps(&wanted);
        self.compared = true;
        let filter = self.filter.clone();
        let mut sources = self.open(&consumer, &wanted, &filter)?;
        let round = self.merge(&consumer, &mut sources)?;
        if round == Round::Done {
            for wanted in &wanted {
                self.story.pass(wanted.place.lane, wanted.goal.min(wanted.extent.high));
            }
        }
        Ok(round)
    }

    /// What is fetched ahead is shared by so many partitions. A record that is larger than a share still comes, alone: brokers always give the
    /// first one, since fetches of version 3 (KIP-74).
    fn consumer(&self, partitions: usize) -> Result<BaseConsumer, Error> {
        let share = share(partitions);
        self.parts
            .config
            .clone()
            .set("group.id", "realtime-notifications-without-group")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "error")
            .set("fetch.wait.max.ms", "50")
            .set("fetch.error.backoff.ms", "100")
            .set("fetch.queue.backoff.ms", "10")
            // Both hold for each partition, since each has a queue of its own; the queue is overshot by one fetch.
            .set("queued.max.messages.kbytes", share.to_string())
            .set("fetch.message.max.bytes", (share * 1024).min(1 << 20).to_string())
            .create()
            .map_err(Error::ConfigureConsumer)
    }

    /// Offsets are only worth something in the life of the topic that they come from.
    fn compare_topics(&self, consumer: &BaseConsumer, wanted: &[(Place, u64)]) -> Result<(), Error> {
        let names: BTreeSet<&str> = wanted.iter().map(|(place, _)| place.topic.as_ref()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let topics = topic_ids(consumer.client(), &names, self.time_left()?).map_err(Error::ReadTopics)?;
        for (place, _) in wanted {
            let found =
                topics.iter().find(|topic| *topic.name == *place.topic).and_then(|topic| topic.outcome.as_ref().ok());
            if found.is_none_or(|found| found.id != place.id) {
                return Err(Error::FindTopic { topic: place.topic.clone() });
            }
        }
        Ok(())
    }

    fn extents(&self, consumer: &BaseConsumer, wanted: Vec<(Place, u64)>) -> Result<Vec<Wanted>, Error> {
        let memory = self.parts.memory.floor();
        let ask = |(place, goal): (Place, u64)| {
            let extent = extent(consumer.client(), &place.topic, place.partition, self.time_left()?);
            let (extent, floor) = (extent.map_err(Error::ReadExtent)?, memory.next(place.lane));
            // Memory may still have what the log has no longer.
            let goal = if extent.low > floor { goal.min(floor) } else { goal };
            Ok(Wanted { place, goal, extent, floor })
        };
        wanted.into_iter().map(ask).collect()
    }

    /// What the client has may lie behind the log's end, which then was cut off, and what it wants first before its beginning.
    fn tell_gaps(&mut self, wanted: &[Wanted]) {
        for gap in [Gap::Epoch, Gap::Trimmed] {
            let mut to = self.story.vector().clone();
            for Wanted { place, extent, floor, .. } in wanted {
                let next = to.next(place.lane);
                let inside = if gap == Gap::Epoch { next.min(extent.high) } else { next.max(extent.low.min(*floor)) };
                to.set(place.lane, inside);
            }
            if to != *self.story.vector() {
                self.story.jump(gap, to);
            }
        }
    }

    /// One source a partition, each from a window before what the client wants.
    fn open<'b>(
        &self,
        consumer: &Arc<BaseConsumer>,
        wanted: &[Wanted],
        filter: &'b Filter,
    ) -> Result<Vec<Source<'b>>, Error>
    where
        'a: 'b,
    {
        let mut list = TopicPartitionList::new();
        let mut sources = Vec::new();
        for Wanted { place, goal, extent, .. } in wanted {
            let (next, goal) = (self.story.vector().next(place.lane), *goal.min(&extent.high));
            let begin = next.saturating_sub(self.parts.window).max(extent.low);
            if next >= goal {
                continue;
            }
            let offset = Offset::Offset(i64::try_from(begin).unwrap_or(i64::MAX));
            list.add_partition_offset(&place.topic, place.partition, offset).map_err(Error::AssignPartitions)?;
            // Before it is assigned: then no record goes elsewhere.
            let queue = consumer.split_partition_queue(&place.topic, place.partition);
            sources.push(Source {
                lane: place.lane,
                next,
                goal,
                window: Window::new(self.parts.window),
                queue: queue.ok_or_else(|| Error::FindTopic { topic: place.topic.clone() })?,
                checker: &self.parts.checker,
                filter,
                head: None,
                done: false,
            });
        }
        consumer.assign(&list).map_err(Error::AssignPartitions)?;
        Ok(sources)
    }

    /// Tells the records of all partitions by their time, those of one partition in its order.
    fn merge(&mut self, consumer: &BaseConsumer, sources: &mut [Source<'_>]) -> Result<Round, Error> {
        loop {
            while sources.iter().any(Source::lacks) {
                if self.is_over()? {
                    return Ok(Round::Limit);
                }
                self.look(consumer, sources)?;
            }
            let waiting = sources.iter_mut().filter(|source| source.head.is_some());
            let oldest = waiting.min_by_key(|source| source.head.as_ref().map(|head| head.time));
            let Some(source) = oldest else { return Ok(Round::Done) };
            let Some(head) = source.head.take() else { return Ok(Round::Done) };
            match self.story.tell(source.lane, head.offset, head.data.as_deref()) {
                Room::Left => {}
                Room::None => return Ok(Round::Limit),
                Room::Taken => return Err(Error::TakeRoom),
            }
        }
    }

    fn look(&mut self, consumer: &BaseConsumer, sources: &mut [Source<'_>]) -> Result<(), Error> {
        for source in sources.iter_mut().filter(|source| source.lacks()) {
            match source.look(LOOK)? {
                Look::Something => self.trouble = None,
                Look::Trouble(error) => self.trouble = Some(error),
                // What concerns the client as a whole comes by its own queue.
                Look::Nothing => {
                    if let Some(Err(error)) = consumer.poll(Duration::ZERO) {
                        self.trouble = Some(error);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the time is over: a limit, unless the brokers are to blame.
    fn is_over(&mut self) -> Result<bool, Error> {
        if self.alone.load(Ordering::Relaxed) {
            return Err(Error::GoOn);
        }
        if Instant::now() < self.deadline {
            return Ok(false);
        }
        self.trouble.take().map_or(Ok(true), |error| Err(Error::ReadRecords(error)))
    }

    /// For a question to the brokers.
    fn time_left(&self) -> Result<Duration, Error> {
        if self.alone.load(Ordering::Relaxed) {
            return Err(Error::GoOn);
        }
        let left = self.deadline.saturating_duration_since(Instant::now()).min(QUESTION);
        if left.is_zero() { Err(Error::AwaitBrokers) } else { Ok(left) }
    }
}

/// Kibibytes that are fetched ahead of one of so many partitions.
fn share(partitions: usize) -> usize {
    (AHEAD / partitions.max(1)).max(SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_share_what_is_fetched_ahead() {
        assert_eq!([0, 1, 2, 64, 1000].map(share), [4096, 4096, 2048, 64, 64]);
    }
}
