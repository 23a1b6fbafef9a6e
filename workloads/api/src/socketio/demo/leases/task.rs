//! Keeps the leases of this replica in Redis, and takes out those that ended.

use std::{net::IpAddr, time::Duration};

use redis::RedisResult;
use tokio::{
    sync::mpsc::Receiver,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Leases, script};

/// Between two renewals: a lease outlives two that failed.
const RENEWALS: Duration = Duration::from_secs(15);
/// How long a pipeline may take.
const LIMIT: Duration = Duration::from_secs(2);
/// Commands of one pipeline.
const BATCH: usize = 512;

/// Runs until the token is cancelled, and takes out what ended until then.
pub(super) async fn run(mut leases: Leases, mut queue: Receiver<(IpAddr, Box<str>)>, token: CancellationToken) {
    let mut renewals = interval(RENEWALS);
    renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ended = Vec::new();
    let mut failing = false;
    loop {
        tokio::select! {
            () = token.cancelled() => break,
            _ = renewals.tick() => {
                let renewed = renew(&mut leases).await;
                tell(&mut failing, renewed);
            }
            _ = queue.recv_many(&mut ended, BATCH) => end(&mut leases, &mut ended).await,
        }
    }
    while !queue.is_empty() {
        queue.recv_many(&mut ended, BATCH).await;
        end(&mut leases, &mut ended).await;
    }
}

pub(super) async fn renew(leases: &mut Leases) -> bool {
    for batch in leases.all().chunks(BATCH) {
        if !done(leases, "renew_leases", script::renew(&mut leases.redis.clone(), batch)).await {
            return false;
        }
    }
    true
}

/// What Redis does not take now ends by itself.
async fn end(leases: &mut Leases, ended: &mut Vec<(IpAddr, Box<str>)>) {
    done(leases, "end_leases", script::end(&mut leases.redis.clone(), ended)).await;
    ended.clear();
}

async fn done(leases: &Leases, operation: &str, command: impl Future<Output = RedisResult<()>>) -> bool {
    let done = matches!(timeout(LIMIT, command).await, Ok(Ok(())));
    leases.metrics.redis_operation(operation, done);
    done
}

/// An outage is logged once.
fn tell(failing: &mut bool, renewed: bool) {
    if renewed && *failing {
        info!("connections of the replicas are counted together again");
    } else if !renewed && !*failing {
        warn!("connections are counted by each replica alone: Redis does not answer");
    }
    *failing = !renewed;
}
