//! A partition that the client refuses to go on in, and which one that is.

use std::collections::{BTreeSet, HashMap};

/// Statistics that are waited for. The first may have been made before the refusal, and name none.
const LOOKS: u8 = 3;

/// Refusals whose partitions are not known yet: the error does not say which, but the client's next statistics do.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    errors: usize,
    looks: u8,
}

impl Refusal {
    /// Another partition is refused.
    pub(super) const fn count(&mut self) {
        self.errors += 1;
    }

    /// Statistics came: of the partitions that are read, those that are refused, once they are known. All, when nobody says it.
    pub(super) fn look(&mut self, idle: &BTreeSet<i32>, read: &HashMap<i32, i64>) -> Option<BTreeSet<i32>> {
        if self.errors == 0 {
            return None;
        }
        self.looks += 1;
        let named: BTreeSet<i32> = idle.iter().filter(|partition| read.contains_key(partition)).copied().collect();
        let suspects = if named.len() >= self.errors {
            named
        } else if self.looks >= LOOKS {
            read.keys().copied().collect()
        } else {
            return None;
        };
        *self = Self::default();
        Some(suspects)
    }

    /// The partitions are taken up for another reason: all that may be refused.
    pub(super) fn end(&mut self, read: &HashMap<i32, i64>) -> BTreeSet<i32> {
        let is_open = std::mem::take(self).errors > 0;
        if is_open { read.keys().copied().collect() } else { BTreeSet::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use rdkafka::consumer::{BaseConsumer, Consumer};
    use rdkafka::error::{KafkaError, RDKafkaErrorCode};
    use rdkafka::mocking::MockCluster;
    use rdkafka::{ClientConfig, Offset, TopicPartitionList};
    use realtime_contract::topic;

    use super::super::assignment::{Assignments, Heard};
    use super::*;

    fn read() -> HashMap<i32, i64> {
        [(0, 5), (1, 5), (2, 5)].into()
    }

    fn refused(times: usize) -> Refusal {
        Refusal { errors: times, looks: 0 }
    }

    #[test]
    fn the_statistics_name_what_is_refused() {
        let mut refusal = Refusal::default();
        assert_eq!(refusal.look(&[1].into(), &read()), None, "nothing is refused");
        refusal.count();
        assert_eq!(refusal.look(&[].into(), &read()), None, "they are of before");
        assert_eq!(refusal.look(&[1, 9].into(), &read()), Some([1].into()), "9 is not read");
        assert_eq!(refusal.look(&[1].into(), &read()), None, "it is over");
    }

    #[test]
    fn as_many_are_awaited_as_were_refused() {
        let mut refusal = refused(2);
        assert_eq!(refusal.look(&[1].into(), &read()), None);
        assert_eq!(refusal.look(&[1, 2].into(), &read()), Some([1, 2].into()));
    }

    #[test]
    fn all_may_be_refused_when_nobody_says_which() {
        let mut refusal = refused(1);
        let looks = [1, 2, 3].map(|_| refusal.look(&[].into(), &read()));
        assert_eq!(looks, [None, None, Some([0, 1, 2].into())]);
        assert_eq!(refused(1).end(&read()), [0, 1, 2].into());
        assert_eq!(Refusal::default().end(&read()), [].into());
    }

    #[tokio::test]
    async fn the_client_names_the_partition_whose_offset_its_log_does_not_have() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(topic::NOTIFICATIONS, 2, 1).unwrap();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap_servers()).set("group.id", "test");
        config.set("auto.offset.reset", "error").set("statistics.interval.ms", "200");
        let (context, Heard { mut told, .. }) = Assignments::new();
        let consumer: BaseConsumer<Assignments> = config.create_with_context(context).unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic::NOTIFICATIONS, 0, Offset::Offset(0)).unwrap();
        list.add_partition_offset(topic::NOTIFICATIONS, 1, Offset::Offset(1000)).unwrap();
        consumer.assign(&list).unwrap();
        let (mut refusal, deadline) = (Refusal::default(), Instant::now() + Duration::from_secs(20));
        let suspects = loop {
            let reset = KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset);
            if consumer.poll(Duration::from_millis(50)).and_then(Result::err) == Some(reset) {
                refusal.count();
            }
            if told.has_changed().unwrap()
                && let Some(suspects) = refusal.look(&told.borrow_and_update().idle, &[(0, 0), (1, 1000)].into())
            {
                break suspects;
            }
            assert!(Instant::now() < deadline, "nothing was refused, or nobody said where");
        };
        assert_eq!(suspects, [1].into());
    }
}
