//! What is done to a server of Socket.IO or REST, and what is measured meanwhile.

mod idle;
mod post;
mod relay;
mod rest;
mod saturated;

use anyhow::Result;
use clap::ValueEnum;

use super::PATH;
use super::backends::Backends;
use super::source::Source;
use crate::interruption::Interruption;
use crate::peer::Peer;
use crate::run::{Part, Values};
use crate::subject::Subject;

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Scenario {
    /// 5,000 clients, idle until each was pinged, and then with 20 events
    Idle,
    /// As many events as the server takes, to 1,000 clients
    Saturated,
    /// 20 POSTs a second, to 100 clients
    Post,
    /// 200,000 records in the outbox
    Relay,
    /// As many reads of the cached list as the server takes, over 64 connections
    RestRead,
    /// As many POSTs as the server takes, over 64 connections
    RestWrite,
}

/// A server under test, and what acts on it.
pub(super) struct Trial<'a> {
    pub(super) peer: Peer,
    pub(super) subject: &'a Subject,
    pub(super) source: &'a mut Source,
    pub(super) backends: &'a mut Backends,
    pub(super) interruption: &'a Interruption,
}

impl Scenario {
    /// All, in their order.
    pub(super) const ALL: [Self; 6] =
        [Self::Idle, Self::Saturated, Self::Post, Self::Relay, Self::RestRead, Self::RestWrite];

    /// Whether the server is asked by REST alone.
    pub(super) const fn is_rest(self) -> bool {
        matches!(self, Self::RestRead | Self::RestWrite)
    }

    /// Runs it against a server that was started for it.
    pub(super) fn run(self, trial: &mut Trial<'_>) -> Result<Values> {
        match self {
            Self::Idle => idle::run(trial),
            Self::Saturated => saturated::run(trial),
            Self::Post => post::run(trial),
            Self::Relay => relay::run(trial),
            Self::RestRead => rest::read(trial),
            Self::RestWrite => rest::write(trial),
        }
    }
}

impl Part for Scenario {
    fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Saturated => "saturated",
            Self::Post => "post",
            Self::Relay => "relay",
            Self::RestRead => "rest-read",
            Self::RestWrite => "rest-write",
        }
    }

    fn concerns(self, peer: Peer) -> bool {
        match self {
            Self::Idle | Self::Saturated | Self::Post => peer != Peer::NodeRest,
            Self::RestRead | Self::RestWrite => matches!(peer, Peer::NodeRest | Peer::Api),
            // The others store nothing.
            Self::Relay => peer == Peer::Api,
        }
    }
}
