//! The consumer: stores what arrives in Kafka, gives it its place in the feed, and prepares schema and topics.

mod arguments;
mod batch;
mod decode;
mod feeder;
mod intake;
mod measures;
mod prepare;
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
    let telemetry = telemetry::init(SERVICE_NAME, telemetry_of(&arguments.command))?;
    let outcome = match arguments.command {
        Command::Run(run) => run::run(*run).await.map_err(anyhow::Error::from),
        Command::Prepare(prepare) => prepare::prepare(*prepare).await.map_err(anyhow::Error::from),
    };
    if let Err(error) = &outcome {
        let error: &(dyn std::error::Error + 'static) = error.as_ref();
        error!(error, "ended by an error");
    }
    telemetry.flush().await;
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn telemetry_of(command: &Command) -> &TelemetryConfig {
    match command {
        Command::Run(run) => &run.telemetry,
        Command::Prepare(prepare) => &prepare.telemetry,
    }
}
