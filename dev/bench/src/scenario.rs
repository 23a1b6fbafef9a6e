//! What is done to a server, and what is measured meanwhile.

mod churn;
mod crowd;
mod latency;
mod saturated;
mod storm;

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use crate::interruption::Interruption;
use crate::peer::Peer;
use crate::production::Production;
use crate::run::Part;
pub(crate) use crate::run::Values;
use crate::subject::Subject;

/// Path of the stream.
pub(crate) const PATH: &str = "/events/stream";
/// Until all clients of a scenario have their first frame.
pub(crate) const GATHERING: Duration = Duration::from_secs(60);
/// Until the last frames of a scenario are there.
pub(crate) const TAIL: Duration = Duration::from_secs(20);

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// 8,000 subscribers of one channel, idle, and then with 20 events
    Crowd,
    /// As many events as the server takes, to 1,000 subscribers
    Saturated,
    /// 20 events a second to 1,000 subscribers
    Latency,
    /// 8,000 clients come back at once and resume
    Storm,
    /// 100,000 connections come and go
    Churn,
}

/// A server under test, and what acts on it.
pub(crate) struct Trial<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) production: &'a mut Production,
    pub(crate) interruption: &'a Interruption,
}

impl Scenario {
    /// All, in their order.
    pub(crate) const ALL: [Self; 5] = [Self::Crowd, Self::Saturated, Self::Latency, Self::Storm, Self::Churn];

    /// Runs it against a server that was started for it.
    pub(crate) fn run(self, trial: &mut Trial<'_>) -> Result<Values> {
        match self {
            Self::Crowd => crowd::run(trial),
            Self::Saturated => saturated::run(trial),
            Self::Latency => latency::run(trial),
            Self::Storm => storm::run(trial),
            Self::Churn => churn::run(trial),
        }
    }
}

impl Part for Scenario {
    fn name(self) -> &'static str {
        match self {
            Self::Crowd => "crowd",
            Self::Saturated => "saturated",
            Self::Latency => "latency",
            Self::Storm => "storm",
            Self::Churn => "churn",
        }
    }

    fn concerns(self, peer: Peer) -> bool {
        match self {
            Self::Saturated => true,
            Self::Crowd | Self::Latency => peer != Peer::FloorBatched,
            // Resume and bounded memory are promises of ours.
            Self::Storm | Self::Churn => peer == Peer::Ours,
        }
    }
}

/// Nanoseconds as milliseconds.
pub(crate) fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

/// A number of something that was counted.
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}
