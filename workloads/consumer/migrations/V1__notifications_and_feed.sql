-- Which life of the store this is: a restored or re-created store gets another epoch, and cursors of an earlier one are refused.
CREATE TABLE meta (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch     uuid    NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO meta DEFAULT VALUES;

-- `data` is of type json, which keeps the text byte for byte.
CREATE TABLE notifications (
    id           uuid        PRIMARY KEY,
    message      text        NOT NULL,
    type         text        NOT NULL,
    channel      text        NOT NULL,
    status       text        NOT NULL CHECK (status IN ('pending', 'processed')),
    data         json,
    created_at   timestamptz NOT NULL,
    processed_at timestamptz
);
CREATE INDEX notifications_newest ON notifications (created_at DESC, id DESC);

-- The history of every aggregate (event sourcing). Never updated.
CREATE TABLE events (
    id            uuid        PRIMARY KEY,
    aggregate_id  uuid        NOT NULL,
    type          text        NOT NULL,
    payload       jsonb       NOT NULL,
    trace_context jsonb       NOT NULL DEFAULT '{}',
    occurred_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX events_of_aggregate ON events (aggregate_id, occurred_at, id);

-- Records that are committed but not yet acknowledged by Kafka. `headers` is an object of strings. A relay works on one shard at a time,
-- in the order of `id`.
CREATE TABLE outbox (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard      smallint    NOT NULL CHECK (shard BETWEEN 0 AND 31),
    topic      text        NOT NULL,
    key        text        NOT NULL,
    payload    bytea       NOT NULL,
    headers    jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_of_shard ON outbox (shard, id);

-- The highest position given out. Its row lock orders the writers of the feed, so positions are gapless and in commit order.
CREATE TABLE feed_counter (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    position  bigint  NOT NULL DEFAULT 0
);
INSERT INTO feed_counter DEFAULT VALUES;

-- What goes to clients. `notification` is of type json, which keeps the text byte for byte.
CREATE TABLE feed (
    position     bigint      PRIMARY KEY,
    event_id     uuid        NOT NULL UNIQUE,
    channel      text        NOT NULL,
    notification json        NOT NULL,
    traceparent  text,
    created_at   timestamptz NOT NULL DEFAULT now()
);

-- The next offset to consume of each partition, written in the transaction of the rows that came from it.
CREATE TABLE offsets (
    topic     text    NOT NULL,
    partition integer NOT NULL,
    next      bigint  NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- Records that cannot be read, once each.
CREATE TABLE dead_letters (
    topic         text        NOT NULL,
    partition     integer     NOT NULL,
    record_offset bigint      NOT NULL,
    reason        text        NOT NULL,
    key           bytea,
    payload       bytea,
    headers       jsonb       NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, record_offset)
);
