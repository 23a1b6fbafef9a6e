-- The topic's id in Kafka: a topic that is created anew has another one, and its offsets begin anew. Unknown in rows that an earlier version
-- wrote; the first consumer of this version that takes the partition up adopts them.
--
-- What belonged to a former life of a topic stays, under the name `<topic>@<id>`, which no topic in Kafka can have. So the keys remain those
-- that the statements of the earlier version name, and its pods can work beside this version's.
ALTER TABLE offsets ADD COLUMN topic_id uuid;
ALTER TABLE dead_letters ADD COLUMN topic_id uuid;
CREATE UNIQUE INDEX dead_letters_of_topic ON dead_letters (topic_id, partition, record_offset);
