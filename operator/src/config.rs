//! What an installation sets.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use realtime_chassis::config::{OpsConfig, TelemetryConfig};
use realtime_contract::environment;

use crate::images::Images;

/// Makes a cluster hold what each RealtimeStack says.
#[derive(Debug, Parser)]
#[command(name = "realtime-operator", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reconcile until the process is told to end.
    Run(Box<RunConfig>),
    /// Write the files that are generated from the types into a checkout.
    Generate {
        /// The checkout.
        #[arg(long, default_value = ".")]
        into: PathBuf,
    },
}

/// Settings of the running operator.
#[derive(Args, Clone, Debug)]
pub struct RunConfig {
    /// Images of the components.
    #[command(flatten)]
    pub images: Images,

    /// Ops server.
    #[command(flatten)]
    pub ops: OpsConfig,

    /// Logs and traces.
    #[command(flatten)]
    pub telemetry: TelemetryConfig,

    /// Namespace of the operator, where its lease is.
    #[arg(long, env = environment::NAMESPACE, default_value = "realtime-system")]
    pub namespace: String,

    /// Name of the pod: who holds the lease.
    #[arg(long, env = environment::POD, default_value = "realtime-operator")]
    pub pod: String,

    /// Stacks that are reconciled at once.
    #[arg(long, env = "REALTIME_CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
