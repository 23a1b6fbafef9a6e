//! The operator's process: arguments, telemetry, ops server, lease, controller.

use std::process::ExitCode;

use anyhow::Context;
use kube::Client;
use realtime_chassis::dependencies::Board;
use realtime_chassis::{config, metrics, ops, shutdown, telemetry, tls};
use realtime_operator::config::{Arguments, Command, RunConfig};
use realtime_operator::controller;
use realtime_operator::definition;
use realtime_operator::lease::{self, Lease};
use realtime_operator::metrics::Metrics;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// Name in logs and traces.
const SERVICE_NAME: &str = "realtime-operator";

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    tls::install_provider();
    match config::parse::<Arguments>().command {
        Command::Generate { into } => {
            for file in definition::files()? {
                let path = into.join(file.path);
                std::fs::write(&path, file.content).with_context(|| format!("failed to write {}", path.display()))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Run(config) => {
            let telemetry = telemetry::init(SERVICE_NAME, &config.telemetry)?;
            let result = run(&config).await;
            if let Err(error) = &result {
                error!(error = format!("{error:#}"), "ended by an error");
            }
            telemetry.flush().await;
            Ok(if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

async fn run(config: &RunConfig) -> anyhow::Result<()> {
    let token = shutdown::token()?;
    let registry = metrics::registry(SERVICE_NAME)?;
    let measures = Metrics::register(&registry).context("failed to register metrics")?;
    let board = Board::new(&[]);
    let ops_token = CancellationToken::new();
    let ops = ops::serve(config.ops.port, board.clone(), registry, ops_token.clone()).await?;

    let client = Client::try_default().await.context("failed to find the API server")?;
    let mut lease = Lease::open(client.clone(), &config.namespace, &config.pod).await?;
    board.started();
    if lease.acquired(&token).await? {
        measures.leader.set(1);
        info!("leads");
        lead(client, config, measures, &lease, token.clone()).await?;
    }
    board.draining();
    lease.release().await;
    ops_token.cancel();
    ops.await.context("failed to end the ops server")
}

/// Reconciles until the process is told to end or the lease is lost, which is an error: the next leader may be at work already.
async fn lead(
    client: Client,
    config: &RunConfig,
    measures: Metrics,
    lease: &Lease,
    token: CancellationToken,
) -> anyhow::Result<()> {
    let lost = lease.lost();
    let ends = CancellationToken::new();
    let controller = controller::run::run(client, config, measures, ends.clone());
    let mut controller = std::pin::pin!(controller);
    tokio::select! {
        () = &mut controller => {}
        () = token.cancelled() => {
            info!("ends the reconciles under way");
            ends.cancel();
            controller.await;
        }
        () = lost => return Err(lease::Error::KeepLease.into()),
    }
    Ok(())
}
