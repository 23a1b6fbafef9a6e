//! The consumer: stores what arrives in Kafka, gives it its place in the feed, prepares schema and topics, and compares state and history.

mod arguments;
mod batch;
mod decode;
mod feeder;
mod intake;
mod measures;
mod prepare;
mod rebuild;
mod record;
mod run;
mod store;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use realtime_chassis::config::TelemetryConfig;
use realtime_chassis::{config, telemetry, tls};
use tracing::error;

/// Name in logs, traces, and towards the backends.
const SERVICE_NAME: &str = "realtime-consumer";

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    tls::install_provider();
    let arguments: Arguments = config::parse_with_default("run");
    match arguments.command {
        Command::Run(run) => {
            let telemetry = run.telemetry.clone();
            logged(&telemetry, async { run::run(*run).await.map_err(anyhow::Error::from) }).await
        }
        Command::Prepare(prepare) => {
            let telemetry = prepare.telemetry.clone();
            logged(&telemetry, async { prepare::prepare(*prepare).await.map_err(anyhow::Error::from) }).await
        }
        Command::Rebuild(rebuild) => Ok(rebuild::rebuild(&rebuild).await),
    }
}

async fn logged(config: &TelemetryConfig, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<ExitCode> {
    let telemetry = telemetry::init(SERVICE_NAME, config)?;
    let outcome = work.await;
    if let Err(error) = &outcome {
        let error: &(dyn std::error::Error + 'static) = error.as_ref();
        error!(error, "ended by an error");
    }
    telemetry.flush().await;
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
