//! The cluster as its administrator sees it, and as others do.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, ObjectMeta, PostParams};
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;
use uuid::Uuid;

use crate::environment;
use crate::janitor;

/// Namespace of the operator.
pub const OPERATOR_NAMESPACE: &str = "realtime-system";
/// Name of the operator's Deployment and ServiceAccount.
pub const OPERATOR: &str = "realtime-operator";

/// A connection to the API server. It belongs to the test that opened it: a connection does not outlive the runtime of its test.
#[derive(Clone)]
pub struct Cluster {
    /// The administrator's client.
    pub client: Client,
}

impl Cluster {
    /// Connects as the kubeconfig's user.
    ///
    /// # Panics
    /// When there is no kubeconfig, or no cluster behind it.
    pub async fn connect() -> Self {
        Self { client: client(kubeconfig()).await }
    }

    /// A client that has nothing but that token.
    ///
    /// # Panics
    /// When no client can be built.
    pub async fn with_token(&self, token: &str) -> Client {
        let mut kubeconfig = kubeconfig();
        let access = serde_json::from_value::<AuthInfo>(json!({"token": token}));
        let access = access.unwrap_or_else(|error| panic!("failed to build the access of a token: {error}"));
        for user in &mut kubeconfig.auth_infos {
            user.auth_info = Some(access.clone());
        }
        client(kubeconfig).await
    }

    /// A new namespace under the strictest pod security, which is deleted at the end of the tests at the latest.
    ///
    /// # Panics
    /// When it cannot be created.
    pub async fn create_namespace(&self, prefix: &str) -> String {
        let name = format!("e2e-{prefix}-{}", &Uuid::new_v4().simple().to_string()[..8]);
        let labels = [("pod-security.kubernetes.io/enforce".to_owned(), "restricted".to_owned())];
        let namespace = Namespace {
            metadata: ObjectMeta { name: Some(name.clone()), labels: Some(labels.into()), ..ObjectMeta::default() },
            ..Namespace::default()
        };
        janitor::delete_at_exit(&name);
        let created = Api::<Namespace>::all(self.client.clone()).create(&PostParams::default(), &namespace).await;
        created.unwrap_or_else(|error| panic!("failed to create namespace {name}: {error}"));
        name
    }

    /// Begins to delete a namespace with everything in it.
    pub async fn delete_namespace(&self, name: &str) {
        let namespaces = Api::<Namespace>::all(self.client.clone());
        if let Err(error) = namespaces.delete(name, &DeleteParams::background()).await {
            eprintln!("failed to delete namespace {name}: {error}");
        }
    }
}

fn kubeconfig() -> Kubeconfig {
    let path = environment::path(environment::KUBECONFIG);
    Kubeconfig::read_from(&path).unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display()))
}

async fn client(kubeconfig: Kubeconfig) -> Client {
    // An error only says that a provider stands already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let config = config.unwrap_or_else(|error| panic!("failed to read the kubeconfig: {error}"));
    Client::try_from(config).unwrap_or_else(|error| panic!("failed to build a client of the API server: {error}"))
}
