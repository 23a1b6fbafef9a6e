//! Which partition of which life of a topic is which lane: shared by the reader, the cursors and the replays.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use realtime_fanout::Lane;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Four bytes that stand for a text or an id.
pub(crate) type Mark = [u8; 4];

/// The topics of the stream, in the order of their names. Lanes are never used twice.
#[derive(Debug)]
pub(crate) struct Lanes(RwLock<Register>);

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
}

/// A topic from its creation to its deletion.
#[derive(Debug)]
pub(crate) struct Life {
    /// Given by Kafka.
    pub(crate) id: Uuid,
    /// Stands for the life; never zero, which stands for none.
    pub(crate) mark: Mark,
    /// By partition.
    pub(crate) lanes: Vec<Lane>,
}

/// A partition with its lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) topic: Box<str>,
    pub(crate) id: Uuid,
    pub(crate) partition: i32,
    pub(crate) lane: Lane,
}

impl Lanes {
    /// The topics of the stream, none of them seen yet.
    pub(crate) fn new<'a>(topics: impl IntoIterator<Item = &'a str>) -> Self {
        let topics = topics.into_iter().map(|name| {
            let mark = mark(&Sha256::digest(name.as_bytes()));
            (Box::from(name), Topic { mark, life: None })
        });
        Self(RwLock::new(Register { topics: topics.collect(), lanes: 0 }))
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
        let life = found.life.get_or_insert_with(|| Life { id, mark: life_mark(topic, id), lanes: Vec::new() });
        while life.lanes.len() < partitions {
            life.lanes.push(Lane(register.lanes));
            register.lanes += 1;
        }
        before.map(|life| life.lanes).unwrap_or_default()
    }

    /// The partition's log was cut off at its end: what follows is another lane. Tells the old and the new one.
    pub(crate) fn renew(&self, topic: &str, partition: i32) -> Option<(Lane, Lane)> {
        let register = &mut *self.write();
        let life = register.topics.get_mut(topic)?.life.as_mut()?;
        let lane = life.lanes.get_mut(usize::try_from(partition).ok()?)?;
        let renewed = (*lane, Lane(register.lanes));
        register.lanes += 1;
        *lane = renewed.1;
        Some(renewed)
    }

    /// Lane of a partition, as the topic is now.
    pub(crate) fn lane(&self, topic: &str, partition: i32) -> Option<Lane> {
        let register = self.read();
        let life = register.topics.get(topic)?.life.as_ref()?;
        life.lanes.get(usize::try_from(partition).ok()?).copied()
    }

    /// Every partition that is known now.
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
                (0..).zip(&life.lanes).map(place)
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
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Register> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stands for one life of a topic.
fn life_mark(topic: &str, id: Uuid) -> Mark {
    let digest = Sha256::new().chain_update(topic.as_bytes()).chain_update([0]).chain_update(id.as_bytes()).finalize();
    let mark = mark(&digest);
    if mark == Mark::default() { [0, 0, 0, 1] } else { mark }
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
        assert_eq!(lanes.renew("orders", 0), None);
        lanes.enter("orders", FIRST, 2);
        assert_eq!(lanes.renew("orders", 0), Some((Lane(0), Lane(2))));
        assert_eq!((lanes.lane("orders", 0), lanes.lane("orders", 1)), (Some(Lane(2)), Some(Lane(1))));
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
