//! The benchmark of the notifications service: `cargo xtask bench notifications` builds everything and runs this program.
//!
//! ```text
//! production -> Kafka -> server under test (one of the peers, or ours) -> crowd of clients -> figures -> page
//! ```
//!
//! The server has a core of its own; clients, producer and broker share another one. Every error ends a measurement and is printed
//! with all that led to it, so all modules use `anyhow`.

mod crowd;
mod figures;
mod interruption;
mod kafka;
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

use crate::peer::PeerArguments;
use crate::run::RunArguments;

/// The benchmark of the notifications service.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Measure all servers, and report
    Run(RunArguments),
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
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Role::Run(arguments) => run::run(&arguments),
        Role::Floor { peer, batched } => peer::floor::serve(&peer, batched),
        Role::Axum(peer) => peer::axum::serve(&peer),
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
