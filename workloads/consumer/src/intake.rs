//! From Kafka to the store: one batch after the other, resumed from the offsets in Postgres.

mod arrival;
mod assignment;
mod member;
mod position;
mod progress;
mod refusal;
mod sequence;
mod takeover;
mod topic;
mod watch;
mod writing;

use std::collections::BTreeSet;
use std::time::Duration;

use futures::FutureExt;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Offset};
use realtime_chassis::config::KafkaConfig;
use realtime_contract::topic::NOTIFICATIONS;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::batch::Batch;
use crate::measures::Measures;
use crate::record::Record;
use crate::store::Store;
use arrival::Arrived;
use assignment::{Assignments, Change};
pub(crate) use member::Error;
use member::Member;
use progress::Progress;
pub(crate) use progress::Stopped;
use sequence::{Astray, Sequence};
use watch::Watch;
use writing::Written;

/// Until partitions are tried again whose ends Kafka did not tell, while the others are read.
const AGAIN: Duration = Duration::from_secs(15);
/// The same, of all: meanwhile the client is heard, and it may have to go.
const SOON: Duration = Duration::from_secs(1);
/// Between two looks whether the client lives.
const ROUND: Duration = Duration::from_secs(5);

/// Partitions that could not be taken up with the others.
struct Again {
    due: Instant,
    /// Those of them that the client refused.
    refused: BTreeSet<i32>,
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
    watch: Watch,
    token: CancellationToken,
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
        Self::join(member::config(kafka, crate::SERVICE_NAME), store, measures, stopped, token)
    }

    fn join(
        config: ClientConfig,
        store: Store,
        measures: Measures,
        stopped: Stopped,
        token: CancellationToken,
    ) -> Result<Self, Error> {
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
            watch: Watch::default(),
            token,
        })
    }

    /// Consumes until the token is cancelled; the transaction in flight is finished.
    pub(crate) async fn run(mut self) {
        let token = self.token.clone();
        let mut rounds = interval_at(Instant::now() + ROUND, ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !token.is_cancelled() {
            let due = self.again.as_ref().map(|again| again.due);
            let Member { consumer, heard, topic_id, .. } = &mut self.member;
            tokio::select! {
                biased;
                () = token.cancelled() => {}
                Some(change) = heard.changes.recv() => self.follow(change).await,
                Ok(()) = heard.told.changed() => self.look().await,
                _ = rounds.tick() => self.round().await,
                Ok(()) = topic_id.changed() => self.compare().await,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.resume_assigned(None).await,
                arrived = arrive(consumer) => self.take(arrived).await,
            }
        }
        self.member.leave().await;
        info!("intake stopped");
    }

    async fn follow(&mut self, change: Change) {
        self.assigned = change.partitions();
        self.resume_assigned(None).await;
    }

    /// Takes up anew what the client refuses to go on in, once it is known which partitions these are.
    async fn look(&mut self) {
        let told = self.member.heard.told.borrow_and_update().clone();
        if let Some(stall) = self.watch.heard(told.lonely, Instant::now()) {
            return self.give_up(&stall).await;
        }
        let refused = self.member.refusal.look(&told.idle, self.progress.next());
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
        let resumed = match token.run_until_cancelled(resuming).await {
            None => return,
            Some(Ok(resumed)) => resumed,
            Some(Err(error)) => {
                warn!(error = &error as &dyn std::error::Error, "partitions cannot be taken up yet");
                self.again = Some(Again { due: Instant::now() + SOON, refused });
                return;
            }
        };
        self.watch.follows();
        let topic_id = resumed.topic_id;
        if self.member.life.is_former_to(topic_id) {
            return self.begin_life(topic_id).await;
        }
        self.member.life.begin(topic_id);
        if !resumed.unanswered.is_empty() {
            let refused = refused.intersection(&resumed.unanswered).copied().collect();
            self.again = Some(Again { due: Instant::now() + AGAIN, refused });
        }
        self.progress.begin(resumed);
    }
}

/// The next record and those behind it that are here already.
async fn arrive(consumer: &StreamConsumer<Assignments>) -> Result<Arrived, KafkaError> {
    let first = consumer.recv().await.map(|message| Record::from(&message));
    arrival::gather(first, || Some(consumer.recv().now_or_never()?.map(|message| Record::from(&message))))
}

#[cfg(test)]
mod tests;
