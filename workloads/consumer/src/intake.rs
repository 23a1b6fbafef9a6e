//! From Kafka to the store: one batch after the other, resumed from the offsets in Postgres.

mod arrival;
mod assignment;
mod position;
mod progress;
mod topic;
mod writing;

use std::sync::Arc;

use futures::FutureExt;
use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use realtime_chassis::config::KafkaConfig;
use realtime_chassis::kafka::client_config;
use realtime_contract::topic::NOTIFICATIONS;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use uuid::Uuid;

use crate::batch::Batch;
use crate::measures::Measures;
use crate::record::Record;
use crate::store::Store;
use arrival::Arrived;
use assignment::{Assignments, Change};
pub(crate) use progress::Stopped;
use progress::{Life, Progress};
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

/// A member of the group.
struct Member {
    consumer: Arc<StreamConsumer<Assignments>>,
    changes: mpsc::UnboundedReceiver<Change>,
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
    store: Store,
    measures: Measures,
    progress: Progress,
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
        Ok(Self { config, member, assigned: Vec::new(), store, measures, progress, token })
    }

    /// Consumes until the token is cancelled; the transaction in flight is finished.
    pub(crate) async fn run(mut self) {
        let token = self.token.clone();
        while !token.is_cancelled() {
            let Member { consumer, changes, topic_id, .. } = &mut self.member;
            tokio::select! {
                biased;
                () = token.cancelled() => {}
                Some(change) = changes.recv() => self.follow(change).await,
                Ok(()) = topic_id.changed() => self.compare().await,
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
                std::mem::replace(&mut self.member, member).leave().await;
            }
            // The settings were good enough for the first client; the next look tries again.
            Err(error) => error!(error = &error as &dyn std::error::Error, "no other client to be had"),
        }
    }

    /// Of several changes that wait only the last counts: what it replaced may belong to another replica by now.
    async fn follow(&mut self, change: Change) {
        let mut change = change;
        while let Ok(newer) = self.member.changes.try_recv() {
            change = newer;
        }
        self.assigned = change.partitions();
        self.resume_from_store().await;
    }

    async fn take(&mut self, arrived: Result<Arrived, KafkaError>) {
        match arrived {
            Ok(arrived) => {
                self.keep(Batch::of(arrived.records, self.progress.topic_id(), self.progress.next())).await;
                if arrived.is_reset {
                    warn!("an offset is outside the log, reading the stored offsets again");
                    self.resume_assigned().await;
                }
            }
            // The board of dependencies says that Kafka is away; the client tries again by itself.
            Err(error) => debug!(error = &error as &dyn std::error::Error, "kafka did not deliver"),
        }
    }

    async fn keep(&mut self, batch: Batch) {
        if batch.items.is_empty() {
            return;
        }
        match writing::write(&self.store, &self.measures, &self.token, batch).await {
            Written::All(next) => self.progress.advance(next),
            Written::Fenced => self.resume_assigned().await,
            Written::Cancelled => {}
        }
    }

    /// Reads the offsets of what is assigned again. A change that the group made meanwhile is followed instead.
    async fn resume_assigned(&mut self) {
        match self.member.changes.try_recv() {
            Ok(change) => self.follow(change).await,
            Err(_) => self.resume_from_store().await,
        }
    }

    async fn resume_from_store(&mut self) {
        self.progress.forget();
        if self.assigned.is_empty() {
            return;
        }
        let token = self.token.clone();
        let resuming = position::resume(&self.member.consumer, &self.store, &self.assigned);
        let Some(resumed) = token.run_until_cancelled(resuming).await else { return };
        let topic_id = resumed.topic_id;
        if self.member.life.is_former_to(topic_id) {
            return self.join_anew(topic_id).await;
        }
        self.member.life.begin(topic_id);
        self.progress.begin(resumed);
    }
}

impl Member {
    fn join(config: &ClientConfig, token: &CancellationToken) -> Result<Self, Error> {
        let (context, changes) = Assignments::new();
        let consumer: StreamConsumer<Assignments> =
            config.create_with_context(context).map_err(|source| Error::BuildConsumer { source })?;
        let topic = NOTIFICATIONS;
        consumer.subscribe(&[topic]).map_err(|source| Error::SubscribeTopic { topic, source })?;
        let (consumer, token) = (Arc::new(consumer), token.child_token());
        let topic_id = topic::survey(&consumer, token.clone());
        Ok(Self { consumer, changes, topic_id, life: Life::default(), token })
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
