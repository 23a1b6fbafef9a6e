//! Kafka to browsers by server-sent events.
//!
//! ```text
//! topic product-events -> reader -> intake (valid? seen before?) -> frame -> hub -> SSE
//! ```
//!
//! Every replica reads every partition, so that each of its clients gets every event.

#[cfg(test)]
mod broadcast;
#[cfg(test)]
mod check;
#[cfg(test)]
mod cluster;
mod config;
#[cfg(test)]
mod course;
#[cfg(test)]
mod cursor;
#[cfg(test)]
mod follower;
mod frame;
#[cfg(test)]
mod gap;
mod intake;
#[cfg(test)]
mod lanes;
#[cfg(test)]
mod measures;
mod metrics;
mod process;
mod reader;
#[cfg(test)]
mod replay;
mod router;
mod routes;
mod state;
#[cfg(test)]
mod survey;
#[cfg(test)]
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
