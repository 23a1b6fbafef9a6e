//! One leader: the operator that holds the lease reconciles, the others wait.

use kube::Client;
use kube_lease_manager::{LeaseManagerBuilder, LeaseManagerError};
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;

/// Name of the lease.
const LEASE: &str = "realtime-operator";

/// Seconds after which a silent leader's lease is free.
const DURATION_SECONDS: u64 = 15;

/// Seconds before that at which the leader renews it.
const GRACE_SECONDS: u64 = 5;

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
    /// Renewing has ended.
    #[error("failed to keep lease {LEASE}")]
    KeepLease,
}

/// The lease of this installation, wanted by this process.
pub struct Lease {
    held: watch::Receiver<bool>,
    keeper: JoinHandle<Result<kube_lease_manager::LeaseManager, LeaseManagerError>>,
}

impl Lease {
    /// Begins to want the lease.
    ///
    /// # Errors
    /// [`Error::OpenLease`] when it can neither be read nor created.
    pub async fn open(client: Client, namespace: &str, pod: &str) -> Result<Self, Error> {
        let manager = LeaseManagerBuilder::new(client, LEASE)
            .with_namespace(namespace)
            .with_identity(pod)
            .with_duration(DURATION_SECONDS)
            .with_grace(GRACE_SECONDS)
            .build()
            .await
            .map_err(|source| Error::OpenLease { namespace: namespace.to_owned(), source })?;
        let (held, keeper) = manager.watch().await;
        Ok(Self { held, keeper })
    }

    /// Waits until this process is the leader: `true`, or until the token is cancelled: `false`.
    ///
    /// # Errors
    /// [`Error::KeepLease`] when the lease is no longer wanted or renewed.
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
            let _ = held.wait_for(|held| !*held).await;
        }
    }

    /// Gives the lease back, so that the next leader need not wait for it to expire.
    pub async fn release(self) {
        drop(self.held);
        if let Ok(Err(error)) = self.keeper.await {
            tracing::warn!(%error, "failed to release the lease; it expires by itself");
        }
    }
}
