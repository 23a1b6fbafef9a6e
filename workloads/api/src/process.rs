//! The process: what is started, in which order it ends.

mod tasks;

use std::time::Duration;

use anyhow::Context;
use axum::Router;
use deadpool_postgres::Pool;
use prometheus::Registry;
use realtime_access::{Gate, limits::Limiter};
use realtime_chassis::{
    config::StreamConfig,
    dependencies::{self, Board},
    http::{self, RequestMetrics},
    kafka, metrics as process_metrics, postgres, redis, shutdown,
};
use realtime_contract::Component;
use realtime_fanout::{
    Settings,
    metrics::EngineCollector,
    serve::{self, serve},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use self::tasks::{BACKGROUND, Lost, Steps, Tasks};
use crate::{
    cache::Cache,
    config::{Config, SocketConfig},
    console::Console,
    metrics::Metrics,
    overview::Overview,
    router::router,
    routes::stream,
    socketio::{self, Sockets},
    state::ApiState,
    store::Store,
};

/// Name in telemetry and towards the backends.
pub(crate) const NAME: &str = "realtime-api";

/// Between two signs of life of a stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Runs until a signal comes, or until the feed cannot be followed or the outbox not relayed any longer.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let signal = shutdown::token()?;
    let steps = Steps::default();
    let pool = postgres::pool(&config.postgres, NAME)?;
    let redis = redis::Connection::new(&config.redis)?;
    let board = Board::new(&["postgres", "kafka", "redis"]);
    watch_dependencies(&config, &board, &pool, &redis, &steps.ops)?;
    let metrics = Metrics::new(process_metrics::registry(NAME)?).context("failed to register the metrics")?;
    let requests = RequestMetrics::register(&metrics.registry).context("failed to register the request metrics")?;
    let cache = Cache::new(redis.clone(), metrics.clone());
    let store = Store::new(pool.clone());
    let (mut state, publisher) =
        ApiState::new(store, cache, board.clone(), metrics.clone(), settings(&config.stream, &config.sockets))?;
    let key = config.stream.key_or_own("sessions of Socket.IO clients, and tickets,");
    state.gate = Gate::start(&config.access, key.expose().as_bytes(), steps.background.clone())?;
    state.gate.register(&metrics.registry).context("failed to register the metrics of access")?;
    let limits = config.limits.at(state.gate.asks(), true)?;
    state.limiter = Limiter::new(limits, Component::Api, Some(redis.clone()), &metrics.registry)
        .context("failed to register the metrics of limits")?;
    state.trusted_proxies = config.stream.trusted_proxies.as_slice().into();
    state.console = config.console.as_deref().map(Console::new).transpose()?;
    state.overview = Overview::new(&state.engine, &metrics, &redis, &config.report);
    let endpoint = socketio::settings(&config.sockets);
    let key = key.expose().as_bytes();
    let (sockets, writers) = Sockets::start(&config.sockets, endpoint, &state, &redis, key, &steps.background)?;
    register_connections(&metrics.registry, &state, &sockets).context("failed to register the connections")?;

    let mut tasks = Tasks::start(&config, &state, publisher, pool, writers, &steps).await?;
    let router = router(state.clone(), requests, &sockets, http::cors(&config.cors_origin)?);
    let server = start_server(&config, router, &state, &steps.intake).await?;
    board.started();
    let lost = tokio::select! {
        () = signal.cancelled() => None,
        ended = &mut tasks.tail => Some(Lost::Tail(ended)),
        ended = &mut tasks.relay => Some(Lost::Relay(ended)),
    };
    if lost.is_some() {
        error!(task = ?lost, "a task ended that the process cannot do without, ending");
    }
    board.draining();
    let drain = config.shutdown.drain().saturating_sub(BACKGROUND);
    // The other half is for clients that are slow to take their end.
    let window = drain / 2;
    state.engine.drain(window);
    // Clients that poll come by new connections until it is their turn to go, and nobody else is sent here any more.
    let emptied = tokio::time::timeout(window, state.engine.ended()).await.is_ok();
    steps.intake.cancel();
    info!(emptied, "no more connections are accepted");
    shutdown::drain(drain - window, "connections", server).await;
    tasks.end(&steps, lost.as_ref()).await;
    info!("ended");
    lost.map_or(Ok(()), Lost::into_result)
}

fn register_connections(registry: &Registry, state: &ApiState, sockets: &Sockets) -> Result<(), prometheus::Error> {
    registry.register(Box::new(EngineCollector::new(state.engine.clone())?))?;
    registry.register(Box::new(sockets.open_connections()?))?;
    registry.register(Box::new(sockets.collector()?))
}

fn settings(config: &StreamConfig, sockets: &SocketConfig) -> Settings {
    let usual = Settings::default();
    let queue_bytes = usual.queue_bytes.max(sockets.queue_bytes());
    Settings {
        queue_bytes,
        // Each shard has its part of it, in which one client's queue has to fit.
        budget_bytes: usual.budget_bytes.max(queue_bytes.saturating_mul(usual.shards)),
        ring_events: config.ring_events as usize,
        ring_bytes: config.ring_bytes as usize,
        heartbeat: HEARTBEAT,
        age: config.age(),
        ..usual
    }
}

async fn start_server(
    config: &Config,
    router: Router,
    state: &ApiState,
    token: &CancellationToken,
) -> anyhow::Result<JoinHandle<()>> {
    let port = config.port();
    let listener = http::bind(port).map_err(|source| http::Error::BindPort { port, source })?;
    let settings = serve::Settings {
        per_address: config.stream.connections_per_address.map(|limit| limit as usize),
        trusted: config.stream.trusted_proxies.clone(),
        upgrade_paths: socketio::paths(),
        tune: http::tune,
        ..serve::Settings::new(vec![stream::PATH.to_owned()], config.stream.connections())
    };
    info!(port, connections = settings.connections, "server listens");
    Ok(serve(listener, router, state.engine.clone(), settings, token.clone()).await)
}

fn watch_dependencies(
    config: &Config,
    board: &Board,
    pool: &Pool,
    redis: &redis::Connection,
    token: &CancellationToken,
) -> anyhow::Result<()> {
    let pool = pool.clone();
    let check = move || {
        let pool = pool.clone();
        async move { postgres::check(&pool).await }
    };
    dependencies::watch(board.clone(), "postgres", check, token.clone());
    let redis = redis.clone();
    let check = move || {
        let redis = redis.clone();
        async move { redis::check(&redis).await }
    };
    dependencies::watch(board.clone(), "redis", check, token.clone());
    let probe = kafka::Probe::new(&config.kafka, NAME)?;
    let check = move || {
        let probe = probe.clone();
        async move { probe.check().await }
    };
    dependencies::watch(board.clone(), "kafka", check, token.clone());
    Ok(())
}
