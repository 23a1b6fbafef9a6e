//! A batch into the store, whatever it takes.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::progress::Next;
use crate::batch::{Batch, Item};
use crate::measures::Measures;
use crate::store::{Error, Positions, Store};

/// What became of a batch.
pub(super) enum Written {
    /// It is stored up to these offsets.
    All(Next),
    /// Its offsets were moved by somebody else, or by an attempt whose end was not heard.
    Fenced,
    /// The process ends before Postgres was back.
    Cancelled,
}

/// Stores a batch. While Postgres is away it tries again; when Postgres refuses the values, the records are stored one by one, and those that
/// are refused become dead letters, so that none stops the stream.
pub(super) async fn write(store: &Store, measures: &Measures, token: &CancellationToken, batch: Batch) -> Written {
    let next = batch.next();
    match attempt(store, measures, token, &batch).await {
        Attempt::Stored => return Written::All(next),
        Attempt::Fenced => return Written::Fenced,
        Attempt::Cancelled => return Written::Cancelled,
        Attempt::Refused(_) => {}
    }
    for single in batch.split() {
        let stored = match attempt(store, measures, token, &single).await {
            Attempt::Refused(reason) => attempt(store, measures, token, &single.refused(&reason)).await,
            other => other,
        };
        match stored {
            Attempt::Stored => {}
            Attempt::Cancelled => return Written::Cancelled,
            // A dead letter that is refused, too, is read again from the store's offset.
            Attempt::Fenced | Attempt::Refused(_) => return Written::Fenced,
        }
    }
    Written::All(next)
}

enum Attempt {
    Stored,
    Fenced,
    Refused(String),
    Cancelled,
}

async fn attempt(store: &Store, measures: &Measures, token: &CancellationToken, batch: &Batch) -> Attempt {
    let limits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(2))
        .with_jitter()
        .without_max_times();
    let mut delays = limits.build();
    let mut is_first = true;
    loop {
        let timer = measures.batch_seconds.start_timer();
        let error = match store.write(batch).await {
            Ok(positions) => {
                timer.observe_duration();
                account(measures, batch, &positions);
                return Attempt::Stored;
            }
            Err(error) => error,
        };
        timer.stop_and_discard();
        if let Some(ended) = ended_by(&error) {
            return ended;
        }
        if std::mem::take(&mut is_first) {
            warn!(error = &error as &dyn std::error::Error, records = batch.items.len(), "batch not stored, trying on");
        }
        let delay = delays.next().unwrap_or(Duration::from_secs(2));
        if token.run_until_cancelled(tokio::time::sleep(delay)).await.is_none() {
            return Attempt::Cancelled;
        }
    }
}

/// What an error means when another attempt cannot help.
fn ended_by(error: &Error) -> Option<Attempt> {
    if error.is_fenced() {
        warn!(error = error as &dyn std::error::Error, "batch dropped, reading the stored offsets again");
        return Some(Attempt::Fenced);
    }
    error.refusal().map(|reason| {
        warn!(error = error as &dyn std::error::Error, "postgres refuses a record of the batch");
        Attempt::Refused(reason)
    })
}

/// Counts and tells what was stored, each record in its own trace.
fn account(measures: &Measures, batch: &Batch, positions: &Positions) {
    let mut positions = positions.clone();
    for item in &batch.items {
        let outcome = item.span.in_scope(|| tell(item, &mut positions));
        measures.records.with_label_values(&[outcome]).inc();
    }
}

fn tell(item: &Item, positions: &mut Positions) -> &'static str {
    let topic = realtime_contract::topic::NOTIFICATIONS;
    let (partition, offset) = (item.record.partition, item.record.offset);
    let event = match &item.verdict {
        Ok(event) => event,
        Err(rejection) => {
            warn!(topic, partition, offset, reason = %rejection, "record became a dead letter");
            return "invalid";
        }
    };
    let notification_id = event.notification.id;
    match positions.remove(&event.id) {
        Some(position) => {
            let channel = event.notification.channel.as_str();
            info!(%notification_id, channel, topic, partition, offset, position, "notification processed");
            "stored"
        }
        None => {
            info!(%notification_id, event_id = %event.id, topic, partition, offset, "duplicate record skipped");
            "duplicate"
        }
    }
}
