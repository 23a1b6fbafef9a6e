//! An outbox that is full: how fast the relay empties it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use realtime_contract::event::NotificationCreated;
use realtime_contract::feed::{NOTIFY_OUTBOX, OUTBOX_SHARDS};

use super::{Trial, Values};
use crate::api::database::Database;
use crate::api::notification;
use crate::figures::Metric;
use crate::record;

const RECORDS: u32 = 200_000;
const CHANNELS: u32 = 1000;
/// Nobody reads it: what the consumer does is another measurement.
const TOPIC: &str = "bench-relay";
const LIMIT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(50);

/// As the API writes them, one record of each channel after the other. Those of a channel have the same payload.
const FILL: &str = "
    INSERT INTO outbox (shard, topic, key, payload, headers)
    SELECT channel.shard, $1, channel.name, channel.payload, $5::text::jsonb
    FROM generate_series(0, $6::integer - 1) AS number
    JOIN unnest($2::smallint[], $3::text[], $4::bytea[]) WITH ORDINALITY AS channel (shard, name, payload, ordinal)
        ON channel.ordinal = number % cardinality($3::text[]) + 1
    ORDER BY number";
const HEADERS: &str = r#"{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#;
const WAKE: &str = "SELECT pg_notify($1, shard::text) FROM generate_series(0, $2::integer - 1) AS shard";

pub(super) fn run(trial: &mut Trial<'_>) -> Result<Values> {
    let Trial { backends, interruption, .. } = trial;
    backends.broker.create(TOPIC, interruption)?;
    let taken = backends.broker.count(TOPIC)?;
    let goal = taken()? + i64::from(RECORDS);
    let mut database = Database::connect(backends.postgres.url())?;
    database.execute("BEGIN")?;
    fill(&mut database)?;
    database.query(WAKE, &[&NOTIFY_OUTBOX, &i32::from(OUTBOX_SHARDS)])?;
    let begun = Instant::now();
    database.execute("COMMIT")?;
    // Asking Postgres meanwhile would read all that was deleted.
    while taken()? < goal || !is_empty(&mut database)? {
        interruption.check()?;
        if begun.elapsed() > LIMIT {
            bail!("the outbox was not empty within {} s", LIMIT.as_secs());
        }
        thread::sleep(PAUSE);
    }
    let rate = f64::from(RECORDS) / begun.elapsed().as_secs_f64();
    database.execute("VACUUM outbox")?;
    Ok(vec![(Metric::RelayRate, rate)])
}

/// One payload for each channel: the event that the API writes for a POST.
fn fill(database: &mut Database) -> Result<()> {
    let (mut shards, mut names, mut payloads) = (Vec::new(), Vec::new(), Vec::new());
    for channel in 0..CHANNELS {
        let name = format!("channel-{channel}");
        shards.push(shard_of(&name));
        payloads.push(payload(u64::from(channel), &name)?.into_bytes());
        names.push(name);
    }
    let records = i32::try_from(RECORDS)?;
    database.query(FILL, &[&TOPIC, &shards, &names, &payloads, &HEADERS, &records])?;
    Ok(())
}

fn payload(number: u64, channel: &str) -> Result<String> {
    let now = record::now();
    let notification = serde_json::from_str(&notification::text(now, number, now, channel))?;
    let event = NotificationCreated::new(notification::id(now, number).parse()?, notification);
    Ok(serde_json::to_string(&event)?)
}

/// As realtime-api spreads its channels: FNV-1a over the name.
fn shard_of(channel: &str) -> i16 {
    let hash = channel.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    i16::try_from(hash % u32::from(OUTBOX_SHARDS)).unwrap_or_default()
}

fn is_empty(database: &mut Database) -> Result<bool> {
    let rows = database.query("SELECT NOT EXISTS (SELECT FROM outbox)", &[])?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_in_the_shards_of_the_api() {
        assert_eq!([shard_of("default"), shard_of("orders"), shard_of("")], [30, 12, 5]);
    }

    #[test]
    fn a_payload_is_an_event_of_the_api() {
        let payload = payload(7, "orders").unwrap();
        assert!(serde_json::from_str::<NotificationCreated>(&payload).is_ok());
        assert!((300..400).contains(&payload.len()), "{}", payload.len());
    }
}
