//! Producing records, each with the time of its production in it.

use std::time::Duration;

use anyhow::{Context, Result};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};

use crate::kafka::PARTITIONS;
use crate::record;

const FLUSH: Duration = Duration::from_secs(10);

/// Sends each record at once: nothing waits for a batch.
pub(crate) struct Production {
    producer: ThreadedProducer<DefaultProducerContext>,
    topic: &'static str,
    run: u64,
    number: u64,
}

impl Production {
    /// Connects to the broker in the background.
    pub(crate) fn new(brokers: &str, topic: &'static str) -> Result<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers).set("linger.ms", "0").set("acks", "1");
        config.set("socket.nagle.disable", "true");
        let producer = config.create().context("failed to create the producer")?;
        Ok(Self { producer, topic, run: record::now(), number: 0 })
    }

    /// Produces one record with that key to the next partition in turn, and gives the time that stands in it.
    pub(crate) fn send(&mut self, key: &str) -> Result<u64> {
        let partition = i32::try_from(self.number % u64::from(PARTITIONS.unsigned_abs())).unwrap_or_default();
        self.send_to(partition, key)
    }

    /// Produces one record to that partition.
    pub(crate) fn send_to(&mut self, partition: i32, key: &str) -> Result<u64> {
        self.number += 1;
        let sent_at = record::now();
        let text = record::text(self.run, self.number, sent_at);
        let record = BaseRecord::to(self.topic).partition(partition).key(key).payload(&text);
        self.producer.send(record).map_err(|(error, _)| error).context("failed to produce a record")?;
        Ok(sent_at)
    }

    /// Waits until the broker has acknowledged everything.
    pub(crate) fn flush(&self) -> Result<()> {
        self.producer.flush(FLUSH).context("failed to flush the producer")
    }
}
