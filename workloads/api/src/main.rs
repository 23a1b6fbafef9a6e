//! REST, Socket.IO and SSE in front of the notification path.
//!
//! ```text
//! POST -> store (row, event, outbox: one transaction) -> relay -> Kafka -> consumer -> feed -> tail -> engine -> SSE
//!                                                                                               \-> Socket.IO
//! ```

mod cache;
mod caller;
mod config;
mod cursor;
mod documents;
mod draft;
mod error;
#[cfg(test)]
mod fake_redis;
mod feed;
mod figures;
mod fresh;
mod history;
mod idempotency;
mod metrics;
mod overview;
mod process;
mod relay;
mod resume;
mod router;
mod routes;
mod selection;
mod shard;
mod socketio;
mod state;
mod store;
mod tail;

use config::Config;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config: Config = realtime_chassis::config::parse();
    realtime_chassis::tls::install_provider();
    let telemetry = realtime_chassis::telemetry::init(process::NAME, &config.telemetry)?;
    let outcome = process::run(config).await;
    telemetry.flush().await;
    outcome
}
