//! What the earliest version left in a store, and its statements, word for word.

use jiff::Timestamp;
use serde_json::json;
use tokio_postgres::types::{Json, ToSql};
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::database::Database;

/// Ordinary notifications of both statuses and several channels with their events, those that other producers wrote, without events, and what the
/// schema allows although no binary wrote it. Data has the form that its sender gave it.
pub(super) const ROWS: &str = r#"
INSERT INTO notifications (id, message, type, channel, status, data, created_at, processed_at)
SELECT md5('n' || n)::uuid, 'message ' || n || ' ä€😀', (ARRAY['info', 'warning', 'x'])[n % 3 + 1],
       CASE n % 5 WHEN 0 THEN 'default' WHEN 1 THEN 'orders' WHEN 2 THEN 'user:' || n % 7 WHEN 3 THEN 'USER:7' ELSE 'shop.' || n END,
       CASE WHEN n % 4 = 0 THEN 'pending' ELSE 'processed' END,
       (ARRAY[NULL, '{"b": 1.50,  "a":2, "a": 3}', 'null', '[ ]'])[n % 4 + 1]::json,
       '2026-11-01'::timestamptz + n * interval '1.000007 s',
       CASE WHEN n % 4 <> 0 THEN '2026-11-01'::timestamptz + n * interval '1.5 s' END
FROM generate_series(1, 600) AS n ORDER BY md5(n::text);

INSERT INTO notifications (id, message, type, channel, status, data, created_at, processed_at) VALUES
    (md5('empty')::uuid, '', '', '', 'pending', NULL, '-infinity', NULL),
    (md5('early')::uuid, 'processed before it is', 'info', 'user:', 'pending', '""', '2026-11-01', '2026-10-01'),
    (md5('late')::uuid, 'processed nobody knows when', 'info', 'user:%', 'processed', '{}', 'infinity', NULL),
    (md5('same')::uuid, E'line\nbreak|"', 'info', 'default', 'processed', '0', '2026-11-01', '2026-11-01');

-- Clocks differ, or tell the same time; ids of later events may come first.
INSERT INTO events (id, aggregate_id, type, payload, trace_context, occurred_at)
SELECT md5('c' || n)::uuid, md5('n' || n)::uuid, 'NotificationCreated',
       jsonb_build_object('id', md5('c' || n)::uuid, 'type', 'NotificationCreated', 'timestamp', created_at,
           'notification', jsonb_build_object('id', notifications.id, 'message', message, 'data', data)),
       CASE WHEN n % 2 = 0 THEN '{}' ELSE '{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}' END::jsonb,
       created_at
FROM generate_series(1, 600) AS n JOIN notifications ON notifications.id = md5('n' || n)::uuid WHERE n % 10 <> 9
ORDER BY md5(n::text || 'c');
INSERT INTO events (id, aggregate_id, type, payload, occurred_at)
SELECT md5('p' || n)::uuid, md5('n' || n)::uuid, 'NotificationProcessed', jsonb_build_object('event_id', md5('c' || n)::uuid, 'position', n),
       '2026-11-01'::timestamptz + n * interval '1.000007 s' + (n % 3 - 1) * interval '1 hour'
FROM generate_series(1, 600) AS n WHERE n % 4 <> 0 ORDER BY md5(n::text || 'p');
INSERT INTO events (id, aggregate_id, type, payload, occurred_at)
SELECT md5('o' || n)::uuid, md5('orphan' || n % 3)::uuid, (ARRAY['NotificationProcessed', 'NotificationCreated', 'SomethingElse', ''])[n % 4 + 1],
       (ARRAY['null', '"text"', '1e400', '{"ä": "\u20ac", "long": 123456789012345678901234567890.10}'])[n % 4 + 1]::jsonb, '2026-11-01'
FROM generate_series(1, 24) AS n;

INSERT INTO outbox (shard, topic, key, payload, headers)
SELECT n % 32, 'notifications', 'key ' || n, convert_to(n::text, 'UTF8') || '\x00ff'::bytea, jsonb_build_object('traceparent', n)
FROM generate_series(1, 100) AS n;
DELETE FROM outbox WHERE id % 3 <> 0 OR id = 99;
INSERT INTO outbox (shard, topic, key, payload) VALUES (0, '', '', '');

INSERT INTO feed (position, event_id, channel, notification, traceparent)
SELECT n, md5('c' || n)::uuid, 'default', '{"b": 1.50,  "a":2, "a": 3}', CASE WHEN n % 2 = 0 THEN '00-trace' END
FROM generate_series(1, 300) AS n WHERE n > 20;
UPDATE feed_counter SET position = 300;

INSERT INTO offsets (topic, partition, next, topic_id) VALUES
    ('notifications', 0, 117, NULL), ('notifications', 1, 0, md5('topic')::uuid), ('notifications', 2, 9223372036854775807, md5('topic')::uuid),
    ('notifications@' || md5('former')::uuid, 0, 99, md5('former')::uuid);
INSERT INTO dead_letters (topic, partition, record_offset, reason, key, payload, headers, topic_id) VALUES
    ('notifications', 0, 1, 'empty', NULL, NULL, '{}', NULL), ('notifications', 0, 2, '', '', '', '{"a": null}', NULL),
    ('notifications', 1, 2, 'no JSON', '\x00ff', '\xfe00', '{"a": "b"}', md5('topic')::uuid),
    ('notifications@' || md5('former')::uuid, 1, 2, 'no JSON', 'k', 'v', '{}', md5('former')::uuid);
"#;

const STORE_NOTIFICATION: &str = "
    WITH stored AS (
        INSERT INTO notifications (id, message, type, channel, status, data, created_at)
        VALUES ($1, $2, $3, $4, $5, $6::text::json, $7)
    ), happened AS (
        INSERT INTO events (id, aggregate_id, type, payload, trace_context, occurred_at)
        VALUES ($8, $1, $9, $10, $11, $7)
    ), outgoing AS (
        INSERT INTO outbox (shard, topic, key, payload, headers) VALUES ($12, $13, $4, $14, $11)
    )
    SELECT pg_notify($15, $12::smallint::text)";

const SETTLE_NOTIFICATIONS: &str = "
    INSERT INTO notifications (id, message, type, channel, data, created_at, status, processed_at)
    SELECT id, message, type, channel, data::json, created_at, 'processed', now()
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
        AS item (id, message, type, channel, data, created_at)
    ON CONFLICT (id) DO UPDATE
    SET status = EXCLUDED.status, processed_at = COALESCE(notifications.processed_at, EXCLUDED.processed_at)";

const EXTEND_FEED: &str = "
    WITH fresh AS (
        SELECT item.*, $1::bigint + row_number() OVER (ORDER BY item.ordinal) AS position
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::jsonb[])
            WITH ORDINALITY AS item (event_id, channel, notification, traceparent, notification_id, trace_context, ordinal)
        WHERE NOT EXISTS (SELECT FROM feed WHERE feed.event_id = item.event_id)
            AND NOT EXISTS (
                SELECT FROM events WHERE events.aggregate_id = item.notification_id
                    AND events.type = 'NotificationProcessed' AND events.payload->>'event_id' = item.event_id::text
            )
    ), history AS (
        INSERT INTO events (id, aggregate_id, type, payload, trace_context)
        SELECT gen_random_uuid(), notification_id, 'NotificationProcessed',
               jsonb_build_object('event_id', event_id, 'position', position), trace_context
        FROM fresh
    )
    INSERT INTO feed (position, event_id, channel, notification, traceparent)
    SELECT position, event_id, channel, notification::json, traceparent FROM fresh
    RETURNING event_id, position";

/// The API, with a statement that it prepared once and for all.
pub(super) struct Api {
    client: Client,
    statement: Statement,
}

impl Api {
    pub(super) async fn connect(store: &Database<'_>) -> Self {
        let client = store.session().await;
        let statement = client.prepare(STORE_NOTIFICATION).await.expect("the statement is good");
        Self { client, statement }
    }

    /// Stores a notification, its event and its record; the notification's id.
    pub(super) async fn post(&self) -> Uuid {
        let (id, event) = (Uuid::now_v7(), Uuid::now_v7());
        let payload = json!({"id": event, "type": "NotificationCreated", "notification": {"id": id}});
        let (payload_text, context) = (payload.to_string().into_bytes(), json!({}));
        let values: [&(dyn ToSql + Sync); 15] = [
            &id,
            &"message",
            &"info",
            &"default",
            &"pending",
            &Some(r#"{"a":  1.50}"#),
            &Timestamp::now(),
            &event,
            &"NotificationCreated",
            &Json(&payload),
            &Json(&context),
            &7_i16,
            &"notifications",
            &payload_text,
            &"outbox",
        ];
        let stored = self.client.execute(&self.statement, &values);
        stored.await.unwrap_or_else(|error| panic!("the earlier API cannot store: {error:?}"));
        id
    }
}

/// The consumer, with statements that it prepared once and for all.
pub(super) struct Consumer {
    client: Client,
    settle: Statement,
    extend: Statement,
}

impl Consumer {
    pub(super) async fn connect(store: &Database<'_>) -> Self {
        let client = store.session().await;
        let settle = client.prepare(SETTLE_NOTIFICATIONS).await.expect("the statement is good");
        let extend = client.prepare(EXTEND_FEED).await.expect("the statement is good");
        Self { client, settle, extend }
    }

    /// Gives a notification its status and its place in the feed.
    pub(super) async fn settle(&self, id: Uuid) {
        let (ids, text, channels, none) = ([id], ["info"], ["default"], [None::<&str>]);
        let (times, events, notifications, contexts) =
            ([Timestamp::now()], [Uuid::now_v7()], ["{}"], [Json(json!({}))]);
        let values: [&(dyn ToSql + Sync); 6] = [
            &ids.as_slice(),
            &text.as_slice(),
            &text.as_slice(),
            &channels.as_slice(),
            &none.as_slice(),
            &times.as_slice(),
        ];
        let settled = self.client.execute(&self.settle, &values);
        assert_eq!(settled.await.unwrap_or_else(|error| panic!("the earlier consumer cannot settle: {error:?}")), 1);
        let row = self.client.query_one("UPDATE feed_counter SET position = position + 1 RETURNING position - 1", &[]);
        let position: i64 = row.await.expect("there is a counter").get(0);
        let values: [&(dyn ToSql + Sync); 7] = [
            &position,
            &events.as_slice(),
            &channels.as_slice(),
            &notifications.as_slice(),
            &none.as_slice(),
            &ids.as_slice(),
            &contexts.as_slice(),
        ];
        let extended = self.client.query(&self.extend, &values);
        let extended = extended.await.unwrap_or_else(|error| panic!("the earlier consumer cannot feed: {error:?}"));
        assert_eq!(extended.len(), 1);
    }
}
