//! Which partitions the group gives to this replica.

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use tokio::sync::mpsc;
use tracing::{error, info};

/// News of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// From now on these partitions, and no others. They are paused.
    Assigned(Vec<i32>),
    /// From now on none.
    Revoked,
}

/// Takes assignments without reading yet: where to read stands in Postgres, which a callback cannot wait for.
pub(super) struct Assignments(mpsc::UnboundedSender<Change>);

impl Assignments {
    /// The client's context and what it hears.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Change>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    fn assign(consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) -> KafkaResult<()> {
        // Any place will do until the real one is known; the end costs nothing.
        list.set_all_offsets(Offset::End)?;
        consumer.assign(list)?;
        consumer.pause(list)
    }
}

impl ClientContext for Assignments {}

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
        drop(self.0.send(change));
    }
}

/// The partitions of a list.
pub(super) fn partitions(list: &TopicPartitionList) -> Vec<i32> {
    list.elements().iter().map(rdkafka::topic_partition_list::TopicPartitionListElem::partition).collect()
}
