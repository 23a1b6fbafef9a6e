//! Consuming, from the start of the process to its end.

use std::time::Duration;

use realtime_chassis::dependencies::{Board, watch};
use realtime_chassis::{kafka, metrics, ops, postgres, redis, report, shutdown};
use realtime_contract::Component;
use realtime_contract::readiness::DependencyState;
use thiserror::Error as ThisError;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::SERVICE_NAME;
use crate::arguments::RunArguments;
use crate::feeder::Feeder;
use crate::intake::{self, Intake, Stopped};
use crate::measures::Measures;
use crate::store::Store;

/// The consumer cannot start.
#[derive(Debug, ThisError)]
pub(crate) enum Error {
    /// No signals.
    #[error("failed to prepare the shutdown")]
    PrepareShutdown {
        /// Why.
        #[source]
        source: shutdown::Error,
    },
    /// No registry.
    #[error("failed to build the metrics registry")]
    BuildRegistry {
        /// Why.
        #[source]
        source: metrics::Error,
    },
    /// A metric was refused.
    #[error("failed to register the consumer's metrics")]
    RegisterMetrics {
        /// Why.
        #[source]
        source: prometheus::Error,
    },
    /// No ops server.
    #[error("failed to start the ops server")]
    ServeOps {
        /// Why.
        #[source]
        source: ops::Error,
    },
    /// No pool.
    #[error("failed to set Postgres up")]
    SetUpPostgres {
        /// Why.
        #[source]
        source: postgres::Error,
    },
    /// No client of Redis.
    #[error("failed to set Redis up")]
    SetUpRedis {
        /// Why.
        #[source]
        source: redis::Error,
    },
    /// No client of Kafka.
    #[error("failed to set Kafka up")]
    SetUpKafka {
        /// Why.
        #[source]
        source: kafka::Error,
    },
    /// The work broke down.
    #[error("failed to go on consuming")]
    KeepWorking {
        /// The panic.
        #[source]
        source: tokio::task::JoinError,
    },
    /// No intake.
    #[error("failed to start the intake")]
    StartIntake {
        /// Why.
        #[source]
        source: intake::Error,
    },
}

/// Consumes until SIGTERM.
///
/// # Errors
/// [`Error`] when it cannot start; a backend that is away is none.
pub(crate) async fn run(arguments: RunArguments) -> Result<(), Error> {
    let token = shutdown::token().map_err(|source| Error::PrepareShutdown { source })?;
    let registry = metrics::registry(SERVICE_NAME).map_err(|source| Error::BuildRegistry { source })?;
    let measures = Measures::new(&registry).map_err(|source| Error::RegisterMetrics { source })?;
    let board = Board::new(&["postgres", "kafka", "redis"]);
    // The ops server outlives the work, so that the end can be watched.
    let ended = CancellationToken::new();
    let ops = ops::serve(arguments.ops.port, board.clone(), registry, ended.clone()).await;
    let ops = ops.map_err(|source| Error::ServeOps { source })?;

    let pool = postgres::pool(&arguments.postgres, SERVICE_NAME).map_err(|source| Error::SetUpPostgres { source })?;
    let cache = redis::Connection::new(&arguments.redis).map_err(|source| Error::SetUpRedis { source })?;
    let probe = kafka::Probe::new(&arguments.kafka, SERVICE_NAME).map_err(|source| Error::SetUpKafka { source })?;
    let stopped = Stopped::default();
    watch_all(&board, &token, pool.clone(), cache.clone(), probe, stopped.clone());
    report::spawn(&arguments.report, Component::Consumer, &board, token.clone());

    let store = Store::new(pool);
    let intake = Intake::start(&arguments.kafka, store, measures.clone(), stopped, token.clone());
    let intake = intake.map_err(|source| Error::StartIntake { source })?;
    let retention = Duration::from_secs(u64::from(arguments.feed_retention_hours) * 3600);
    let feeder = Feeder::new(arguments.postgres, cache, retention, measures).run(token.clone());
    let work = tokio::spawn(async { tokio::join!(intake.run(), feeder) });
    board.started();
    info!("started");

    let outcome = until_ended(work, &board, &token, arguments.shutdown.drain()).await;
    ended.cancel();
    drop(ops.await);
    info!("ended");
    outcome
}

/// Waits for the signal, then for the work to come to its end within the deadline. Work that ends by itself has broken down: the process
/// ends, too, and is started anew.
async fn until_ended(
    mut work: JoinHandle<((), ())>,
    board: &Board,
    token: &CancellationToken,
    deadline: Duration,
) -> Result<(), Error> {
    let broken = tokio::select! {
        () = token.cancelled() => None,
        ended = &mut work => ended.err(),
    };
    board.draining();
    token.cancel();
    match broken {
        Some(source) => Err(Error::KeepWorking { source }),
        None => {
            shutdown::drain(deadline, "intake and feeder", work).await;
            Ok(())
        }
    }
}

fn watch_all(
    board: &Board,
    token: &CancellationToken,
    pool: deadpool_postgres::Pool,
    cache: redis::Connection,
    probe: kafka::Probe,
    stopped: Stopped,
) {
    let check_postgres = move || {
        let pool = pool.clone();
        async move { postgres::check(&pool).await }
    };
    let check_redis = move || {
        let cache = cache.clone();
        async move { redis::check(&cache).await }
    };
    let check_kafka = move || {
        let (probe, stopped) = (probe.clone(), stopped.clone());
        async move {
            let state = probe.check().await;
            // A partition whose offsets do not fit the log waits for a person, and the status has to say so.
            if state.is_ready() && stopped.any() { DependencyState::NotServing } else { state }
        }
    };
    watch(board.clone(), "postgres", check_postgres, token.clone());
    watch(board.clone(), "kafka", check_kafka, token.clone());
    watch(board.clone(), "redis", check_redis, token.clone());
}
