//! A client of Kafka in the group of the consumer's replicas, from its joining to its leaving.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use realtime_chassis::config::KafkaConfig;
use realtime_chassis::kafka::aside::{self, within};
use realtime_chassis::kafka::client_config;
use realtime_contract::topic::NOTIFICATIONS;
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use super::assignment::{Assignments, Heard};
use super::progress::Life;
use super::refusal::Refusal;
use super::topic;

/// How long leaving may take. The group misses who left without a word, after its session's time.
const LEAVE: Duration = Duration::from_secs(10);

/// The intake cannot start.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// A setting was refused.
    #[error("failed to build the Kafka consumer")]
    BuildConsumer {
        /// The client's reason.
        #[source]
        source: KafkaError,
    },
    /// The subscription was refused.
    #[error("failed to subscribe to topic {topic}")]
    SubscribeTopic {
        /// The topic.
        topic: &'static str,
        /// The client's reason.
        #[source]
        source: KafkaError,
    },
}

/// A member of the group.
pub(super) struct Member {
    pub(super) consumer: Arc<StreamConsumer<Assignments>>,
    pub(super) heard: Heard,
    /// Partitions that the client refuses to go on in.
    pub(super) refusal: Refusal,
    /// The topic's id, as the brokers tell it from time to time.
    pub(super) topic_id: watch::Receiver<Uuid>,
    /// The life of the topic that the client knows.
    pub(super) life: Life,
    /// Ends the survey.
    token: CancellationToken,
}

/// The group assigns partitions among replicas and stores nothing: offsets stand in Postgres.
pub(super) fn config(kafka: &KafkaConfig, service_name: &str) -> ClientConfig {
    let mut config = client_config(kafka, service_name);
    config
        .set("group.id", service_name)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("partition.assignment.strategy", "range")
        // A killed replica's partitions wait no longer than this for another one.
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "2000")
        // Nor those of one that lives and does nothing.
        .set("max.poll.interval.ms", "60000")
        // They name the partitions that the client refuses to go on in.
        .set("statistics.interval.ms", "1000")
        .set("topic.metadata.refresh.interval.ms", "10000")
        .set("fetch.wait.max.ms", "500")
        .set("queued.max.messages.kbytes", "16384");
    config
}

impl Member {
    /// Joins the group.
    ///
    /// # Errors
    /// [`Error`] when the client refuses its settings; a Kafka that is away is none.
    pub(super) fn join(config: &ClientConfig, token: &CancellationToken) -> Result<Self, Error> {
        let (context, heard) = Assignments::new();
        let consumer: StreamConsumer<Assignments> =
            config.create_with_context(context).map_err(|source| Error::BuildConsumer { source })?;
        let topic = NOTIFICATIONS;
        consumer.subscribe(&[topic]).map_err(|source| Error::SubscribeTopic { topic, source })?;
        let (consumer, token) = (Arc::new(consumer), token.child_token());
        let topic_id = topic::survey(&consumer, token.clone());
        Ok(Self { consumer, heard, refusal: Refusal::default(), topic_id, life: Life::default(), token })
    }

    /// Leaving the group waits for the broker and for the client's threads, on a thread of its own. A client that does not come to its end is left
    /// to itself.
    pub(super) async fn leave(self) {
        self.token.cancel();
        let consumer = self.consumer;
        if let Err(error) = within(LEAVE, &mut aside::call(move || drop(consumer))).await {
            warn!(error = &error as &dyn std::error::Error, "the group is left without a word");
        }
    }
}
