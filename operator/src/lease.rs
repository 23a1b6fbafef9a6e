//! One leader: the operator that holds the lease reconciles, the others wait.

use std::time::Duration;

use kube::Client;
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, LeaseManagerError};
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Name of the lease.
const LEASE: &str = "realtime-operator";

/// Seconds after which a silent leader's lease is free.
const DURATION_SECONDS: u64 = 15;

/// Seconds before that at which the leader renews it.
const GRACE_SECONDS: u64 = 5;

/// Time between two attempts to use a lease that cannot be used.
const RETRY: Duration = Duration::from_secs(2);

/// The lease cannot be used.
#[derive(Debug, Error)]
pub enum Error {
    /// It could not be read or created.
    #[error("failed to open lease {LEASE} in namespace {namespace}")]
    OpenLease {
        /// Its namespace.
        namespace: String,
        /// Why.
        #[source]
        source: LeaseManagerError,
    },
    /// It is no longer held, or nobody can tell.
    #[error("failed to keep lease {LEASE}")]
    KeepLease,
}

/// Who wants the lease, and where it is.
struct Candidate {
    client: Client,
    namespace: String,
    pod: String,
}

impl Candidate {
    async fn open(&self) -> Result<LeaseManager, Error> {
        let manager = LeaseManagerBuilder::new(self.client.clone(), LEASE)
            .with_namespace(&self.namespace)
            .with_identity(&self.pod)
            .with_duration(DURATION_SECONDS)
            .with_grace(GRACE_SECONDS)
            .build()
            .await;
        manager.map_err(|source| Error::OpenLease { namespace: self.namespace.clone(), source })
    }

    /// Tells whether the lease is held until nobody listens, then gives it back. A leader that cannot renew is none: it says so at
    /// once and does not wait for the lease to expire, because the next one might be at work by then.
    async fn keep(self, mut manager: LeaseManager, held: watch::Sender<bool>) {
        loop {
            let changed = tokio::select! {
                () = held.closed() => break,
                changed = manager.changed() => changed,
            };
            match changed {
                Ok(now) => drop(held.send(now)),
                Err(error) => {
                    warn!(%error, lease = LEASE, "failed to use the lease");
                    if held.send_replace(false) {
                        break;
                    }
                    match self.reopened(&held).await {
                        Some(reopened) => manager = reopened,
                        None => break,
                    }
                }
            }
        }
        if let Err(error) = manager.release().await {
            warn!(%error, lease = LEASE, "failed to release the lease; it expires by itself");
        }
    }

    /// Also when the lease was deleted: opening creates it anew. `None` when nobody listens any more.
    async fn reopened(&self, held: &watch::Sender<bool>) -> Option<LeaseManager> {
        loop {
            tokio::select! {
                () = held.closed() => return None,
                () = tokio::time::sleep(RETRY) => {}
            }
            match self.open().await {
                Ok(manager) => return Some(manager),
                Err(error) => warn!(error = &error as &dyn std::error::Error, "failed to open the lease, tries again"),
            }
        }
    }
}

/// The lease of this installation, wanted by this process.
pub struct Lease {
    held: watch::Receiver<bool>,
    keeper: JoinHandle<()>,
}

impl Lease {
    /// Begins to want the lease.
    ///
    /// # Errors
    /// [`Error::OpenLease`] when it can neither be read nor created.
    pub async fn open(client: Client, namespace: &str, pod: &str) -> Result<Self, Error> {
        let candidate = Candidate { client, namespace: namespace.to_owned(), pod: pod.to_owned() };
        let manager = candidate.open().await?;
        let (sender, held) = watch::channel(false);
        Ok(Self { held, keeper: tokio::spawn(candidate.keep(manager, sender)) })
    }

    /// Waits until this process is the leader: `true`, or until the token is cancelled: `false`.
    ///
    /// # Errors
    /// [`Error::KeepLease`] when nobody wants the lease any more.
    pub async fn acquired(&mut self, token: &CancellationToken) -> Result<bool, Error> {
        info!(lease = LEASE, "waits for the lease");
        tokio::select! {
            held = self.held.wait_for(|held| *held) => held.map(|_| true).map_err(|_| Error::KeepLease),
            () = token.cancelled() => Ok(false),
        }
    }

    /// A future that ends when the lease is lost.
    pub fn lost(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut held = self.held.clone();
        async move {
            // A closed channel means that nobody renews any more: as good as lost.
            drop(held.wait_for(|held| !*held).await);
        }
    }

    /// Gives the lease back, so that the next leader need not wait for it to expire.
    pub async fn release(self) {
        drop(self.held);
        if let Err(error) = self.keeper.await {
            warn!(%error, "failed to end the keeper of the lease");
        }
    }
}
