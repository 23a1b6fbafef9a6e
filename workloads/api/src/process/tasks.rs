//! What runs beside the server, and in which order it ends.

use std::time::Duration;

use anyhow::{Context, bail};
use deadpool_postgres::Pool;
use realtime_chassis::{kafka, ops, report, shutdown};
use realtime_contract::Component;
use realtime_fanout::Publisher;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::NAME;
use crate::{
    config::Config,
    relay::{self, Relay, WakeUp},
    socketio::Writers,
    state::ApiState,
    tail::{self, StreamReader, Tail},
};

/// What is left of the drain time for the work behind the connections.
pub(super) const BACKGROUND: Duration = Duration::from_secs(6);
const LAST: Duration = Duration::from_secs(1);

/// Tokens of the steps in which the process ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    pub(super) intake: CancellationToken,
    pub(super) background: CancellationToken,
    pub(super) ops: CancellationToken,
}

/// What runs beside the server.
pub(super) struct Tasks {
    pub(super) relay: JoinHandle<()>,
    pub(super) tail: JoinHandle<Result<(), tail::Error>>,
    writers: Writers,
    figures: Option<JoinHandle<()>>,
    ops: JoinHandle<()>,
    report: Option<JoinHandle<()>>,
}

/// A task that ended while the process was to go on.
#[derive(Debug)]
pub(super) enum Lost {
    Tail(Result<Result<(), tail::Error>, JoinError>),
    Relay(Result<(), JoinError>),
}

impl Lost {
    pub(super) fn into_result(self) -> anyhow::Result<()> {
        match self {
            Self::Tail(Ok(Err(error))) => Err(error).context("failed to go on"),
            Self::Tail(Err(error)) | Self::Relay(Err(error)) => Err(error).context("failed to go on"),
            Self::Tail(Ok(Ok(()))) => bail!("failed to go on: the tail ended"),
            Self::Relay(Ok(())) => bail!("failed to go on: the relay ended"),
        }
    }
}

impl Tasks {
    /// Starts them all; the server of probes listens.
    pub(super) async fn start(
        config: &Config,
        state: &ApiState,
        publisher: Publisher,
        pool: Pool,
        writers: Writers,
        steps: &Steps,
    ) -> anyhow::Result<Self> {
        let registry = state.metrics.registry.clone();
        Ok(Self {
            ops: ops::serve(config.ops.port, state.board.clone(), registry, steps.ops.clone()).await?,
            report: report::spawn(&config.report, Component::Api, &state.board, steps.ops.clone()),
            relay: start_relay(config, state, pool, &steps.background),
            tail: start_tail(config, state, publisher, &steps.background),
            writers,
            figures: state.overview.figures.tell(steps.background.clone()),
        })
    }

    /// Ends what serves connections no longer; the relay finishes the batch that it holds.
    pub(super) async fn end(self, steps: &Steps, lost: Option<&Lost>) {
        steps.background.cancel();
        let relay = async {
            if !matches!(lost, Some(Lost::Relay(_))) {
                shutdown::drain(BACKGROUND, "relay", self.relay).await;
            }
        };
        tokio::join!(relay, shutdown::drain(LAST, "writers of Socket.IO", self.writers.ended()));
        if !matches!(lost, Some(Lost::Tail(_))) {
            shutdown::drain(LAST, "tail", self.tail).await;
        }
        if let Some(figures) = self.figures {
            shutdown::drain(LAST, "figures", figures).await;
        }
        steps.ops.cancel();
        shutdown::drain(LAST, "ops server", self.ops).await;
        if let Some(report) = self.report {
            shutdown::drain(LAST, "readiness report", report).await;
        }
    }
}

fn start_relay(config: &Config, state: &ApiState, pool: Pool, token: &CancellationToken) -> JoinHandle<()> {
    let wake_up = WakeUp::default();
    tokio::spawn(relay::listen(config.postgres.clone(), wake_up.clone(), token.clone()));
    let relay = Relay {
        pool,
        kafka: kafka::client_config(&config.kafka, NAME),
        board: state.board.clone(),
        metrics: state.metrics.clone(),
        wake_up,
    };
    tokio::spawn(relay.run(token.clone()))
}

fn start_tail(
    config: &Config,
    state: &ApiState,
    publisher: Publisher,
    token: &CancellationToken,
) -> JoinHandle<Result<(), tail::Error>> {
    let tail = Tail {
        store: state.store.clone(),
        stream: StreamReader::new(config.redis.clone(), state.metrics.clone()),
        engine: state.engine.clone(),
        publisher,
        cache: state.cache.clone(),
        metrics: state.metrics.clone(),
        epoch: state.epoch.clone(),
    };
    tokio::spawn(tail.run(token.clone()))
}
