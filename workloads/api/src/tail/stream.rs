//! Reads the feed's tail from its Redis stream, over a connection of its own, since a blocking read holds up all others.

use std::{collections::HashMap, time::Duration};

use realtime_chassis::config::RedisConfig;
use realtime_contract::feed::{FeedEntry, STREAM, STREAM_EPOCH, field};
use redis::{
    RedisResult, Value,
    aio::MultiplexedConnection,
    streams::{StreamId, StreamReadOptions, StreamReadReply},
};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};
use uuid::Uuid;

use crate::metrics::Metrics;

/// How long a read waits for an entry; then Postgres is asked whether the stream is behind.
const BLOCK: Duration = Duration::from_secs(2);
/// After this, the connection is taken for dead.
const ANSWER: Duration = Duration::from_secs(4);
const CONNECT: Duration = Duration::from_secs(1);
/// While Redis is away, Postgres is polled this often.
const PAUSE: Duration = Duration::from_millis(250);
const ENTRIES: usize = 256;

/// What a read brought.
#[derive(Debug)]
pub(crate) enum Batch {
    /// Entries, in order.
    Entries(Vec<FeedEntry>),
    /// Nothing new in the stream.
    Quiet,
    /// Redis does not answer, or has another feed.
    Away,
}

/// A reader that connects again by itself.
pub(crate) struct StreamReader {
    config: RedisConfig,
    metrics: Metrics,
    connection: Option<MultiplexedConnection>,
    /// Redis has been read, and it was said.
    follows: bool,
    warned: bool,
    foreign: bool,
}

impl StreamReader {
    pub(crate) const fn new(config: RedisConfig, metrics: Metrics) -> Self {
        Self { config, metrics, connection: None, follows: false, warned: false, foreign: false }
    }

    /// Entries behind the position, of the feed of that epoch.
    pub(crate) async fn next(&mut self, last: u64, epoch: Uuid) -> Batch {
        let Some(mut connection) = self.connected().await else { return Batch::Away };
        let read = timeout(ANSWER, read(&mut connection, last)).await;
        self.metrics.redis_operation("xread", matches!(read, Ok(Ok(_))));
        match read {
            Ok(Ok(found)) if found.epoch != Some(epoch) => self.another_feed(found.epoch).await,
            Ok(Ok(found)) => {
                self.foreign = false;
                self.follows();
                if found.entries.is_empty() { Batch::Quiet } else { Batch::Entries(found.entries) }
            }
            Ok(Err(error)) => self.lost(&error.to_string()),
            Err(_) => self.lost("no answer in time"),
        }
    }

    async fn connected(&mut self) -> Option<MultiplexedConnection> {
        if self.connection.is_none() {
            if self.warned {
                sleep(PAUSE).await;
            }
            match timeout(CONNECT, realtime_chassis::redis::blocking_connection(&self.config)).await {
                Ok(Ok(connection)) => self.connection = Some(connection),
                Ok(Err(error)) => _ = self.lost(&error.to_string()),
                Err(_) => _ = self.lost("no connection in time"),
            }
        }
        self.connection.clone()
    }

    /// A read succeeded; that a connection could be made, says little.
    fn follows(&mut self) {
        if !std::mem::replace(&mut self.follows, true) {
            info!(recovered = self.warned, "following the feed in Redis");
        }
        self.warned = false;
    }

    /// The feeder has not come yet to empty a stream that belongs to another life of the store.
    async fn another_feed(&mut self, epoch: Option<Uuid>) -> Batch {
        if !self.foreign {
            warn!(?epoch, "redis has no stream of this feed, following the feed in Postgres");
            self.foreign = true;
        }
        sleep(PAUSE).await;
        Batch::Away
    }

    fn lost(&mut self, reason: &str) -> Batch {
        self.connection = None;
        self.follows = false;
        if !self.warned {
            warn!(reason, "redis does not answer, following the feed in Postgres");
            self.warned = true;
        }
        Batch::Away
    }
}

/// What the stream holds behind a position.
#[derive(Debug)]
struct Found {
    entries: Vec<FeedEntry>,
    /// Which life of the store it belongs to, if that can be told.
    epoch: Option<Uuid>,
}

/// The epoch is read behind the entries, so that a stream that was exchanged in between is never taken for the one before.
async fn read(connection: &mut MultiplexedConnection, last: u64) -> RedisResult<Found> {
    let block = usize::try_from(BLOCK.as_millis()).unwrap_or(usize::MAX);
    let options = StreamReadOptions::default().block(block).count(ENTRIES);
    let mut query = redis::pipe();
    query.xread_options(&[STREAM], &[format!("{last}-0")], &options).get(STREAM_EPOCH);
    let (reply, epoch): (Option<StreamReadReply>, Option<String>) = query.query_async(connection).await?;
    let ids = reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids);
    Ok(Found { entries: ids.filter_map(|id| entry(&id)).collect(), epoch: epoch.and_then(|text| text.parse().ok()) })
}

/// An entry that cannot be read is left out: the gap that it leaves is filled from Postgres.
fn entry(id: &StreamId) -> Option<FeedEntry> {
    let text = |name: &str| text(&id.map, name);
    Some(FeedEntry {
        position: id.id.strip_suffix("-0")?.parse().ok()?,
        event_id: text(field::EVENT_ID)?.parse().ok()?,
        channel: text(field::CHANNEL)?,
        notification: text(field::NOTIFICATION)?,
        traceparent: text(field::TRACEPARENT),
    })
}

fn text(fields: &HashMap<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(|value| redis::from_redis_value_ref(value).ok())
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    fn stream_id(id: &str, fields: &[(&str, &str)]) -> StreamId {
        let map = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::BulkString(value.as_bytes().to_vec())))
            .collect();
        StreamId { id: id.to_owned(), map, ..StreamId::default() }
    }

    const FIELDS: [(&str, &str); 3] = [
        ("event_id", "0192d3a4-0000-7000-8000-000000000001"),
        ("channel", "default"),
        ("notification", "{\"message\":\"hello\"}"),
    ];

    #[test]
    fn reads_an_entry() {
        let entry = entry(&stream_id("42-0", &FIELDS)).unwrap();
        assert_eq!((entry.position, entry.channel.as_str()), (42, "default"));
        assert_eq!((entry.notification.as_str(), entry.traceparent), ("{\"message\":\"hello\"}", None));
    }

    #[test]
    fn leaves_out_what_is_no_entry() {
        assert_eq!(entry(&stream_id("42-1", &FIELDS)), None);
        assert_eq!(entry(&stream_id("42-0", &FIELDS[..2])), None);
    }

    /// It would be a warning and its end at each attempt.
    #[tokio::test]
    async fn a_redis_that_connects_and_answers_nothing_good_is_an_outage_all_the_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut buffer = [0; 1024];
                while let Ok(1..) = socket.read(&mut buffer).await {
                    let answer =
                        if buffer.windows(5).any(|word| word == b"XREAD") { "-LOADING soon\r\n" } else { "+OK\r\n" };
                    socket.write_all(answer.repeat(2).as_bytes()).await.unwrap();
                }
            }
        });
        let config = RedisConfig { url: Some(url.into()), host: None, port: 6379, password: None };
        let mut reader = StreamReader::new(config, Metrics::new(prometheus::Registry::new()).unwrap());
        assert!(matches!(reader.next(41, Uuid::from_u128(7)).await, Batch::Away));
        assert!(reader.connected().await.is_some());
        assert!(reader.warned && !reader.follows);
        server.abort();
    }

    /// A server with that entry in its stream, and that epoch.
    async fn serve(listener: TcpListener, epoch: Uuid) {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut asked = String::new();
        loop {
            let mut buffer = [0; 1024];
            let count = socket.read(&mut buffer).await.unwrap();
            if count == 0 {
                return;
            }
            asked.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
            let greetings = asked.matches("SETINFO").count();
            let mut answer = "+OK\r\n".repeat(greetings);
            asked = asked.replace("SETINFO", "");
            if asked.contains("XREAD") && asked.ends_with("$19\r\nrealtime:feed:epoch\r\n") {
                let fields: Vec<&str> = FIELDS.iter().flat_map(|(name, value)| [*name, *value]).collect();
                answer += "*1\r\n*2\r\n$13\r\nrealtime:feed\r\n*1\r\n*2\r\n$4\r\n42-0\r\n*6\r\n";
                answer.extend(fields.iter().map(|text| format!("${}\r\n{text}\r\n", text.len())));
                answer += &format!("$36\r\n{epoch}\r\n");
                asked.clear();
            }
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn follows_a_stream_of_the_same_epoch_and_no_other() {
        let epoch = Uuid::from_u128(7);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let config = RedisConfig { url: Some(url.into()), host: None, port: 6379, password: None };
        let server = tokio::spawn(serve(listener, epoch));
        let mut reader = StreamReader::new(config, Metrics::new(prometheus::Registry::new()).unwrap());
        let Batch::Entries(entries) = reader.next(41, epoch).await else { unreachable!("the entry is the feed's") };
        assert_eq!(entries[0].position, 42);
        assert!(reader.follows);
        assert!(matches!(reader.next(41, Uuid::from_u128(8)).await, Batch::Away));
        assert!(reader.connection.is_some(), "redis answers, so the connection stays");
        server.abort();
        drop(server.await);
        assert!(matches!(reader.next(41, epoch).await, Batch::Away));
        assert!(reader.warned && !reader.follows);
    }
}
