//! How far the partitions of this replica are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use realtime_contract::topic;
use uuid::Uuid;

use super::position::Resumed;
use crate::measures::Measures;

/// Whether a partition is stopped; for the check of Kafka, which serves this process only when none is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stopped(Arc<AtomicBool>);

impl Stopped {
    /// Whether one is.
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The next offset of each partition that is read, told to the metrics.
pub(super) struct Progress {
    /// The life of the topic that is read.
    topic_id: Uuid,
    next: HashMap<i32, i64>,
    measures: Measures,
    stopped: Stopped,
}

impl Progress {
    pub(super) fn new(measures: Measures, stopped: Stopped) -> Self {
        Self { topic_id: Uuid::nil(), next: HashMap::new(), measures, stopped }
    }

    /// The life of the topic that the offsets belong to.
    pub(super) const fn topic_id(&self) -> Uuid {
        self.topic_id
    }

    /// Next offset by partition.
    pub(super) const fn next(&self) -> &HashMap<i32, i64> {
        &self.next
    }

    /// Nothing is read for now.
    pub(super) fn forget(&mut self) {
        self.next.clear();
        self.topic_id = Uuid::nil();
        self.measures.offsets.reset();
        self.stop(0);
    }

    /// These partitions are read from now on.
    pub(super) fn begin(&mut self, resumed: Resumed) {
        self.stop(resumed.stopped.len());
        self.topic_id = resumed.topic_id;
        self.advance(resumed.next);
    }

    /// These offsets are reached.
    pub(super) fn advance(&mut self, next: impl IntoIterator<Item = (i32, i64)>) {
        for (partition, next) in next {
            self.next.insert(partition, next);
            let labels = [topic::NOTIFICATIONS, &partition.to_string()];
            self.measures.offsets.with_label_values(&labels).set(next);
        }
    }

    fn stop(&self, partitions: usize) {
        self.measures.stopped_partitions.set(i64::try_from(partitions).unwrap_or(i64::MAX));
        self.stopped.0.store(partitions > 0, Ordering::Relaxed);
    }
}

/// The life of the topic that a client has been reading, once it has.
#[derive(Debug, Default)]
pub(super) struct Life(Option<Uuid>);

impl Life {
    /// It reads that one.
    pub(super) const fn begin(&mut self, topic_id: Uuid) {
        self.0 = Some(topic_id);
    }

    /// Whether the topic has another life by now.
    pub(super) fn is_former_to(&self, topic_id: Uuid) -> bool {
        self.0.is_some_and(|known| known != topic_id)
    }
}

/// Where a written batch ends, by partition.
pub(super) type Next = BTreeMap<i32, i64>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_notices_that_the_topic_has_another_life() {
        let mut life = Life::default();
        assert!(!life.is_former_to(Uuid::from_u128(1)), "nothing was read yet");
        life.begin(Uuid::from_u128(1));
        assert!(!life.is_former_to(Uuid::from_u128(1)));
        assert!(life.is_former_to(Uuid::from_u128(2)));
    }
}
