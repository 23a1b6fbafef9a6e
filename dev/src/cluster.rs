//! A real Kubernetes of one node, in namespaces of its own: whatever it makes ends with its first process.

pub(crate) mod configuration;
pub(crate) mod leftovers;
pub(crate) mod network;
pub(crate) mod process;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod stop;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cache::Cache;
use crate::kubectl::Kubectl;

/// A named cluster: names and addresses of two never meet, so they run side by side.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    cache: Cache,
    name: &'static str,
    /// Second number of the node's network; the one below is that of the pods.
    network: u8,
    /// Second number of the Services' network.
    services: u8,
}

impl Cluster {
    /// The cluster of that name: `dev` for people, `test` for the suite.
    pub(crate) fn named(cache: &Cache, name: &str) -> Result<Self> {
        let (name, network, services) = match name {
            "dev" => ("dev", 245, 96),
            "test" => ("test", 247, 97),
            _ => bail!("there is no local cluster {name:?}: use dev or test"),
        };
        Ok(Self { cache: cache.clone(), name, network, services })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Name of the node, of the kubeconfig's context, and of the folder in the cgroup hierarchies.
    pub(crate) fn context(&self) -> String {
        format!("realtime-{}", self.name)
    }

    /// All of its data.
    pub(crate) fn folder(&self) -> PathBuf {
        self.cache.cluster(self.name)
    }

    /// Certificates and kubeconfigs.
    pub(crate) fn pki(&self) -> PathBuf {
        self.folder().join("pki")
    }

    /// For its administrator.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.pki().join("admin.kubeconfig")
    }

    /// Every write that the API server took, one JSON object per line.
    pub(crate) fn audit_log(&self) -> PathBuf {
        self.folder().join("log/audit.log")
    }

    /// kubectl for this cluster.
    pub(crate) fn kubectl(&self) -> Kubectl {
        Kubectl::local(&self.cache, self)
    }

    /// Address of API server, node and DNS.
    pub(crate) fn node_address(&self) -> String {
        format!("10.{}.0.1", self.network)
    }

    /// The cluster's end of the pair that connects it to the machine.
    pub(crate) fn inner_address(&self) -> String {
        format!("10.{}.0.2", self.network)
    }

    /// The machine's end of that pair.
    pub(crate) fn host_address(&self) -> String {
        format!("10.{}.0.254", self.network)
    }

    /// Addresses of pods.
    pub(crate) fn pods(&self) -> String {
        format!("10.{}.0.0/16", self.network - 1)
    }

    /// Addresses of the pods of the only node.
    pub(crate) fn node_pods(&self) -> String {
        format!("10.{}.0.0/24", self.network - 1)
    }

    /// Addresses of Services.
    pub(crate) fn services(&self) -> String {
        format!("10.{}.0.0/16", self.services)
    }

    /// Address of the Service `kubernetes`.
    pub(crate) fn service_address(&self) -> String {
        format!("10.{}.0.1", self.services)
    }

    /// Name of the machine's network interface to it.
    pub(crate) fn interface(&self) -> String {
        format!("rt-{}", self.name)
    }
    /// How each of its addresses begins.
    pub(crate) fn prefixes(&self) -> [String; 3] {
        [format!("10.{}.0.", self.network), format!("10.{}.", self.network - 1), format!("10.{}.", self.services)]
    }
}
