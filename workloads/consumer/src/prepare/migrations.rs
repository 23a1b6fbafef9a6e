//! The schema.

use realtime_chassis::config::PostgresConfig;
use realtime_chassis::postgres::{self, session};
use thiserror::Error as ThisError;
use tracing::info;

/// Key of the advisory lock under which migrations run: "schema" in ASCII.
const LOCK: i64 = 0x73_63_68_65_6d_61;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The schema is not up to date.
#[derive(Debug, ThisError)]
pub(crate) enum Error {
    /// No session.
    #[error("failed to open a session for the migrations")]
    OpenSession {
        /// The reason.
        #[source]
        source: postgres::Error,
    },
    /// No lock.
    #[error("failed to lock the schema")]
    LockSchema {
        /// The client's or the server's reason.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A migration failed; it left nothing behind.
    #[error("failed to migrate the schema")]
    MigrateSchema {
        /// Which one, and why.
        #[source]
        source: Box<refinery::Error>,
    },
}

impl Error {
    /// Whether Postgres is away or still starting.
    pub(super) const fn is_transient(&self) -> bool {
        // A migration that is cut off is undone, but a wrong one stays wrong: the next prepare decides.
        !matches!(self, Self::MigrateSchema { .. } | Self::OpenSession { source: postgres::Error::ReadAddress { .. } })
    }
}

/// Runs the migrations that Postgres has not seen. One that it has seen and this binary has not is a newer binary's, and stays.
pub(super) async fn migrate(config: &PostgresConfig) -> Result<(), Error> {
    let opened = session(config, "realtime-consumer-prepare").await;
    let mut session = opened.map_err(|source| Error::OpenSession { source })?;
    let lock = session.client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await;
    lock.map_err(|source| Error::LockSchema { source })?;
    let runner = embedded::migrations::runner().set_abort_missing(false);
    let report = runner.run_async(&mut session.client).await;
    let report = report.map_err(|source| Error::MigrateSchema { source: Box::new(source) })?;
    for migration in report.applied_migrations() {
        info!(%migration, "migration applied");
    }
    Ok(())
}
