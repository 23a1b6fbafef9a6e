//! The statements of a batch. Rows come as arrays, one per column.

pub(super) const OFFSETS: &str = "SELECT partition, next FROM offsets WHERE topic = $1";

pub(super) const BEGIN_PARTITIONS: &str = "
    INSERT INTO offsets (topic, partition, next)
    SELECT $1, * FROM unnest($2::int[], $3::bigint[])
    ON CONFLICT (topic, partition) DO NOTHING";

pub(super) const ADVANCE_OFFSETS: &str = "
    UPDATE offsets SET next = moved.next
    FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS moved (partition, expected, next)
    WHERE offsets.topic = $1 AND offsets.partition = moved.partition AND offsets.next = moved.expected";

pub(super) const KEEP_DEAD_LETTERS: &str = "
    INSERT INTO dead_letters (topic, partition, record_offset, reason, key, payload, headers)
    SELECT $1, * FROM unnest($2::int[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[], $7::jsonb[])
    ON CONFLICT (topic, partition, record_offset) DO NOTHING";

pub(super) const SETTLE_NOTIFICATIONS: &str = "
    INSERT INTO notifications (id, message, type, channel, data, created_at, status, processed_at)
    SELECT id, message, type, channel, data::json, created_at, 'processed', now()
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
        AS item (id, message, type, channel, data, created_at)
    ON CONFLICT (id) DO UPDATE
    SET status = EXCLUDED.status, processed_at = COALESCE(notifications.processed_at, EXCLUDED.processed_at)";

pub(super) const LOCK_COUNTER: &str = "SELECT position FROM feed_counter FOR UPDATE";

/// The counter's lock is held, so an event that stands in the feed already is seen here, whoever wrote it.
pub(super) const EXTEND_FEED: &str = "
    WITH fresh AS (
        SELECT item.*, $1::bigint + row_number() OVER (ORDER BY item.ordinal) AS position
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::jsonb[])
            WITH ORDINALITY AS item (event_id, channel, notification, traceparent, notification_id, trace_context, ordinal)
        WHERE NOT EXISTS (SELECT FROM feed WHERE feed.event_id = item.event_id)
    ), history AS (
        INSERT INTO events (id, aggregate_id, type, payload, trace_context)
        SELECT gen_random_uuid(), notification_id, 'NotificationProcessed',
               jsonb_build_object('event_id', event_id, 'position', position), trace_context
        FROM fresh
    )
    INSERT INTO feed (position, event_id, channel, notification, traceparent)
    SELECT position, event_id, channel, notification::json, traceparent FROM fresh
    RETURNING event_id, position";

pub(super) const MOVE_COUNTER: &str = "UPDATE feed_counter SET position = $1";

pub(super) const WAKE_FEEDER: &str = "SELECT pg_notify($1, '')";
