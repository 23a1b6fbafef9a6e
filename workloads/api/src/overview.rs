//! What the console shows of the stack as a whole.

use std::{sync::Arc, time::Duration};

use realtime_chassis::{
    api_server,
    config::ReportConfig,
    figures::instance_name,
    redis::Connection,
    stack::{self, Stack},
};
use realtime_fanout::Engine;
use tokio::time::Instant;
use tracing::warn;

use crate::{
    figures::{Gathering, OwnFigures},
    fresh::Fresh,
    metrics::Metrics,
};

/// How long a status that was read is told again.
const LIFE: Duration = Duration::from_secs(2);

/// Why there is no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StackAway {
    /// There is no stack, or no API server.
    NoStack,
    /// The API server does not give it now.
    NoAnswer,
}

/// Figures and status of the stack. Clones are the same.
#[derive(Clone)]
pub(crate) struct Overview {
    pub(crate) figures: Gathering,
    status: Arc<Status>,
}

struct Status {
    report: ReportConfig,
    newest: Fresh<Result<Arc<Stack>, StackAway>>,
}

impl Overview {
    /// Of the stack that the configuration names, whose instances tell their figures in Redis.
    pub(crate) fn new(engine: &Engine, metrics: &Metrics, redis: &Connection, report: &ReportConfig) -> Self {
        Self::with(engine, metrics, Some(redis.clone()), report.clone())
    }

    /// Of this instance alone, outside of a stack.
    pub(crate) fn alone(engine: &Engine, metrics: &Metrics) -> Self {
        Self::with(engine, metrics, None, ReportConfig::default())
    }

    fn with(engine: &Engine, metrics: &Metrics, redis: Option<Connection>, report: ReportConfig) -> Self {
        let own = OwnFigures {
            instance: instance_name(&report),
            engine: engine.clone(),
            metrics: metrics.clone(),
            started: Instant::now(),
        };
        Self { figures: Gathering::new(own, redis), status: Arc::new(Status { report, newest: Fresh::new(LIFE) }) }
    }

    /// The stack, up to 2 s old.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub(crate) async fn stack(&self) -> Result<Arc<Stack>, StackAway> {
        self.status.newest.get(|| self.status.read()).await
    }
}

impl Status {
    async fn read(&self) -> Result<Arc<Stack>, StackAway> {
        stack::read(&self.report).await.map(Arc::new).map_err(|error| away(&error))
    }
}

/// What a client is told when the status was not read.
fn away(error: &stack::Error) -> StackAway {
    match error {
        stack::Error::FindStack | stack::Error::ReachApiServer(api_server::Error::ReadAccess { .. }) => {
            StackAway::NoStack
        }
        error => {
            warn!(error = error as &dyn std::error::Error, "the stack's status cannot be read");
            StackAway::NoAnswer
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Overview {
        /// As if the API server had just been asked and had not answered in time.
        pub(crate) async fn is_not_answered(&self) {
            let asked = self.status.newest.get(|| async { Err(away(&stack::Error::AwaitAnswer)) }).await;
            assert_eq!(asked, Err(StackAway::NoAnswer));
        }
    }
}
