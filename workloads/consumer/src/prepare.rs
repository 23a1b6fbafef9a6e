//! Brings schema and topics up to date. Safe to run again, and by two at once.

mod migrations;
mod topics;

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use realtime_chassis::shutdown;
use thiserror::Error as ThisError;
use tracing::{info, warn};

use crate::arguments::PrepareArguments;

/// The stack is not prepared.
#[derive(Debug, ThisError)]
pub(crate) enum Error {
    /// No signals.
    #[error("failed to prepare the shutdown")]
    PrepareShutdown {
        /// Why.
        #[source]
        source: shutdown::Error,
    },
    /// Told to end; another prepare finishes the job.
    #[error("failed to finish before the process was told to end")]
    FinishInTime,
    /// The schema is not what the workloads need.
    #[error("failed to prepare the schema")]
    PrepareSchema {
        /// Why.
        #[source]
        source: migrations::Error,
    },
    /// The topics are not what the workloads need.
    #[error("failed to prepare the topics")]
    PrepareTopics {
        /// Why.
        #[source]
        source: topics::Error,
    },
}

impl Error {
    /// Whether the backend is away, so that another attempt may help.
    const fn is_transient(&self) -> bool {
        match self {
            Self::PrepareSchema { source } => source.is_transient(),
            Self::PrepareTopics { source } => source.is_transient(),
            Self::PrepareShutdown { .. } | Self::FinishInTime => false,
        }
    }
}

/// Prepares both at once, and waits for backends that are away until the deadline.
///
/// # Errors
/// [`Error`] when a backend stays away, or refuses, or when the process is told to end.
pub(crate) async fn prepare(arguments: PrepareArguments) -> Result<(), Error> {
    let token = shutdown::token().map_err(|source| Error::PrepareShutdown { source })?;
    token.run_until_cancelled(prepare_all(&arguments)).await.unwrap_or(Err(Error::FinishInTime))
}

async fn prepare_all(arguments: &PrepareArguments) -> Result<(), Error> {
    let deadline = Duration::from_secs(arguments.prepare_seconds.into());
    let schema = patiently(deadline, "schema", || async {
        migrations::migrate(&arguments.postgres).await.map_err(|source| Error::PrepareSchema { source })
    });
    let topics = patiently(deadline, "topics", || async {
        let wanted = &arguments.topics.0;
        let prepared = topics::prepare(&arguments.kafka, wanted, arguments.topic_replication).await;
        prepared.map_err(|source| Error::PrepareTopics { source })
    });
    tokio::try_join!(schema, topics)?;
    info!("schema and topics are prepared");
    Ok(())
}

async fn patiently<F: Future<Output = Result<(), Error>>>(
    deadline: Duration,
    what: &'static str,
    attempt: impl FnMut() -> F,
) -> Result<(), Error> {
    let limits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(3))
        .with_total_delay(Some(deadline))
        .without_max_times();
    let patient = attempt.retry(limits).when(Error::is_transient).notify(|error, delay| {
        let seconds = delay.as_secs_f64();
        warn!(what, error = error as &dyn std::error::Error, seconds, "not prepared yet, trying again");
    });
    patient.await
}
