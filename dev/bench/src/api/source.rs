//! Where events come from: for the peers a channel of Redis, for ours the feed in Postgres.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use realtime_contract::feed::NOTIFY_FEED;

use super::backends::Backends;
use super::database::Database;
use super::notification;
use crate::peer::Peer;
use crate::record;

/// Redis channel of the peers.
pub(super) const CHANNEL: &str = "notifications";
/// Channel of the notifications.
const SUBJECT: &str = "bench";

/// Produces notifications, each with the time of its production in it.
pub(super) struct Source {
    run: u64,
    number: u64,
    way: Way,
}

enum Way {
    /// One PUBLISH for each, those of a call in one write.
    Publish(redis::Connection),
    /// As the consumer stores them: those at hand in one transaction, which the consumer's feeder copies to Redis.
    Feed(Feed),
}

impl Source {
    /// The source of that server.
    pub(super) fn of(peer: Peer, backends: &Backends) -> Result<Self> {
        let way = if peer == Peer::Api {
            Way::Feed(Feed::start(backends.postgres.url())?)
        } else {
            let client = redis::Client::open(backends.redis.url()).context("failed to read the address of Redis")?;
            Way::Publish(client.get_connection().context("failed to connect to Redis")?)
        };
        Ok(Self { run: record::now(), number: 0, way })
    }

    /// Produces so many now.
    pub(super) fn produce(&mut self, count: u64) -> Result<()> {
        let texts = (0..count).map(|_| {
            self.number += 1;
            let text = notification::text(self.run, self.number, record::now(), SUBJECT);
            (notification::id(self.run, self.number), text)
        });
        let texts: Vec<(String, String)> = texts.collect();
        match &mut self.way {
            Way::Publish(connection) => {
                let mut pipeline = redis::pipe();
                for (_, text) in &texts {
                    pipeline.publish(CHANNEL, text).ignore();
                }
                pipeline.query::<()>(connection).context("failed to publish")
            }
            Way::Feed(feed) => feed.extend(texts),
        }
    }
}

/// A thread that writes into the feed: the clients are read while Postgres commits.
struct Feed {
    events: Option<Sender<Vec<(String, String)>>>,
    thread: Option<thread::JoinHandle<Result<()>>>,
}

/// What the consumer does for events that are new, in one transaction.
const EXTEND: &str = "
    WITH moved AS (
        UPDATE feed_counter SET position = position + cardinality($1::text[])
        RETURNING position - cardinality($1::text[]) AS before
    ), placed AS (
        INSERT INTO feed (position, event_id, channel, notification)
        SELECT moved.before + item.ordinal, item.event_id::uuid, $3, item.notification::json
        FROM moved, unnest($1::text[], $2::text[]) WITH ORDINALITY AS item (event_id, notification, ordinal)
    )
    SELECT pg_notify($4, '')";

impl Feed {
    fn start(url: &str) -> Result<Self> {
        let mut database = Database::connect(url)?;
        let (events, waiting) = channel();
        let thread = thread::Builder::new().name("feed".to_owned()).spawn(move || write(&mut database, &waiting));
        Ok(Self { events: Some(events), thread: Some(thread.context("failed to start the thread of the feed")?) })
    }

    fn extend(&mut self, texts: Vec<(String, String)>) -> Result<()> {
        if self.events.as_ref().is_some_and(|events| events.send(texts).is_ok()) {
            return Ok(());
        }
        let thread = self.thread.take().context("the thread of the feed has ended")?;
        match thread.join() {
            Ok(result) => result?,
            Err(_) => return Err(anyhow!("the thread of the feed broke down")),
        }
        bail!("the thread of the feed ended early")
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.events = None;
        // What it had to say was said by the call that failed.
        _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

fn write(database: &mut Database, waiting: &Receiver<Vec<(String, String)>>) -> Result<()> {
    while let Ok(mut texts) = waiting.recv() {
        texts.extend(waiting.try_iter().flatten());
        let (ids, texts): (Vec<String>, Vec<String>) = texts.into_iter().unzip();
        database.query(EXTEND, &[&ids, &texts, &SUBJECT, &NOTIFY_FEED]).context("failed to extend the feed")?;
    }
    Ok(())
}
