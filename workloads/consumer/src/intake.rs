//! From Kafka to the store: one batch after the other, resumed from the offsets in Postgres.

mod arrival;
mod assignment;
mod position;
mod progress;
mod refusal;
mod sequence;
mod topic;
mod writing;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Offset};
use realtime_chassis::config::KafkaConfig;
use realtime_chassis::kafka::client_config;
use realtime_contract::topic::NOTIFICATIONS;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use uuid::Uuid;

use crate::batch::Batch;
use crate::measures::Measures;
use crate::record::Record;
use crate::store::Store;
use arrival::Arrived;
use assignment::{Assignments, Change, Heard};
pub(crate) use progress::Stopped;
use progress::{Life, Progress};
use refusal::Refusal;
use sequence::{Astray, Sequence};
use writing::Written;

/// The intake cannot start.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// A setting was refused.
    #[error("failed to build the Kafka consumer")]
    BuildConsumer {
        /// The client's reason.
        #[source]
        source: KafkaError,
    },
    /// The subscription was refused.
    #[error("failed to subscribe to topic {topic}")]
    SubscribeTopic {
        /// The topic.
        topic: &'static str,
        /// The client's reason.
        #[source]
        source: KafkaError,
    },
}

/// Until partitions are tried again whose ends Kafka did not tell, while the others are read.
const AGAIN: Duration = Duration::from_secs(15);

/// Partitions that could not be taken up with the others.
struct Again {
    due: Instant,
    /// Those of them that the client refused.
    refused: BTreeSet<i32>,
}

/// A member of the group.
struct Member {
    consumer: Arc<StreamConsumer<Assignments>>,
    heard: Heard,
    /// Partitions that the client refuses to go on in.
    refusal: Refusal,
    /// The topic's id, as the brokers tell it from time to time.
    topic_id: watch::Receiver<Uuid>,
    /// The life of the topic that the client knows.
    life: Life,
    /// Ends the survey.
    token: CancellationToken,
}

/// Consumes the notifications' topic.
pub(crate) struct Intake {
    config: ClientConfig,
    member: Member,
    /// What the group gave to this replica, those included that are stopped and that the client therefore knows nothing of.
    assigned: Vec<i32>,
    again: Option<Again>,
    store: Store,
    measures: Measures,
    progress: Progress,
    sequence: Sequence,
    token: CancellationToken,
}

/// The group assigns partitions among replicas and stores nothing: offsets stand in Postgres.
fn consumer_config(kafka: &KafkaConfig, service_name: &str) -> ClientConfig {
    let mut config = client_config(kafka, service_name);
    config
        .set("group.id", service_name)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("partition.assignment.strategy", "range")
        // A killed replica's partitions wait no longer than this for another one.
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "2000")
        // Nor those of one that lives and does nothing.
        .set("max.poll.interval.ms", "60000")
        // They name the partitions that the client refuses to go on in.
        .set("statistics.interval.ms", "1000")
        .set("topic.metadata.refresh.interval.ms", "10000")
        .set("fetch.wait.max.ms", "500")
        .set("queued.max.messages.kbytes", "16384");
    config
}

impl Intake {
    /// Joins the group.
    ///
    /// # Errors
    /// [`Error`] when the client refuses its settings; a Kafka that is away is none.
    pub(crate) fn start(
        kafka: &KafkaConfig,
        store: Store,
        measures: Measures,
        stopped: Stopped,
        token: CancellationToken,
    ) -> Result<Self, Error> {
        let config = consumer_config(kafka, crate::SERVICE_NAME);
        let member = Member::join(&config, &token)?;
        let progress = Progress::new(measures.clone(), stopped);
        Ok(Self {
            config,
            member,
            assigned: Vec::new(),
            again: None,
            store,
            measures,
            progress,
            sequence: Sequence::default(),
            token,
        })
    }

    /// Consumes until the token is cancelled; the transaction in flight is finished.
    pub(crate) async fn run(mut self) {
        let token = self.token.clone();
        while !token.is_cancelled() {
            let due = self.again.as_ref().map(|again| again.due);
            let Member { consumer, heard, topic_id, .. } = &mut self.member;
            tokio::select! {
                biased;
                () = token.cancelled() => {}
                Some(change) = heard.changes.recv() => self.follow(change).await,
                Ok(()) = heard.idle.changed() => self.look().await,
                Ok(()) = topic_id.changed() => self.compare().await,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.resume_assigned(None).await,
                arrived = arrive(consumer) => self.take(arrived).await,
            }
        }
        self.member.leave().await;
        info!("intake stopped");
    }

    /// When the topic was created anew, the offsets of its new life are taken up, whatever the group says.
    async fn compare(&mut self) {
        let topic_id = *self.member.topic_id.borrow_and_update();
        if self.member.life.is_former_to(topic_id) {
            self.join_anew(topic_id).await;
        }
    }

    /// By another client: the old one remembers of the former life what can keep it from reading this one.
    async fn join_anew(&mut self, topic_id: Uuid) {
        warn!(topic = NOTIFICATIONS, %topic_id, "topic was created anew, joining the group anew");
        match Member::join(&self.config, &self.token) {
            Ok(member) => {
                self.progress.forget();
                self.assigned.clear();
                self.again = None;
                std::mem::replace(&mut self.member, member).leave().await;
            }
            // The settings were good enough for the first client; the next look tries again.
            Err(error) => error!(error = &error as &dyn std::error::Error, "no other client to be had"),
        }
    }

    async fn follow(&mut self, change: Change) {
        self.assigned = change.partitions();
        self.resume_assigned(None).await;
    }

    /// Takes up anew what the client refuses to go on in, once it is known which partitions these are.
    async fn look(&mut self) {
        let idle = self.member.heard.idle.borrow_and_update().clone();
        let refused = self.member.refusal.look(&idle, self.progress.next());
        if refused.is_some() {
            self.resume_assigned(refused).await;
        }
    }

    async fn take(&mut self, arrived: Result<Arrived, KafkaError>) {
        match arrived {
            Ok(mut arrived) => {
                let astray = self.sequence.check(&mut arrived.records, self.progress.next());
                self.keep(Batch::of(arrived.records, self.progress.topic_id(), self.progress.next())).await;
                self.send_back(&astray);
                if arrived.is_reset {
                    warn!("the log does not have a partition's next offset, the client's statistics tell which");
                    self.member.refusal.count();
                }
            }
            // The board of dependencies says that Kafka is away; the client tries again by itself.
            Err(error) => debug!(error = &error as &dyn std::error::Error, "kafka did not deliver"),
        }
    }

    /// Has the client read partitions from where they go on, unless they were taken up anew in the meantime. One that cannot be sought now is
    /// found astray again.
    fn send_back(&mut self, astray: &Astray) {
        for (partition, offset) in astray.iter().map(|(partition, offset)| (*partition, *offset)) {
            if self.progress.next().get(&partition) != Some(&offset) {
                continue;
            }
            match self.member.consumer.seek(NOTIFICATIONS, partition, Offset::Offset(offset), Duration::ZERO) {
                Ok(()) => {
                    warn!(
                        topic = NOTIFICATIONS,
                        partition, offset, "kafka's client reads from another place, sent back"
                    );
                    self.sequence.sent_back(partition, offset);
                }
                Err(error) => debug!(error = &error as &dyn std::error::Error, partition, offset, "not sent back yet"),
            }
        }
    }

    async fn keep(&mut self, batch: Batch) {
        if batch.items.is_empty() {
            return;
        }
        match writing::write(&self.store, &self.measures, &self.token, batch).await {
            Written::All(next) => self.progress.advance(next),
            Written::Fenced => self.resume_assigned(None).await,
            Written::Cancelled => {}
        }
    }

    /// Reads the offsets of what is assigned again. Of several changes that wait only the last counts: what it replaced may belong to another
    /// replica by now.
    async fn resume_assigned(&mut self, refused: Option<BTreeSet<i32>>) {
        while let Ok(change) = self.member.heard.changes.try_recv() {
            self.assigned = change.partitions();
        }
        self.resume_from_store(refused).await;
    }

    /// Takes up what is assigned. In partitions that the client refused, the stored offset is not where this log was read until.
    async fn resume_from_store(&mut self, refused: Option<BTreeSet<i32>>) {
        let mut refused = refused.unwrap_or_else(|| self.member.refusal.end(self.progress.next()));
        refused.extend(self.again.take().into_iter().flat_map(|again| again.refused));
        self.progress.forget();
        if self.assigned.is_empty() {
            return;
        }
        let token = self.token.clone();
        let resuming = position::resume(&self.member.consumer, &self.store, &self.assigned, &refused);
        let Some(resumed) = token.run_until_cancelled(resuming).await else { return };
        let topic_id = resumed.topic_id;
        if self.member.life.is_former_to(topic_id) {
            return self.join_anew(topic_id).await;
        }
        self.member.life.begin(topic_id);
        if !resumed.unanswered.is_empty() {
            let refused = refused.intersection(&resumed.unanswered).copied().collect();
            self.again = Some(Again { due: Instant::now() + AGAIN, refused });
        }
        self.progress.begin(resumed);
    }
}

impl Member {
    fn join(config: &ClientConfig, token: &CancellationToken) -> Result<Self, Error> {
        let (context, heard) = Assignments::new();
        let consumer: StreamConsumer<Assignments> =
            config.create_with_context(context).map_err(|source| Error::BuildConsumer { source })?;
        let topic = NOTIFICATIONS;
        consumer.subscribe(&[topic]).map_err(|source| Error::SubscribeTopic { topic, source })?;
        let (consumer, token) = (Arc::new(consumer), token.child_token());
        let topic_id = topic::survey(&consumer, token.clone());
        Ok(Self { consumer, heard, refusal: Refusal::default(), topic_id, life: Life::default(), token })
    }

    /// Leaving the group waits for the broker, on a thread of its own.
    async fn leave(self) {
        self.token.cancel();
        let consumer = self.consumer;
        drop(tokio::task::spawn_blocking(move || drop(consumer)).await);
    }
}

/// The next record and those behind it that are here already.
async fn arrive(consumer: &StreamConsumer<Assignments>) -> Result<Arrived, KafkaError> {
    let first = consumer.recv().await.map(|message| Record::from(&message));
    arrival::gather(first, || Some(consumer.recv().now_or_never()?.map(|message| Record::from(&message))))
}
