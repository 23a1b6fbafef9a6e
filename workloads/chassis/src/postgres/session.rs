//! A connection of its own: for LISTEN, for locks that last as long as the session, for statements without a limit of time.

use futures::stream::{StreamExt, poll_fn};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, Notification, Socket, tls::NoTlsStream};
use tracing::debug;

use super::{CONNECT_TIMEOUT, Error, client_config};
use crate::config::PostgresConfig;

/// One connection. It ends when the client is dropped or the server goes away; the notifications end then, too.
pub struct Session {
    /// For statements.
    pub client: Client,
    /// What arrives on channels that the client listens to.
    pub notifications: mpsc::UnboundedReceiver<Notification>,
}

/// Opens a session.
///
/// # Errors
/// [`Error`] when the address is malformed or Postgres does not take the connection.
pub async fn session(config: &PostgresConfig, application_name: &str) -> Result<Session, Error> {
    let client_config = client_config(config, application_name)?;
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, client_config.connect(NoTls)).await;
    let connected = connecting.map_err(|_| Error::AwaitConnection)?;
    let (client, connection) = connected.map_err(|source| Error::ConnectPostgres { source })?;
    let (sender, notifications) = mpsc::unbounded_channel();
    tokio::spawn(drive(connection, sender));
    Ok(Session { client, notifications })
}

async fn drive(mut connection: Connection<Socket, NoTlsStream>, sender: mpsc::UnboundedSender<Notification>) {
    let mut messages = poll_fn(move |context| connection.poll_message(context));
    while let Some(message) = messages.next().await {
        match message {
            // A session that nobody listens on still has to be driven, so a closed channel is no end.
            Ok(AsyncMessage::Notification(notification)) => drop(sender.send(notification)),
            Ok(_) => {}
            Err(error) => {
                debug!(error = &error as &dyn std::error::Error, "postgres session ended");
                break;
            }
        }
    }
}
