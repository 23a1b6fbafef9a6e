//! The process: what is started, in which order it ends.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use jiff::Timestamp;
use prometheus::Registry;
use realtime_access::{Gate, limits::Limiter};
use realtime_chassis::{
    config::StreamConfig,
    dependencies::{self, Board},
    figures,
    http::{self, RequestMetrics},
    kafka, metrics as process_metrics, ops,
    redis::Connection,
    report, shutdown,
};
use realtime_contract::{Component, figures::Figures};
use realtime_fanout::{Engine, Publisher, metrics::EngineCollector, serve};
use tokio::{sync::oneshot, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    check::Checker,
    config::Config,
    course::{self, Course},
    cursor::Codec,
    follower::Follower,
    frame,
    lanes::Lanes,
    measures::Measures,
    replay::{Limits, Parts, Replays},
    router::{self, router},
    state::ServiceState,
};

/// Name in telemetry and towards Kafka.
pub(crate) const NAME: &str = "realtime-notifications";

const LAST: Duration = Duration::from_secs(1);

/// Runs until a signal comes, or until the follower ends.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let signal = shutdown::token()?;
    let (intake, background) = (CancellationToken::new(), CancellationToken::new());
    let board = Board::new(&["kafka"]);
    let registry = process_metrics::registry(NAME)?;
    let requests = RequestMetrics::register(&registry).context("failed to register the request metrics")?;
    let peers = peers(&config)?;
    let (state, follower, publisher) = assemble(&config, &board, &registry, peers.clone(), &background)?;
    let engine = state.engine.clone();
    let figures = peers.map(|peers| tell_figures(&config, engine.clone(), peers, background.clone()));
    let ops = ops::serve(config.ops.port, board.clone(), registry, background.clone()).await?;
    let report = report::spawn(&config.report, Component::Notifications, &board, background.clone());
    watch_kafka(&config, &board, &background)?;
    let (ready, when_ready) = oneshot::channel();
    let mut follower = tokio::spawn(follower.run(publisher, ready, background.clone()));
    let server = listen(&config, router(state, requests, http::cors(&config.cors_origin)?), &engine, &intake).await?;

    let lost_follower = tokio::select! {
        () = until(&signal, when_ready, &board, &engine) => None,
        ended = &mut follower => Some(ended),
    };
    board.draining();
    intake.cancel();
    engine.drain(config.shutdown.drain() / 2);
    shutdown::drain(config.shutdown.drain(), "connections", server).await;
    background.cancel();
    if lost_follower.is_none() {
        shutdown::drain(LAST, "follower", follower).await;
    }
    if let Some(figures) = figures {
        shutdown::drain(LAST, "figures", figures).await;
    }
    shutdown::drain(LAST, "ops server", ops).await;
    if let Some(report) = report {
        shutdown::drain(LAST, "readiness report", report).await;
    }
    info!("ended");
    match lost_follower {
        None => Ok(()),
        Some(Ok(())) => bail!("failed to go on: the follower ended"),
        Some(Err(error)) => Err(error).context("failed to go on: the follower ended"),
    }
}

/// What handlers share, the one who reads, and where its events go.
fn assemble(
    config: &Config,
    board: &Board,
    registry: &Registry,
    peers: Option<Connection>,
    background: &CancellationToken,
) -> anyhow::Result<(ServiceState, Follower, Publisher)> {
    let key = config.stream.key_or_own("cursors and tickets of clients");
    let gate = Gate::start(&config.access, key.expose().as_bytes(), background.clone())?;
    gate.register(registry).context("failed to register the metrics of access")?;
    let limiter = Limiter::new(config.limits.at(gate.asks(), false)?, Component::Notifications, peers, registry)
        .context("failed to register the metric of limits")?;
    let measures = Measures::new(registry).context("failed to register the metrics")?;
    let checker = Arc::new(config.events.schemas.as_deref().map_or_else(|| Ok(Checker::default()), Checker::read)?);
    let lanes = Arc::new(Lanes::new(config.events.topics.iter().map(String::as_str)));
    let codec = Arc::new(Codec::new(lanes.clone(), key.expose().as_bytes()));
    let (engine, publisher) = Engine::start(settings(&config.stream), codec.clone(), heartbeat)?;
    registry.register(Box::new(EngineCollector::new(engine.clone())?))?;
    let client = kafka::client_config(&config.kafka, NAME);
    let course = Course::new(lanes.clone(), checker.clone(), read_back(config), measures.clone());
    let follower = Follower::new(&client, course, &measures)?;
    let replays = Replays::new(Parts {
        config: client,
        lanes,
        checker,
        codec: codec.clone(),
        memory: Arc::new(engine.clone()),
        window: config.events.window.into(),
        limits: Limits::default(),
        measures: measures.clone(),
    });
    let state = ServiceState {
        engine,
        gate,
        limiter,
        codec,
        replays,
        board: board.clone(),
        registry: registry.clone(),
        measures,
        window: config.events.window,
    };
    Ok((state, follower, publisher))
}

/// Where instances meet, if there is a Redis. It opens when it is first used, and nothing waits for it.
fn peers(config: &Config) -> anyhow::Result<Option<Connection>> {
    config.peers.redis().map(|redis| Connection::new(&redis)).transpose().context("failed to set up the peers' Redis")
}

fn tell_figures(config: &Config, engine: Engine, peers: Connection, token: CancellationToken) -> JoinHandle<()> {
    let (instance, began) = (figures::instance_name(&config.report), Instant::now());
    let read = move || {
        let counts = realtime_fanout::figures::counts(&engine.statistics());
        Figures::new(&instance, Component::Notifications, began.elapsed(), counts)
    };
    figures::spawn(peers, read, token)
}

/// Until the signal; streams are served, and the process counts as started, once everything was read that was there at its start.
async fn until(signal: &CancellationToken, when_ready: oneshot::Receiver<()>, board: &Board, engine: &Engine) {
    if signal.run_until_cancelled(when_ready).await.is_some_and(|ready| ready.is_ok()) {
        engine.open();
        board.started();
    }
    signal.cancelled().await;
}

async fn listen(
    config: &Config,
    router: axum::Router,
    engine: &Engine,
    token: &CancellationToken,
) -> anyhow::Result<JoinHandle<()>> {
    let listener =
        http::bind(config.port).with_context(|| format!("failed to bind the server to port {}", config.port))?;
    let settings = serve::Settings {
        per_address: config.stream.connections_per_address.map(|limit| limit as usize),
        trusted: config.stream.trusted_proxies.clone(),
        tune: http::tune,
        ..serve::Settings::new(vec![router::STREAM.to_owned()], config.stream.connections())
    };
    info!(port = config.port, streams = settings.connections, "server listens");
    Ok(serve::serve(listener, router, engine.clone(), settings, token.clone()).await)
}

fn settings(config: &StreamConfig) -> realtime_fanout::Settings {
    realtime_fanout::Settings {
        ring_events: config.ring_events as usize,
        ring_bytes: config.ring_bytes as usize,
        age: config.age(),
        ..realtime_fanout::Settings::default()
    }
}

fn read_back(config: &Config) -> course::Settings {
    course::Settings { window: config.events.window.into(), ring: config.stream.ring_events.into() }
}

fn heartbeat() -> String {
    frame::heartbeat(Timestamp::now())
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser as _;

    use super::*;

    #[test]
    fn a_sign_of_life_comes_every_30_s_as_from_the_service_that_is_replaced() {
        let config = Config::parse_from(["realtime-notifications"]);
        assert_eq!(settings(&config.stream).heartbeat, Duration::from_secs(30));
    }
}
