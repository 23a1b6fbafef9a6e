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
/// The same, about a partition of a topic of which another one is away.
const SHORT_QUESTION: Duration = Duration::from_secs(1);

/// Partitions that nobody answers for, at most, until the others are not asked for any more.
const AWAY: u32 = 3;

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
    /// It exists; the extents are those of the partitions that were asked for. Those that are away have nobody who answers for them.
    Found { id: Uuid, extents: BTreeMap<i32, Extent>, away: BTreeMap<i32, KafkaError>, partitions: usize },
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
                let (extents, away) = extents(client, &topic.name, wanted.copied());
                Sight::Found { id: found.id, extents, away, partitions: found.partitions.len() }
            }
            Err(TopicError::Unknown) => Sight::Absent,
            Err(error) => Sight::Hidden(error.clone()),
        };
        (topic.name.into_boxed_str(), sight)
    };
    let topics = described.into_iter().map(sight).collect();
    Ok(Survey { known, all, topics })
}

impl Survey {
    /// A partition that is away, when all are that were asked for: then it is not the partitions.
    pub(crate) fn silence(&self) -> Option<Error> {
        let mut first = None;
        for (topic, sight) in &self.topics {
            let Sight::Found { extents, away, .. } = sight else { continue };
            if !extents.is_empty() {
                return None;
            }
            let error = away.first_key_value().map(|(partition, source)| Error::ReadExtent {
                topic: topic.as_ref().to_owned(),
                partition: *partition,
                source: source.clone(),
            });
            first = first.or(error);
        }
        first
    }
}

/// Blocks: where the logs of those partitions end, by topic and number; without those that nobody answers for.
pub(crate) fn ends<C: ClientContext>(
    client: &Client<C>,
    places: Vec<(Box<str>, i32)>,
) -> BTreeMap<(Box<str>, i32), u64> {
    let (mut ends, mut away) = (BTreeMap::new(), 0);
    for place in places {
        match watermarks(client, &place.0, place.1, SHORT_QUESTION) {
            Ok(extent) => _ = ends.insert(place, extent.high),
            Err(_) if away < AWAY => away += 1,
            Err(_) => break,
        }
    }
    ends
}

/// A partition without a leader does not keep the others from being read.
fn extents<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    partitions: impl Iterator<Item = i32>,
) -> (BTreeMap<i32, Extent>, BTreeMap<i32, KafkaError>) {
    let (mut extents, mut away) = (BTreeMap::new(), BTreeMap::new());
    for partition in partitions {
        let patience = if away.is_empty() { QUESTION } else { SHORT_QUESTION };
        match watermarks(client, topic, partition, patience) {
            Ok(extent) => _ = extents.insert(partition, extent),
            Err(error) => _ = away.insert(partition, error),
        }
    }
    (extents, away)
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
    watermarks(client, topic, partition, timeout).map_err(|source| Error::ReadExtent {
        topic: topic.to_owned(),
        partition,
        source,
    })
}

fn watermarks<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    partition: i32,
    timeout: Duration,
) -> Result<Extent, KafkaError> {
    let offset = |offset: i64| u64::try_from(offset).unwrap_or_default();
    let (low, high) = client.fetch_watermarks(topic, partition, timeout)?;
    Ok(Extent { low: offset(low), high: offset(high) })
}
