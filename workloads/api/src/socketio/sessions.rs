//! Sessions of the namespace `/` in Redis, so that a client that was cut off finds its session at every instance.
//!
//! What changes goes through one task, which writes it in pipelines. A session that changes again before it was written is written once. While
//! Redis is away, changes wait and mere renewals are left out. A renewal prolongs what is right and nothing else, so that a session whose change
//! was lost is soon found no longer.

mod waiting;
mod writer;

use std::time::Duration;

use realtime_chassis::redis::Connection;
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use self::{waiting::Change, writer::Writer};
use super::{channels::Channels, private_id::PrivateId};
use crate::metrics::Metrics;

/// How long Redis may take to find a session, while its client waits.
const LIMIT: Duration = Duration::from_millis(500);
/// How long a session is kept after its last renewal. Renewals come with pings, about every 50 s, 135 s apart at most and 170 s where pings
/// are set to be as rare as they may be: so at least 2 minutes remain after a crash.
const LIFE: Duration = Duration::from_secs(300);
/// Changes that may wait for the task, half of it for renewals.
const QUEUE: usize = 16 * 1024;

/// What is kept of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The socket's id, which the client gets back.
    pub(crate) id: Box<str>,
    /// What it hears.
    pub(crate) channels: Channels,
    /// Whose it is: nobody else gets it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<Box<str>>,
}

/// What Redis says about a session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is kept.
    Record(Record),
    /// It is kept no longer, or Redis has lost it.
    Nothing,
    /// Redis does not answer in time.
    Away,
}

/// The sessions. Clones are the same ones.
#[derive(Clone)]
pub(crate) struct Sessions {
    connection: Connection,
    metrics: Metrics,
    changes: mpsc::Sender<Change>,
}

impl Sessions {
    /// The sessions, and the task that writes them until the token is cancelled; then it writes what it still has, if Redis takes it.
    pub(crate) fn start(connection: Connection, metrics: Metrics, token: CancellationToken) -> (Self, JoinHandle<()>) {
        let (changes, queue) = mpsc::channel(QUEUE);
        let writer = Writer::new(connection.clone(), metrics.clone());
        let task = tokio::spawn(writer.run(queue, token));
        (Self { connection, metrics, changes }, task)
    }

    /// Asks for a session.
    pub(crate) async fn find(&self, id: &PrivateId) -> Found {
        let mut connection = self.connection.clone();
        let answer = timeout(LIMIT, connection.get::<_, Option<String>>(key(id.name()))).await;
        self.metrics.redis_operation("get_session", matches!(answer, Ok(Ok(_))));
        match answer {
            Ok(Ok(Some(text))) => read(&text),
            Ok(Ok(None)) => Found::Nothing,
            Ok(Err(error)) => {
                debug!(error = &error as &dyn std::error::Error, "session not asked for");
                Found::Away
            }
            Err(_) => Found::Away,
        }
    }

    /// A session began, or is another one now. False when there was too much to write: then it has to be written another time.
    pub(crate) fn write(&self, id: &PrivateId, record: Record) -> bool {
        self.send(Change::Write(id.name().into(), record))
    }

    /// A session is still there. Left out when there is too much to write.
    pub(crate) fn renew(&self, id: &PrivateId, record: Record) {
        if self.changes.capacity() > QUEUE / 2 {
            self.send(Change::Renew(id.name().into(), record));
        } else {
            self.metrics.sessions_unwritten.inc();
        }
    }

    /// A session ended for good.
    pub(crate) fn delete(&self, id: &PrivateId) {
        self.send(Change::Delete(id.name().into()));
    }

    fn send(&self, change: Change) -> bool {
        let sent = self.changes.try_send(change).is_ok();
        if !sent {
            self.metrics.sessions_unwritten.inc();
        }
        sent
    }
}

/// A record that cannot be read is of another version: its session begins anew.
fn read(text: &str) -> Found {
    match serde_json::from_str(text) {
        Ok(record) => Found::Record(record),
        Err(error) => {
            warn!(error = &error as &dyn std::error::Error, "session in Redis cannot be read");
            Found::Nothing
        }
    }
}

fn key(name: &str) -> String {
    format!("realtime:socketio:session:{name}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{fake_redis::FakeRedis, socketio::private_id::Signer};

    #[tokio::test]
    async fn what_changed_before_the_end_is_written() {
        let redis = FakeRedis::start().await;
        let metrics = Metrics::new(prometheus::Registry::new()).unwrap();
        let token = CancellationToken::new();
        let (sessions, task) = Sessions::start(redis.connection(), metrics, token.clone());
        let id = Signer::new(b"0123456789abcdef").make();
        assert!(sessions.write(&id, Record { id: "socket".into(), channels: Channels::All, user: None }));
        token.cancel();
        task.await.unwrap();
        assert!(redis.kept.lock().unwrap().texts.contains_key(&key(id.name())));
    }

    #[test]
    fn reads_what_it_writes() {
        let channels = Channels::read(&json!(["a", "b"])).unwrap();
        let mut record = Record { id: "tnzQw6ITlmT5Ckkk".into(), channels, user: None };
        for (user, expected) in [
            (None, r#"{"id":"tnzQw6ITlmT5Ckkk","channels":["a","b"]}"#),
            (Some("7"), r#"{"id":"tnzQw6ITlmT5Ckkk","channels":["a","b"],"user":"7"}"#),
        ] {
            record.user = user.map(Box::from);
            let text = serde_json::to_string(&record).unwrap();
            assert_eq!(text, expected);
            assert_eq!(read(&text), Found::Record(record.clone()));
        }
        assert_eq!(read("{}"), Found::Nothing);
    }
}
