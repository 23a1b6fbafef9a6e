//! Kafka to browsers by server-sent events.
//!
//! ```text
//! topics -> follower -> course (where are we? an event? a duplicate?) -> engine: ring, shards -> SSE
//!                                                              cursor -> replay from the log ─┘
//! ```
//!
//! Every replica reads every partition, so that each of its clients gets every event.

mod broadcast;
mod channels;
mod check;
#[cfg(test)]
mod cluster;
mod config;
mod course;
mod cursor;
mod follower;
mod frame;
mod gap;
mod lanes;
mod measures;
mod process;
mod replay;
mod request;
mod router;
mod routes;
mod state;
mod survey;
mod surveys;
mod window;

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
