//! Reads the feed's tail from its Redis stream, over a connection of its own, since a blocking read holds up all others.

use std::{collections::HashMap, time::Duration};

use realtime_chassis::config::RedisConfig;
use realtime_contract::feed::{FeedEntry, STREAM, field};
use redis::{
    AsyncCommands, RedisResult, Value,
    aio::MultiplexedConnection,
    streams::{StreamId, StreamReadOptions, StreamReadReply},
};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

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
    /// Redis does not answer.
    Away,
}

/// A reader that connects again by itself.
pub(crate) struct StreamReader {
    config: RedisConfig,
    metrics: Metrics,
    connection: Option<MultiplexedConnection>,
    warned: bool,
}

impl StreamReader {
    pub(crate) const fn new(config: RedisConfig, metrics: Metrics) -> Self {
        Self { config, metrics, connection: None, warned: false }
    }

    /// Entries behind the position.
    pub(crate) async fn next(&mut self, last: u64) -> Batch {
        let Some(mut connection) = self.connected().await else { return Batch::Away };
        let read = timeout(ANSWER, read(&mut connection, last)).await;
        self.metrics.redis_operation("xread", matches!(read, Ok(Ok(_))));
        match read {
            Ok(Ok(entries)) if entries.is_empty() => Batch::Quiet,
            Ok(Ok(entries)) => Batch::Entries(entries),
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
                Ok(Ok(connection)) => {
                    self.connection = Some(connection);
                    info!(recovered = self.warned, "following the feed in Redis");
                    self.warned = false;
                }
                Ok(Err(error)) => _ = self.lost(&error.to_string()),
                Err(_) => _ = self.lost("no connection in time"),
            }
        }
        self.connection.clone()
    }

    fn lost(&mut self, reason: &str) -> Batch {
        self.connection = None;
        if !self.warned {
            warn!(reason, "redis does not answer, following the feed in Postgres");
            self.warned = true;
        }
        Batch::Away
    }
}

async fn read(connection: &mut MultiplexedConnection, last: u64) -> RedisResult<Vec<FeedEntry>> {
    let block = usize::try_from(BLOCK.as_millis()).unwrap_or(usize::MAX);
    let options = StreamReadOptions::default().block(block).count(ENTRIES);
    let reply: Option<StreamReadReply> = connection.xread_options(&[STREAM], &[format!("{last}-0")], &options).await?;
    let ids = reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids);
    Ok(ids.filter_map(|id| entry(&id)).collect())
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
}
