//! A session with Postgres, for one thread that waits for each answer.

use anyhow::{Context, Result};
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};

/// The session. Ends when it is dropped.
pub(super) struct Database {
    runtime: Runtime,
    client: Client,
}

impl Database {
    /// Connects.
    pub(super) fn connect(url: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("failed to start a runtime")?;
        let (client, connection) =
            runtime.block_on(tokio_postgres::connect(url, NoTls)).context("failed to connect to Postgres")?;
        // Its failure is that of the next statement.
        runtime.spawn(connection);
        Ok(Self { runtime, client })
    }

    /// Runs statements without values, in one transaction unless they say otherwise.
    pub(super) fn execute(&mut self, statements: &str) -> Result<()> {
        self.runtime.block_on(self.client.batch_execute(statements)).context("failed to run a statement")
    }

    /// Runs one statement.
    pub(super) fn query(&mut self, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        self.runtime.block_on(self.client.query(statement, values)).context("failed to run a statement")
    }
}
