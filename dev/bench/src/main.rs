//! The benchmarks: `cargo xtask bench notifications` and `cargo xtask bench api` build everything and run this program.
//!
//! ```text
//! notifications: production -> Kafka -> server under test (one of the peers, or ours) -> crowd of streams -> figures -> page
//! api:           source -> Redis, or Postgres and consumer -> server under test -> crowd of websockets -> figures -> page
//! ```
//!
//! The server has a core of its own; clients, producer and backends share another one. Every error ends a measurement and is printed
//! with all that led to it, so all modules use `anyhow`.

mod api;
mod crowd;
mod delays;
mod figures;
mod interruption;
mod kafka;
mod load;
mod notifications;
mod peer;
mod process;
mod processors;
mod production;
mod record;
mod report;
mod run;
mod scenario;
mod subject;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::api::ApiArguments;
use crate::notifications::NotificationsArguments;
use crate::peer::{PeerArguments, SocketPeerArguments};

/// The benchmarks of realtime-notifications and of realtime-api.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Measure realtime-notifications and its peers, and report
    Notifications(NotificationsArguments),
    /// Measure realtime-api and its peers, and report
    Api(ApiArguments),
    /// Be the floor
    Floor {
        #[command(flatten)]
        peer: PeerArguments,
        /// Write all records at hand at once
        #[arg(long)]
        batched: bool,
    },
    /// Be the server on axum's own `Sse`
    Axum(PeerArguments),
    /// Be the server on socketioxide
    Socketioxide(SocketPeerArguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Role::Notifications(arguments) => notifications::run(&arguments),
        Role::Api(arguments) => api::run(&arguments),
        Role::Floor { peer, batched } => peer::floor::serve(&peer, batched),
        Role::Axum(peer) => peer::axum::serve(&peer),
        Role::Socketioxide(peer) => peer::socketioxide::serve(&peer),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
