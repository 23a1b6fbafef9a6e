-- What is done at once stands here; what takes as long as the store is large stands in the next two, each a transaction of its own, so that no lock is
-- kept through the work of another.

-- When its user read a notification of an inbox, which is the channel `user:<id>`. `NotificationRead` and `NotificationUnread` in `events` are the
-- history of this column.
ALTER TABLE notifications ADD COLUMN read_at timestamptz;
-- A row becomes processed once, in columns that stand in no index: with room in its page no index hears of it.
ALTER TABLE notifications SET (fillfactor = 85);

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
