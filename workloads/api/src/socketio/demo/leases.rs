//! How many connections an address has, counted together by all replicas.
//!
//! Each connection has a lease in Redis, a member of its address' sorted set with its end as the score. A replica renews the leases of its
//! connections, so those of a replica that was killed end by themselves. While Redis is away, each replica counts its own. An address is one of
//! IPv4, or a network of 64 bits, which is what a single host gets in IPv6.

mod script;
mod task;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use realtime_chassis::redis::Connection;
use realtime_fanout::serve::limits::subscriber;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::metrics::Metrics;

/// How long Redis may take, while a client waits.
const LIMIT: Duration = Duration::from_millis(500);
/// Ended leases that may wait to be taken out of Redis. One that finds no room ends by itself.
const QUEUE: usize = 4096;

/// Who is connected here. Clones are the same.
#[derive(Clone)]
pub(crate) struct Leases {
    limit: u32,
    redis: Connection,
    metrics: Metrics,
    local: Arc<Local>,
}

/// The connections of this replica.
struct Local {
    by_address: Mutex<BTreeMap<IpAddr, BTreeSet<Box<str>>>>,
    connections: watch::Sender<usize>,
    ended: mpsc::Sender<(IpAddr, Box<str>)>,
}

/// The lease of one connection, which ends when it is dropped. It counts here from when it is granted.
pub(crate) struct Lease {
    is_granted: bool,
    local: Arc<Local>,
    address: IpAddr,
    id: Box<str>,
}

impl Leases {
    /// `limit` connections of one address at most. The task renews and takes out leases until the token is cancelled; then it takes out what
    /// ended before.
    pub(crate) fn start(
        limit: u32,
        redis: Connection,
        metrics: Metrics,
        token: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (ended, queue) = mpsc::channel(QUEUE);
        let local = Local { by_address: Mutex::default(), connections: watch::Sender::new(0), ended };
        let leases = Self { limit, redis, metrics, local: Arc::new(local) };
        let task = tokio::spawn(task::run(leases.clone(), queue, token));
        (leases, task)
    }

    /// A lease for a connection, unless its address has as many as it may have.
    pub(crate) async fn take(&self, address: IpAddr, id: &str) -> Option<Lease> {
        // Made first: whatever becomes of the rest, what Redis has of it ends with the lease.
        let address = subscriber(address);
        let mut lease = Lease { is_granted: false, local: self.local.clone(), address, id: id.into() };
        let limit = match self.ask(address, id).await {
            Some(true) => usize::MAX,
            Some(false) => return None,
            None => self.limit as usize,
        };
        lease.grant(limit).then_some(lease)
    }

    /// Asks Redis for a lease; `None` when it does not answer.
    async fn ask(&self, address: IpAddr, id: &str) -> Option<bool> {
        let mut redis = self.redis.clone();
        let asked = timeout(LIMIT, script::take(&mut redis, address, id, self.limit)).await;
        self.metrics.redis_operation("take_lease", matches!(asked, Ok(Ok(_))));
        match asked {
            Ok(Ok(fits)) => Some(fits),
            Ok(Err(error)) => {
                debug!(error = &error as &dyn std::error::Error, "leases counted here alone");
                None
            }
            Err(_) => None,
        }
    }

    /// Connections of one address at most.
    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    /// Follows the number of connections of this replica.
    pub(crate) fn connections(&self) -> watch::Receiver<usize> {
        self.local.connections.subscribe()
    }

    /// Connections of this replica by address.
    pub(crate) fn by_address(&self) -> BTreeMap<IpAddr, usize> {
        self.local.lock().iter().map(|(address, ids)| (*address, ids.len())).collect()
    }

    /// The leases that this replica renews.
    fn all(&self) -> Vec<(IpAddr, Vec<Box<str>>)> {
        self.local.lock().iter().map(|(address, ids)| (*address, ids.iter().cloned().collect())).collect()
    }
}

impl Local {
    /// No method panics between two changes, so that a poisoned lock still guards a whole state.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, BTreeSet<Box<str>>>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Counts it, unless the address has so many here.
    fn grant(&mut self, limit: usize) -> bool {
        let mut by_address = self.local.lock();
        if by_address.get(&self.address).map_or(0, BTreeSet::len) >= limit {
            return false;
        }
        by_address.entry(self.address).or_default().insert(self.id.clone());
        self.local.connections.send_modify(|connections| *connections += 1);
        drop(by_address);
        self.is_granted = true;
        true
    }

    /// Counts it no more.
    fn give_back(&self) {
        let mut by_address = self.local.lock();
        if let Some(ids) = by_address.get_mut(&self.address) {
            ids.remove(&self.id);
            if ids.is_empty() {
                by_address.remove(&self.address);
            }
        }
        self.local.connections.send_modify(|connections| *connections -= 1);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_granted {
            self.give_back();
        }
        let id = std::mem::take(&mut self.id);
        if self.local.ended.try_send((self.address, id)).is_err() {
            debug!("lease left to end by itself");
        }
    }
}

#[cfg(test)]
mod tests;
