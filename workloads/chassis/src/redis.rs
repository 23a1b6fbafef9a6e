//! Clients of Redis, and the check.

use std::time::Duration;

use realtime_contract::readiness::DependencyState;
use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisError};
use thiserror::Error;

use crate::config::RedisConfig;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a command may take.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Redis cannot be used as configured, or not now.
#[derive(Debug, Error)]
pub enum Error {
    /// The address is malformed. Its text is not shown: it may carry a password.
    #[error("failed to read REDIS_URL, which looks like redis://host:6379")]
    ReadAddress {
        /// What is wrong with it.
        #[source]
        source: RedisError,
    },
    /// The client was refused.
    #[error("failed to build the Redis client")]
    BuildClient {
        /// The client's reason.
        #[source]
        source: RedisError,
    },
    /// No connection.
    #[error("failed to connect to Redis")]
    ConnectRedis {
        /// The client's or the server's reason.
        #[source]
        source: RedisError,
    },
}

/// A client for connections of one's own.
///
/// # Errors
/// [`Error`] when the address is malformed.
pub fn client(config: &RedisConfig) -> Result<Client, Error> {
    Client::open(connection_info(config)?).map_err(|source| Error::BuildClient { source })
}

fn connection_info(config: &RedisConfig) -> Result<ConnectionInfo, Error> {
    let info = match (&config.url, &config.host) {
        (Some(url), _) => url.expose().into_connection_info(),
        (None, host) => ConnectionAddr::Tcp(host.clone().unwrap_or_default(), config.port).into_connection_info(),
    };
    let info = info.map_err(|source| Error::ReadAddress { source })?;
    let settings = info.redis_settings().clone();
    Ok(match &config.password {
        Some(password) => info.set_redis_settings(settings.set_password(password.expose())),
        None => info,
    })
}

/// A shared connection that opens when it is first used and opens again after a loss. While Redis is away, a command fails within
/// 1 s or so; so the caller decides whether to go on without.
///
/// # Errors
/// [`Error`] when the address is malformed.
pub fn manager(config: &RedisConfig) -> Result<ConnectionManager, Error> {
    let settings = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_number_of_retries(0);
    ConnectionManager::new_lazy_with_config(client(config)?, settings).map_err(|source| Error::BuildClient { source })
}

/// A connection for commands that block on the server (`XREAD BLOCK`): no limit on the answer's time, so give it one from outside.
///
/// # Errors
/// [`Error`] when Redis does not take the connection.
pub async fn blocking_connection(config: &RedisConfig) -> Result<MultiplexedConnection, Error> {
    let settings =
        AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(None);
    let connecting = client(config)?;
    let connected = connecting.get_multiplexed_async_connection_with_config(&settings).await;
    connected.map_err(|source| Error::ConnectRedis { source })
}

/// Asks Redis for an answer.
pub async fn check(manager: &ConnectionManager) -> DependencyState {
    let mut manager = manager.clone();
    let answer: Result<(), RedisError> = redis::cmd("PING").query_async(&mut manager).await;
    answer.map_or_else(|error| state_of(&error), |()| DependencyState::Ready)
}

/// What an error of the client says about the server.
fn state_of(error: &RedisError) -> DependencyState {
    let refused = matches!(error.kind(), ErrorKind::AuthenticationFailed);
    match error.code() {
        Some("NOAUTH" | "WRONGPASS" | "NOPERM") => DependencyState::Denied,
        _ if refused => DependencyState::Denied,
        Some(_) => DependencyState::NotServing,
        None if error.is_timeout() => DependencyState::TimedOut,
        None => DependencyState::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: Option<&str>, host: Option<&str>, password: Option<&str>) -> RedisConfig {
        RedisConfig {
            url: url.map(|url| url.to_owned().into()),
            host: host.map(Into::into),
            port: 6380,
            password: password.map(|password| password.to_owned().into()),
        }
    }

    #[test]
    fn the_password_of_its_own_variable_wins_and_the_user_stays() {
        let info = connection_info(&config(Some("redis://realtime@cache:6379"), None, Some("new"))).unwrap();
        assert_eq!(info.redis_settings().username(), Some("realtime"));
        assert_eq!(info.redis_settings().password(), Some("new"));
    }

    #[test]
    fn host_and_port_do_without_an_address() {
        let info = connection_info(&config(None, Some("cache"), None)).unwrap();
        assert_eq!(info.addr().to_string(), "cache:6380");
    }

    #[test]
    fn a_malformed_address_is_refused_without_showing_it() {
        let error = connection_info(&config(Some("http://u:hunter2@cache"), None, None)).unwrap_err();
        assert!(error.to_string().contains("REDIS_URL"));
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable_and_stops_nothing() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let manager = manager(&config(Some(&format!("redis://127.0.0.1:{port}")), None, None)).unwrap();
        assert_eq!(check(&manager).await, DependencyState::Unreachable);
    }
}
