//! The topics.

mod plan;

use std::collections::HashMap;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication, TopicResult};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use realtime_chassis::config::KafkaConfig;
use realtime_chassis::kafka::client_config;
use realtime_contract::topic::Topic;
use thiserror::Error as ThisError;
use tokio::task::JoinError;
use tracing::info;

use plan::{Action, Shrink};

/// How long an answer of the brokers may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The topics are not as wanted.
#[derive(Debug, ThisError)]
pub(crate) enum Error {
    /// A setting was refused.
    #[error("failed to build the Kafka client for topics")]
    BuildClient {
        /// The client's reason.
        #[source]
        source: KafkaError,
    },
    /// The brokers did not answer.
    #[error("failed to list the topics of Kafka")]
    ListTopics {
        /// The client's reason.
        #[source]
        source: KafkaError,
    },
    /// The question was cut off.
    #[error("failed to wait for the list of topics")]
    AwaitList {
        /// Why.
        #[source]
        source: JoinError,
    },
    /// A topic has more partitions than wanted.
    #[error(transparent)]
    ShrinkTopic(Shrink),
    /// A request failed as a whole.
    #[error("failed to change the topics of Kafka")]
    ChangeTopics {
        /// The client's reason.
        #[source]
        source: KafkaError,
    },
    /// The brokers refused one topic.
    #[error("failed to change topic {topic}: {code}")]
    ChangeTopic {
        /// Its name.
        topic: String,
        /// The brokers' reason.
        code: RDKafkaErrorCode,
    },
    /// A topic does not show in the brokers' list yet.
    #[error("failed to see topic {topic} with all its partitions led")]
    SeeTopic {
        /// Its name.
        topic: String,
    },
}

impl Error {
    /// Whether Kafka is away or still starting.
    pub(super) const fn is_transient(&self) -> bool {
        match self {
            Self::BuildClient { .. } | Self::ShrinkTopic(_) => false,
            Self::ChangeTopic { code, .. } => {
                // Fewer brokers than replicas is what a starting cluster looks like, too.
                !matches!(
                    code,
                    RDKafkaErrorCode::InvalidTopic
                        | RDKafkaErrorCode::InvalidPartitions
                        | RDKafkaErrorCode::InvalidConfig
                        | RDKafkaErrorCode::PolicyViolation
                        | RDKafkaErrorCode::TopicAuthorizationFailed
                        | RDKafkaErrorCode::ClusterAuthorizationFailed
                )
            }
            _ => true,
        }
    }
}

/// Partitions by topic; with one that has no leader counted as missing.
type Existing = HashMap<String, Partitions>;

/// Partitions of one topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partitions {
    /// All.
    count: usize,
    /// Those that a broker serves.
    led: usize,
}

/// Creates the topics that are missing and grows those that are too small, then sees that they are served.
pub(super) async fn prepare(config: &KafkaConfig, wanted: &[Topic], replication: u16) -> Result<(), Error> {
    let client = client_config(config, crate::SERVICE_NAME).create();
    let client: AdminClient<DefaultClientContext> = client.map_err(|source| Error::BuildClient { source })?;
    let client = std::sync::Arc::new(client);
    let actions = plan::plan(wanted, &list(&client).await?).map_err(Error::ShrinkTopic)?;
    for action in &actions {
        change(&client, action, replication).await?;
        info!(?action, replication, "topic changed");
    }
    let existing = list(&client).await?;
    match wanted.iter().find(|topic| !plan::is_served(topic, &existing)) {
        Some(topic) => Err(Error::SeeTopic { topic: topic.name.clone() }),
        None => Ok(()),
    }
}

async fn change(
    client: &AdminClient<DefaultClientContext>,
    action: &Action<'_>,
    replication: u16,
) -> Result<(), Error> {
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT));
    let results = match action {
        Action::Create { topic, partitions } => {
            let replication = TopicReplication::Fixed(replication.into());
            let topic = NewTopic::new(topic, i32::from(*partitions), replication);
            client.create_topics([&topic], &options).await
        }
        Action::Grow { topic, partitions } => {
            client.create_partitions([&NewPartitions::new(topic, usize::from(*partitions))], &options).await
        }
    };
    results.map_err(|source| Error::ChangeTopics { source })?.into_iter().try_for_each(accepted)
}

/// A topic that somebody else created meanwhile is as good.
fn accepted(result: TopicResult) -> Result<(), Error> {
    match result {
        Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => Ok(()),
        Err((topic, code)) => Err(Error::ChangeTopic { topic, code }),
    }
}

async fn list(client: &std::sync::Arc<AdminClient<DefaultClientContext>>) -> Result<Existing, Error> {
    let client = client.clone();
    let listed = tokio::task::spawn_blocking(move || {
        let metadata = client.inner().fetch_metadata(None, TIMEOUT)?;
        let partitions = |topic: &rdkafka::metadata::MetadataTopic| {
            let led = topic.partitions().iter().filter(|partition| partition.leader() >= 0).count();
            (topic.name().to_owned(), Partitions { count: topic.partitions().len(), led })
        };
        Ok(metadata.topics().iter().map(partitions).collect())
    });
    listed.await.map_err(|source| Error::AwaitList { source })?.map_err(|source| Error::ListTopics { source })
}
