//! What this instance has done, for the others of its stack: written to Redis every 2 s, where it stays for 10 s.

use std::time::Duration;

use realtime_contract::figures::{EXPIRY, Figures, INSTANCES, INTERVAL, key};
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::config::ReportConfig;
use crate::redis::Connection;

/// How long the farewell may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// The figures did not get to Redis.
#[derive(Debug, Error)]
enum Error {
    #[error("failed to write the figures as JSON")]
    Encode {
        #[source]
        source: serde_json::Error,
    },
    #[error("failed to write the figures to Redis")]
    Write {
        #[source]
        source: redis::RedisError,
    },
}

/// Name of this instance: that of its pod, or of the machine.
pub fn instance_name(config: &ReportConfig) -> String {
    config.pod.clone().unwrap_or_else(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Some(name.trim()).filter(|name| !name.is_empty()).unwrap_or("local").to_owned()
    })
}

/// Tells the figures until the token ends, and then that this instance is gone. While Redis is away nothing is told.
pub fn spawn(
    connection: Connection,
    figures: impl Fn() -> Figures + Send + 'static,
    token: CancellationToken,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let instance = figures().instance;
        token.run_until_cancelled(tell_forever(&connection, figures)).await;
        // What cannot be taken away goes away by itself.
        drop(timeout(FAREWELL, forget(&connection, &instance)).await);
    })
}

async fn tell_forever(connection: &Connection, figures: impl Fn() -> Figures) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = tell(connection, &figures()).await {
            // That Redis is away is said by its own check.
            debug!(error = &error as &dyn std::error::Error, "figures not told");
        }
    }
}

async fn tell(connection: &Connection, figures: &Figures) -> Result<(), Error> {
    let text = serde_json::to_string(figures).map_err(|source| Error::Encode { source })?;
    let seconds = EXPIRY.as_secs();
    let mut pipeline = redis::pipe();
    pipeline.cmd("SET").arg(key(&figures.instance)).arg(text).arg("EX").arg(seconds).ignore();
    pipeline.cmd("SADD").arg(INSTANCES).arg(&figures.instance).ignore();
    pipeline.query_async(&mut connection.clone()).await.map_err(|source| Error::Write { source })
}

async fn forget(connection: &Connection, instance: &str) -> redis::RedisResult<()> {
    let mut pipeline = redis::pipe();
    pipeline.cmd("DEL").arg(key(instance)).ignore();
    pipeline.cmd("SREM").arg(INSTANCES).arg(instance).ignore();
    pipeline.query_async(&mut connection.clone()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_called_as_its_pod_or_else_as_its_machine() {
        let pod = ReportConfig { pod: Some("demo-api-x".to_owned()), ..ReportConfig::default() };
        assert_eq!(instance_name(&pod), "demo-api-x");
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(instance_name(&ReportConfig::default()), machine.trim());
    }
}
