//! Follows the topics of the stream: reads all their partitions, without a group, and broadcasts their events.
//!
//! ```text
//! brokers -> consumer -> Course (where are we? an event? a duplicate?) -> Broadcast
//!         -> survey, every few seconds: new partitions, topics that were created anew
//!         -> watch: does the client still follow? Else another one takes over, from where the course is
//! ```

mod aside;
mod client;
mod context;
mod outage;
mod watch;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::FutureExt;
use jiff::Timestamp;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use realtime_kafka_topics::TopicError;
use thiserror::Error;
use tokio::{
    sync::{oneshot, watch::Receiver},
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::{
    aside::{Answer, within},
    client::{consumer, drain, record, settings},
    context::{Context, Progress, Told},
    outage::Outage,
    watch::{Place, Stall, Watch},
};
use crate::{
    broadcast::Broadcast,
    course::{Course, Next},
    measures::Measures,
    survey::{self, QUESTION, Sight, Survey, ends, survey},
};

/// Between two looks at the topics.
const ROUND: Duration = Duration::from_secs(5);
/// The same, when a log seemed to end before what was read. A broker that has just become the leader has time to learn its end.
const SOON: Duration = Duration::from_secs(1);
/// After a failure at the start.
const PAUSE: Duration = Duration::from_millis(250);
/// For a call that asks no broker.
const CALL: Duration = Duration::from_secs(5);
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
    /// A question did not end.
    #[error("failed to await the brokers")]
    AwaitBrokers(#[source] aside::Error),
    /// The client itself does not go on.
    #[error("failed to await the Kafka client")]
    AwaitClient(#[source] aside::Error),
    /// The client does not follow.
    #[error("failed to follow by this Kafka client")]
    Follow(#[source] Stall),
    /// Records do not come.
    #[error("failed to read records")]
    ReadRecords(#[source] KafkaError),
}

/// What the brokers said, and where the logs end of partitions that had not moved.
struct Seen {
    survey: Survey,
    asked: usize,
    ends: BTreeMap<Place, u64>,
}

/// A question about the topics that is being asked.
struct Question {
    answer: Answer<Result<Seen, survey::Error>>,
    /// When it was begun.
    begun: Instant,
    limit: Duration,
}

/// Follows the topics.
pub(crate) struct Follower {
    config: ClientConfig,
    measures: Measures,
    consumer: Arc<StreamConsumer<Context>>,
    course: Course,
    outage: Outage,
    /// Records do not come although the brokers answer.
    refusal: Outage,
    told: Receiver<Told>,
    /// The question that is being asked.
    question: Option<Question>,
    /// A question is to be asked as soon as none is.
    wanted: bool,
    watch: Watch,
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
        let (consumer, told) = consumer(&config, course.lanes.names(), &measures.lag)?;
        Ok(Self {
            config,
            measures: measures.clone(),
            consumer: Arc::new(consumer),
            course,
            outage: Outage::default(),
            refusal: Outage::default(),
            told,
            question: None,
            wanted: false,
            watch: Watch::new(),
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
        let mut told = self.told.clone();
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
            if !Arc::ptr_eq(&consumer, &self.consumer) {
                let old = std::mem::replace(&mut consumer, self.consumer.clone());
                told = self.told.clone();
                // Its end waits for its threads, in vain if they hang.
                drop(aside::call(move || drop(old)));
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
                (begun, answer) = answer(&mut self.question) => {
                    self.learn(begun, answer, out).await;
                    if self.course.is_suspicious() {
                        self.overtaken = true;
                        rounds.reset_after(SOON);
                    }
                }
                () = lanes.surveys.wanted() => self.wanted = true,
                _ = rounds.tick() => self.round().await,
                Ok(()) = told.changed() => {
                    let brokers = self.hear(&told.borrow_and_update());
                    if let Some(stall) = self.watch.heard(brokers, Instant::now()) {
                        self.replace(stall).await;
                    }
                }
            }
        }
    }

    async fn round(&mut self) {
        self.wanted = true;
        if let Some(stall) = self.watch.round(Instant::now()) {
            self.replace(stall).await;
        }
    }

    /// Tells how many brokers the client knows.
    fn hear(&mut self, told: &Told) -> usize {
        self.look(&told.progress);
        told.brokers
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
        loop {
            let consumer = self.consumer.clone();
            let started = tokio::select! {
                // Nothing else happens between the assignment and the end of this, so that no record is taken for an error.
                biased;
                started = self.try_start(out) => started,
                never = drain(&consumer) => match never {},
            };
            match started {
                Ok(()) => return self.outage.ended(),
                Err(error) => self.fail_to_ask(&error),
            }
            if let Some(stall) = self.watch.unanswered(Instant::now()) {
                self.replace(stall).await;
                drop(aside::call(move || drop(consumer)));
            }
            sleep(PAUSE).await;
        }
    }

    async fn try_start(&mut self, out: &mut impl Broadcast) -> Result<(), Error> {
        let Question { mut answer, limit, .. } = self.question(true);
        let asked = within(limit, &mut answer).await.map_err(Error::AwaitBrokers)?;
        let found = asked.map_err(Error::LookAtTopics)?.survey;
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
        self.assign().await
    }

    fn question(&self, all: bool) -> Question {
        let (consumer, names, known) = (self.consumer.clone(), self.course.lanes.names(), self.course.known());
        // Whoever asks for everything compares the ends as well.
        let still = if all { Vec::new() } else { self.watch.still(&self.positions()) };
        let partitions = u32::try_from(self.course.positions().count()).unwrap_or(u32::MAX);
        let answer = aside::call(move || {
            let survey = survey(consumer.client(), &names, known, all)?;
            Ok(Seen { survey, asked: still.len(), ends: ends(consumer.client(), still) })
        });
        // For ids, for extents of which one is away, and for the ends.
        let limit = QUESTION * 6 + Duration::from_secs(1).saturating_mul(partitions);
        Question { answer, begun: Instant::now(), limit }
    }

    fn ask(&mut self) {
        if self.wanted && self.question.is_none() {
            self.question = Some(self.question(self.overtaken));
            (self.wanted, self.overtaken) = (false, false);
        }
    }

    async fn learn(
        &mut self,
        begun: Instant,
        answer: Result<Result<Seen, survey::Error>, aside::Error>,
        out: &mut impl Broadcast,
    ) {
        self.question = None;
        let learned = match answer.map_err(Error::AwaitBrokers).and_then(|seen| seen.map_err(Error::LookAtTopics)) {
            Ok(seen) => self.go_on(seen, out).await,
            Err(error) => Err(error),
        };
        match learned {
            Ok(()) => {
                self.course.lanes.surveys.made(begun);
                self.outage.ended();
            }
            Err(error) => self.fail_to_ask(&error),
        }
    }

    async fn go_on(&mut self, Seen { survey, asked, ends }: Seen, out: &mut impl Broadcast) -> Result<(), Error> {
        let positions = self.positions();
        match self.course.observe(&survey, out) {
            Next::GoOn => {}
            Next::Assign => self.assign().await?,
            Next::Renew => self.renew().await?,
        }
        // Where nothing moves and nobody says where anything ends, the client may have lost the brokers that it reads from.
        if asked > 0 && asked == positions.len() && ends.is_empty() {
            self.watch.failed(Instant::now());
        } else if let Some(stall) = self.watch.look(&positions, &ends, Instant::now())
            // A user who may not read a topic is told so by its records.
            && !self.refusal.lasts()
        {
            self.replace(stall).await;
        }
        Ok(())
    }

    fn fail_to_ask(&mut self, error: &Error) {
        self.outage.failed(error);
        self.watch.failed(Instant::now());
        // Whatever was to be found out is found out by the next question.
        self.overtaken = true;
    }

    /// Where partitions stand: as far as the course has come, or behind it, where the client has passed what is no record.
    fn positions(&self) -> BTreeMap<Place, u64> {
        let told = self.told.borrow();
        let passed =
            |topic: &str, partition| told.progress.get(&(topic.to_owned(), partition)).map_or(0, |read| read.up_to);
        let position = |(topic, partition, next): (&str, i32, u64)| {
            ((topic.into(), partition), next.max(passed(topic, partition)))
        };
        self.course.positions().map(position).collect()
    }

    /// The client does not follow: another one goes on where the course is. Nothing is lost by that, and nothing comes twice.
    async fn replace(&mut self, stall: Stall) {
        self.measures.clients_given_up.with_label_values(&[stall.cause()]).inc();
        let error = Error::Follow(stall);
        warn!(error = &error as &dyn std::error::Error, "another Kafka client takes over");
        self.watch.give_up(Instant::now());
        // What is asked by the old client may never be answered.
        self.question = None;
        if let Err(error) = self.renew().await {
            self.fail_to_ask(&error);
        }
        (self.wanted, self.overtaken) = (true, true);
    }

    /// What a client knows may be wrong for good. Of a topic that was created anew it takes the epochs of the leaders for older than those that it
    /// has seen, and would never read it; and what it has fetched of the old one must not pass for the new one's.
    async fn renew(&mut self) -> Result<(), Error> {
        let (config, names, lag) = (self.config.clone(), self.course.lanes.names(), self.measures.lag.clone());
        let mut begun = aside::call(move || consumer(&config, names, &lag));
        let (consumer, told) = within(CALL, &mut begun).await.map_err(Error::AwaitClient)??;
        (self.consumer, self.told) = (Arc::new(consumer), told);
        self.assign().await
    }

    async fn assign(&mut self) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        for (topic, partition, next) in self.course.positions() {
            let offset = Offset::Offset(i64::try_from(next).unwrap_or(i64::MAX));
            list.add_partition_offset(topic, partition, offset).map_err(Error::AssignPartitions)?;
        }
        let consumer = self.consumer.clone();
        // The client's main thread has to take it over.
        let mut assigned = aside::call(move || consumer.assign(&list));
        within(CALL, &mut assigned).await.map_err(Error::AwaitClient)?.map_err(Error::AssignPartitions)
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
                Err(error) => {
                    self.fail(error);
                    records += 1;
                }
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

/// The answer to the question, if one is being asked, and when that was begun.
async fn answer(question: &mut Option<Question>) -> (Instant, Result<Result<Seen, survey::Error>, aside::Error>) {
    match question {
        Some(Question { answer, begun, limit }) => {
            (*begun, within(limit.saturating_sub(begun.elapsed()), answer).await)
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
