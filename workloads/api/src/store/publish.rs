//! Notifications on their way in: rows, events, outbox records and the wake-up of the relays, in one statement, which is one transaction and one
//! round trip.

use std::collections::HashMap;

use realtime_contract::{
    event::{JsonText, Notification, NotificationCreated},
    feed::NOTIFY_OUTBOX,
    topic,
};
use tokio_postgres::{
    Row,
    error::Severity,
    types::{Json, ToSql},
};
use uuid::Uuid;

use super::{Error, Store, lease::Lease, query, rows::column};
use crate::shard::shard_of;

/// A request that is carried out once, however often it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The user of the token; empty without one.
    pub(crate) subject: String,
    pub(crate) route: &'static str,
    pub(crate) key: String,
    /// SHA-256.
    pub(crate) body_hash: Vec<u8>,
    /// What every request with the key is answered.
    pub(crate) response: String,
}

/// What became of a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// It was carried out, and is committed.
    Now,
    /// An earlier one was, which was answered that.
    Earlier { response: String },
    /// An earlier one was, which had another body.
    Other,
}

/// The status of answers that are kept: only what was carried out is.
const CREATED: i16 = 201;
/// A key that is taken and, when it is read, gone, was just forgotten. It does not happen twice.
const ATTEMPTS: usize = 3;

const STORE_NOTIFICATION: &str = "
    WITH stored AS (
        INSERT INTO notifications (id, message, type, channel, status, data, created_at)
        VALUES ($1, $2, $3, $4, $5, $6::text::json, $7)
    ), happened AS (
        INSERT INTO events (id, aggregate_id, type, payload, trace_context, occurred_at)
        VALUES ($8, $1, $9, $10::text::json, $11, $7)
    ), outgoing AS (
        INSERT INTO outbox (shard, topic, key, payload, headers)
        VALUES ($12, $13, $4, convert_to($10::text, 'UTF8'), $11)
    )
    SELECT pg_notify($14, $12::smallint::text)";

// Of two requests with one key the second waits at the key until the first is committed or undone. Without a key, `claimed` has no row and none
// is needed. Records go out in the order of the array.
const STORE_NOTIFICATIONS: &str = "
    WITH claimed AS (
        INSERT INTO idempotency_keys (subject, route, key, body_hash, status, response)
        SELECT $1, $2, $3, $4, $5, $6 WHERE $3::text IS NOT NULL
        ON CONFLICT DO NOTHING RETURNING key
    ), item AS (
        SELECT * FROM unnest($7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[], $12::uuid[], $13::text[], $14::smallint[])
            WITH ORDINALITY AS item (id, message, type, channel, data, event_id, event, shard, ordinal)
        WHERE $3::text IS NULL OR EXISTS (SELECT FROM claimed)
    ), stored AS (
        INSERT INTO notifications (id, message, type, channel, status, data, created_at)
        SELECT id, message, type, channel, $15, data::json, $16 FROM item ORDER BY ordinal
    ), happened AS (
        INSERT INTO events (id, aggregate_id, type, payload, trace_context, occurred_at)
        SELECT event_id, id, $17, event::json, $18, $16 FROM item ORDER BY ordinal
    ), outgoing AS (
        INSERT INTO outbox (shard, topic, key, payload, headers)
        SELECT shard, $19, channel, convert_to(event, 'UTF8'), $18 FROM item ORDER BY ordinal
    )
    SELECT pg_notify($20, shard::text) FROM (SELECT DISTINCT shard FROM item) AS shards";

const READ_ANSWER: &str = "
    SELECT body_hash, response FROM idempotency_keys WHERE subject = $1 AND route = $2 AND key = $3";

impl Store {
    /// Stores the notification, its event and its outbox record. When this returns, it is committed.
    pub(crate) async fn store(
        &self,
        notification: &Notification,
        trace_context: &HashMap<String, String>,
    ) -> Result<(), Error> {
        let (event, text) = created(notification)?;
        let values: [&(dyn ToSql + Sync); 14] = [
            &notification.id,
            &notification.message,
            &notification.kind,
            &notification.channel,
            &notification.status.name(),
            &notification.data.as_ref().map(JsonText::text),
            &notification.timestamp,
            &event,
            &NotificationCreated::TYPE,
            &text,
            &Json(trace_context),
            &shard_of(&notification.channel),
            &topic::NOTIFICATIONS,
            &NOTIFY_OUTBOX,
        ];
        write(&mut self.lease().await?, STORE_NOTIFICATION, &values).await.map(drop)
    }

    /// Stores all of them or none, in their order; with a claim, unless it was made before.
    pub(crate) async fn store_all(
        &self,
        notifications: &[Notification],
        trace_context: &HashMap<String, String>,
        claim: Option<&Claim>,
    ) -> Result<Published, Error> {
        let (events, texts): (Vec<Uuid>, Vec<String>) =
            notifications.iter().map(created).collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        for _ in 0..ATTEMPTS {
            if self.try_store_all(notifications, &events, &texts, trace_context, claim).await? {
                return Ok(Published::Now);
            }
            let Some(claim) = claim else { break };
            let answer = self.answer(claim).await.map_err(|error| Error::ReadAnswer(Some(Box::new(error))))?;
            if let Some(earlier) = answer {
                return Ok(earlier);
            }
        }
        Err(Error::ReadAnswer(None))
    }

    /// Whether they were stored; if not, the key is taken.
    async fn try_store_all(
        &self,
        notifications: &[Notification],
        events: &[Uuid],
        texts: &[String],
        trace_context: &HashMap<String, String>,
        claim: Option<&Claim>,
    ) -> Result<bool, Error> {
        let Some(first) = notifications.first() else { return Ok(true) };
        let values: [&(dyn ToSql + Sync); 20] = [
            &claim.map(|claim| &claim.subject),
            &claim.map(|claim| claim.route),
            &claim.map(|claim| &claim.key),
            &claim.map(|claim| &claim.body_hash),
            &CREATED,
            &claim.map(|claim| &claim.response),
            &column_of(notifications, |it| it.id),
            &column_of(notifications, |it| it.message.as_str()),
            &column_of(notifications, |it| it.kind.as_str()),
            &column_of(notifications, |it| it.channel.as_str()),
            &column_of(notifications, |it| it.data.as_ref().map(JsonText::text)),
            &events,
            &texts,
            &column_of(notifications, |it| shard_of(&it.channel)),
            &first.status.name(),
            &first.timestamp,
            &NotificationCreated::TYPE,
            &Json(trace_context),
            &topic::NOTIFICATIONS,
            &NOTIFY_OUTBOX,
        ];
        let woken = write(&mut self.lease().await?, STORE_NOTIFICATIONS, &values).await?;
        Ok(!woken.is_empty())
    }

    /// What became of the request that had the key before.
    async fn answer(&self, claim: &Claim) -> Result<Option<Published>, Error> {
        let values: [&(dyn ToSql + Sync); 3] = [&claim.subject, &claim.route, &claim.key];
        let rows = query(&mut self.lease().await?, READ_ANSWER, &values).await?.map_err(Error::StoreNotifications)?;
        let Some(row) = rows.first() else { return Ok(None) };
        let is_same = column::<Vec<u8>>(row, 0, "body_hash")? == claim.body_hash;
        Ok(Some(if is_same { Published::Earlier { response: column(row, 1, "response")? } } else { Published::Other }))
    }
}

/// The event that tells of it: its identity and its text.
fn created(notification: &Notification) -> Result<(Uuid, String), Error> {
    let event = NotificationCreated::new(Uuid::now_v7(), notification.clone());
    let text = serde_json::to_string(&event);
    let text = text.map_err(|source| Error::EncodeNotification { id: notification.id, source })?;
    Ok((event.id, text))
}

fn column_of<'a, T>(notifications: &'a [Notification], value: impl Fn(&'a Notification) -> T) -> Vec<T> {
    notifications.iter().map(value).collect()
}

/// Runs a statement that writes. Until it is sent, nothing can have been stored; then only the server's word says that nothing was.
async fn write(lease: &mut Lease, text: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
    let prepared = lease.prepare(text).await.map_err(|_| Error::AwaitPostgres)?;
    let statement = prepared.map_err(Error::StoreNotifications)?;
    let answer = lease.query(&statement, values).await.map_err(|_| Error::AwaitOutcome)?;
    answer.map_err(
        |source| {
            if is_refusal(&source) { Error::StoreNotifications(source) } else { Error::LearnOutcome(source) }
        },
    )
}

/// Whether the server itself says that it undid the statement. A session that it ends may have committed before.
fn is_refusal(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|error| error.parsed_severity() == Some(Severity::Error))
}
