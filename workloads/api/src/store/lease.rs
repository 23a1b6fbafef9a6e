//! A connection of the pool, for one request.
//!
//! Who gives up on an answer leaves a statement behind that still runs, or waits on the server for a lock. Whoever was given the connection next
//! would wait behind it, so such a connection goes back to the pool only when the server has ended the statement.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{Object, Pool};
use tokio::{
    runtime::Handle,
    time::{Instant, error::Elapsed, timeout, timeout_at},
};
use tokio_postgres::{NoTls, Row, Statement, types::ToSql};
use tracing::debug;

use super::{Error, REQUEST_LIMIT};

/// Within which the server hears that nobody waits for an answer any more.
const CANCEL_LIMIT: Duration = Duration::from_secs(2);

/// The connection, and until when all work of the request has to be done.
pub(super) struct Lease {
    client: Arc<Object>,
    deadline: Instant,
    is_at_rest: bool,
}

/// What the server answered, unless it did not in time.
type Answer<T> = Result<Result<T, tokio_postgres::Error>, Elapsed>;

impl Lease {
    pub(super) async fn of(pool: &Pool) -> Result<Self, Error> {
        let deadline = Instant::now() + REQUEST_LIMIT;
        let client = timeout_at(deadline, pool.get()).await.map_err(|_| Error::AwaitPostgres)?;
        let client = Arc::new(client.map_err(Error::ConnectPostgres)?);
        Ok(Self { client, deadline, is_at_rest: true })
    }

    pub(super) async fn prepare(&mut self, text: &str) -> Answer<Statement> {
        awaited(self.deadline, &mut self.is_at_rest, self.client.prepare_cached(text)).await
    }

    pub(super) async fn query(&mut self, statement: &Statement, values: &[&(dyn ToSql + Sync)]) -> Answer<Vec<Row>> {
        awaited(self.deadline, &mut self.is_at_rest, self.client.query(statement, values)).await
    }

    /// Runs statements without values. A transaction that they leave open is undone when the request is given up, else by who opened it.
    pub(super) async fn run(&mut self, text: &str) -> Answer<()> {
        awaited(self.deadline, &mut self.is_at_rest, self.client.batch_execute(text)).await
    }
}

/// What is not awaited to its end leaves `is_at_rest` false, also when the request itself is given up.
async fn awaited<T>(
    deadline: Instant,
    is_at_rest: &mut bool,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Answer<T> {
    *is_at_rest = false;
    let answer = timeout_at(deadline, work).await?;
    *is_at_rest = true;
    Ok(answer)
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_at_rest {
            return;
        }
        let client = Arc::clone(&self.client);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(bring_to_rest(client));
        }
    }
}

/// Ends what runs on the connection, and keeps it until that is so. A server that does not hear of it ends the statement by its own limit, and a
/// connection that is dead is noticed by the pool.
async fn bring_to_rest(client: Arc<Object>) {
    let told = timeout(CANCEL_LIMIT, client.cancel_token().cancel_query(NoTls)).await;
    // Outside a transaction it does nothing; it is answered behind everything else.
    let outcome = client.batch_execute("ROLLBACK").await;
    debug!(told = told.is_ok_and(|told| told.is_ok()), at_rest = outcome.is_ok(), "a statement was given up");
}
