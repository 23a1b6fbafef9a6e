//! The Kafka client that the follower reads with.

use std::convert::Infallible;

use prometheus::IntGaugeVec;
use rdkafka::{ClientConfig, Message, consumer::StreamConsumer, message::BorrowedMessage};
use tokio::sync::watch::Receiver;
use tracing::debug;

use super::{
    Error,
    context::{Context, Told},
};
use crate::course::Record;

/// Statistics and errors come by the queue of the records: while none are read, they would pile up.
pub(super) async fn drain(consumer: &StreamConsumer<Context>) -> Infallible {
    loop {
        if let Err(error) = consumer.recv().await {
            debug!(error = &error as &dyn std::error::Error, "the Kafka client tells an error before the start");
        }
        tokio::task::yield_now().await;
    }
}

pub(super) fn settings(config: &ClientConfig) -> ClientConfig {
    let mut config = config.clone();
    config
        .set("group.id", "realtime-notifications-without-group")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "false")
        // What to do about records that are gone is decided here.
        .set("auto.offset.reset", "error")
        .set("fetch.min.bytes", "1")
        .set("fetch.wait.max.ms", "50")
        .set("fetch.error.backoff.ms", "100")
        .set("fetch.queue.backoff.ms", "10")
        .set("queued.max.messages.kbytes", "8192")
        .set("statistics.interval.ms", "1000");
    config
}

/// A client that measures those topics, and what it tells each second. May wait for the client's threads to begin.
pub(super) fn consumer(
    config: &ClientConfig,
    topics: Vec<Box<str>>,
    lag: &IntGaugeVec,
) -> Result<(StreamConsumer<Context>, Receiver<Told>), Error> {
    let (context, told) = Context::new(topics, lag.clone());
    let consumer = config.create_with_context(context).map_err(Error::ConfigureConsumer)?;
    Ok((consumer, told))
}

pub(super) fn record<'a>(message: &'a BorrowedMessage<'_>) -> Record<'a> {
    Record {
        topic: message.topic(),
        partition: message.partition(),
        // Only logical offsets are negative, and no record has one.
        offset: u64::try_from(message.offset()).unwrap_or_default(),
        key: message.key(),
        value: message.payload(),
        recorded_at: message.timestamp().to_millis(),
    }
}

#[cfg(test)]
mod tests {
    use realtime_chassis::{config::KafkaConfig, kafka};

    use super::*;

    /// Those of the service that was replaced: nothing waits for more to come.
    #[test]
    fn the_smallest_fetch_is_a_byte_and_the_longest_takes_50_ms() {
        let settings = settings(&kafka::client_config(&KafkaConfig::anonymous("127.0.0.1:9"), "test"));
        let known = settings.create_native_config().unwrap();
        assert_eq!(known.get("fetch.min.bytes").unwrap(), "1");
        assert_eq!(known.get("fetch.wait.max.ms").unwrap(), "50");
    }
}
