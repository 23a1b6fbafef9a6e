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

    /// Whether partitions are read, or stopped, in another life of the topic than that.
    pub(super) fn is_of_other_life(&self, topic_id: Uuid) -> bool {
        !self.topic_id.is_nil() && !topic_id.is_nil() && self.topic_id != topic_id
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

/// Where a written batch ends, by partition.
pub(super) type Next = BTreeMap<i32, i64>;

#[cfg(test)]
mod tests {
    use prometheus::Registry;

    use super::*;

    #[test]
    fn another_life_of_the_topic_is_noticed_while_partitions_are_read() {
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let mut progress = Progress::new(Measures::new(&Registry::new()).unwrap(), Stopped::default());
        assert!(!progress.is_of_other_life(one), "nothing is read yet");
        progress.begin(Resumed { topic_id: one, next: [(0, 5)].into(), stopped: Vec::new() });
        assert!(progress.is_of_other_life(other));
        assert!(!progress.is_of_other_life(one));
        assert!(!progress.is_of_other_life(Uuid::nil()), "the brokers were not asked yet");
        progress.forget();
        assert!(!progress.is_of_other_life(other));
    }
}
