//! Stores that an earlier version wrote, brought up to date by `realtime-consumer prepare` while that version is at work.

mod database;
mod earlier;

use std::collections::BTreeSet;
use std::time::Duration;

use realtime_e2e::fixture::REPLICATED;

use database::{Database, NEWEST};
use earlier::{Api, Consumer, ROWS};

/// How long a request of the API waits for Postgres, as it always did.
const REQUEST_LIMIT: Duration = Duration::from_millis(1_700);
/// The earliest version that was ever delivered.
const EARLIEST: i32 = 2;

#[tokio::test]
async fn a_store_of_an_earlier_version_is_brought_up_to_date_and_loses_nothing() {
    REPLICATED
        .look(async |stack| {
            let store = Database::of_version(stack, EARLIEST).await;
            store.run(ROWS).await;
            let before = store.rows().await;
            assert!(before.len() > 1_000, "{}", before.len());
            let output = store.prepare().await;
            assert!(output.success, "{}{}", output.stdout, output.stderr);

            assert_eq!(store.rows().await, before);
            assert_eq!(store.version().await, NEWEST);
            let fresh = Database::of_version(stack, 0).await;
            assert!(fresh.prepare().await.success);
            assert_eq!(store.shape().await, fresh.shape().await, "as if it had been made by this version");
            store.is_in_order().await;
            let none = ["notifications WHERE read_at IS NOT NULL", "idempotency_keys"];
            for rows in none {
                assert_eq!(store.lines(&format!("SELECT count(*) FROM {rows}")).await, ["0"], "{rows}");
            }
            let whole = (store.rows().await, store.files().await);
            assert!(store.prepare().await.success);
            assert_eq!((store.rows().await, store.files().await), whole, "once more does nothing");
        })
        .await;
}

/// Each migration is stopped at its end, or in its middle, and its session is ended there.
#[tokio::test]
async fn a_migration_that_is_cut_off_leaves_the_version_before_whole_and_the_next_attempt_succeeds() {
    REPLICATED
        .look(async |stack| {
            let store = Database::of_version(stack, EARLIEST).await;
            store.run(ROWS).await;
            let before = store.rows().await;
            for (version, index) in
                [(2, "idempotency_keys_oldest"), (3, "notifications_of_channel"), (4, "events_of_aggregate")]
            {
                let stop = store.stop_at(index).await;
                let ((), output) = tokio::join!(store.cut_off(), store.prepare());
                let told = output.stdout + &output.stderr;
                assert!(!output.success && told.contains("failed to migrate the schema"), "{told}");
                drop(stop);
                assert_eq!((store.version().await, store.rows().await), (version, before.clone()), "{index}");
                let reference = Database::of_version(stack, version).await;
                assert_eq!(store.shape().await, reference.shape().await, "nothing of the next version is there");
            }
            let output = store.prepare().await;
            assert!(output.success, "{}{}", output.stdout, output.stderr);
            assert_eq!((store.version().await, store.rows().await), (NEWEST, before));
            store.is_in_order().await;
        })
        .await;
}

/// The rows but for the highest position, which moves.
async fn without_counter(store: &Database<'_>) -> BTreeSet<String> {
    let mut rows = store.rows().await;
    rows.retain(|row| !row.starts_with("counter|"));
    rows
}

#[tokio::test]
async fn what_pods_of_the_earlier_version_write_beside_the_migrations_waits_and_is_stored_whole() {
    REPLICATED
        .look(async |stack| {
            let store = Database::of_version(stack, EARLIEST).await;
            store.run(ROWS).await;
            let (api, consumer) = (Api::connect(&store).await, Consumer::connect(&store).await);
            let first = api.post().await;
            consumer.settle(first).await;
            let before = without_counter(&store).await;

            let stop = store.stop_at("events_of_aggregate").await;
            let held = async {
                store.stopped().await;
                let mut post = Box::pin(api.post());
                let early = tokio::time::timeout(REQUEST_LIMIT, &mut post).await;
                assert!(early.is_err(), "its client is told that the outcome is unknown");
                assert_eq!(store.lines("SELECT count(*) > 1 FROM notifications").await, ["t"], "lists are read");
                drop(stop);
                post.await
            };
            let (output, waited) = tokio::join!(store.prepare(), held);
            assert!(output.success, "{}{}", output.stdout, output.stderr);
            consumer.settle(waited).await;
            let last = api.post().await;
            consumer.settle(last).await;

            let after = without_counter(&store).await;
            assert!(before.is_subset(&after), "{:?}", before.difference(&after).collect::<Vec<_>>());
            let added: Vec<&String> = after.difference(&before).collect();
            assert_eq!(added.len(), 2 * 5, "a row, two events, a record and a place in the feed of each: {added:?}");
            store.is_in_order().await;
            let newest = "SELECT array_agg(aggregate_id::text || ' ' || type ORDER BY ordinal) FROM
                (SELECT * FROM events ORDER BY ordinal DESC LIMIT 4) AS newest";
            let told = [waited, last].map(|id| format!("\"{id} NotificationCreated\",\"{id} NotificationProcessed\""));
            assert_eq!(store.lines(newest).await, [format!("{{{}}}", told.join(","))]);
        })
        .await;
}
