-- When its user read a notification of an inbox, which is the channel `user:<id>`. `NotificationRead` and `NotificationUnread` in `events` are the
-- history of this column.
ALTER TABLE notifications ADD COLUMN read_at timestamptz;
-- Every row is changed once, from pending to processed, in columns that stand in no index: with room in its page no index hears of it.
ALTER TABLE notifications SET (fillfactor = 85);

-- The list of all but users' notifications; of a channel; of what a user has not read. `notifications_newest` serves pods of the earlier
-- version, and those who may read the channels of users by a pattern.
CREATE INDEX notifications_public ON notifications (created_at DESC, id DESC) WHERE channel NOT LIKE 'user:%';
CREATE INDEX notifications_of_channel ON notifications (channel, created_at DESC, id DESC);
CREATE INDEX notifications_unread ON notifications (channel, created_at DESC, id DESC)
    WHERE channel LIKE 'user:%' AND read_at IS NULL;

-- The history says byte for byte what was said. `ordinal` is taken under the lock of the aggregate's row, and so is the order in which its events
-- happened, whatever the clocks of those who wrote them say.
ALTER TABLE events
    ALTER COLUMN payload TYPE json USING payload::json,
    ADD COLUMN ordinal bigint GENERATED ALWAYS AS IDENTITY;
DROP INDEX events_of_aggregate;
CREATE INDEX events_of_aggregate ON events (aggregate_id, ordinal);

-- Requests that were made with a key, and their answers, written in the transaction of what they did. `subject` is the user of the token, empty
-- without one.
CREATE TABLE idempotency_keys (
    subject    text        NOT NULL,
    route      text        NOT NULL,
    key        text        NOT NULL,
    body_hash  bytea       NOT NULL,
    status     smallint    NOT NULL,
    response   text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, route, key)
);
CREATE INDEX idempotency_keys_oldest ON idempotency_keys (created_at);
