//! Product events at a steady pace, among records that no client may see.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::eventsource::Numbering;
use crate::ledger::{Entry, Ledger};
use crate::log::Log;

/// Topic of all of it.
pub const TOPIC: &str = realtime_contract::topic::PRODUCT_EVENTS;
/// Its partitions.
const PARTITIONS: u32 = realtime_contract::topic::DEFAULT_PARTITIONS as u32;

const KINDS: [&str; 4] = ["ProductCreated", "ProductUpdated", "ProductDeleted", "LowStockWarning"];
/// In the events' field `product.region`.
const REGIONS: [&str; 2] = ["north", "south"];
/// Keys of the records.
const CHANNELS: u32 = 12;
/// Every so many events one is written a second time.
const REPEATED: u32 = 16;
/// Every so many events a record is written that is no event.
const BROKEN: u32 = 25;

/// A producer that runs until it is stopped.
pub struct Production {
    task: JoinHandle<Ledger>,
    stop: watch::Sender<bool>,
}

/// Reads the number out of the id of an event of that run.
pub fn numbering(run: &str) -> Numbering {
    let begin = format!(r#"{{"id":"{run}-"#);
    Arc::new(move |data| {
        let rest = data.strip_prefix(begin.as_str())?;
        rest.split('"').next()?.parse().ok()
    })
}

/// The event with that number.
fn event(run: &str, number: u32, padding: usize) -> (Entry, String) {
    let kind = KINDS[number as usize % KINDS.len()];
    let region = REGIONS[(number / 4) as usize % REGIONS.len()];
    let channel = format!("shop-{}", number % CHANNELS);
    let partition = i32::try_from(number % CHANNELS % PARTITIONS).unwrap_or_default();
    let mut product = json!({"id": format!("product-{}", number % 100), "region": region, "stock": number});
    if padding > 0 {
        product["description"] = json!("x".repeat(padding));
    }
    let value = json!({
        "id": format!("{run}-{number}"), "type": kind, "timestamp": "2026-11-21T06:00:00.000Z", "product": product,
    });
    (Entry { partition, offset: -1, kind, channel, region }, value.to_string())
}

impl Production {
    /// Starts to write so many events a second, with ids of that run, each with that many bytes more than it needs.
    pub fn start(log: &Arc<Log>, run: &str, per_second: u32, padding: usize) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (log, run) = (Arc::clone(log), run.to_owned());
        let task = tokio::spawn(async move {
            let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second);
            let mut written = Written::new(&log, &run, padding);
            while !*stopped.borrow() {
                pace.tick().await;
                written.next();
            }
            written.end().await
        });
        Self { task, stop }
    }

    /// Ends it: every event that the log has taken.
    ///
    /// # Panics
    /// When one was not taken.
    pub async fn stop(self) -> Ledger {
        self.stop.send_replace(true);
        self.task.await.unwrap_or_else(|error| panic!("the producer failed: {error}"))
    }
}

/// Writes that many events at once.
pub async fn write(log: &Log, run: &str, count: u32) -> Ledger {
    let mut written = Written::new(log, run, 0);
    for _ in 0..count {
        written.next();
    }
    written.end().await
}

struct Written<'a> {
    log: &'a Log,
    run: &'a str,
    padding: usize,
    next: u32,
    waiting: JoinSet<Option<(u32, Entry)>>,
}

impl<'a> Written<'a> {
    fn new(log: &'a Log, run: &'a str, padding: usize) -> Self {
        Self { log, run, padding, next: 0, waiting: JoinSet::new() }
    }

    fn next(&mut self) {
        let number = self.next;
        self.next += 1;
        let (entry, value) = event(self.run, number, self.padding);
        let (partition, channel) = (entry.partition, entry.channel.clone());
        let taken = self.log.produce(TOPIC, partition, &channel, &value);
        self.waiting.spawn(async move {
            let (partition, offset) = taken.await;
            Some((number, Entry { partition, offset, ..entry }))
        });
        let mut hide = |value: &str| {
            let taken = self.log.produce(TOPIC, partition, &channel, value);
            self.waiting.spawn(async move {
                taken.await;
                None
            });
        };
        if number % REPEATED == REPEATED - 1 {
            hide(&value);
        }
        if number % BROKEN == BROKEN - 1 {
            // A type that nobody knows, under an id that would count as an event.
            hide(&json!({"id": format!("{}-{}", self.run, u32::MAX - number), "type": "ProductSold"}).to_string());
        }
    }

    async fn end(self) -> Ledger {
        let mut ledger = Ledger::default();
        for (number, entry) in self.waiting.join_all().await.into_iter().flatten() {
            ledger.note(number, entry);
        }
        ledger
    }
}
