//! A Kafka cluster inside the test.

#[path = "../../chassis/tests/kafka/forgetful.rs"]
pub(crate) mod forgetful;

use std::time::{Duration, Instant};

use rdkafka::{
    ClientConfig,
    mocking::MockCluster,
    producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer},
};

/// Brokers that live as long as this.
pub(crate) struct Cluster {
    pub(crate) brokers: MockCluster<'static, DefaultProducerContext>,
    producer: BaseProducer,
}

impl Cluster {
    /// One broker with the topics, each with so many partitions.
    pub(crate) fn new(topics: &[(&str, i32)]) -> Self {
        let brokers: MockCluster<'static, DefaultProducerContext> = MockCluster::new(1).unwrap();
        for (topic, partitions) in topics {
            brokers.create_topic(topic, *partitions, 1).unwrap();
        }
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers.bootstrap_servers()).set("linger.ms", "0");
        Self { producer: config.create().unwrap(), brokers }
    }

    /// What clients of this cluster have in common.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.brokers.bootstrap_servers())
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "200")
            .set("topic.metadata.refresh.fast.interval.ms", "100")
            .set("allow.auto.create.topics", "false");
        config
    }

    /// Appends a record with that time and waits until the broker has it.
    pub(crate) fn append(&self, (topic, partition): (&str, i32), time: i64, value: &str) {
        let record = BaseRecord::<str, str>::to(topic).partition(partition).payload(value).timestamp(time);
        self.producer.send(record.key("key")).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        // A flush would wait a tenth of a second each time.
        while self.producer.in_flight_count() > 0 {
            assert!(Instant::now() < deadline, "the broker does not take the record");
            self.producer.poll(Duration::from_millis(1));
        }
    }
}

/// An event of type `A`.
pub(crate) fn event(id: &str) -> String {
    format!(r#"{{"id":"{id}","type":"A"}}"#)
}
