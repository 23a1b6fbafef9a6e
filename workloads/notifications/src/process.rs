//! The process: what is started, in which order it ends.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use jiff::Timestamp;
use realtime_chassis::{
    dependencies::{self, Board},
    http::{self, RequestMetrics},
    kafka, metrics as process_metrics, ops, report, shutdown,
};
use realtime_contract::Component;
use realtime_fanout::{Hub, metrics::HubCollector};
use tokio::{
    sync::oneshot,
    time::{MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    config::Config,
    frame,
    metrics::Metrics,
    reader::{self, Reader},
    router::router,
    state::ServiceState,
};

/// Name in telemetry and towards Kafka.
pub(crate) const NAME: &str = "realtime-notifications";

const HEARTBEAT: Duration = Duration::from_secs(30);
const LAST: Duration = Duration::from_secs(1);

/// Runs until a signal comes, or until the reader ends.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let signal = shutdown::token()?;
    let intake = CancellationToken::new();
    let background = CancellationToken::new();
    let board = Board::new(&["kafka"]);
    let metrics = Metrics::new(process_metrics::registry(NAME)?).context("failed to register the metrics")?;
    let requests = RequestMetrics::register(&metrics.registry).context("failed to register the request metrics")?;
    let hub = Hub::new();
    metrics.registry.register(Box::new(HubCollector::new(hub.clone(), "sse")?))?;
    let ops = ops::serve(config.ops.port, board.clone(), metrics.registry.clone(), background.clone()).await?;
    let report = report::spawn(&config.report, Component::Notifications, &board, background.clone());
    watch_kafka(&config, &board, &background)?;
    let heartbeat = tokio::spawn(beat(hub.clone()));
    let state = ServiceState { hub: hub.clone(), board: board.clone(), metrics: metrics.clone() };
    let router = router(state, requests, http::cors(&config.cors_origin)?);
    let server = http::serve(config.port, router, intake.clone()).await?;
    let consumer = Arc::new(reader::consumer(&kafka::client_config(&config.kafka, NAME))?);
    let (ready, when_ready) = oneshot::channel();
    let mut reader = tokio::spawn(Reader { consumer, hub: hub.clone(), metrics }.run(ready, background.clone()));

    let lost_reader = tokio::select! {
        () = until(&signal, when_ready, &board) => None,
        ended = &mut reader => Some(ended),
    };
    board.draining();
    intake.cancel();
    hub.drain();
    heartbeat.abort();
    shutdown::drain(config.shutdown.drain(), "connections", server).await;
    background.cancel();
    if lost_reader.is_none() {
        shutdown::drain(LAST, "reader", reader).await;
    }
    shutdown::drain(LAST, "ops server", ops).await;
    if let Some(report) = report {
        shutdown::drain(LAST, "readiness report", report).await;
    }
    info!("ended");
    match lost_reader {
        None => Ok(()),
        Some(Ok(())) => bail!("failed to go on: the reader ended"),
        Some(Err(error)) => Err(error).context("failed to go on: the reader ended"),
    }
}

/// Until the signal; the process counts as started once the reader is ready.
async fn until(signal: &CancellationToken, when_ready: oneshot::Receiver<()>, board: &Board) {
    if signal.run_until_cancelled(when_ready).await.is_some_and(|ready| ready.is_ok()) {
        board.started();
    }
    signal.cancelled().await;
}

fn watch_kafka(config: &Config, board: &Board, token: &CancellationToken) -> anyhow::Result<()> {
    let probe = kafka::Probe::new(&config.kafka, NAME)?;
    let check = move || {
        let probe = probe.clone();
        async move { probe.check().await }
    };
    dependencies::watch(board.clone(), "kafka", check, token.clone());
    Ok(())
}

/// One sweep for all connections.
async fn beat(hub: Arc<Hub>) {
    let mut rounds = interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        hub.heartbeat(|_| frame::heartbeat(Timestamp::now()));
    }
}
