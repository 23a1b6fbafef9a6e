//! Whether the client delivers each partition without omission. Where a partition is taken up, the client was seen to deliver from another
//! place that it had asked for before; what it passes over would never be processed.

use std::collections::{BTreeMap, HashMap};

use crate::record::Record;

/// How often the client is sent back to an offset before the log is believed to have none there.
const ATTEMPTS: u8 = 3;

/// Which partitions were sent back, to where, and how often.
#[derive(Debug, Default)]
pub(super) struct Sequence(HashMap<i32, (i64, u8)>);

/// Where a partition has to go back to.
pub(super) type Astray = BTreeMap<i32, i64>;

impl Sequence {
    /// Takes records away that do not follow what comes before them in their partition, and says where their partitions have to go back to. `next` has
    /// the next offset of each partition that is read. A place that was tried often enough is a hole in the log: what is behind it counts.
    pub(super) fn check(&mut self, records: &mut Vec<Record>, next: &HashMap<i32, i64>) -> Astray {
        let mut expected: HashMap<i32, i64> = HashMap::new();
        let mut astray = Astray::new();
        records.retain(|record| {
            let Some(first) = next.get(&record.partition) else { return true };
            let expected = expected.entry(record.partition).or_insert(*first);
            if astray.contains_key(&record.partition) {
                return false;
            }
            if record.offset != *expected && !self.gives_up(record.partition, *expected) {
                astray.insert(record.partition, *expected);
                return false;
            }
            *expected = record.offset.max(*expected - 1) + 1;
            true
        });
        astray
    }

    /// The client was sent back.
    pub(super) fn sent_back(&mut self, partition: i32, offset: i64) {
        let attempts = self.attempts(partition, offset) + 1;
        self.0.insert(partition, (offset, attempts));
    }

    fn gives_up(&self, partition: i32, offset: i64) -> bool {
        self.attempts(partition, offset) >= ATTEMPTS
    }

    fn attempts(&self, partition: i32, offset: i64) -> u8 {
        self.0.get(&partition).filter(|(to, _)| *to == offset).map_or(0, |(_, attempts)| *attempts)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rdkafka::consumer::{Consumer, StreamConsumer};
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{FutureProducer, FutureRecord};
    use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
    use realtime_contract::topic::NOTIFICATIONS;
    use tokio::time::timeout;

    use super::*;

    /// A partition and an offset.
    type Place = (i32, i64);

    const PATIENCE: Duration = Duration::from_secs(20);

    fn records(places: &[(i32, i64)]) -> Vec<Record> {
        let record =
            |(partition, offset): &(i32, i64)| Record { partition: *partition, offset: *offset, ..Record::default() };
        places.iter().map(record).collect()
    }

    fn checked(sequence: &mut Sequence, places: &[(i32, i64)], next: &[(i32, i64)]) -> (Vec<Place>, Vec<Place>) {
        let mut records = records(places);
        let astray = sequence.check(&mut records, &next.iter().copied().collect());
        (records.iter().map(|record| (record.partition, record.offset)).collect(), astray.into_iter().collect())
    }

    #[test]
    fn records_that_follow_one_another_are_taken() {
        let (taken, astray) = checked(&mut Sequence::default(), &[(0, 5), (1, 0), (0, 6)], &[(0, 5), (1, 0)]);
        assert_eq!((taken, astray), (vec![(0, 5), (1, 0), (0, 6)], vec![]));
    }

    #[test]
    fn what_is_passed_over_is_asked_for_again() {
        let places = [(0, 5), (0, 9), (1, 3), (0, 10), (1, 4)];
        let (taken, astray) = checked(&mut Sequence::default(), &places, &[(0, 5), (1, 3)]);
        assert_eq!((taken, astray), (vec![(0, 5), (1, 3), (1, 4)], vec![(0, 6)]));
    }

    /// Else the whole log would be read up to there.
    #[test]
    fn a_client_that_begins_too_early_is_sent_on() {
        let (taken, astray) = checked(&mut Sequence::default(), &[(0, 0), (0, 1)], &[(0, 5)]);
        assert_eq!((taken, astray), (vec![], vec![(0, 5)]));
    }

    #[test]
    fn a_hole_in_the_log_is_believed_after_some_attempts() {
        let mut sequence = Sequence::default();
        for _ in 0..ATTEMPTS {
            assert_eq!(checked(&mut sequence, &[(0, 9)], &[(0, 5)]), (vec![], vec![(0, 5)]));
            sequence.sent_back(0, 5);
        }
        assert_eq!(checked(&mut sequence, &[(0, 9), (0, 10)], &[(0, 5)]), (vec![(0, 9), (0, 10)], vec![]));
        assert_eq!(checked(&mut sequence, &[(0, 15)], &[(0, 11)]), (vec![], vec![(0, 11)]), "the next one is another");
    }

    /// As the intake does it: without waiting.
    #[tokio::test]
    async fn the_client_goes_where_it_is_sent() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(NOTIFICATIONS, 1, 1).unwrap();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap_servers()).set("group.id", "test");
        let producer: FutureProducer = config.create().unwrap();
        for number in 0..10 {
            let payload = [number];
            let record = FutureRecord::<(), _>::to(NOTIFICATIONS).partition(0).payload(&payload[..]);
            producer.send(record, PATIENCE).await.unwrap();
        }
        let consumer: StreamConsumer = config.create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(NOTIFICATIONS, 0, Offset::Offset(8)).unwrap();
        consumer.assign(&list).unwrap();
        let offset = async || timeout(PATIENCE, consumer.recv()).await.unwrap().unwrap().offset();
        assert_eq!(offset().await, 8);
        consumer.seek(NOTIFICATIONS, 0, Offset::Offset(5), Duration::ZERO).unwrap();
        assert_eq!((offset().await, offset().await), (5, 6));
    }

    #[test]
    fn partitions_that_are_not_read_are_nobodys_matter_here() {
        let (taken, astray) = checked(&mut Sequence::default(), &[(7, 3), (7, 9)], &[(0, 5)]);
        assert_eq!((taken, astray), (vec![(7, 3), (7, 9)], vec![]));
    }
}
