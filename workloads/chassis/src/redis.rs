//! Clients of Redis, and the check.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use realtime_contract::readiness::DependencyState;
use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, Pipeline,
    RedisError, RedisFuture, RedisResult, Value,
};
use thiserror::Error;
use tracing::warn;

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

/// A connection that its clones share. It opens when it is first used and opens again after a loss. While Redis is away, a command fails
/// within 1 s or so; so the caller decides whether to go on without.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    manager: Arc<Mutex<ConnectionManager>>,
}

impl Connection {
    /// A connection that is not open yet.
    ///
    /// # Errors
    /// [`Error`] when the address is malformed.
    pub fn new(config: &RedisConfig) -> Result<Self, Error> {
        let client = client(config)?;
        let manager = manager(client.clone()).map_err(|source| Error::BuildClient { source })?;
        Ok(Self { client, manager: Arc::new(Mutex::new(manager)) })
    }

    fn manager(&self) -> ConnectionManager {
        self.manager.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins anew. The manager opens its connection again after errors of the network only: a server that refused the login once is never
    /// asked again.
    fn renew(&self) {
        match manager(self.client.clone()) {
            Ok(renewed) => *self.manager.lock().unwrap_or_else(PoisonError::into_inner) = renewed,
            Err(error) => warn!(error = &error as &dyn std::error::Error, "redis connection cannot be made anew"),
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let mut manager = self.manager();
        Box::pin(async move { manager.req_packed_command(cmd).await })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let mut manager = self.manager();
        Box::pin(async move { manager.req_packed_commands(pipeline, offset, count).await })
    }

    fn get_db(&self) -> i64 {
        self.manager().get_db()
    }
}

fn manager(client: Client) -> RedisResult<ConnectionManager> {
    let settings = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_number_of_retries(0);
    ConnectionManager::new_lazy_with_config(client, settings)
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

/// Asks Redis for an answer. A connection that was refused is begun anew here, not by each command, so that a server that refuses is not
/// asked to let this process in more often than it is checked.
pub async fn check(connection: &Connection) -> DependencyState {
    let mut asked = connection.clone();
    let answer: Result<(), RedisError> = redis::cmd("PING").query_async(&mut asked).await;
    let Err(error) = answer else { return DependencyState::Ready };
    if !error.is_io_error() {
        connection.renew();
    }
    state_of(&error)
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
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpStream};

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
        let connection = Connection::new(&config(Some(&format!("redis://127.0.0.1:{port}")), None, None)).unwrap();
        assert_eq!(check(&connection).await, DependencyState::Unreachable);
    }

    /// Serves the clients that come: the first of them cannot log in, the others can.
    async fn refuse_once(listener: TcpListener) {
        let mut login = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(answer(client, std::mem::replace(&mut login, "+OK\r\n")));
        }
    }

    async fn answer(mut client: TcpStream, login: &'static str) {
        let (reader, mut writer) = client.split();
        let mut lines = BufReader::new(reader).lines();
        // Commands are arrays of texts, each behind a line with its length; only their names count here.
        while let Ok(Some(line)) = lines.next_line().await {
            let reply = match line.as_str() {
                "AUTH" => login,
                "PING" => "+PONG\r\n",
                "CLIENT" => "+OK\r\n",
                _ => "",
            };
            if writer.write_all(reply.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    #[tokio::test]
    async fn a_login_that_was_refused_is_tried_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("redis://{}", listener.local_addr().unwrap());
        tokio::spawn(refuse_once(listener));
        let connection = Connection::new(&config(Some(&address), None, Some("secret"))).unwrap();
        let shared = connection.clone();
        assert_eq!(check(&connection).await, DependencyState::Denied);
        assert_eq!(check(&connection).await, DependencyState::Ready);
        assert_eq!(check(&shared).await, DependencyState::Ready);
    }
}
