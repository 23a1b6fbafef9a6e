//! How far each partition was read, and what becomes of its records. Does no IO: what Kafka says comes in as values.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use rdkafka::error::KafkaError;
use realtime_fanout::{Draft, Lane};
use tracing::{debug, error, info, warn};
use uuid::Uuid;

use crate::{
    broadcast::Broadcast,
    check::{Checker, Verdict, channel},
    frame,
    lanes::Lanes,
    measures::Measures,
    survey::{Extent, Known, Sight, Survey},
    window::Window,
};

/// A record of a topic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) offset: u64,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    /// In milliseconds since 1970.
    pub(crate) recorded_at: Option<i64>,
}

/// How far a start reads back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Offsets of a partition within which an id counts once.
    pub(crate) window: u64,
    /// Events that memory holds, of all partitions together.
    pub(crate) ring: u64,
}

/// What must be done with the consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Next {
    /// It goes on.
    GoOn,
    /// Other partitions, or other offsets, are to be read.
    Assign,
    /// They are to be read by another consumer, because what this one knows is about a topic that is gone.
    Renew,
}

/// How far each partition was read.
pub(crate) struct Course {
    pub(crate) lanes: Arc<Lanes>,
    checker: Arc<Checker>,
    settings: Settings,
    measures: Measures,
    tracks: BTreeMap<Box<str>, BTreeMap<i32, Track>>,
    /// Topics that did not exist when they were last asked for.
    absent: BTreeSet<Box<str>>,
    /// Topics of which the brokers said nothing when they were last asked for.
    hidden: BTreeSet<Box<str>>,
    /// Partitions that nobody answers for, and where they are to be read from once somebody does.
    away: BTreeMap<(Box<str>, i32), Origin>,
}

/// Where a partition is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// All of it came into being since the process.
    Beginning,
    /// It was there at the start: so many of its events go into memory.
    Back(u64),
    /// It was there at the start, but is only seen now that clients are served: what it holds is no news for them.
    End,
}

struct Track {
    lane: Lane,
    /// The offset that is read next.
    next: u64,
    /// From there on it is known what is a duplicate: what lies below only fills the window.
    floor: u64,
    /// From there on events are news; what lies below is for clients that come back.
    news: u64,
    window: Window,
    /// The log ended before what was read, when it was last asked for.
    suspect: bool,
    /// The brokers refused to go on, and nobody has said why.
    stopped: bool,
}

impl Course {
    /// Nothing is read yet.
    pub(crate) fn new(lanes: Arc<Lanes>, checker: Arc<Checker>, settings: Settings, measures: Measures) -> Self {
        let (tracks, absent, hidden) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { lanes, checker, settings, measures, tracks, absent, hidden, away: BTreeMap::new() }
    }

    /// Next offsets, for the next survey.
    pub(crate) fn known(&self) -> Known {
        let mut known = Known::new();
        for place in self.lanes.places() {
            let track = self.tracks.get(&place.topic).and_then(|tracks| tracks.get(&place.partition));
            let (_, partitions) = known.entry(place.topic).or_insert((place.id, BTreeMap::new()));
            partitions.extend(track.map(|track| (place.partition, track.next)));
        }
        known
    }

    /// Topic, partition and next offset of all that is to be read.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (&str, i32, u64)> {
        self.tracks.iter().flat_map(|(topic, tracks)| {
            tracks.iter().map(|(partition, track)| (topic.as_ref(), *partition, track.next))
        })
    }

    /// Whether every partition was read up to where it ended when it was first seen.
    pub(crate) fn caught_up(&self) -> bool {
        self.tracks.values().flat_map(BTreeMap::values).all(|track| track.next >= track.news)
    }

    /// The records below the offset were all taken or are none that can be read: control records of transactions.
    pub(crate) fn pass(&mut self, topic: &str, partition: i32, offset: u64) {
        let track = self.tracks.get_mut(topic).and_then(|tracks| tracks.get_mut(&partition));
        if let Some(track) = track.filter(|track| track.next < track.news && offset >= track.news) {
            track.next = offset;
        }
    }

    /// Takes what the brokers said.
    pub(crate) fn observe(&mut self, survey: &Survey, out: &mut impl Broadcast) -> Next {
        let mut next = Next::GoOn;
        let partitions: usize = survey.topics.iter().map(|(_, sight)| partitions(sight)).sum();
        let warm = self.settings.ring / u64::try_from(partitions.max(1)).unwrap_or(u64::MAX);
        for (topic, sight) in &survey.topics {
            match sight {
                Sight::Absent => self.miss(topic),
                Sight::Hidden(error) => {
                    if self.hidden.insert(topic.clone()) {
                        warn!(%topic, error = error as &dyn std::error::Error, "the brokers do not describe a topic, trying again");
                    }
                }
                Sight::Found { id, extents, away, partitions } => {
                    let behind = survey.known.get(topic).filter(|(known, _)| survey.all && known == id);
                    if let Some((_, asked)) = behind {
                        self.compare(topic, asked, extents, out);
                        next = next.max(Next::Assign);
                    }
                    next = next.max(self.find(topic, (*id, *partitions), (extents, away), warm, out));
                }
            }
        }
        self.measures.partitions.set(i64::try_from(self.positions().count()).unwrap_or(i64::MAX));
        next
    }

    fn miss(&mut self, topic: &str) {
        self.lanes.miss(topic);
        if self.absent.insert(topic.into()) {
            warn!(topic, "topic does not exist, waiting for it");
        }
    }

    /// The topic exists. Tells whether something is to be read that was not.
    fn find(
        &mut self,
        topic: &str,
        (id, partitions): (Uuid, usize),
        (extents, away): (&BTreeMap<i32, Extent>, &BTreeMap<i32, KafkaError>),
        warm: u64,
        out: &mut impl Broadcast,
    ) -> Next {
        let (was_absent, was_hidden) = (self.absent.remove(topic), self.hidden.remove(topic));
        let first = !self.tracks.contains_key(topic);
        let retired = self.lanes.enter(topic, id, partitions);
        for lane in &retired {
            out.retire(*lane);
        }
        let recreated = !retired.is_empty();
        if recreated {
            warn!(topic, %id, "topic was created anew, reading it from its beginning");
            self.measures.recreations.inc();
            self.tracks.remove(topic);
            self.away.retain(|(name, _), _| **name != *topic);
        }
        // What was there before the process is no news. Whatever came into being since then is, from its beginning.
        let from = match (first && !was_absent && !recreated, was_hidden) {
            (true, false) => Origin::Back(warm),
            (true, true) => Origin::End,
            (false, _) => Origin::Beginning,
        };
        self.tracks.entry(topic.into()).or_default();
        for (partition, error) in away {
            self.wait((topic, *partition), from, error);
        }
        let mut begun = 0;
        for (partition, extent) in extents {
            let late = self.away.remove(&(topic.into(), *partition));
            begun += usize::from(self.begin((topic, *partition), *extent, late.unwrap_or(from), out));
            if late == Some(Origin::End) {
                self.lanes.set_away(topic, *partition, false);
                // Clients that came back meanwhile may stand before its end: the log tells them.
                self.lanes.lane(topic, *partition).into_iter().for_each(|lane| out.lose(lane, extent.high));
            }
        }
        if begun > 0 {
            info!(topic, partitions = begun, ?from, "partitions are read");
        }
        match begun {
            _ if recreated => Next::Renew,
            0 => Next::GoOn,
            _ => Next::Assign,
        }
    }

    /// Nobody answers for the partition. The others are read meanwhile.
    fn wait(&mut self, (topic, partition): (&str, i32), from: Origin, error: &KafkaError) {
        let read = self.tracks.get(topic).is_some_and(|tracks| tracks.contains_key(&partition));
        if read || self.away.contains_key(&(topic.into(), partition)) {
            return;
        }
        warn!(topic, partition, error = error as &dyn std::error::Error, "partition is away, reading the others");
        let from = if from == Origin::Beginning { from } else { Origin::End };
        self.lanes.set_away(topic, partition, from == Origin::End);
        self.away.insert((topic.into(), partition), from);
    }

    fn begin(
        &mut self,
        (topic, partition): (&str, i32),
        extent: Extent,
        from: Origin,
        out: &mut impl Broadcast,
    ) -> bool {
        let Some(lane) = self.lanes.lane(topic, partition) else { return false };
        let tracks = self.tracks.entry(topic.into()).or_default();
        if tracks.contains_key(&partition) {
            return false;
        }
        let window = self.settings.window;
        let back = |warm: u64| extent.high.saturating_sub(window.saturating_add(warm)).max(extent.low);
        let (begin, news) = match from {
            Origin::Beginning => (extent.low, extent.low),
            Origin::Back(warm) => (back(warm), extent.high),
            Origin::End => (back(0), extent.high),
        };
        let floor = match from {
            Origin::End => extent.high,
            _ if begin == extent.low => begin,
            _ => begin + window,
        };
        tracks.insert(partition, Track::new(lane, begin, (floor, news), window));
        out.begin(lane, floor);
        true
    }

    /// What is to be read next may no longer lie in the log. `asked` is how far the reader was when it asked.
    fn compare(
        &mut self,
        topic: &str,
        asked: &BTreeMap<i32, u64>,
        extents: &BTreeMap<i32, Extent>,
        out: &mut impl Broadcast,
    ) {
        for (partition, Extent { low, high }) in extents {
            let track = self.tracks.get_mut(topic).and_then(|tracks| tracks.get_mut(partition));
            let Some((track, asked)) = track.zip(asked.get(partition)) else { continue };
            let stopped = std::mem::take(&mut track.stopped);
            let size = self.settings.window;
            if *low > track.next {
                warn!(topic, partition, from = track.next, to = low, "records left the log before they were read");
                self.measures.lost.inc_by(low - track.next);
                track.next = *low;
                track.news = track.news.min(*low);
                out.lose(track.lane, *low);
            } else if high >= asked && stopped {
                let at = track.next;
                error!(topic, partition, at, high, "the log lost records and has grown again, going on in a new epoch");
                // How many is not known: one at least.
                self.measures.lost.inc();
                let lane = self.lanes.reserve();
                *track = Track::new(lane, high.saturating_sub(size).max(*low), (*high, *high), size);
                renew(&self.lanes, (topic, *partition), (lane, *high), Some(*high), out);
            } else if high >= asked {
                track.suspect = false;
            } else if !std::mem::replace(&mut track.suspect, true) {
                // A broker that has just become the leader may not know its end yet. Reading on tells.
                debug!(topic, partition, high, asked, "the log seems to end before what was read");
            } else {
                warn!(topic, partition, from = high, to = asked, "the log lost its end, going on where it ends now");
                let lane = self.lanes.reserve();
                *track = Track::new(lane, *high, (*high, *high), size);
                renew(&self.lanes, (topic, *partition), (lane, *high), None, out);
            }
        }
    }

    /// The brokers refused to go on in the partition: the next comparison with its log says why, or that its records are others now.
    pub(crate) fn stop(&mut self, topic: &str, partition: i32) {
        if let Some(track) = self.tracks.get_mut(topic).and_then(|tracks| tracks.get_mut(&partition)) {
            track.stopped = true;
        }
    }

    /// Whether a log seemed to end before what was read: to be asked again soon.
    pub(crate) fn is_suspicious(&self) -> bool {
        self.tracks.values().flat_map(BTreeMap::values).any(|track| track.suspect)
    }

    /// Takes a record; tells how many bytes wait to be sent.
    pub(crate) fn take(&mut self, record: &Record<'_>, now: Timestamp, out: &mut impl Broadcast) -> usize {
        let track = self.tracks.get_mut(record.topic).and_then(|tracks| tracks.get_mut(&record.partition));
        let Some(track) = track.filter(|track| record.offset >= track.next) else { return 0 };
        track.next = record.offset + 1;
        // The log goes on, so it did not end before.
        track.suspect = false;
        let verdict = self.checker.judge(&mut track.window, record.offset, record.value);
        if record.offset < track.floor {
            return 0;
        }
        if record.offset >= track.news {
            measure(&self.measures, record, &verdict, now);
        }
        let Verdict::Broadcast(event) = verdict else {
            out.skip(track.lane, record.offset);
            return 0;
        };
        let data = frame::event(event.text, now);
        out.push(&Draft {
            lane: track.lane,
            offset: record.offset,
            channel: channel(record.key, record.topic),
            kind: &event.kind,
            data: &data,
            recorded_at: record.recorded_at,
        });
        data.len()
    }
}

impl Track {
    /// Nothing is read yet.
    fn new(lane: Lane, next: u64, (floor, news): (u64, u64), window: u64) -> Self {
        Self { lane, next, floor, news, window: Window::new(window), suspect: false, stopped: false }
    }
}

/// The partition goes on in another lane, which begins before cursors name it. Clients are closed: who comes back with a cursor of before is told.
fn renew(
    lanes: &Lanes,
    (topic, partition): (&str, i32),
    (lane, floor): (Lane, u64),
    cut: Option<u64>,
    out: &mut impl Broadcast,
) {
    out.begin(lane, floor);
    lanes.renew(topic, partition, lane, cut).into_iter().for_each(|old| out.retire(old));
    out.lose(lane, floor);
}

fn partitions(sight: &Sight) -> usize {
    match sight {
        Sight::Found { partitions, .. } => *partitions,
        Sight::Absent | Sight::Hidden(_) => 0,
    }
}

fn measure(measures: &Measures, record: &Record<'_>, verdict: &Verdict<'_>, now: Timestamp) {
    let Record { topic, partition, offset, .. } = record;
    match verdict {
        Verdict::Broadcast(_) => measures.broadcast(record.recorded_at.map(|time| now.as_millisecond() - time)),
        Verdict::Duplicate => {
            measures.duplicate();
            debug!(topic, partition, offset, "record skipped: its id came before");
        }
        Verdict::Invalid(invalid) => {
            measures.invalid(invalid);
            debug!(topic, partition, offset, error = invalid as &dyn std::error::Error, "record skipped");
        }
    }
}

#[cfg(test)]
mod tests;
