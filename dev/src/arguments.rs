//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The local cluster, images, checks and end-to-end tests of Realtime Stack.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Task,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Bring up a cluster with the quick-start stack, and show that a notification is delivered
    Up {
        /// Use this context of your kubeconfig instead of a cluster of our own
        #[arg(long)]
        context: Option<String>,
        /// How that cluster gets images: run once for each archive, with its path at the end (`kind load image-archive`)
        #[arg(long, requires = "context")]
        load: Option<String>,
    },
    /// Remove the clusters and every trace of them but the cache
    Down {
        /// Remove the cache, too
        #[arg(long)]
        cache: bool,
    },
    /// Run every check and test, the last ones on a cluster of their own
    Test {
        /// Only those end-to-end tests whose names contain this
        #[arg(long)]
        filter: Option<String>,
        /// Leave the cluster up
        #[arg(long)]
        keep: bool,
    },
    /// Start or stop a local cluster without a stack, or say how it is
    Cluster {
        /// What to do with it
        action: ClusterAction,
        /// `dev` or `test`
        #[arg(long, default_value = "dev")]
        name: String,
    },
    /// Build all images and import them into the local cluster
    Images {
        /// Build release images of our binaries, and import nothing
        #[arg(long)]
        release: bool,
        /// `dev` or `test`
        #[arg(long, default_value = "dev")]
        name: String,
    },
    /// Run kubectl on the local cluster
    Kubectl {
        /// `dev` or `test`
        #[arg(long, default_value = "dev")]
        name: String,
        /// Arguments of kubectl
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Measure a service against its peers, on this machine and without a cluster
    Bench {
        /// Which one
        #[command(subcommand)]
        service: Service,
    },
    /// Run the test suites of Engine.IO and Socket.IO, by their authors, against our server on port 3000
    Suites {
        /// A checkout of socketio/socket.io
        #[arg(long, env = "REALTIME_PROTOCOL_SUITES")]
        checkout: PathBuf,
    },
    /// Write the files that are generated from the code: the resource's definition, the admission policy, the documents of the API
    Generate,
}

impl Task {
    /// Whether it works on a local cluster, not only with a client of one.
    pub(crate) const fn needs_root(&self) -> bool {
        match self {
            Self::Up { context, .. } => context.is_none(),
            Self::Images { release, .. } => !*release,
            Self::Down { .. } | Self::Test { .. } | Self::Cluster { .. } => true,
            Self::Kubectl { .. } | Self::Bench { .. } | Self::Suites { .. } | Self::Generate => false,
        }
    }
}

/// What can be measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Service {
    /// Measure realtime-notifications, its floor and its peers
    Notifications {
        /// Only these scenarios, by comma: crowd, saturated, latency, storm, churn
        #[arg(long, value_delimiter = ',', value_parser = ["crowd", "saturated", "latency", "storm", "churn"])]
        only: Vec<String>,
        /// Only these servers, by comma: floor, floor-batched, axum, node, ours
        #[arg(long, value_delimiter = ',', value_parser = ["floor", "floor-batched", "axum", "node", "ours"])]
        peers: Vec<String>,
        #[command(flatten)]
        rounds: Rounds,
    },
    /// Measure realtime-api and its peers
    Api {
        /// Only these scenarios, by comma: idle, saturated, post, relay, rest-read, rest-write
        #[arg(long, value_delimiter = ',', value_parser = ["idle", "saturated", "post", "relay", "rest-read", "rest-write"])]
        only: Vec<String>,
        /// Only these servers, by comma: node-socketio, socketioxide, node-rest, api
        #[arg(long, value_delimiter = ',', value_parser = ["node-socketio", "socketioxide", "node-rest", "api"])]
        peers: Vec<String>,
        #[command(flatten)]
        rounds: Rounds,
    },
}

/// Options of every measurement.
#[derive(Args, Debug)]
pub(crate) struct Rounds {
    /// How often everything is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=99))]
    pub(crate) rounds: u16,
    /// Replace the figures and charts in docs/benchmarks.md of which everything was measured
    #[arg(long, conflicts_with = "peers")]
    pub(crate) write: bool,
}

/// What can be done with a local cluster.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ClusterAction {
    /// Start it, or leave it running
    Start,
    /// Stop it; its data stays
    Stop,
    /// Say whether it runs and how to reach it
    Status,
}
