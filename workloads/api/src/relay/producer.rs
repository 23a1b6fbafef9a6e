//! The idempotent producer. It retries for ever by itself and so keeps the order; the turn decides when to stop waiting.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientConfig, ClientContext,
    error::KafkaError,
    producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, PurgeConfig, ThreadedProducer},
};
use realtime_chassis::propagation;
use thiserror::Error;
use tokio::{sync::Notify, task::yield_now, time::timeout};

use super::outbox::Record;

/// Records that are queued before other tasks of the thread get a turn.
const STRETCH: usize = 512;

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
    /// No acknowledgement before the end of the turn.
    #[error("failed to get an acknowledgement in time")]
    AwaitAcknowledgement,
    /// It stands behind a record of its shard that could not even be queued.
    #[error("failed to send the record: one before it was not taken")]
    SendBehind,
}

/// The producer; dropping it throws away what it did not send, and waits for its threads.
pub(crate) struct Outgoing {
    producer: ThreadedProducer<Deliveries>,
}

impl Outgoing {
    /// A producer that connects when it is first used.
    pub(super) fn new(config: &ClientConfig) -> Result<Self, Error> {
        let producer = config
            .clone()
            .set("enable.idempotence", "true")
            // A record that is refused ends the producer, so that none of its key behind it gets into the log first.
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            // Without end, so that no record is given up while a later one of its key goes on.
            .set("message.timeout.ms", "0")
            .set("linger.ms", "1")
            .set("partitioner", "murmur2_random")
            .create_with_context(Deliveries::default())
            .map_err(Error::ConfigureProducer)?;
        Ok(Self { producer })
    }

    /// Sends all records and waits for their acknowledgements, as long as `patience` lasts. Gives the outcome of each. When one is a failure, the
    /// producer may hold records still and must be dropped.
    pub(super) async fn deliver(&self, records: &[Record], patience: Duration) -> Vec<Result<(), Error>> {
        let deliveries = self.producer.client().context();
        deliveries.begin(records.len());
        let mut stuck = HashSet::new();
        for (number, record) in records.iter().enumerate() {
            if stuck.contains(&record.shard) {
                deliveries.settle(number, Err(Error::SendBehind));
            } else if let Err(error) = self.send(number, record) {
                stuck.insert(record.shard);
                deliveries.settle(number, Err(Error::QueueRecord(error)));
            }
            if number % STRETCH == STRETCH - 1 {
                yield_now().await;
            }
        }
        // What is not there in time is taken as it stands.
        drop(timeout(patience, deliveries.all()).await);
        deliveries.end()
    }

    fn send(&self, number: usize, record: &Record) -> Result<(), KafkaError> {
        let message = BaseRecord::with_opaque_to(&record.topic, number)
            .key(&record.key)
            .payload(&record.payload)
            .headers(propagation::kafka_headers(&record.headers));
        self.producer.send(message).map_err(|(error, _)| error)
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.producer.purge(PurgeConfig::default().queue().inflight());
    }
}

/// Outcomes of the records that are under way, by their number in the turn; told by the producer's thread.
#[derive(Default)]
struct Deliveries {
    outcomes: Mutex<Outcomes>,
    none_is_pending: Notify,
}

#[derive(Default)]
struct Outcomes {
    by_number: Vec<Option<Result<(), Error>>>,
    pending: usize,
}

impl Deliveries {
    fn outcomes(&self) -> MutexGuard<'_, Outcomes> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, records: usize) {
        let mut by_number = Vec::with_capacity(records);
        by_number.resize_with(records, || None);
        *self.outcomes() = Outcomes { by_number, pending: records };
    }

    fn settle(&self, number: usize, outcome: Result<(), Error>) {
        let mut outcomes = self.outcomes();
        let Some(place @ None) = outcomes.by_number.get_mut(number) else { return };
        *place = Some(outcome);
        outcomes.pending -= 1;
        if outcomes.pending == 0 {
            self.none_is_pending.notify_one();
        }
    }

    async fn all(&self) {
        while self.outcomes().pending > 0 {
            self.none_is_pending.notified().await;
        }
    }

    fn end(&self) -> Vec<Result<(), Error>> {
        let outcomes = std::mem::take(&mut *self.outcomes());
        outcomes.by_number.into_iter().map(|outcome| outcome.unwrap_or(Err(Error::AwaitAcknowledgement))).collect()
    }
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let outcome = result.as_ref().map(drop).map_err(|(error, _)| Error::DeliverRecord(error.clone()));
        self.settle(number, outcome);
    }
}

#[cfg(test)]
#[path = "../../../chassis/tests/kafka/forgetful.rs"]
mod forgetful;

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use rdkafka::mocking::MockCluster;

    use super::{forgetful::Forgetful, *};

    fn record(shard: i16, id: i64, bytes: usize) -> Record {
        let payload = vec![b'x'; bytes];
        Record { id, shard, topic: "notifications".into(), key: "key".into(), payload, headers: [].into() }
    }

    fn told(outcomes: &[Result<(), Error>]) -> Vec<&'static str> {
        let name = |outcome: &Result<(), Error>| match outcome {
            Ok(()) => "acknowledged",
            Err(Error::QueueRecord(_)) => "not queued",
            Err(Error::SendBehind) => "behind",
            Err(_) => "failed",
        };
        outcomes.iter().map(name).collect()
    }

    #[tokio::test]
    async fn a_record_that_is_too_large_holds_up_its_shard_and_no_other() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("notifications", 2, 1).unwrap();
        let mut config = ClientConfig::new();
        let producer = Outgoing::new(config.set("bootstrap.servers", cluster.bootstrap_servers())).unwrap();
        let records = [record(1, 10, 9), record(2, 11, 2_000_000), record(2, 12, 9), record(1, 13, 9)];
        let outcomes = producer.deliver(&records, Duration::from_secs(20)).await;
        assert_eq!(told(&outcomes), ["acknowledged", "not queued", "behind", "acknowledged"]);
        let outcomes = producer.deliver(&records[..1], Duration::from_secs(20)).await;
        assert_eq!(told(&outcomes), ["acknowledged"], "the next turn begins with nothing settled");
    }

    #[tokio::test]
    async fn records_without_an_acknowledgement_in_time_have_failed() {
        let mut config = ClientConfig::new();
        let producer = Outgoing::new(config.set("bootstrap.servers", "127.0.0.1:9")).unwrap();
        let outcomes = producer.deliver(&[record(1, 10, 9)], Duration::from_millis(10)).await;
        assert!(matches!(outcomes[..], [Err(Error::AwaitAcknowledgement)]), "{outcomes:?}");
    }

    /// A broker that has just started may say that there is none. The relay throws the producer away then, as after any failure.
    #[tokio::test]
    async fn a_producer_that_has_forgotten_its_brokers_fails_in_time_and_goes_and_the_next_one_delivers() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("notifications", 2, 1).unwrap();
        let way = Forgetful::before(&cluster.bootstrap_servers());
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", way.address.to_string());
        // Else it depends on the moment of another answer whether it forgets the configured brokers, too.
        config.set("metadata.recovery.strategy", "none");
        let (records, limit) = ([record(1, 10, 9)], Duration::from_secs(20));
        let lonely = Outgoing::new(&config).unwrap();
        assert_eq!(told(&lonely.deliver(&records, limit).await), ["acknowledged"]);
        way.empty.store(usize::MAX, Ordering::SeqCst);
        let deadline = std::time::Instant::now() + limit;
        while lonely.producer.client().fetch_metadata(Some("notifications"), Duration::from_secs(2)).is_ok() {
            assert!(std::time::Instant::now() < deadline, "the client knows a broker still");
        }
        way.empty.store(0, Ordering::SeqCst);
        assert_eq!(
            told(&lonely.deliver(&records, Duration::from_secs(5)).await),
            ["failed"],
            "it asks nobody any more"
        );
        let gone = tokio::task::spawn_blocking(move || drop(lonely));
        timeout(limit, gone).await.unwrap().unwrap();
        let next = Outgoing::new(&config).unwrap();
        assert_eq!(told(&next.deliver(&records, limit).await), ["acknowledged"]);
    }

    #[test]
    fn an_outcome_counts_once() {
        let deliveries = Deliveries::default();
        deliveries.begin(2);
        deliveries.settle(0, Ok(()));
        deliveries.settle(0, Err(Error::SendBehind));
        deliveries.settle(7, Ok(()));
        assert_eq!(deliveries.outcomes().pending, 1);
        assert_eq!(told(&deliveries.end()), ["acknowledged", "failed"]);
    }
}
