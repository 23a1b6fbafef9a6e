//! Hands committed outbox records to Kafka, in the order of each key, at least once.
//!
//! Replicas share the outbox by shards: whoever has a shard's advisory lock works on it. A record is deleted after its acknowledgement;
//! after a failure, the producer and all that it still holds are thrown away, so that nothing can be sent out of order later, and work
//! begins again at the first record that was not acknowledged.
//!
//! A shard whose records Kafka does not take leaves the others alone: it is tried by itself, with a producer of its own, until it goes on.

mod backlog;
mod failing;
mod outbox;
mod producer;
mod wake;

use std::{collections::BTreeSet, time::Duration};

use deadpool_postgres::Pool;
use rdkafka::ClientConfig;
use realtime_chassis::dependencies::Board;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub(crate) use self::wake::{WakeUp, listen};
use self::{
    failing::Failing,
    outbox::{Portion, Turn},
    producer::Outgoing,
};
use crate::metrics::Metrics;

/// Pause after a failure.
const PAUSE: Duration = Duration::from_millis(500);
/// What a turn takes.
const PORTION: Portion = Portion { records: 8192, bytes: 8 * 1024 * 1024 };
/// What is tried of a shard that failed.
const TRIAL: Portion = Portion { records: 100, bytes: 1024 * 1024 };

/// What a relay needs.
pub(crate) struct Relay {
    pub(crate) pool: Pool,
    pub(crate) kafka: ClientConfig,
    pub(crate) board: Board,
    pub(crate) metrics: Metrics,
    pub(crate) wake_up: WakeUp,
}

impl Relay {
    /// Relays until the token is cancelled; a turn that was begun is finished.
    pub(crate) async fn run(self, token: CancellationToken) {
        // A task of its own: it tells the truth also when the relay hangs.
        tokio::spawn(backlog::watch(self.pool.clone(), self.metrics.clone(), token.clone()));
        let failing = Failing::new(self.metrics.clone());
        tokio::join!(self.relay_sound(&failing, &token), self.relay_failing(&failing, &token));
    }

    /// Relays the shards that nothing is known against.
    async fn relay_sound(&self, failing: &Failing, token: &CancellationToken) {
        let mut producer = None;
        let mut interrupted = false;
        while let Some(shards) = token.run_until_cancelled(self.next_shards(failing)).await {
            match self.turn(&shards, PORTION, &mut producer).await {
                Ok(turn) => {
                    if std::mem::take(&mut interrupted) {
                        info!(records = turn.delivered, "relay works again");
                    }
                    self.wake_up.busy(turn.busy);
                    self.wake_up.wake(turn.more);
                    failing.add(turn.failed, turn.refusal);
                }
                Err(error) => {
                    if !interrupted {
                        warn!(error = &error as &dyn std::error::Error, "records wait in the outbox, trying again");
                        interrupted = true;
                    }
                    self.wake_up.wake(shards);
                    token.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
                }
            }
        }
        discard(producer).await;
    }

    /// Tries the shards that failed, each by itself: what holds one up may not hold up the next.
    async fn relay_failing(&self, failing: &Failing, token: &CancellationToken) {
        let mut producer = None;
        while let Some(shard) = token.run_until_cancelled(self.next_failing(failing)).await {
            match self.turn(&BTreeSet::from([shard]), TRIAL, &mut producer).await {
                Ok(turn) if turn.failed.is_empty() && turn.busy.is_empty() => {
                    failing.recovered(shard);
                    self.wake_up.wake([shard]);
                }
                // That Postgres is away, the others say. One that another relay tries may fail there, too.
                outcome => {
                    if let Some(refusal) = outcome.ok().and_then(|turn| turn.refusal) {
                        failing.refused(shard, &refusal);
                    }
                    token.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
                }
            }
            if failing.is_empty() {
                discard(producer.take()).await;
            }
        }
        discard(producer).await;
    }

    /// Sound shards that may have records.
    async fn next_shards(&self, failing: &Failing) -> BTreeSet<i16> {
        loop {
            self.kafka_is_ready().await;
            let mut shards = self.wake_up.shards().await;
            shards.retain(|shard| !failing.has(*shard));
            if !shards.is_empty() {
                return shards;
            }
        }
    }

    async fn next_failing(&self, failing: &Failing) -> i16 {
        let shard = failing.next().await;
        self.kafka_is_ready().await;
        shard
    }

    /// While Kafka is away, no lock and no transaction waits for it.
    async fn kafka_is_ready(&self) {
        let mut changes = self.board.subscribe();
        while !self.board.state("kafka").is_ready() {
            if changes.changed().await.is_err() {
                break;
            }
        }
    }

    /// One turn, with a producer that is made when there is none, and thrown away when it may hold records still.
    async fn turn(
        &self,
        shards: &BTreeSet<i16>,
        portion: Portion,
        kept: &mut Option<Outgoing>,
    ) -> Result<Turn, outbox::Error> {
        let producer = match kept.take() {
            Some(producer) => producer,
            None => Outgoing::new(&self.kafka)?,
        };
        let worked = outbox::work(&self.pool, &producer, shards, portion).await;
        let is_empty = match &worked {
            Ok(turn) => turn.failed.is_empty(),
            Err(error) => !matches!(error, outbox::Error::DeleteAcknowledged { .. }),
        };
        if is_empty {
            *kept = Some(producer);
        } else {
            discard(Some(producer)).await;
        }
        if let Ok(turn) = &worked {
            self.metrics.relayed.with_label_values(&["acknowledged"]).inc_by(turn.delivered as u64);
            self.metrics.relayed.with_label_values(&["failed"]).inc_by(turn.kept as u64);
        }
        worked
    }
}

/// Gone when this returns. The producer's threads are waited for where that holds nothing up.
async fn discard(producer: Option<Outgoing>) {
    if producer.is_none() {
        return;
    }
    if let Err(error) = tokio::task::spawn_blocking(move || drop(producer)).await {
        warn!(error = &error as &dyn std::error::Error, "producer not thrown away in order");
    }
}
