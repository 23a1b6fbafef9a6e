//! This pod's way to the Kubernetes API server.

use kube::api::{ApiResource, DynamicObject};
use kube::{Api, Client, Config};
use realtime_crds::RealtimeStack;
use thiserror::Error;

/// There is no way to the API server.
#[derive(Debug, Error)]
pub enum Error {
    /// The pod has no access.
    #[error("failed to read the pod's access to the API server")]
    ReadAccess {
        /// What is missing.
        #[source]
        source: kube::config::InClusterError,
    },
    /// The client was refused.
    #[error("failed to build the client of the API server")]
    BuildClient {
        /// The client's reason.
        #[source]
        source: kube::Error,
    },
}

/// A client with the pod's token as it is now. It changes: who asks seldom makes a client for each request.
pub(crate) fn client() -> Result<Client, Error> {
    let access = Config::incluster().map_err(|source| Error::ReadAccess { source })?;
    Client::try_from(access).map_err(|source| Error::BuildClient { source })
}

/// The stacks of a namespace, whatever version of the operator wrote them.
pub(crate) fn stacks(client: Client, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client, namespace, &ApiResource::erase::<RealtimeStack>(&()))
}
