//! What a workload says about its dependencies: a closed set of texts, so that a status cannot carry secrets or noise.

use serde::{Deserialize, Serialize};

/// Why a dependency does not serve, or that it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DependencyState {
    /// It answered the last check.
    Ready,
    /// No check has ended yet.
    Unknown,
    /// Nothing listens at the address, or its name does not resolve.
    Unreachable,
    /// It refused the credentials.
    Denied,
    /// It took longer than the check allows.
    TimedOut,
    /// It answered, but cannot serve: loading, no topic, schema too old.
    NotServing,
}

impl DependencyState {
    /// The sentence of the readiness report.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Ready => "answers",
            Self::Unknown => "not checked yet",
            Self::Unreachable => "nothing answers at its address",
            Self::Denied => "refuses the credentials",
            Self::TimedOut => "does not answer in time",
            Self::NotServing => "answers but does not serve yet",
        }
    }

    /// Whether the dependency serves.
    pub const fn is_ready(self) -> bool {
        matches!(self, Self::Ready)
    }
}
