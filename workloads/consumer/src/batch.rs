//! Records that are stored in one transaction, as values and as the columns of their rows.

mod columns;

use std::collections::{BTreeMap, HashMap};

use realtime_chassis::propagation;
use realtime_contract::event::NotificationCreated;
use realtime_contract::topic;
use tracing::{Span, info_span};
use uuid::Uuid;

pub(crate) use columns::{DeadLetters, FeedRows, NotificationRows, OffsetRows};

use crate::decode::{Rejection, read};
use crate::record::Record;

/// A record, what it says, and the span of its processing.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) record: Record,
    pub(crate) verdict: Result<NotificationCreated, Rejection>,
    pub(crate) span: Span,
    /// The span's context, for whoever comes after.
    pub(crate) carrier: HashMap<String, String>,
}

impl Item {
    /// Reads a record. Its span continues the trace of the one who produced it.
    pub(crate) fn of(record: Record) -> Self {
        let span = info_span!(
            "process notification",
            otel.kind = "consumer",
            messaging.system = "kafka",
            messaging.destination.name = topic::NOTIFICATIONS,
            messaging.destination.partition.id = record.partition,
            messaging.kafka.offset = record.offset,
        );
        propagation::adopt(&span, &record.headers);
        let carrier = propagation::carrier(&span);
        Self { verdict: read(record.payload.as_deref()), record, span, carrier }
    }

    /// The same record as a dead letter, because Postgres refused its row.
    fn refused(self, reason: &str) -> Self {
        let reason = reason.to_owned();
        Self { verdict: Err(Rejection::StoreRow { reason }), ..self }
    }
}

/// Records in the order of their arrival; of each partition without omission.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The life of the topic that the records and offsets belong to.
    pub(crate) topic_id: Uuid,
    pub(crate) items: Vec<Item>,
    /// Per partition the offset that the store has to expect, else another owner was there.
    expected: BTreeMap<i32, i64>,
}

impl Batch {
    /// Records that follow what is stored: `progress` has the next offset of each partition. Records of a partition without progress and
    /// records before it are left out: they belong to another owner, or are stored already.
    pub(crate) fn of(records: Vec<Record>, topic_id: Uuid, progress: &HashMap<i32, i64>) -> Self {
        let follows = |record: &Record| progress.get(&record.partition).is_some_and(|next| record.offset >= *next);
        let items: Vec<Item> = records.into_iter().filter(follows).map(Item::of).collect();
        let expected =
            items.iter().map(|item| item.record.partition).map(|partition| (partition, progress[&partition]));
        Self { topic_id, expected: expected.collect(), items }
    }

    /// The next offset of each partition once the batch is stored.
    pub(crate) fn next(&self) -> BTreeMap<i32, i64> {
        self.items.iter().map(|item| (item.record.partition, item.record.offset + 1)).collect()
    }

    /// One batch for each record, in the same order.
    pub(crate) fn split(self) -> Vec<Self> {
        let topic_id = self.topic_id;
        let mut progress = self.expected;
        let single = |item: Item| {
            let partition = item.record.partition;
            let expected = progress.insert(partition, item.record.offset + 1).unwrap_or(item.record.offset);
            Self { topic_id, expected: BTreeMap::from([(partition, expected)]), items: vec![item] }
        };
        self.items.into_iter().map(single).collect()
    }

    /// The same batch with each record as a dead letter.
    pub(crate) fn refused(self, reason: &str) -> Self {
        Self { items: self.items.into_iter().map(|item| item.refused(reason)).collect(), ..self }
    }

    /// Columns of the offsets.
    pub(crate) fn offsets(&self) -> OffsetRows {
        columns::offsets(&self.expected, &self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: Uuid = Uuid::from_u128(7);

    fn record(partition: i32, offset: i64) -> Record {
        Record { partition, offset, ..Record::default() }
    }

    fn places(batch: &Batch) -> Vec<(i32, i64)> {
        batch.items.iter().map(|item| (item.record.partition, item.record.offset)).collect()
    }

    #[test]
    fn leaves_out_what_is_stored_and_what_belongs_to_others() {
        let batch =
            Batch::of(vec![record(0, 4), record(0, 5), record(1, 0), record(2, 9)], TOPIC, &[(0, 5), (2, 9)].into());
        assert_eq!(places(&batch), [(0, 5), (2, 9)]);
        assert_eq!(batch.next(), [(0, 6), (2, 10)].into());
    }

    #[test]
    fn expects_the_stored_offset_also_when_kafka_skips_some() {
        let batch = Batch::of(vec![record(0, 8), record(0, 9)], TOPIC, &[(0, 5)].into());
        let rows = batch.offsets();
        assert_eq!((rows.partitions, rows.expected, rows.next), (vec![0], vec![5], vec![10]));
    }

    #[test]
    fn single_records_follow_one_another() {
        let batch = Batch::of(vec![record(0, 5), record(1, 1), record(0, 7)], TOPIC, &[(0, 5), (1, 0)].into());
        let singles = batch.split();
        assert!(singles.iter().all(|single| single.topic_id == TOPIC));
        let fences: Vec<_> = singles.iter().map(|batch| (batch.expected.clone(), batch.next())).collect();
        let expected = [
            ([(0, 5)].into(), [(0, 6)].into()),
            ([(1, 0)].into(), [(1, 2)].into()),
            ([(0, 6)].into(), [(0, 8)].into()),
        ];
        assert_eq!(fences, expected);
    }

    #[test]
    fn a_refused_batch_has_only_dead_letters() {
        let batch = Batch::of(vec![record(0, 5)], TOPIC, &[(0, 5)].into()).refused("no");
        let letters = DeadLetters::of(&batch.items);
        assert_eq!(letters.reasons, ["failed to store the notification: no"]);
        assert_eq!(letters.offsets, [5]);
    }
}
