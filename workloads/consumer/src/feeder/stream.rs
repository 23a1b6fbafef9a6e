//! The feed's tail in Redis.

use realtime_chassis::redis::Connection;
use realtime_contract::feed::{FeedEntry, STREAM, STREAM_EPOCH, STREAM_LENGTH, field};
use redis::streams::StreamRangeReply;
use redis::{Pipeline, RedisError};
use tracing::warn;

/// The stream, and the key that says to which life of the store it belongs.
pub(super) struct Stream {
    connection: Connection,
    /// Whether it was said already that Redis has no room.
    is_warned: bool,
}

impl Stream {
    /// The stream over that connection.
    pub(super) const fn new(connection: Connection) -> Self {
        Self { connection, is_warned: false }
    }

    /// The position of the newest entry. A stream of another epoch is emptied first.
    pub(super) async fn top(&mut self, epoch: &str) -> Result<Option<i64>, RedisError> {
        let mut query = Pipeline::new();
        query.cmd("GET").arg(STREAM_EPOCH).cmd("XREVRANGE").arg(STREAM).arg(&["+", "-", "COUNT", "1"]);
        let (known, newest): (Option<String>, StreamRangeReply) = query.query_async(&mut self.connection).await?;
        if known.as_deref() != Some(epoch) {
            self.clear(epoch).await?;
            return Ok(None);
        }
        Ok(newest.ids.first().and_then(|entry| position(&entry.id)))
    }

    /// Empties the stream, which from now on belongs to that epoch.
    pub(super) async fn clear(&mut self, epoch: &str) -> Result<(), RedisError> {
        let mut change = Pipeline::new();
        change.atomic().cmd("DEL").arg(STREAM).cmd("SET").arg(STREAM_EPOCH).arg(epoch);
        change.exec_async(&mut self.connection).await
    }

    /// Appends entries, in their order. Redis refuses one that is not above the newest, so two feeders cannot write one twice.
    pub(super) async fn extend(&mut self, entries: &[FeedEntry]) -> Result<(), RedisError> {
        let mut change = Pipeline::new();
        for entry in entries {
            add(&mut change, entry);
        }
        change.exec_async(&mut self.connection).await
    }

    /// Gives up the older half, so that the newest find room; whether there was anything to give up. The feed in Postgres has them still.
    pub(super) async fn shed(&mut self) -> Result<bool, RedisError> {
        let length: usize = redis::cmd("XLEN").arg(STREAM).query_async(&mut self.connection).await?;
        if length < 2 {
            return Ok(false);
        }
        if !std::mem::replace(&mut self.is_warned, true) {
            warn!(entries = length, "redis is full, the stream keeps its newer half");
        }
        let mut trim = redis::cmd("XTRIM");
        trim.arg(STREAM).arg("MAXLEN").arg(length / 2).exec_async(&mut self.connection).await?;
        Ok(true)
    }
}

/// Whether Redis refuses to take more because its memory is used up.
pub(super) fn is_full(error: &RedisError) -> bool {
    let errors = error.clone().into_server_errors();
    errors.is_some_and(|errors| errors.iter().any(|(_, error)| error.code() == "OOM"))
}

fn add(change: &mut Pipeline, entry: &FeedEntry) {
    let command = change.cmd("XADD").arg(STREAM).arg(&["MAXLEN", "~"]).arg(STREAM_LENGTH);
    command
        .arg(format!("{}-0", entry.position))
        .arg(&[field::EVENT_ID, &entry.event_id.to_string()])
        .arg(&[field::CHANNEL, &entry.channel])
        .arg(&[field::NOTIFICATION, &entry.notification]);
    if let Some(traceparent) = &entry.traceparent {
        command.arg(&[field::TRACEPARENT, traceparent]);
    }
    command.ignore();
}

/// The position in an entry's id, `<position>-0`.
fn position(id: &str) -> Option<i64> {
    id.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use realtime_chassis::config::RedisConfig;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;

    fn entry() -> FeedEntry {
        FeedEntry {
            position: 7,
            event_id: "0192d3a4-0000-7000-8000-000000000001".parse().unwrap(),
            channel: "default".into(),
            notification: "{}".into(),
            traceparent: None,
        }
    }

    /// A Redis without room, whose stream has that many entries. Gives the words of commands and their arguments as they come.
    async fn full_redis(length: usize) -> (Stream, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, words) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let (reader, mut writer) = client.split();
            let mut lines = BufReader::new(reader).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let reply = match line.as_str() {
                    "CLIENT" => "+OK\r\n".to_owned(),
                    "XADD" => "-OOM command not allowed when used memory > 'maxmemory'.\r\n".to_owned(),
                    "XLEN" => format!(":{length}\r\n"),
                    "XTRIM" => ":1\r\n".to_owned(),
                    _ => String::new(),
                };
                writer.write_all(reply.as_bytes()).await.unwrap();
                sender.send(line).unwrap();
            }
        });
        let config = RedisConfig { url: None, host: Some("127.0.0.1".into()), port, password: None };
        (Stream::new(Connection::new(&config).unwrap()), words)
    }

    #[tokio::test]
    async fn a_full_redis_gets_room_by_half_of_the_stream() {
        let (mut stream, mut words) = full_redis(10).await;
        let error = stream.extend(&[entry(), entry()]).await.unwrap_err();
        assert!(is_full(&error), "{error:?}");
        assert!(stream.shed().await.unwrap());
        let trim = async {
            while words.recv().await.unwrap() != "XTRIM" {}
            let mut said = Vec::new();
            while said.len() < 6 {
                said.push(words.recv().await.unwrap());
            }
            said
        };
        assert_eq!(
            timeout(Duration::from_secs(5), trim).await.unwrap(),
            ["$13", "realtime:feed", "$6", "MAXLEN", "$1", "5"]
        );
    }

    #[tokio::test]
    async fn the_newest_entry_is_never_given_up() {
        let (mut stream, _words) = full_redis(1).await;
        assert!(!stream.shed().await.unwrap());
    }

    #[test]
    fn an_entry_has_its_position_as_id_and_leaves_out_what_it_has_not() {
        let mut change = Pipeline::new();
        add(&mut change, &entry());
        let packed = String::from_utf8(change.get_packed_pipeline()).unwrap();
        let words: Vec<&str> =
            packed.split("\r\n").filter(|word| !word.starts_with(['*', '$']) && !word.is_empty()).collect();
        let expected = [
            "XADD",
            "realtime:feed",
            "MAXLEN",
            "~",
            "10000",
            "7-0",
            "event_id",
            "0192d3a4-0000-7000-8000-000000000001",
            "channel",
            "default",
            "notification",
            "{}",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn a_position_is_read_from_an_id() {
        assert_eq!(position("12-0"), Some(12));
        assert_eq!(position("x"), None);
    }
}
