//! Where to read on: the stored offset, as long as the log still has it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use realtime_chassis::kafka::aside::{self, within};
use realtime_contract::topic;
use thiserror::Error;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::assignment::Assignments;
use crate::store::{self, Store};

/// How long Kafka is waited for. Behind that the intake looks whether the client still follows, and tries again.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the ends of all partitions may take to be told, and those of one when others took that long.
const WATERMARK_TIMEOUT: Duration = Duration::from_secs(5);
const LATE_TIMEOUT: Duration = Duration::from_millis(500);

/// The place is not known yet.
#[derive(Debug, Error)]
pub(super) enum Error {
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
    #[error("failed to set the stored offsets back")]
    RewindOffsets {
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
        source: aside::Error,
    },
    #[error("failed to take the partitions up at the stored offsets")]
    TakeUp {
        #[source]
        source: KafkaError,
    },
}

impl Error {
    /// Whether another client of Kafka might do better.
    const fn is_of_kafka(&self) -> bool {
        !matches!(self, Self::ReadOffsets { .. } | Self::RewindOffsets { .. })
    }
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
    /// From the beginning again: the log has the stored offset now, but not when it was to be read there. So it lost its end and has grown since,
    /// and what it has below that offset may be new.
    Again { stored: i64, beginning: i64 },
    /// The log ends before the stored offset: it was made anew or has lost records.
    BeyondEnd { stored: i64, end: i64 },
    /// The log begins after the stored offset: records were dropped that nobody consumed.
    BeforeBeginning { stored: i64, beginning: i64 },
}

/// Decides by the stored offset and the ends of the log, and whether the client refused to go on there.
fn start(stored: Option<i64>, (beginning, end): Ends, is_refused: bool) -> Start {
    match stored {
        None => Start::Begin(beginning),
        Some(stored) if stored > end => Start::BeyondEnd { stored, end },
        Some(stored) if stored < beginning => Start::BeforeBeginning { stored, beginning },
        Some(stored) if is_refused => Start::Again { stored, beginning },
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
    /// Partitions whose ends Kafka did not tell. They are to be asked for again.
    pub(super) unanswered: Unanswered,
}

/// Takes the partitions up at the stored offsets; tries until Postgres answers.
///
/// # Errors
/// [`Error`] when Kafka has not answered for some time. Nothing is taken up then.
pub(super) async fn resume(
    consumer: &Arc<StreamConsumer<Assignments>>,
    store: &Store,
    partitions: &[i32],
    refused: &BTreeSet<i32>,
) -> Result<Resumed, Error> {
    let begun = Instant::now();
    let limits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(2))
        .with_jitter()
        .without_max_times();
    (|| try_resume(consumer, store, partitions, refused))
        .retry(limits)
        .when(|error| !error.is_of_kafka() || begun.elapsed() < PATIENCE)
        .notify(|error, delay| {
            if delay >= Duration::from_secs(1) {
                warn!(error = error as &dyn std::error::Error, "partitions cannot be taken up yet");
            }
        })
        .await
}

async fn try_resume(
    consumer: &Arc<StreamConsumer<Assignments>>,
    store: &Store,
    partitions: &[i32],
    refused: &BTreeSet<i32>,
) -> Result<Resumed, Error> {
    let topic_id = super::topic::topic_id(consumer.clone()).await.map_err(|source| Error::ReadTopic { source })?;
    let stored = store.offsets(topic_id).await.map_err(|source| Error::ReadOffsets { source })?;
    let (ends, unanswered) = answered(ends(consumer.clone(), partitions.to_vec()).await?)?;
    let start_of = |(partition, ends)| {
        let stored = stored.get(&partition).copied();
        (partition, start(stored, ends, refused.contains(&partition)))
    };
    let starts: Vec<(i32, Start)> = ends.into_iter().map(start_of).collect();
    let begun: Vec<(i32, i64)> = starts.iter().filter_map(|(partition, start)| begun(*partition, *start)).collect();
    if !begun.is_empty() {
        store.begin_partitions(topic_id, &begun).await.map_err(|source| Error::ReadOffsets { source })?;
    }
    let again: Vec<(i32, i64, i64)> =
        starts.iter().filter_map(|(partition, start)| again(*partition, *start)).collect();
    if !again.is_empty() {
        store.rewind_partitions(topic_id, &again).await.map_err(|source| Error::RewindOffsets { source })?;
        warn!(
            topic = topic::NOTIFICATIONS,
            ?again,
            "log lost its end and has grown since, its partitions are read again"
        );
    }
    let resumed = Resumed { unanswered, ..fold(topic_id, &starts) };
    take_up(consumer, &resumed).map_err(|source| Error::TakeUp { source })?;
    Ok(resumed)
}

fn begun(partition: i32, start: Start) -> Option<(i32, i64)> {
    if let Start::Begin(offset) = start { Some((partition, offset)) } else { None }
}

/// Partition, stored offset and beginning.
fn again(partition: i32, start: Start) -> Option<(i32, i64, i64)> {
    if let Start::Again { stored, beginning } = start { Some((partition, stored, beginning)) } else { None }
}

/// Reports what stops, and says where the others go on.
fn fold(topic_id: Uuid, starts: &[(i32, Start)]) -> Resumed {
    let mut resumed = Resumed { topic_id, ..Resumed::default() };
    for (partition, start) in starts {
        match start {
            Start::Begin(offset) | Start::At(offset) | Start::Again { beginning: offset, .. } => {
                resumed.next.insert(*partition, *offset);
            }
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

/// Partitions of which Kafka told nothing.
type Unanswered = BTreeSet<i32>;
/// What Kafka told of each partition.
type Answers = Vec<(i32, Result<Ends, KafkaError>)>;

async fn ends(consumer: Arc<StreamConsumer<Assignments>>, partitions: Vec<i32>) -> Result<Answers, Error> {
    let limit =
        WATERMARK_TIMEOUT * 2 + LATE_TIMEOUT.saturating_mul(u32::try_from(partitions.len()).unwrap_or(u32::MAX));
    let mut read = aside::call(move || {
        let deadline = Instant::now() + WATERMARK_TIMEOUT;
        let ends_of = |partition: i32| {
            let patience = deadline.saturating_duration_since(Instant::now()).max(LATE_TIMEOUT);
            (partition, consumer.fetch_watermarks(topic::NOTIFICATIONS, partition, patience))
        };
        partitions.into_iter().map(ends_of).collect()
    });
    within(limit, &mut read).await.map_err(|source| Error::AwaitEnds { source })
}

/// The ends that were told, and the partitions of which they were not. One at least was, or there is nothing to go on with.
fn answered(answers: Answers) -> Result<(Vec<(i32, Ends)>, Unanswered), Error> {
    let (mut told, mut unanswered, mut failure) = (Vec::new(), BTreeSet::new(), None);
    for (partition, answer) in answers {
        match answer {
            Ok(ends) => told.push((partition, ends)),
            Err(source) => {
                unanswered.insert(partition);
                failure = Some(Error::ReadEnds { partition, source });
            }
        }
    }
    match failure {
        Some(error) if told.is_empty() => Err(error),
        Some(error) => {
            let error = &error as &dyn std::error::Error;
            warn!(error, ?unanswered, "partitions cannot be taken up yet, going on with the others");
            Ok((told, unanswered))
        }
        None => Ok((told, unanswered)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_partition_is_read_from_its_beginning() {
        assert_eq!(start(None, (3, 9), true), Start::Begin(3));
    }

    #[test]
    fn a_stored_offset_within_the_log_is_resumed_including_its_end() {
        assert_eq!(start(Some(3), (3, 9), false), Start::At(3));
        assert_eq!(start(Some(9), (3, 9), false), Start::At(9));
    }

    /// Its end was lost, and others were written in its place: they stand below the stored offset.
    #[test]
    fn a_log_that_was_shorter_meanwhile_is_read_again_from_its_beginning() {
        let starts = [(0, start(Some(5), (3, 9), true)), (1, start(Some(5), (3, 9), false))];
        assert_eq!(starts[0].1, Start::Again { stored: 5, beginning: 3 });
        assert_eq!(again(0, starts[0].1), Some((0, 5, 3)));
        assert_eq!(fold(Uuid::nil(), &starts).next, [(0, 3), (1, 5)].into());
    }

    #[test]
    fn a_partition_whose_ends_are_not_told_keeps_no_other_back() {
        let away = || Err(KafkaError::MetadataFetch(rdkafka::error::RDKafkaErrorCode::LeaderNotAvailable));
        let (told, unanswered) = answered(vec![(0, Ok((3, 9))), (1, away()), (2, Ok((0, 4)))]).unwrap();
        assert_eq!((told, unanswered), (vec![(0, (3, 9)), (2, (0, 4))], [1].into()));
        assert!(answered(vec![(1, away())]).is_err(), "tried again at once");
    }

    #[test]
    fn a_log_that_is_shorter_or_begins_later_stops_the_partition() {
        let starts =
            [(0, start(Some(10), (3, 9), true)), (1, start(Some(2), (3, 9), true)), (2, start(Some(5), (3, 9), false))];
        assert_eq!(starts[0].1, Start::BeyondEnd { stored: 10, end: 9 });
        assert_eq!(starts[1].1, Start::BeforeBeginning { stored: 2, beginning: 3 });
        let resumed = fold(Uuid::nil(), &starts);
        assert_eq!(resumed.stopped, [0, 1]);
        assert_eq!(resumed.next, [(2, 5)].into());
    }
}
