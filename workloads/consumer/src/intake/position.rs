//! Where to read on: the stored offset, as long as the log still has it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use realtime_contract::topic;
use thiserror::Error;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::assignment::Assignments;
use crate::store::{self, Store};

/// How long the ends of a partition may take to be told.
const WATERMARK_TIMEOUT: Duration = Duration::from_secs(5);

/// The place is not known yet.
#[derive(Debug, Error)]
enum Error {
    #[error("failed to learn which life of the topic this is")]
    ReadTopic {
        #[source]
        source: super::topic::Error,
    },
    #[error("failed to read the stored offsets")]
    ReadOffsets {
        #[source]
        source: store::Error,
    },
    #[error("failed to read the ends of partition {partition}")]
    ReadEnds {
        partition: i32,
        #[source]
        source: KafkaError,
    },
    #[error("failed to read the ends of the partitions")]
    AwaitEnds {
        #[source]
        source: tokio::task::JoinError,
    },
    #[error("failed to take the partitions up at the stored offsets")]
    TakeUp {
        #[source]
        source: KafkaError,
    },
}

/// First and next offset of a partition in Kafka.
type Ends = (i64, i64);

/// Where a partition goes on, or why it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Never consumed: from its beginning.
    Begin(i64),
    /// From the stored offset.
    At(i64),
    /// The log ends before the stored offset: it was made anew or has lost records.
    BeyondEnd { stored: i64, end: i64 },
    /// The log begins after the stored offset: records were dropped that nobody consumed.
    BeforeBeginning { stored: i64, beginning: i64 },
}

/// Decides by the stored offset and the ends of the log.
fn start(stored: Option<i64>, (beginning, end): Ends) -> Start {
    match stored {
        None => Start::Begin(beginning),
        Some(stored) if stored > end => Start::BeyondEnd { stored, end },
        Some(stored) if stored < beginning => Start::BeforeBeginning { stored, beginning },
        Some(stored) => Start::At(stored),
    }
}

/// Partitions as they were taken up.
#[derive(Debug, Default)]
pub(super) struct Resumed {
    /// The life of the topic that they belong to.
    pub(super) topic_id: Uuid,
    /// Next offset of each partition that is read.
    pub(super) next: HashMap<i32, i64>,
    /// Partitions that are not.
    pub(super) stopped: Vec<i32>,
}

/// Takes the partitions up at the stored offsets; tries until Postgres and Kafka answer.
pub(super) async fn resume(consumer: &Arc<StreamConsumer<Assignments>>, store: &Store, partitions: &[i32]) -> Resumed {
    let limits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(2))
        .with_jitter()
        .without_max_times();
    let resumed = (|| try_resume(consumer, store, partitions)).retry(limits).notify(|error: &Error, delay| {
        if delay >= Duration::from_secs(1) {
            warn!(error = error as &dyn std::error::Error, "partitions cannot be taken up yet");
        }
    });
    resumed.await.unwrap_or_default()
}

async fn try_resume(
    consumer: &Arc<StreamConsumer<Assignments>>,
    store: &Store,
    partitions: &[i32],
) -> Result<Resumed, Error> {
    let topic_id = super::topic::topic_id(consumer.clone()).await.map_err(|source| Error::ReadTopic { source })?;
    let stored = store.offsets(topic_id).await.map_err(|source| Error::ReadOffsets { source })?;
    let ends = ends(consumer.clone(), partitions.to_vec()).await?;
    let starts: Vec<(i32, Start)> =
        ends.into_iter().map(|(partition, ends)| (partition, start(stored.get(&partition).copied(), ends))).collect();
    let begun: Vec<(i32, i64)> = starts.iter().filter_map(|(partition, start)| begun(*partition, *start)).collect();
    if !begun.is_empty() {
        store.begin_partitions(topic_id, &begun).await.map_err(|source| Error::ReadOffsets { source })?;
    }
    let resumed = fold(topic_id, &starts);
    take_up(consumer, &resumed).map_err(|source| Error::TakeUp { source })?;
    Ok(resumed)
}

fn begun(partition: i32, start: Start) -> Option<(i32, i64)> {
    if let Start::Begin(offset) = start { Some((partition, offset)) } else { None }
}

/// Reports what stops, and says where the others go on.
fn fold(topic_id: Uuid, starts: &[(i32, Start)]) -> Resumed {
    let mut resumed = Resumed { topic_id, ..Resumed::default() };
    for (partition, start) in starts {
        match start {
            Start::Begin(offset) | Start::At(offset) => drop(resumed.next.insert(*partition, *offset)),
            Start::BeyondEnd { .. } | Start::BeforeBeginning { .. } => {
                error!(
                    topic = topic::NOTIFICATIONS,
                    partition,
                    ?start,
                    "stored offset is outside the log, the partition stops"
                );
                resumed.stopped.push(*partition);
            }
        }
    }
    resumed
}

fn take_up(consumer: &StreamConsumer<Assignments>, resumed: &Resumed) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::with_capacity(resumed.next.len());
    for (partition, offset) in &resumed.next {
        list.add_partition_offset(topic::NOTIFICATIONS, *partition, Offset::Offset(*offset))?;
    }
    consumer.assign(&list)?;
    consumer.resume(&list)?;
    info!(topic = topic::NOTIFICATIONS, topic_id = %resumed.topic_id, next = ?resumed.next, "partitions taken up");
    Ok(())
}

async fn ends(consumer: Arc<StreamConsumer<Assignments>>, partitions: Vec<i32>) -> Result<Vec<(i32, Ends)>, Error> {
    let read = tokio::task::spawn_blocking(move || {
        let ends_of = |partition: i32| {
            let ends = consumer.fetch_watermarks(topic::NOTIFICATIONS, partition, WATERMARK_TIMEOUT);
            ends.map(|ends| (partition, ends)).map_err(|source| Error::ReadEnds { partition, source })
        };
        partitions.into_iter().map(ends_of).collect()
    });
    read.await.map_err(|source| Error::AwaitEnds { source })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_partition_is_read_from_its_beginning() {
        assert_eq!(start(None, (3, 9)), Start::Begin(3));
    }

    #[test]
    fn a_stored_offset_within_the_log_is_resumed_including_its_end() {
        assert_eq!(start(Some(3), (3, 9)), Start::At(3));
        assert_eq!(start(Some(9), (3, 9)), Start::At(9));
    }

    #[test]
    fn a_log_that_is_shorter_or_begins_later_stops_the_partition() {
        let starts = [(0, start(Some(10), (3, 9))), (1, start(Some(2), (3, 9))), (2, start(Some(5), (3, 9)))];
        assert_eq!(starts[0].1, Start::BeyondEnd { stored: 10, end: 9 });
        assert_eq!(starts[1].1, Start::BeforeBeginning { stored: 2, beginning: 3 });
        let resumed = fold(Uuid::nil(), &starts);
        assert_eq!(resumed.stopped, [0, 1]);
        assert_eq!(resumed.next, [(2, 5)].into());
    }
}
