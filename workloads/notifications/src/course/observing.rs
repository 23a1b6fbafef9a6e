//! What the brokers say about the topics, and what follows for the course.

use std::collections::BTreeMap;

use rdkafka::error::KafkaError;
use realtime_fanout::Lane;
use tracing::{debug, error, info, warn};
use uuid::Uuid;

use super::{Course, Next, Origin, Track};
use crate::{
    broadcast::Broadcast,
    lanes::Lanes,
    survey::{Extent, Sight, Survey},
};

impl Course {
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
