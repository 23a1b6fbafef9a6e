//! What the instances of the stack have done: each tells its own in Redis, and this gathers them.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use realtime_chassis::{figures, redis::Connection};
use realtime_contract::{
    Component,
    figures::{Figures, INSTANCES, key},
    time,
};
use realtime_fanout::{Engine, figures::counts};
use serde::Serialize;
use thiserror::Error;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{fresh::Fresh, metrics::Metrics};

/// How long what was gathered is told again.
const LIFE: Duration = Duration::from_secs(1);
/// How long Redis may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// Instances that are gathered at most.
const LIMIT: usize = 256;

/// The figures cannot be gathered.
#[derive(Debug, Error)]
enum Error {
    #[error("failed to read figures from Redis")]
    Read {
        #[source]
        source: redis::RedisError,
    },
    #[error("failed to hear from Redis within 1 s")]
    AwaitRedis,
}

/// This instance's own figures.
#[derive(Clone)]
pub(crate) struct OwnFigures {
    pub(crate) instance: String,
    pub(crate) engine: Engine,
    pub(crate) metrics: Metrics,
    pub(crate) started: Instant,
}

impl OwnFigures {
    /// As they are now.
    pub(crate) fn read(&self) -> Figures {
        let mut counts = counts(&self.engine.statistics());
        counts.published = self.metrics.notifications_sent.get();
        Figures::new(&self.instance, Component::Api, self.started.elapsed(), counts)
    }
}

/// What is told of all instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AllFigures {
    #[serde(serialize_with = "time::serialize")]
    timestamp: Timestamp,
    /// Whether Redis told of all instances; else these are the own ones alone.
    complete: bool,
    instances: Vec<Figures>,
}

/// Gathers the figures of all instances. Clones are the same.
#[derive(Clone)]
pub(crate) struct Gathering(Arc<Inner>);

struct Inner {
    own: OwnFigures,
    /// `None` when there is no Redis.
    redis: Option<Connection>,
    all: Fresh<Arc<AllFigures>>,
}

impl Gathering {
    pub(crate) fn new(own: OwnFigures, redis: Option<Connection>) -> Self {
        Self(Arc::new(Inner { own, redis, all: Fresh::new(LIFE) }))
    }

    /// Tells the own figures to the others, where there is Redis, until the token ends.
    pub(crate) fn tell(&self, token: CancellationToken) -> Option<JoinHandle<()>> {
        let (redis, own) = (self.0.redis.clone()?, self.0.own.clone());
        Some(figures::spawn(redis, move || own.read(), token))
    }

    /// The figures of all instances, up to 1 s old, and those of this one alone while Redis is away.
    pub(crate) async fn all(&self) -> Arc<AllFigures> {
        self.0.all.get(|| self.0.gather()).await
    }
}

impl Inner {
    async fn gather(&self) -> Arc<AllFigures> {
        let told = match &self.redis {
            None => None,
            Some(redis) => match timeout(PATIENCE, read(redis.clone())).await.unwrap_or(Err(Error::AwaitRedis)) {
                Ok(told) => Some(told),
                Err(error) => {
                    // That Redis is away is said by its own check.
                    debug!(error = &error as &dyn std::error::Error, "figures of other instances not read");
                    None
                }
            },
        };
        let complete = told.is_some();
        let instances = with_own(told.unwrap_or_default(), self.own.read());
        Arc::new(AllFigures { timestamp: Timestamp::now(), complete, instances })
    }
}

/// What the instances told last. The names of those that are gone are taken away.
async fn read(mut redis: Connection) -> Result<Vec<Figures>, Error> {
    let fail = |source| Error::Read { source };
    let mut ask = redis::cmd("SRANDMEMBER");
    ask.arg(INSTANCES).arg(LIMIT);
    let names: Vec<String> = ask.query_async(&mut redis).await.map_err(fail)?;
    let mut pipeline = redis::pipe();
    for name in &names {
        pipeline.cmd("GET").arg(key(name));
    }
    let texts: Vec<Option<String>> =
        if names.is_empty() { Vec::new() } else { pipeline.query_async(&mut redis).await.map_err(fail)? };
    let gone: Vec<&String> =
        names.iter().zip(&texts).filter(|(_, text)| text.is_none()).map(|(name, _)| name).collect();
    if !gone.is_empty() {
        let mut forget = redis::cmd("SREM");
        forget.arg(INSTANCES).arg(gone);
        forget.query_async::<()>(&mut redis).await.map_err(fail)?;
    }
    Ok(texts.iter().flatten().filter_map(|text| serde_json::from_str(text).ok()).collect())
}

/// All of them by component and name, each once: the own ones as they are now, not as they were told.
fn with_own(told: Vec<Figures>, own: Figures) -> Vec<Figures> {
    let mut all: Vec<Figures> = told.into_iter().filter(|figures| figures.instance != own.instance).collect();
    all.push(own);
    all.sort_by(|one, other| (&one.component, &one.instance).cmp(&(&other.component, &other.instance)));
    all
}

#[cfg(test)]
mod tests;
