-- The history says byte for byte what was said. `ordinal` is taken under the lock of the aggregate's row, and so is the order in which its events
-- happened, whatever the clocks of those who wrote them say.
DROP INDEX events_of_aggregate;
ALTER TABLE events ADD COLUMN ordinal bigint;

-- Of what is there already, what created a notification comes first: the clocks of those who wrote the events may differ.
UPDATE events SET ordinal = placed.ordinal
FROM (
    SELECT id, row_number() OVER (ORDER BY aggregate_id, type <> 'NotificationCreated', occurred_at, id) AS ordinal
    FROM events
) AS placed
WHERE events.id = placed.id;

-- Behind the numbering: the table is written anew here, and what the numbering left behind goes with the old one.
ALTER TABLE events
    ALTER COLUMN payload TYPE json USING payload::json,
    ALTER COLUMN ordinal SET NOT NULL,
    ALTER COLUMN ordinal ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('events', 'ordinal'), max(ordinal)) FROM events HAVING max(ordinal) IS NOT NULL;
CREATE INDEX events_of_aggregate ON events (aggregate_id, ordinal);
