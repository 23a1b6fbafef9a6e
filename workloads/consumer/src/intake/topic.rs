//! Which life of the topic is consumed: its id, asked of the brokers.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{Consumer, StreamConsumer};
use realtime_chassis::kafka::aside::{self, within};
use realtime_contract::topic;
use realtime_kafka_topics::{TopicError, topic_ids};
use thiserror::Error as ThisError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use uuid::Uuid;

use super::assignment::Assignments;

/// How long the brokers may take to tell the id.
const QUESTION: Duration = Duration::from_secs(5);
/// How long the client may take to say that they did not.
const ANSWER: Duration = Duration::from_secs(10);
/// Between two looks while partitions are consumed. A topic that was created anew under the consumer is noticed no later.
const PERIOD: Duration = Duration::from_secs(5);

/// The id is not known now.
#[derive(Debug, ThisError)]
pub(super) enum Error {
    #[error("failed to read the topic's id")]
    ReadTopic {
        #[source]
        source: realtime_kafka_topics::Error,
    },
    #[error("failed to find topic {topic}")]
    FindTopic {
        topic: &'static str,
        #[source]
        source: TopicError,
    },
    #[error("failed to wait for the topic's id")]
    AwaitAnswer {
        #[source]
        source: aside::Error,
    },
}

/// The id that the topic has now.
pub(super) async fn topic_id(consumer: Arc<StreamConsumer<Assignments>>) -> Result<Uuid, Error> {
    let topic = topic::NOTIFICATIONS;
    // The client is dropped on that thread: should it be the last of it, leaving the group waits for the broker.
    let mut asked = aside::call(move || topic_ids(consumer.client(), &[topic], QUESTION));
    let described = within(ANSWER, &mut asked).await.map_err(|source| Error::AwaitAnswer { source })?;
    let described = described.map_err(|source| Error::ReadTopic { source })?.into_iter().next();
    let outcome = described.map_or(Err(TopicError::Unknown), |described| described.outcome);
    outcome.map(|found| found.id).map_err(|source| Error::FindTopic { topic, source })
}

/// Looks again and again until the token is cancelled; tells each id that differs from the last.
pub(super) fn survey(consumer: &Arc<StreamConsumer<Assignments>>, token: CancellationToken) -> watch::Receiver<Uuid> {
    let (sender, receiver) = watch::channel(Uuid::nil());
    let consumer = Arc::downgrade(consumer);
    tokio::spawn(async move {
        while token.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
            let Some(consumer) = consumer.upgrade() else { return };
            match topic_id(consumer).await {
                Ok(id) => drop(sender.send_if_modified(|known| std::mem::replace(known, id) != id)),
                // The board of dependencies says that Kafka is away.
                Err(error) => debug!(error = &error as &dyn std::error::Error, "topic's id not known"),
            }
        }
    });
    receiver
}
