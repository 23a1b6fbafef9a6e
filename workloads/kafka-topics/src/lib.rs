//! Ids of Kafka's topics. A topic that is deleted and created again has the name of the old one, but another id, so a place in
//! its log is only worth something together with the id.
//!
//! rdkafka wraps neither the request nor the answer, so this crate calls librdkafka itself: all unsafe code of the workspace
//! stands in its module `native`, and no pointer leaves that.

mod native;

use std::ffi::{CString, NulError};
use std::time::{Duration, Instant};

use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use thiserror::Error;
use uuid::Uuid;

/// The brokers could not be asked, or did not answer all that was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// A name that no topic can have.
    #[error("failed to name the topic {name:?}")]
    NameTopic {
        /// What was given.
        name: String,
        /// Where it goes wrong.
        #[source]
        source: NulError,
    },
    /// No broker answered within the time, or it refused the user.
    #[error("failed to find a broker that answers")]
    FindBroker {
        /// librdkafka's reason.
        #[source]
        source: KafkaError,
    },
    /// librdkafka refused to make the request.
    #[error("failed to make the request for the topics' ids, with a limit of {timeout:?}")]
    MakeRequest {
        /// The limit that was given; librdkafka knows up to an hour.
        timeout: Duration,
    },
    /// The request as a whole failed: the broker went away, a name was given twice.
    #[error("failed to describe topics: {reason}")]
    DescribeTopics {
        /// librdkafka's reason.
        reason: String,
    },
    /// Not even librdkafka's own time limit came back.
    #[error("failed to hear of the topics' ids within {timeout:?}")]
    AwaitAnswer {
        /// The limit that was given.
        timeout: Duration,
    },
    /// The brokers left topics out.
    #[error("failed to find all topics in the answer: {answered} of {asked}")]
    ReadAnswer {
        /// Topics that were asked for.
        asked: usize,
        /// Topics in the answer.
        answered: usize,
    },
}

/// A topic that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedTopic {
    /// As it was asked for.
    pub name: String,
    /// What the brokers know of it.
    pub outcome: Result<Topic, TopicError>,
}

/// A topic that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Given by Kafka when the topic was created; never nil.
    pub id: Uuid,
    /// Numbers of its partitions, ascending.
    pub partitions: Vec<i32>,
}

/// Why the brokers say nothing about a topic.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TopicError {
    /// There is none of that name.
    #[error("the topic does not exist")]
    Unknown,
    /// The user of the client may not describe it.
    #[error("the user may not describe the topic")]
    Denied,
    /// Topics have ids since Kafka 2.8.
    #[error("the brokers give topics no ids: Kafka must be 2.8 or newer")]
    WithoutId,
    /// Anything else, such as a topic that is just being created.
    #[error("the brokers answered {code} for the topic")]
    Other {
        /// Kafka's name of the error, such as `LEADER_NOT_AVAILABLE`.
        code: String,
    },
}

/// Asks any broker for ids and partitions of the topics, over the client's own connections. The answer has the order of `names`;
/// each name may stand there once. Asking creates no topic, unless the client's `allow.auto.create.topics` is on.
///
/// Blocks the thread for `timeout` and half a second at most: call it from a thread that may wait.
///
/// # Errors
/// [`Error`] when there is no answer at all. What is wrong with one topic stands in its outcome.
pub fn topic_ids<C: ClientContext>(
    client: &Client<C>,
    names: &[&str],
    timeout: Duration,
) -> Result<Vec<DescribedTopic>, Error> {
    let Some(first) = names.first() else {
        return Ok(Vec::new());
    };
    let terminated =
        |name: &&str| CString::new(*name).map_err(|source| Error::NameTopic { name: (*name).to_owned(), source });
    let topics = names.iter().map(terminated).collect::<Result<Vec<_>, _>>()?;
    let begin = Instant::now();
    let broker = broker_that_answers(client, first, timeout)?;
    let left = timeout.saturating_sub(begin.elapsed());
    let answer = native::describe(client.native_client(), broker, &topics, left)?;
    if answer.len() == names.len() {
        Ok(answer)
    } else {
        Err(Error::ReadAnswer { asked: names.len(), answered: answer.len() })
    }
}

/// Left to itself, librdkafka would wait for the controller, although each broker knows the topics.
fn broker_that_answers<C: ClientContext>(client: &Client<C>, topic: &str, timeout: Duration) -> Result<i32, Error> {
    let metadata = client.fetch_metadata(Some(topic), timeout).map_err(|source| Error::FindBroker { source })?;
    // The one that answered has no number yet when it is known by its address only.
    let numbered = Some(metadata.orig_broker_id()).filter(|id| *id >= 0);
    let found = numbered.or_else(|| metadata.brokers().first().map(|broker| broker.id()));
    found.ok_or(Error::FindBroker { source: KafkaError::MetadataFetch(RDKafkaErrorCode::BrokerNotAvailable) })
}

#[cfg(test)]
mod tests;
