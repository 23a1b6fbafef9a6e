//! Clients of Postgres: the pool, single sessions, and the check.

mod session;

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, QueueMode, RecyclingMethod, Runtime, TimeoutType};
use realtime_contract::readiness::DependencyState;
use thiserror::Error;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};

use crate::config::PostgresConfig;

pub use session::{Session, session};

/// How long a connection may take, and how long a request waits for a free one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// After this time of rest a connection is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Limits of a statement and of a transaction that does nothing, in milliseconds.
const POOL_OPTIONS: &str = "-c statement_timeout=10000 -c idle_in_transaction_session_timeout=15000";

/// Postgres cannot be used as configured, or not now.
#[derive(Debug, Error)]
pub enum Error {
    /// The address is malformed. Its text is not shown: it may carry a password.
    #[error("failed to read POSTGRES_URL, which looks like postgresql://user@host:5432/database")]
    ReadAddress {
        /// What is wrong with it.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The address asks for an encrypted connection.
    #[error(
        "failed to read POSTGRES_URL: its sslmode must be disable or prefer, connections to Postgres are not encrypted"
    )]
    ReadSslMode,
    /// The pool was refused.
    #[error("failed to build the Postgres pool")]
    BuildPool {
        /// The pool's reason.
        #[source]
        source: deadpool_postgres::BuildError,
    },
    /// No session.
    #[error("failed to connect to Postgres")]
    ConnectPostgres {
        /// The client's or the server's reason.
        #[source]
        source: tokio_postgres::Error,
    },
    /// No answer to the connection attempt.
    #[error("failed to connect to Postgres within 2 s")]
    AwaitConnection,
}

/// A pool that connects when it is first used, so a Postgres that is away does not stop the start.
///
/// # Errors
/// [`Error`] when the address is malformed.
pub fn pool(config: &PostgresConfig, application_name: &str) -> Result<Pool, Error> {
    let mut client = client_config(config, application_name)?;
    client.options(POOL_OPTIONS);
    let manager = Manager::from_config(client, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    let pool = Pool::builder(manager)
        .max_size(config.pool.into())
        // The latest used goes first, so that those that are not needed come to rest and are closed.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(CONNECT_TIMEOUT))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .recycle_timeout(Some(CONNECT_TIMEOUT))
        .build()
        .map_err(|source| Error::BuildPool { source })?;
    tokio::spawn(close_idle_connections(pool.clone()));
    Ok(pool)
}

async fn close_idle_connections(pool: Pool) {
    let mut rounds = tokio::time::interval(IDLE_TIMEOUT / 3);
    while !pool.is_closed() {
        rounds.tick().await;
        pool.retain(|_, metrics| metrics.last_used() < IDLE_TIMEOUT);
    }
}

fn client_config(config: &PostgresConfig, application_name: &str) -> Result<Config, Error> {
    let mut client: Config = config.url.expose().parse().map_err(|source| Error::ReadAddress { source })?;
    if !matches!(client.get_ssl_mode(), SslMode::Disable | SslMode::Prefer) {
        return Err(Error::ReadSslMode);
    }
    if let Some(password) = &config.password {
        client.password(password.expose());
    }
    client
        .application_name(application_name)
        .ssl_mode(SslMode::Disable)
        .connect_timeout(CONNECT_TIMEOUT)
        .keepalives_idle(Duration::from_secs(10))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(10));
    Ok(client)
}

/// Asks Postgres for an answer.
pub async fn check(pool: &Pool) -> DependencyState {
    match pool.get().await {
        Ok(client) => match client.simple_query("SELECT 1").await {
            Ok(_) => DependencyState::Ready,
            Err(error) => state_of(&error),
        },
        Err(PoolError::Timeout(TimeoutType::Wait | TimeoutType::Create | TimeoutType::Recycle)) => {
            DependencyState::TimedOut
        }
        Err(PoolError::Backend(error)) => state_of(&error),
        Err(_) => DependencyState::NotServing,
    }
}

/// What an error of the client says about the server.
fn state_of(error: &tokio_postgres::Error) -> DependencyState {
    error.code().map_or(DependencyState::Unreachable, state_of_code)
}

fn state_of_code(code: &SqlState) -> DependencyState {
    // Class 28 is invalid authorization; 42501 is a missing privilege.
    if code.code().starts_with("28") || *code == SqlState::INSUFFICIENT_PRIVILEGE {
        DependencyState::Denied
    } else {
        DependencyState::NotServing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str, password: Option<&str>) -> PostgresConfig {
        PostgresConfig {
            url: url.to_owned().into(),
            password: password.map(|password| password.to_owned().into()),
            pool: 2,
        }
    }

    /// Those of the services that were replaced.
    #[tokio::test]
    async fn unless_told_otherwise_a_pool_has_20_connections_which_may_take_2_s_and_rest_for_30_s() {
        #[derive(clap::Parser)]
        struct Options {
            #[command(flatten)]
            postgres: PostgresConfig,
        }
        let options: Options = clap::Parser::parse_from(["test", "--postgres-url=postgresql://u@127.0.0.1:9/x"]);
        let built = pool(&options.postgres, "test").unwrap();
        assert_eq!(built.status().max_size, 20);
        let (timeouts, limit) = (built.timeouts(), Some(Duration::from_secs(2)));
        assert_eq!((timeouts.wait, timeouts.create, timeouts.recycle), (limit, limit, limit));
        let client = client_config(&options.postgres, "test").unwrap();
        assert_eq!(client.get_connect_timeout().copied(), limit);
        assert_eq!(IDLE_TIMEOUT, Duration::from_secs(30));
    }

    #[test]
    fn the_password_of_its_own_variable_wins() {
        let client = client_config(&config("postgresql://realtime:old@db:5432/realtime", Some("new")), "test").unwrap();
        assert_eq!(client.get_password(), Some(&b"new"[..]));
        assert_eq!(client.get_user(), Some("realtime"));
    }

    #[test]
    fn a_malformed_address_is_refused_without_showing_it() {
        let error = client_config(&config("postgresql://u:hunter2@db:port/x", None), "test").unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        assert!(error.to_string().contains("POSTGRES_URL"));
        assert!(!format!("{error} {source} {error:?}").contains("hunter2"));
    }

    #[test]
    fn an_address_that_asks_for_encryption_is_refused() {
        let read = |mode: &str| client_config(&config(&format!("postgresql://u@db/x{mode}"), None), "test");
        assert!(matches!(read("?sslmode=require"), Err(Error::ReadSslMode)));
        assert!(matches!(read("?sslmode=verify-full"), Err(Error::ReadAddress { .. })));
        for mode in ["", "?sslmode=disable", "?sslmode=prefer"] {
            assert_eq!(read(mode).unwrap().get_ssl_mode(), SslMode::Disable, "{mode}");
        }
    }

    #[test]
    fn refused_credentials_are_told_from_a_server_that_starts() {
        assert_eq!(state_of_code(&SqlState::INVALID_PASSWORD), DependencyState::Denied);
        assert_eq!(state_of_code(&SqlState::CANNOT_CONNECT_NOW), DependencyState::NotServing);
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let pool = pool(&config(&format!("postgresql://u@127.0.0.1:{port}/x"), None), "test").unwrap();
        assert_eq!(check(&pool).await, DependencyState::Unreachable);
    }
}
