//! Follows the topics of the stream: reads all their partitions, without a group, and broadcasts their events.
//!
//! ```text
//! brokers -> consumer -> Course (where are we? an event? a duplicate?) -> Broadcast
//!         -> survey, every few seconds: new partitions, topics that were created anew
//!         -> watch: does the client still follow? Else another one takes over, from where the course is
//! ```

mod client;
mod context;
mod outage;
mod questions;
mod records;
mod takeover;
mod watch;

use std::{sync::Arc, time::Duration};

use rdkafka::{ClientConfig, consumer::StreamConsumer, error::KafkaError};
use realtime_chassis::kafka::aside::{self, within};
use realtime_kafka_topics::TopicError;
use thiserror::Error;
use tokio::{
    sync::{oneshot, watch::Receiver},
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use self::{
    client::{consumer, drain, settings},
    context::{Context, Progress, Told},
    outage::Outage,
    questions::{Question, answer},
    watch::{Stall, Watch},
};
use crate::{
    broadcast::Broadcast,
    course::Course,
    measures::Measures,
    survey::{self, Sight},
};

/// Between two looks at the topics.
const ROUND: Duration = Duration::from_secs(5);
/// The same, when a log seemed to end before what was read. A broker that has just become the leader has time to learn its end.
const SOON: Duration = Duration::from_secs(1);
/// After a failure at the start.
const PAUSE: Duration = Duration::from_millis(250);

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
}

#[cfg(test)]
mod tests;
