//! The servers that are measured: ours and those that it is compared with.

pub(crate) mod axum;
pub(crate) mod floor;
pub(crate) mod socketioxide;
mod source;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use realtime_contract::{environment, topic};
use serde::{Deserialize, Serialize};

/// One server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Peer {
    /// A bare loop: one write of each event to each socket
    Floor,
    /// The bare loop, with all events at hand in one write
    FloorBatched,
    /// axum's own `Sse` over a broadcast channel of tokio
    Axum,
    /// better-sse and kafkajs on Node
    Node,
    /// realtime-notifications
    Ours,
    /// Express, socket.io and ioredis on Node
    #[value(name = "node-socketio")]
    NodeSocketIo,
    /// socketioxide over axum
    Socketioxide,
    /// Express, ioredis, pg and kafkajs on Node
    NodeRest,
    /// realtime-api
    Api,
}

impl Peer {
    /// In the order of the tables.
    pub(crate) const ALL: [Self; 9] = [
        Self::Floor,
        Self::FloorBatched,
        Self::Axum,
        Self::Node,
        Self::Ours,
        Self::NodeSocketIo,
        Self::Socketioxide,
        Self::NodeRest,
        Self::Api,
    ];

    /// Servers of streams.
    pub(crate) const OF_NOTIFICATIONS: [Self; 5] =
        [Self::Floor, Self::FloorBatched, Self::Axum, Self::Node, Self::Ours];

    /// Servers of Socket.IO or REST.
    pub(crate) const OF_API: [Self; 4] = [Self::NodeSocketIo, Self::Socketioxide, Self::NodeRest, Self::Api];

    /// Name in tables and charts.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::FloorBatched => "floor, batched",
            Self::Axum => "axum Sse",
            Self::Node => "Node better-sse",
            Self::Ours => "realtime-notifications",
            Self::NodeSocketIo => "Node socket.io",
            Self::Socketioxide => "socketioxide",
            Self::NodeRest => "Node Express",
            Self::Api => "realtime-api",
        }
    }

    /// What starts a server of streams.
    pub(crate) fn command(self, programs: &Programs, brokers: &str, port: u16, ops_port: u16) -> Result<Command> {
        let own = |mode: &str| {
            let mut command = Command::new(&programs.own);
            command.args([mode, "--brokers", brokers, "--port", &port.to_string()]);
            command
        };
        Ok(match self {
            Self::Floor => own("floor"),
            Self::FloorBatched => {
                let mut command = own("floor");
                command.arg("--batched");
                command
            }
            Self::Axum => own("axum"),
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(programs.node.join("server.mjs")).args([brokers, &port.to_string(), topic::PRODUCT_EVENTS]);
                command
            }
            Self::Ours => {
                let mut command = Command::new(&programs.notifications);
                command.env(environment::KAFKA_BROKERS, brokers).env(environment::PORT, port.to_string());
                command.env(environment::OPS_PORT, ops_port.to_string());
                command
            }
            Self::NodeSocketIo | Self::Socketioxide | Self::NodeRest | Self::Api => {
                bail!("{} serves no streams", self.title())
            }
        })
    }
}

/// Where the servers are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// This program.
    pub(crate) own: PathBuf,
    /// Folder of the server on Node, with its packages.
    pub(crate) node: PathBuf,
    /// realtime-notifications.
    pub(crate) notifications: PathBuf,
}

impl Programs {
    /// This program, and those two.
    pub(crate) fn new(node: &Path, notifications: &Path) -> std::io::Result<Self> {
        Ok(Self { own: std::env::current_exe()?, node: node.to_owned(), notifications: notifications.to_owned() })
    }
}

/// Options of the peers in this program.
#[derive(Clone, Debug, Args)]
pub(crate) struct PeerArguments {
    /// Address of the broker
    #[arg(long)]
    brokers: String,
    /// Port to listen on
    #[arg(long)]
    port: u16,
}

/// Options of the server on socketioxide.
#[derive(Clone, Debug, Args)]
pub(crate) struct SocketPeerArguments {
    /// Address of Redis
    #[arg(long)]
    redis: String,
    /// Redis channel of the notifications
    #[arg(long)]
    channel: String,
    /// Port to listen on
    #[arg(long)]
    port: u16,
}
