//! How far each partition was read, and what becomes of its records. Does no IO: what Kafka says comes in as values.

mod observing;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use realtime_fanout::{Draft, Lane};
use tracing::debug;

use crate::{
    broadcast::Broadcast,
    check::{Checker, Verdict, channel},
    frame,
    lanes::Lanes,
    measures::Measures,
    survey::Known,
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
