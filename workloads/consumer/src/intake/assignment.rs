//! Which partitions the group gives to this replica, and which of them its client does not read.

use std::collections::BTreeSet;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, Statistics, TopicPartitionList};
use realtime_chassis::kafka::known_brokers;
use tokio::sync::{mpsc, watch};
use tracing::{error, info};

/// News of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// From now on these partitions, and no others. They are paused.
    Assigned(Vec<i32>),
    /// From now on none.
    Revoked,
}

impl Change {
    /// What is assigned from now on.
    pub(super) fn partitions(self) -> Vec<i32> {
        match self {
            Self::Assigned(partitions) => partitions,
            Self::Revoked => Vec::new(),
        }
    }
}

/// Takes assignments without reading yet: where to read stands in Postgres, which a callback cannot wait for.
pub(super) struct Assignments {
    changes: mpsc::UnboundedSender<Change>,
    told: watch::Sender<Told>,
}

/// What the client's statistics tell, about once a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Partitions that the client does not fetch.
    pub(super) idle: BTreeSet<i32>,
    /// Statistics in a row, up to the last one, by which it knows no broker. Counted here: several may come at once.
    pub(super) lonely: u32,
}

/// What is heard of a client's context.
pub(super) struct Heard {
    /// News of the group.
    pub(super) changes: mpsc::UnboundedReceiver<Change>,
    /// What its statistics tell.
    pub(super) told: watch::Receiver<Told>,
}

impl Assignments {
    /// The client's context and what it hears.
    pub(super) fn new() -> (Self, Heard) {
        let (sender, changes) = mpsc::unbounded_channel();
        let (teller, told) = watch::channel(Told::default());
        (Self { changes: sender, told: teller }, Heard { changes, told })
    }

    fn assign(consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) -> KafkaResult<()> {
        // Until the real place is known. The client may read from here all the same, when the brokers answer late; it is sent back then.
        list.set_all_offsets(Offset::Beginning)?;
        consumer.assign(list)?;
        consumer.pause(list)
    }
}

impl ClientContext for Assignments {
    fn stats(&self, statistics: Statistics) {
        let is_lonely = known_brokers(&statistics) == 0;
        let idle = idle(&statistics);
        self.told.send_modify(|told| {
            let lonely = if is_lonely { told.lonely + 1 } else { 0 };
            *told = Told { idle, lonely };
        });
    }
}

impl ConsumerContext for Assignments {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let (change, outcome) = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let partitions = partitions(list);
                info!(topic = realtime_contract::topic::NOTIFICATIONS, ?partitions, "partitions assigned");
                (Change::Assigned(partitions), Self::assign(consumer, list))
            }
            _ => (Change::Revoked, consumer.unassign()),
        };
        if let Err(error) = outcome {
            error!(error = &error as &dyn std::error::Error, "assignment cannot be taken");
        }
        // Nobody listens once the intake has stopped.
        drop(self.changes.send(change));
    }
}

/// Partitions of the topic that are not fetched: as librdkafka names the state behind an offset that it cannot go on from.
fn idle(statistics: &Statistics) -> BTreeSet<i32> {
    let topic = statistics.topics.get(realtime_contract::topic::NOTIFICATIONS);
    let partitions = topic.into_iter().flat_map(|topic| topic.partitions.values());
    let idle = partitions.filter(|partition| partition.partition >= 0 && partition.fetch_state == "none");
    idle.map(|partition| partition.partition).collect()
}

/// The partitions of a list.
fn partitions(list: &TopicPartitionList) -> Vec<i32> {
    list.elements().iter().map(rdkafka::topic_partition_list::TopicPartitionListElem::partition).collect()
}

#[cfg(test)]
mod tests {
    use rdkafka::ClientConfig;
    use rdkafka::mocking::MockCluster;
    use rdkafka::statistics::{Broker, Partition, Topic};
    use realtime_contract::topic;

    use super::*;

    #[test]
    fn nothing_is_assigned_behind_a_revocation() {
        assert_eq!(Change::Assigned(vec![1, 2]).partitions(), [1, 2]);
        assert_eq!(Change::Revoked.partitions(), Vec::<i32>::new());
    }

    #[test]
    fn the_statistics_tell_what_is_not_fetched() {
        let partition = |partition, state: &str| {
            (partition, Partition { partition, fetch_state: state.to_owned(), ..Partition::default() })
        };
        let partitions = [partition(-1, "none"), partition(0, "active"), partition(1, "none")].into();
        let topics = [(topic::NOTIFICATIONS.to_owned(), Topic { partitions, ..Topic::default() })].into();
        let (context, heard) = Assignments::new();
        context.stats(Statistics { topics, ..Statistics::default() });
        assert_eq!(heard.told.borrow().idle, [1].into());
    }

    #[test]
    fn statistics_without_a_broker_are_counted_until_one_is_known() {
        let (context, heard) = Assignments::new();
        let broker = Broker { source: "learned".to_owned(), ..Broker::default() };
        let told = [false, true, false, false].map(|known| {
            let brokers = known.then(|| ("one".to_owned(), broker.clone())).into_iter().collect();
            context.stats(Statistics { brokers, ..Statistics::default() });
            heard.told.borrow().lonely
        });
        assert_eq!(told, [1, 0, 1, 2]);
    }

    #[tokio::test]
    async fn the_group_tells_what_it_assigns() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(topic::NOTIFICATIONS, 3, 1).unwrap();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap_servers()).set("group.id", "test");
        let (context, Heard { mut changes, .. }) = Assignments::new();
        let consumer: BaseConsumer<Assignments> = config.create_with_context(context).unwrap();
        consumer.subscribe(&[topic::NOTIFICATIONS]).unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let change = loop {
            drop(consumer.poll(std::time::Duration::from_millis(100)));
            if let Ok(change) = changes.try_recv() {
                break change;
            }
            assert!(std::time::Instant::now() < deadline, "nothing was assigned");
        };
        let mut told = change.partitions();
        told.sort_unstable();
        assert_eq!(told, [0, 1, 2]);
    }
}
