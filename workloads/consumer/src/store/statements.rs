//! The statements of a batch. Rows come as arrays, one per column.

/// Whether that id belongs to a former life of the topic.
pub(super) const IS_FORMER: &str = "SELECT EXISTS (SELECT FROM offsets WHERE topic = $1::text || '@' || $2::uuid)";

/// Puts what belongs to another life of the topic aside, under a name of its own.
pub(super) const RETIRE_TOPIC: &str = "
    WITH retired AS (
        UPDATE offsets SET topic = topic || '@' || topic_id WHERE topic = $1 AND topic_id <> $2
        RETURNING topic, partition, topic_id, next
    ), letters AS (
        UPDATE dead_letters SET topic = retired.topic, topic_id = retired.topic_id
        FROM retired
        WHERE dead_letters.topic = $1 AND dead_letters.partition = retired.partition
            AND dead_letters.topic_id IS DISTINCT FROM $2
    )
    SELECT partition, topic_id, next FROM retired";

/// Rows of a version that did not know the id.
pub(super) const ADOPT_OFFSETS: &str =
    "UPDATE offsets SET topic_id = $2 WHERE topic = $1 AND topic_id IS NULL RETURNING partition";

pub(super) const OFFSETS: &str = "SELECT partition, next FROM offsets WHERE topic = $1 AND topic_id = $2";

pub(super) const BEGIN_PARTITIONS: &str = "
    INSERT INTO offsets (topic, topic_id, partition, next)
    SELECT $1, $2, * FROM unnest($3::int[], $4::bigint[])
    ON CONFLICT (topic, partition) DO NOTHING";

pub(super) const ADVANCE_OFFSETS: &str = "
    UPDATE offsets SET next = moved.next
    FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS moved (partition, expected, next)
    WHERE offsets.topic = $1 AND offsets.topic_id = $2
        AND offsets.partition = moved.partition AND offsets.next = moved.expected";

pub(super) const KEEP_DEAD_LETTERS: &str = "
    INSERT INTO dead_letters (topic, topic_id, partition, record_offset, reason, key, payload, headers)
    SELECT $1, $2, * FROM unnest($3::int[], $4::bigint[], $5::text[], $6::bytea[], $7::bytea[], $8::jsonb[])
    ON CONFLICT DO NOTHING";

/// A row that is new here has no history yet, unlike those that the API wrote: it gets its creation. Only a row that was there has been locked by
/// this statement, which its `xmax` tells. The event has an id of its own, because producers may give one id to several notifications.
pub(super) const SETTLE_NOTIFICATIONS: &str = "
    WITH item AS (
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::jsonb[])
            WITH ORDINALITY AS item (id, message, type, channel, data, created_at, event, trace_context, ordinal)
    ), settled AS (
        INSERT INTO notifications (id, message, type, channel, data, created_at, status, processed_at)
        SELECT id, message, type, channel, data::json, created_at, 'processed', now() FROM item ORDER BY ordinal
        ON CONFLICT (id) DO UPDATE
        SET status = EXCLUDED.status, processed_at = COALESCE(notifications.processed_at, EXCLUDED.processed_at)
        RETURNING id, xmax = 0 AS is_new
    )
    INSERT INTO events (id, aggregate_id, type, payload, trace_context, occurred_at)
    SELECT gen_random_uuid(), id, 'NotificationCreated', event::json, trace_context, created_at
    FROM item JOIN settled USING (id) WHERE is_new ORDER BY ordinal";

pub(super) const LOCK_COUNTER: &str = "SELECT position FROM feed_counter FOR UPDATE";

/// The counter's lock is held, so an event that stands in the feed already is seen here, whoever wrote it. The history remembers it when the feed
/// was trimmed since: a record that comes once more is a duplicate however late.
pub(super) const EXTEND_FEED: &str = "
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
               json_build_object('event_id', event_id, 'position', position), trace_context
        FROM fresh ORDER BY position
    )
    INSERT INTO feed (position, event_id, channel, notification, traceparent)
    SELECT position, event_id, channel, notification::json, traceparent FROM fresh
    RETURNING event_id, position";

pub(super) const MOVE_COUNTER: &str = "UPDATE feed_counter SET position = $1";

pub(super) const WAKE_FEEDER: &str = "SELECT pg_notify($1, '')";
