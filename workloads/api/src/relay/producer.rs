//! The idempotent producer. It retries for ever by itself and so keeps the order; the batch decides when to stop waiting.

use rdkafka::{
    ClientConfig,
    error::KafkaError,
    producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer, PurgeConfig},
};
use realtime_chassis::propagation;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use super::outbox::Record;

/// What Kafka could not do.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The configuration was refused.
    #[error("failed to configure the Kafka producer")]
    ConfigureProducer(#[source] KafkaError),
    /// The record did not fit into the producer's queue.
    #[error("failed to queue the record")]
    QueueRecord(#[source] KafkaError),
    /// The broker refused it.
    #[error("failed to have the record acknowledged")]
    DeliverRecord(#[source] KafkaError),
    /// No acknowledgement before the end of the lease.
    #[error("failed to get an acknowledgement in time")]
    AwaitAcknowledgement,
}

/// The producer; dropping it throws away what it did not send.
pub(crate) struct Outgoing {
    producer: FutureProducer,
}

impl Outgoing {
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, Error> {
        let producer = config
            .clone()
            .set("enable.idempotence", "true")
            .set("acks", "all")
            // Without end, so that no record is given up while a later one of its key goes on.
            .set("message.timeout.ms", "0")
            .set("linger.ms", "1")
            .set("partitioner", "murmur2_random")
            .create()
            .map_err(Error::ConfigureProducer)?;
        Ok(Self { producer })
    }

    pub(super) fn send(&self, record: &Record) -> Result<DeliveryFuture, Error> {
        let message = FutureRecord::to(&record.topic)
            .key(&record.key)
            .payload(&record.payload)
            .headers(propagation::kafka_headers(&record.headers));
        self.producer.send_result(message).map_err(|(error, _)| Error::QueueRecord(error))
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.producer.purge(PurgeConfig::default().queue().inflight());
    }
}

pub(super) async fn acknowledgement(delivery: DeliveryFuture, deadline: Instant) -> Result<(), Error> {
    match timeout_at(deadline, delivery).await {
        Ok(Ok(Ok(_))) => Ok(()),
        Ok(Ok(Err((error, _)))) => Err(Error::DeliverRecord(error)),
        Ok(Err(_)) | Err(_) => Err(Error::AwaitAcknowledgement),
    }
}
