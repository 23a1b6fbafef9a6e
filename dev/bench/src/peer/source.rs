//! How both peers in this program read the topic: all partitions from their ends, without a group.

use anyhow::{Context, Result};
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfig;
use rdkafka::consumer::{Consumer, ConsumerContext};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use realtime_contract::topic;

use crate::kafka::PARTITIONS;

/// A consumer with the settings of realtime-notifications.
pub(super) fn consumer<X: ClientContext + ConsumerContext, C: Consumer<X> + FromClientConfig>(
    brokers: &str,
) -> Result<C> {
    let consumer: C = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "without-group")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("fetch.min.bytes", "1")
        .set("fetch.wait.max.ms", "50")
        .set("socket.nagle.disable", "true")
        .create()
        .context("failed to create the consumer")?;
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic::PRODUCT_EVENTS, partition, Offset::End)
            .context("failed to list a partition")?;
    }
    consumer.assign(&list).context("failed to assign the partitions")?;
    Ok(consumer)
}

/// The first frame's data.
pub(super) fn greeting() -> String {
    let now = realtime_contract::time::milliseconds(jiff::Timestamp::now());
    format!("{{\"type\":\"connection\",\"message\":\"Connected to notifications stream\",\"timestamp\":\"{now}\"}}")
}
