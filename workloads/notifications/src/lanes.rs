//! Which partition of which life of a topic is which lane: shared by the reader, the cursors and the replays.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use realtime_fanout::Lane;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::surveys::Surveys;

/// Four bytes that stand for a text or an id.
pub(crate) type Mark = [u8; 4];

/// Stands for a life that is not known.
pub(crate) const UNKNOWN: Mark = [0xff; 4];

/// The topics of the stream, in the order of their names. Lanes are never used twice.
#[derive(Debug)]
pub(crate) struct Lanes {
    register: RwLock<Register>,
    /// Looks at the topics, for who doubts what stands here.
    pub(crate) surveys: Surveys,
}

#[derive(Debug, Default)]
struct Register {
    topics: BTreeMap<Box<str>, Topic>,
    lanes: u32,
}

/// A topic of the stream.
#[derive(Debug)]
pub(crate) struct Topic {
    /// Stands for the name.
    pub(crate) mark: Mark,
    /// Since it was first seen.
    pub(crate) life: Option<Life>,
    /// It did not exist when it was last asked for. Without that and without a life, nobody knows.
    pub(crate) absent: bool,
}

/// A topic from its creation to its deletion.
#[derive(Debug)]
pub(crate) struct Life {
    /// Given by Kafka.
    pub(crate) id: Uuid,
    /// Stands for the life; neither all zeros, which stand for none, nor all ones, which stand for one that is not known.
    pub(crate) mark: Mark,
    /// By partition.
    pub(crate) lanes: Vec<Lane>,
    /// Partitions that were there before the process and that nobody answers for: where they end is not known.
    pub(crate) away: BTreeSet<i32>,
    /// Partitions whose log lost records within, by where it ended when that was found out: who stood below may have had what is gone.
    pub(crate) cuts: BTreeMap<i32, u64>,
}

/// A partition with its lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) topic: Box<str>,
    pub(crate) id: Uuid,
    pub(crate) partition: i32,
    pub(crate) lane: Lane,
}

impl Life {
    fn new(topic: &str, id: Uuid) -> Self {
        let (away, cuts) = (BTreeSet::new(), BTreeMap::new());
        Self { id, mark: life_mark(topic, id), lanes: Vec::new(), away, cuts }
    }

    /// Lanes are numbered from `free` on.
    fn grow(&mut self, free: &mut u32, partitions: usize) {
        while self.lanes.len() < partitions {
            self.lanes.push(Lane(*free));
            *free += 1;
        }
    }
}

impl Lanes {
    /// The topics of the stream, none of them seen yet.
    pub(crate) fn new<'a>(topics: impl IntoIterator<Item = &'a str>) -> Self {
        let topics = topics.into_iter().map(|name| {
            let mark = mark(&Sha256::digest(name.as_bytes()));
            (Box::from(name), Topic { mark, life: None, absent: false })
        });
        let register = Register { topics: topics.collect(), lanes: 0 };
        Self { register: RwLock::new(register), surveys: Surveys::default() }
    }

    /// Names of the topics, in order.
    pub(crate) fn names(&self) -> Vec<Box<str>> {
        self.read().topics.keys().cloned().collect()
    }

    /// The topic has that id and so many partitions. Tells the lanes of its life before, which are no longer in use.
    pub(crate) fn enter(&self, topic: &str, id: Uuid, partitions: usize) -> Vec<Lane> {
        let register = &mut *self.write();
        let Some(found) = register.topics.get_mut(topic) else { return Vec::new() };
        let same = found.life.as_ref().is_some_and(|life| life.id == id);
        let before = if same { None } else { found.life.take() };
        found.absent = false;
        let life = found.life.get_or_insert_with(|| Life::new(topic, id));
        life.grow(&mut register.lanes, partitions);
        before.map(|life| life.lanes).unwrap_or_default()
    }

    /// The topic does not exist. Whoever had a life of it keeps that until there is another.
    pub(crate) fn miss(&self, topic: &str) {
        if let Some(found) = self.write().topics.get_mut(topic) {
            found.absent = true;
        }
    }

    /// That life of the topic has so many partitions; nothing happens when the topic has another one by now.
    pub(crate) fn grow(&self, topic: &str, id: Uuid, partitions: usize) {
        let register = &mut *self.write();
        let life = register.topics.get_mut(topic).and_then(|topic| topic.life.as_mut());
        if let Some(life) = life.filter(|life| life.id == id) {
            life.grow(&mut register.lanes, partitions);
        }
    }

    /// A lane that no partition has yet.
    pub(crate) fn reserve(&self) -> Lane {
        let register = &mut *self.write();
        register.lanes += 1;
        Lane(register.lanes - 1)
    }

    /// The partition's log lost records: what follows is that lane. Tells the one before. `cut` is where the log ends when it cannot be told from
    /// a cursor whether it lies behind what is lost.
    pub(crate) fn renew(&self, topic: &str, partition: i32, lane: Lane, cut: Option<u64>) -> Option<Lane> {
        let register = &mut *self.write();
        let life = register.topics.get_mut(topic)?.life.as_mut()?;
        let before = std::mem::replace(life.lanes.get_mut(usize::try_from(partition).ok()?)?, lane);
        life.cuts.extend(cut.map(|cut| (partition, cut)));
        Some(before)
    }

    /// Whether nobody answers for the partition, which was there before the process.
    pub(crate) fn set_away(&self, topic: &str, partition: i32, away: bool) {
        let register = &mut *self.write();
        let Some(life) = register.topics.get_mut(topic).and_then(|topic| topic.life.as_mut()) else { return };
        if away {
            life.away.insert(partition);
        } else {
            life.away.remove(&partition);
        }
    }

    /// Lane of a partition, as the topic is now.
    pub(crate) fn lane(&self, topic: &str, partition: i32) -> Option<Lane> {
        let register = self.read();
        let life = register.topics.get(topic)?.life.as_ref()?;
        life.lanes.get(usize::try_from(partition).ok()?).copied()
    }

    /// Every partition that is known now, without those that are away.
    pub(crate) fn places(&self) -> Vec<Place> {
        let register = self.read();
        let lives = register.topics.iter().filter_map(|(name, topic)| topic.life.as_ref().map(|life| (name, life)));
        lives
            .flat_map(|(name, life)| {
                let place = |(partition, lane): (i32, &Lane)| Place {
                    topic: name.clone(),
                    id: life.id,
                    partition,
                    lane: *lane,
                };
                (0..).zip(&life.lanes).filter(|(partition, _)| !life.away.contains(partition)).map(place)
            })
            .collect()
    }

    /// Shows each topic, in order.
    pub(crate) fn each(&self, mut visit: impl FnMut(&str, &Topic)) {
        for (name, topic) in &self.read().topics {
            visit(name, topic);
        }
    }

    /// No method panics between two changes, so that a poisoned lock still guards a whole register.
    fn read(&self) -> RwLockReadGuard<'_, Register> {
        self.register.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Register> {
        self.register.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stands for one life of a topic.
fn life_mark(topic: &str, id: Uuid) -> Mark {
    let digest = Sha256::new().chain_update(topic.as_bytes()).chain_update([0]).chain_update(id.as_bytes()).finalize();
    let mark = mark(&digest);
    if [Mark::default(), UNKNOWN].contains(&mark) { [0, 0, 0, 1] } else { mark }
}

fn mark(digest: &[u8]) -> Mark {
    let mut mark = Mark::default();
    for (to, from) in mark.iter_mut().zip(digest) {
        *to = *from;
    }
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Uuid = Uuid::from_u128(1);
    const SECOND: Uuid = Uuid::from_u128(2);

    #[test]
    fn partitions_get_lanes_in_the_order_in_which_they_are_seen() {
        let lanes = Lanes::new(["orders", "events"]);
        assert_eq!(lanes.names(), ["events", "orders"].map(Box::<str>::from));
        assert!(lanes.enter("orders", FIRST, 2).is_empty());
        assert!(lanes.enter("events", SECOND, 1).is_empty());
        assert!(lanes.enter("orders", FIRST, 3).is_empty());
        let places = lanes.places();
        let seen: Vec<_> = places.iter().map(|place| (&*place.topic, place.partition, place.lane.0)).collect();
        assert_eq!(seen, [("events", 0, 2), ("orders", 0, 0), ("orders", 1, 1), ("orders", 2, 3)]);
        assert_eq!(lanes.lane("orders", 2), Some(Lane(3)));
        assert_eq!((lanes.lane("orders", 3), lanes.lane("other", 0), lanes.lane("orders", -1)), (None, None, None));
    }

    #[test]
    fn a_topic_that_was_created_anew_gets_new_lanes_and_gives_up_the_old_ones() {
        let lanes = Lanes::new(["orders"]);
        lanes.enter("orders", FIRST, 2);
        assert_eq!(lanes.enter("orders", SECOND, 1), [Lane(0), Lane(1)]);
        assert_eq!(lanes.places(), [Place { topic: "orders".into(), id: SECOND, partition: 0, lane: Lane(2) }]);
    }

    #[test]
    fn a_log_that_was_cut_off_goes_on_in_another_lane() {
        let lanes = Lanes::new(["orders"]);
        assert_eq!(lanes.renew("orders", 0, Lane(9), None), None);
        lanes.enter("orders", FIRST, 2);
        let lane = lanes.reserve();
        assert_eq!(lanes.renew("orders", 0, lane, None), Some(Lane(0)));
        assert_eq!((lanes.lane("orders", 0), lanes.lane("orders", 1)), (Some(Lane(2)), Some(Lane(1))));
    }

    #[test]
    fn only_the_life_that_is_meant_grows() {
        let lanes = Lanes::new(["orders"]);
        lanes.grow("orders", FIRST, 2);
        lanes.enter("orders", FIRST, 1);
        lanes.grow("orders", SECOND, 3);
        assert_eq!(lanes.lane("orders", 1), None);
        lanes.grow("orders", FIRST, 2);
        assert_eq!(lanes.lane("orders", 1), Some(Lane(1)));
    }

    #[test]
    fn partitions_that_are_away_have_no_place() {
        let lanes = Lanes::new(["orders"]);
        lanes.enter("orders", FIRST, 2);
        lanes.set_away("orders", 0, true);
        assert_eq!(lanes.places().iter().map(|place| place.partition).collect::<Vec<_>>(), [1]);
        lanes.set_away("orders", 0, false);
        assert_eq!(lanes.places().len(), 2);
    }

    #[test]
    fn a_topic_that_nobody_asked_for_is_not_entered() {
        let lanes = Lanes::new(["orders"]);
        lanes.enter("other", FIRST, 2);
        assert!(lanes.places().is_empty());
    }

    #[test]
    fn marks_tell_lives_and_names_apart() {
        assert_ne!(life_mark("orders", FIRST), life_mark("orders", SECOND));
        assert_ne!(life_mark("orders", FIRST), life_mark("events", FIRST));
        let lanes = Lanes::new(["orders", "events"]);
        let mut marks = Vec::new();
        lanes.each(|name, topic| marks.push((name.to_owned(), topic.mark)));
        assert_ne!(marks[0].1, marks[1].1);
    }
}
