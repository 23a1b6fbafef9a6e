//! From Kafka to the store: one batch after the other, resumed from the offsets in Postgres.

mod arrival;
mod assignment;
mod position;
mod progress;
mod writing;

use std::sync::Arc;

use futures::FutureExt;
use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use realtime_chassis::config::KafkaConfig;
use realtime_chassis::kafka::client_config;
use realtime_contract::topic;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::batch::Batch;
use crate::measures::Measures;
use crate::record::Record;
use crate::store::Store;
use arrival::Arrived;
use assignment::{Assignments, Change};
use progress::Progress;
pub(crate) use progress::Stopped;
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

/// Consumes the notifications' topic.
pub(crate) struct Intake {
    consumer: Arc<StreamConsumer<Assignments>>,
    changes: mpsc::UnboundedReceiver<Change>,
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
        let (context, changes) = Assignments::new();
        let consumer: StreamConsumer<Assignments> = consumer_config(kafka, crate::SERVICE_NAME)
            .create_with_context(context)
            .map_err(|source| Error::BuildConsumer { source })?;
        let topic = topic::NOTIFICATIONS;
        consumer.subscribe(&[topic]).map_err(|source| Error::SubscribeTopic { topic, source })?;
        let progress = Progress::new(measures.clone(), stopped);
        Ok(Self { consumer: Arc::new(consumer), changes, assigned: Vec::new(), store, measures, progress, token })
    }

    /// Consumes until the token is cancelled; the transaction in flight is finished.
    pub(crate) async fn run(mut self) {
        let token = self.token.clone();
        while !token.is_cancelled() {
            tokio::select! {
                biased;
                () = token.cancelled() => {}
                Some(change) = self.changes.recv() => self.follow(change).await,
                arrived = arrive(&self.consumer) => self.take(arrived).await,
            }
        }
        // Leaving the group waits for the broker, on a thread of its own.
        let consumer = self.consumer;
        drop(tokio::task::spawn_blocking(move || drop(consumer)).await);
        info!("intake stopped");
    }

    /// Of several changes that wait only the last counts: what it replaced may belong to another replica by now.
    async fn follow(&mut self, change: Change) {
        let mut change = change;
        while let Ok(newer) = self.changes.try_recv() {
            change = newer;
        }
        self.assigned = change.partitions();
        self.resume_from_store().await;
    }

    async fn take(&mut self, arrived: Result<Arrived, KafkaError>) {
        match arrived {
            Ok(arrived) => {
                self.keep(Batch::of(arrived.records, self.progress.next())).await;
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
        match self.changes.try_recv() {
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
        let resuming = position::resume(&self.consumer, &self.store, &self.assigned);
        if let Some(resumed) = token.run_until_cancelled(resuming).await {
            self.progress.begin(resumed);
        }
    }
}

/// The next record and those behind it that are here already.
async fn arrive(consumer: &StreamConsumer<Assignments>) -> Result<Arrived, KafkaError> {
    let first = consumer.recv().await.map(|message| Record::from(&message));
    arrival::gather(first, || Some(consumer.recv().now_or_never()?.map(|message| Record::from(&message))))
}
