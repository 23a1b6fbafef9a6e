//! Asks the brokers what there is: ids of topics, partitions, and where each begins and ends.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    client::{Client, ClientContext},
    error::KafkaError,
};
use realtime_kafka_topics::{DescribedTopic, TopicError, topic_ids};
use thiserror::Error;
use uuid::Uuid;

/// How long a question to the brokers may take.
pub(crate) const QUESTION: Duration = Duration::from_secs(5);

/// The brokers do not answer.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// What topics there are.
    #[error("failed to read the topics of the stream")]
    ReadTopics(#[source] realtime_kafka_topics::Error),
    /// Where a partition begins and ends.
    #[error("failed to read the extent of partition {partition} of topic {topic}")]
    ReadExtent { topic: String, partition: i32, source: KafkaError },
}

/// The offsets of a partition: the first one, and the one behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) low: u64,
    pub(crate) high: u64,
}

/// What the brokers say about a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It exists; the extents are those of the partitions that were asked for.
    Found { id: Uuid, extents: BTreeMap<i32, Extent>, partitions: usize },
    /// It does not exist.
    Absent,
    /// They do not say.
    Hidden(TopicError),
}

/// Next offsets of the partitions that are being read, by topic.
pub(crate) type Known = BTreeMap<Box<str>, (Uuid, BTreeMap<i32, u64>)>;

/// What was asked, and what was answered.
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    /// How far the reader was when it asked.
    pub(crate) known: Known,
    /// Whether the extents of partitions were asked for that are read already.
    pub(crate) all: bool,
    /// The answers, in the order of names.
    pub(crate) topics: Vec<(Box<str>, Sight)>,
}

/// Blocks: asks about the topics. Extents are asked of partitions that are not known, or of `all`.
///
/// # Errors
/// [`enum@Error`] when there is no answer.
pub(crate) fn survey<C: ClientContext>(
    client: &Client<C>,
    names: &[Box<str>],
    known: Known,
    all: bool,
) -> Result<Survey, Error> {
    let asked: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let described = topic_ids(client, &asked, QUESTION).map_err(Error::ReadTopics)?;
    let sight = |topic: DescribedTopic| {
        let read = |id, partition: i32| {
            let read = known.get(topic.name.as_str()).filter(|(known, _)| *known == id);
            read.is_some_and(|(_, partitions)| partitions.contains_key(&partition))
        };
        let sight = match &topic.outcome {
            Ok(found) => {
                let wanted = found.partitions.iter().filter(|partition| all || !read(found.id, **partition));
                let extents =
                    wanted.map(|partition| Ok((*partition, extent(client, &topic.name, *partition, QUESTION)?)));
                Sight::Found {
                    id: found.id,
                    extents: extents.collect::<Result<_, Error>>()?,
                    partitions: found.partitions.len(),
                }
            }
            Err(TopicError::Unknown) => Sight::Absent,
            Err(error) => Sight::Hidden(error.clone()),
        };
        Ok((topic.name.into_boxed_str(), sight))
    };
    let topics = described.into_iter().map(sight).collect::<Result<_, _>>()?;
    Ok(Survey { known, all, topics })
}

/// Blocks, up to `timeout`: where a partition begins and ends.
///
/// # Errors
/// [`Error::ReadExtent`] when there is no answer.
pub(crate) fn extent<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    partition: i32,
    timeout: Duration,
) -> Result<Extent, Error> {
    let offset = |offset: i64| u64::try_from(offset).unwrap_or_default();
    client
        .fetch_watermarks(topic, partition, timeout)
        .map(|(low, high)| Extent { low: offset(low), high: offset(high) })
        .map_err(|source| Error::ReadExtent { topic: topic.to_owned(), partition, source })
}
