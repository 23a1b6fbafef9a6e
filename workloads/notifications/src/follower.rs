//! Follows the topics of the stream: reads all their partitions, without a group, and broadcasts their events.
//!
//! ```text
//! brokers -> consumer -> Course (where are we? an event? a duplicate?) -> Broadcast
//!         -> survey, every few seconds: new partitions, topics that were created anew
//! ```

mod client;
mod context;
mod outage;

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use jiff::Timestamp;
use prometheus::IntGaugeVec;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use realtime_kafka_topics::TopicError;
use thiserror::Error;
use tokio::{
    sync::{oneshot, watch},
    task::{JoinError, JoinHandle, spawn_blocking},
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::{
    client::{consumer, drain, record, settings},
    context::{Context, Progress},
    outage::Outage,
};
use crate::{
    broadcast::Broadcast,
    course::{Course, Next},
    measures::Measures,
    survey::{self, Sight, Survey, survey},
};

/// Between two looks at the topics.
const ROUND: Duration = Duration::from_secs(5);
/// The same, when a log seemed to end before what was read. A broker that has just become the leader has time to learn its end.
const SOON: Duration = Duration::from_secs(1);
/// After a failure at the start.
const PAUSE: Duration = Duration::from_millis(250);
/// Records that are taken before what they give is sent, at most.
const BATCH_RECORDS: usize = 256;
/// Bytes of events that wait before they are sent, at most.
const BATCH_BYTES: usize = 64 * 1024;

/// Why the topics cannot be followed now.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The configuration was refused.
    #[error("failed to configure the Kafka consumer")]
    ConfigureConsumer(#[source] KafkaError),
    /// The brokers do not answer.
    #[error("failed to look at the topics")]
    LookAtTopics(#[source] survey::Error),
    /// A topic can neither be read nor counted as missing.
    #[error("failed to look at topic {topic}")]
    LookAtTopic { topic: Box<str>, source: TopicError },
    /// The list of partitions was refused.
    #[error("failed to assign the partitions")]
    AssignPartitions(#[source] KafkaError),
    /// The thread of a question ended early.
    #[error("failed to await the brokers")]
    AwaitBrokers(#[source] JoinError),
    /// Records do not come.
    #[error("failed to read records")]
    ReadRecords(#[source] KafkaError),
}

/// Follows the topics.
pub(crate) struct Follower {
    config: ClientConfig,
    lag: IntGaugeVec,
    consumer: Arc<StreamConsumer<Context>>,
    course: Course,
    outage: Outage,
    /// Records do not come although the brokers answer.
    refusal: Outage,
    progress: watch::Receiver<Progress>,
    /// The question that is being asked.
    question: Option<JoinHandle<Result<Survey, survey::Error>>>,
    /// A question is to be asked as soon as none is.
    wanted: bool,
    /// When it was begun.
    asked_at: Instant,
    /// A partition's next record no longer lies in its log.
    overtaken: bool,
    /// The client refused to go on in a partition, and nobody has said yet in which.
    refused: bool,
}

impl Follower {
    /// A consumer that commits nothing and never joins its group: the name is only there because the client asks for one.
    ///
    /// # Errors
    /// [`Error::ConfigureConsumer`] when a setting is refused.
    pub(crate) fn new(config: &ClientConfig, course: Course, measures: &Measures) -> Result<Self, Error> {
        let config = settings(config);
        let (consumer, progress) = consumer(&config, &course, &measures.lag)?;
        Ok(Self {
            config,
            lag: measures.lag.clone(),
            consumer: Arc::new(consumer),
            course,
            outage: Outage::default(),
            refusal: Outage::default(),
            progress,
            question: None,
            wanted: false,
            asked_at: Instant::now(),
            overtaken: false,
            refused: false,
        })
    }

    /// Follows until the token is cancelled. `ready` is told once everything was read that was there at the start.
    pub(crate) async fn run(mut self, mut out: impl Broadcast, ready: oneshot::Sender<()>, token: CancellationToken) {
        token.run_until_cancelled(self.follow(&mut out, ready)).await;
    }

    async fn follow(&mut self, out: &mut impl Broadcast, ready: oneshot::Sender<()>) {
        self.start(out).await;
        let mut ready = Some(ready);
        let (mut consumer, lanes) = (self.consumer.clone(), self.course.lanes.clone());
        let mut progress = self.progress.clone();
        let mut rounds = interval_at(Instant::now() + ROUND, ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.course.caught_up()
                && let Some(ready) = ready.take()
            {
                info!("everything was read that was there at the start");
                // Nobody waits when the process ends already.
                _ = ready.send(());
            }
            self.ask();
            tokio::select! {
                record = consumer.recv() => {
                    self.take(&consumer, record, out);
                    // Records wait with the brokers, not in memory, while there are more than clients can be sent.
                    out.room().await;
                    // The consumer never gives way by itself while records are at hand.
                    tokio::task::yield_now().await;
                }
                answer = answer(&mut self.question) => {
                    self.learn(answer, out);
                    if !Arc::ptr_eq(&consumer, &self.consumer) {
                        let old = std::mem::replace(&mut consumer, self.consumer.clone());
                        progress = self.progress.clone();
                        // Its end waits for its threads.
                        drop(spawn_blocking(move || drop(old)));
                    }
                    if self.course.is_suspicious() {
                        self.overtaken = true;
                        rounds.reset_after(SOON);
                    }
                }
                () = lanes.surveys.wanted() => self.wanted = true,
                _ = rounds.tick() => self.wanted = true,
                Ok(()) = progress.changed() => {
                    self.look(&progress.borrow_and_update());
                }
            }
        }
    }

    fn look(&mut self, progress: &Progress) {
        let refused = std::mem::take(&mut self.refused);
        for ((topic, partition), reading) in progress {
            self.course.pass(topic, *partition, reading.up_to);
            if refused && reading.stopped {
                self.course.stop(topic, *partition);
            }
        }
        if refused {
            (self.wanted, self.overtaken) = (true, true);
        }
    }

    /// Until it is known of every topic whether it exists, and where it ends.
    async fn start(&mut self, out: &mut impl Broadcast) {
        let consumer = self.consumer.clone();
        loop {
            let started = tokio::select! {
                // Nothing else happens between the assignment and the end of this, so that no record is taken for an error.
                biased;
                started = self.try_start(out) => started,
                never = drain(&consumer) => match never {},
            };
            match started {
                Ok(()) => return self.outage.ended(),
                Err(error) => self.outage.failed(&error),
            }
            sleep(PAUSE).await;
        }
    }

    async fn try_start(&mut self, out: &mut impl Broadcast) -> Result<(), Error> {
        let asked = self.question(true).await.map_err(Error::AwaitBrokers)?;
        let found = asked.map_err(Error::LookAtTopics)?;
        for (topic, sight) in &found.topics {
            // A topic that may not be described is waited for; of one that just moves, nobody knows whether its records are news.
            if let Sight::Hidden(source @ (TopicError::Other { .. } | TopicError::WithoutId)) = sight {
                return Err(Error::LookAtTopic { topic: topic.clone(), source: source.clone() });
            }
        }
        if let Some(error) = found.silence() {
            return Err(Error::LookAtTopics(error));
        }
        self.course.observe(&found, out);
        self.assign()
    }

    fn question(&self, all: bool) -> JoinHandle<Result<Survey, survey::Error>> {
        let (consumer, names, known) = (self.consumer.clone(), self.course.lanes.names(), self.course.known());
        spawn_blocking(move || survey(consumer.client(), &names, known, all))
    }

    fn ask(&mut self) {
        if self.wanted && self.question.is_none() {
            self.asked_at = Instant::now();
            self.question = Some(self.question(self.overtaken));
            (self.wanted, self.overtaken) = (false, false);
        }
    }

    fn learn(&mut self, answer: Result<Result<Survey, survey::Error>, JoinError>, out: &mut impl Broadcast) {
        self.question = None;
        let learned = answer.map_err(Error::AwaitBrokers).and_then(|survey| survey.map_err(Error::LookAtTopics));
        let learned = learned.and_then(|survey| match self.course.observe(&survey, out) {
            Next::GoOn => Ok(()),
            Next::Assign => self.assign(),
            Next::Renew => self.renew(),
        });
        match learned {
            Ok(()) => {
                self.course.lanes.surveys.made(self.asked_at);
                self.outage.ended();
            }
            Err(error) => {
                self.outage.failed(&error);
                // Whatever was to be found out is found out by the next question.
                self.overtaken = true;
            }
        }
    }

    /// A topic was created anew. The client takes the epochs of the new topic's leaders for older than those that it has seen, and would never
    /// read it; and what it has fetched of the old one must not pass for the new one's.
    fn renew(&mut self) -> Result<(), Error> {
        let (consumer, progress) = consumer(&self.config, &self.course, &self.lag)?;
        (self.consumer, self.progress) = (Arc::new(consumer), progress);
        self.assign()
    }

    fn assign(&self) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        for (topic, partition, next) in self.course.positions() {
            let offset = Offset::Offset(i64::try_from(next).unwrap_or(i64::MAX));
            list.add_partition_offset(topic, partition, offset).map_err(Error::AssignPartitions)?;
        }
        self.consumer.assign(&list).map_err(Error::AssignPartitions)
    }

    /// Takes the record and those behind it that are at hand, then sends what they give.
    fn take<'a>(
        &mut self,
        consumer: &'a StreamConsumer<Context>,
        first: Result<BorrowedMessage<'a>, KafkaError>,
        out: &mut impl Broadcast,
    ) {
        let (mut records, mut bytes, mut next) = (0, 0, Some(first));
        while let Some(result) = next {
            match result {
                Ok(message) => {
                    self.refusal.ended();
                    bytes += self.course.take(&record(&message), Timestamp::now(), out);
                    records += 1;
                }
                Err(error) => self.fail(error),
            }
            let full = records >= BATCH_RECORDS || bytes >= BATCH_BYTES;
            next = if full { None } else { consumer.recv().now_or_never() };
        }
        if records > 0 {
            out.flush();
        }
    }

    fn fail(&mut self, error: KafkaError) {
        use RDKafkaErrorCode as Code;
        match error.rdkafka_error_code() {
            Some(code @ (Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::LogTruncation)) => {
                warn!(%code, "a partition's next record is not in its log");
                // The error does not say which partition; the next statistics do, within a second.
                self.refused = true;
            }
            // The next look at the topics tells which.
            Some(
                Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicOrPartition | Code::UnknownTopicId,
            ) => self.wanted = true,
            // Of these the next look at the topics knows when they are over.
            Some(Code::BrokerTransportFailure | Code::AllBrokersDown | Code::Resolve | Code::OperationTimedOut) => {
                self.outage.failed(&Error::ReadRecords(error));
            }
            // Others, such as a topic that may be described but not read, only a record.
            _ => self.refusal.failed(&Error::ReadRecords(error)),
        }
    }
}

/// The answer to the question, if one is being asked.
async fn answer<T>(question: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match question {
        Some(question) => question.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
