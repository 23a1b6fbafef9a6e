//! Reads all partitions of the topic, without a group, from their ends at the start.

mod assignment;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    error::KafkaError,
    message::BorrowedMessage,
};
use realtime_contract::topic;
use realtime_fanout::{Hub, Publication};
use thiserror::Error;
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinError, spawn_blocking},
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use self::assignment::Assignment;
use crate::{
    frame,
    intake::{self, Intake},
    metrics::{BROADCAST, Metrics},
};

/// Between two looks at the number of partitions.
const GROWTH: Duration = Duration::from_secs(10);
/// How long a question to the brokers may take.
const QUESTION: Duration = Duration::from_secs(5);
/// After a failure.
const PAUSE: Duration = Duration::from_millis(250);

/// Why the topic cannot be read now.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The configuration was refused.
    #[error("failed to configure the Kafka consumer")]
    ConfigureConsumer(#[source] KafkaError),
    /// How many partitions there are.
    #[error("failed to read the metadata of topic {}", topic::PRODUCT_EVENTS)]
    ReadMetadata(#[source] KafkaError),
    /// It has none.
    #[error("failed to find topic {}", topic::PRODUCT_EVENTS)]
    FindTopic,
    /// Where a partition ends.
    #[error("failed to read the end of partition {partition}")]
    ReadEnd { partition: i32, source: KafkaError },
    /// The list of partitions was refused.
    #[error("failed to assign the partitions")]
    AssignPartitions(#[source] KafkaError),
    /// The thread of a question ended early.
    #[error("failed to await the brokers")]
    AwaitBrokers(#[source] JoinError),
}

/// What the reader needs.
pub(crate) struct Reader {
    pub(crate) consumer: Arc<StreamConsumer>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) metrics: Metrics,
}

/// A consumer that commits nothing and never joins its group: the name is only there because the client asks for one.
pub(crate) fn consumer(config: &ClientConfig) -> Result<StreamConsumer, Error> {
    config
        .clone()
        .set("group.id", "realtime-notifications-without-group")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "false")
        // A partition that lost what is to be read next, or a topic that was created anew: what there is, from its oldest record.
        .set("auto.offset.reset", "earliest")
        .set("fetch.min.bytes", "1")
        .set("fetch.wait.max.ms", "50")
        .set("fetch.error.backoff.ms", "100")
        .create()
        .map_err(Error::ConfigureConsumer)
}

impl Reader {
    /// Reads until the token is cancelled. `ready` is told once every partition's end is known: what is produced after that is broadcast.
    pub(crate) async fn run(self, ready: oneshot::Sender<()>, token: CancellationToken) {
        token.run_until_cancelled(self.read(ready)).await;
    }

    async fn read(&self, ready: oneshot::Sender<()>) {
        let mut assignment = self.start().await;
        info!(partitions = assignment.len(), topic = topic::PRODUCT_EVENTS, "reading from the ends of all partitions");
        // Nobody waits when the process ends already.
        _ = ready.send(());
        let mut intake = Intake::default();
        let mut position = 0;
        let mut failing = false;
        let mut growth = self.watch_growth();
        loop {
            tokio::select! {
                record = self.consumer.recv() => match record {
                    Ok(record) => {
                        failing = false;
                        assignment.advance(record.partition(), record.offset());
                        self.broadcast(&record, &mut intake, &mut position);
                    }
                    Err(error) => {
                        if !failing {
                            warn!(error = &error as &dyn std::error::Error, "records cannot be read, trying again");
                            failing = true;
                        }
                        sleep(PAUSE).await;
                    }
                },
                Some(count) = growth.recv() => self.grow(&mut assignment, count),
            }
        }
    }

    async fn start(&self) -> Assignment {
        let mut warned = false;
        loop {
            match self.assign_ends().await {
                Ok(assignment) => return assignment,
                Err(error) if !warned => {
                    warn!(error = &error as &dyn std::error::Error, "topic not found yet, trying again");
                    warned = true;
                }
                Err(_) => {}
            }
            sleep(PAUSE).await;
        }
    }

    async fn assign_ends(&self) -> Result<Assignment, Error> {
        let consumer = self.consumer.clone();
        let ends = spawn_blocking(move || ends(&consumer)).await.map_err(Error::AwaitBrokers)??;
        let assignment = Assignment::new(ends);
        self.assign(&assignment)?;
        Ok(assignment)
    }

    fn assign(&self, assignment: &Assignment) -> Result<(), Error> {
        let mut list = TopicPartitionList::with_capacity(assignment.len());
        for (partition, next) in assignment.positions() {
            let added = list.add_partition_offset(topic::PRODUCT_EVENTS, partition, Offset::Offset(next));
            added.map_err(Error::AssignPartitions)?;
        }
        self.consumer.assign(&list).map_err(Error::AssignPartitions)?;
        self.metrics.partitions.set(i64::try_from(assignment.len()).unwrap_or(i64::MAX));
        Ok(())
    }

    /// Tells the number of partitions again and again. The task ends with the receiver.
    fn watch_growth(&self) -> mpsc::Receiver<i32> {
        let (counts, receiver) = mpsc::channel(1);
        let consumer = self.consumer.clone();
        tokio::spawn(async move {
            let mut rounds = interval(GROWTH);
            rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !counts.is_closed() {
                rounds.tick().await;
                let consumer = consumer.clone();
                match spawn_blocking(move || partitions(&consumer)).await {
                    Ok(Ok(count)) => drop(counts.send(count).await),
                    Ok(Err(error)) => debug!(error = &error as &dyn std::error::Error, "partitions not counted"),
                    Err(error) => debug!(error = &error as &dyn std::error::Error, "partitions not counted"),
                }
            }
        });
        receiver
    }

    fn grow(&self, assignment: &mut Assignment, count: i32) {
        let Some(grown) = assignment.grown(count) else { return };
        match self.assign(&grown) {
            Ok(()) => {
                info!(before = assignment.len(), now = grown.len(), "topic has grown");
                *assignment = grown;
            }
            Err(error) => warn!(error = &error as &dyn std::error::Error, "new partitions not read yet"),
        }
    }

    fn broadcast(&self, record: &BorrowedMessage<'_>, intake: &mut Intake, position: &mut u64) {
        match intake.take(record.payload()) {
            Ok(accepted) => {
                *position += 1;
                let frame = frame::product_event(accepted.text, Timestamp::now());
                let channel = intake::name(accepted.kind);
                self.hub.publish(Publication { channel, position: *position, frame: &frame });
                self.metrics.records.with_label_values(&[BROADCAST]).inc();
            }
            Err(skip) => {
                self.metrics.records.with_label_values(&[skip.outcome()]).inc();
                let (partition, offset) = (record.partition(), record.offset());
                debug!(error = &skip as &dyn std::error::Error, partition, offset, "record skipped");
            }
        }
    }
}

/// Blocks: how many partitions the topic has.
fn partitions(consumer: &StreamConsumer) -> Result<i32, Error> {
    let metadata = consumer.fetch_metadata(Some(topic::PRODUCT_EVENTS), QUESTION).map_err(Error::ReadMetadata)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic::PRODUCT_EVENTS);
    let count = found.filter(|found| found.error().is_none()).map_or(0, |found| found.partitions().len());
    i32::try_from(count).ok().filter(|count| *count > 0).ok_or(Error::FindTopic)
}

/// Blocks: the offset that comes next in each partition.
fn ends(consumer: &StreamConsumer) -> Result<Vec<(i32, i64)>, Error> {
    let end = |partition| {
        let watermarks = consumer.fetch_watermarks(topic::PRODUCT_EVENTS, partition, QUESTION);
        watermarks.map(|(_, end)| (partition, end)).map_err(|source| Error::ReadEnd { partition, source })
    };
    (0..partitions(consumer)?).map(end).collect()
}
