//! Hands committed outbox records to Kafka, in the order of each key, at least once.
//!
//! Replicas share the outbox by shards: whoever has a shard's advisory lock works on it. A record is deleted after its acknowledgement;
//! after a failure, the producer and all that it still holds are thrown away, so that nothing can be sent out of order later, and work
//! begins again at the first record that was not acknowledged.

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
use self::{outbox::Worked, producer::Outgoing};
use crate::metrics::Metrics;

/// Pause after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// What a relay needs.
pub(crate) struct Relay {
    pub(crate) pool: Pool,
    pub(crate) kafka: ClientConfig,
    pub(crate) board: Board,
    pub(crate) metrics: Metrics,
    pub(crate) wake_up: WakeUp,
}

impl Relay {
    /// Relays until the token is cancelled; a batch that was begun is finished.
    pub(crate) async fn run(self, token: CancellationToken) {
        let mut producer = None;
        let mut failing = false;
        loop {
            let Some(shards) = token.run_until_cancelled(self.next_shards()).await else {
                return discard(producer).await;
            };
            match self.work(&shards, &mut producer).await {
                Ok(Worked { records, more }) => {
                    if failing && records > 0 {
                        info!(records, "relay works again");
                        failing = false;
                    }
                    if more {
                        self.wake_up.wake(shards);
                    }
                }
                Err(error) => {
                    if !failing {
                        warn!(error = &error as &dyn std::error::Error, "records wait in the outbox, trying again");
                        failing = true;
                    }
                    if matches!(error, outbox::Error::ProduceRecord { .. }) {
                        discard(producer.take()).await;
                    }
                    self.wake_up.wake(shards);
                    token.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
                }
            }
        }
    }

    /// Shards that may have records, once Kafka can take them: while it is away, no lock and no transaction waits for it.
    async fn next_shards(&self) -> BTreeSet<i16> {
        let mut changes = self.board.subscribe();
        let kafka_is_ready = |board: &Board| board.state("kafka").is_ready();
        while !kafka_is_ready(&self.board) {
            if changes.changed().await.is_err() {
                break;
            }
        }
        self.wake_up.shards().await
    }

    async fn work(&self, shards: &BTreeSet<i16>, producer: &mut Option<Outgoing>) -> Result<Worked, outbox::Error> {
        if producer.is_none() {
            *producer = Some(Outgoing::new(&self.kafka)?);
        }
        let producer = producer.as_ref().expect("the producer was just made");
        outbox::work(&self.pool, producer, shards, &self.metrics).await
    }
}

/// Gone when this returns. The producer's threads are waited for where that holds nothing up.
async fn discard(producer: Option<Outgoing>) {
    if let Err(error) = tokio::task::spawn_blocking(move || drop(producer)).await {
        warn!(error = &error as &dyn std::error::Error, "producer not thrown away in order");
    }
}
