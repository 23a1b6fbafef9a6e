//! kubectl and helm, always with a cluster that was named.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cache::Cache;
use crate::cluster::Cluster;
use crate::command;

/// Which cluster is meant: a context, in one file or where kubectl looks by itself.
#[derive(Clone, Debug)]
pub(crate) struct Kubectl {
    kubectl: PathBuf,
    helm: PathBuf,
    kubeconfig: Option<PathBuf>,
    context: String,
}

impl Kubectl {
    /// A cluster of ours.
    pub(crate) fn local(cache: &Cache, cluster: &Cluster) -> Self {
        Self { kubeconfig: Some(cluster.kubeconfig()), ..Self::existing(cache, &cluster.context()) }
    }

    /// A cluster that somebody else runs, by its context.
    pub(crate) fn existing(cache: &Cache, context: &str) -> Self {
        Self {
            kubectl: cache.program("kubectl"),
            helm: cache.program("helm"),
            kubeconfig: None,
            context: context.to_owned(),
        }
    }

    /// kubectl with its connection; arguments are still to be added.
    pub(crate) fn command(&self) -> Command {
        let mut command = command::new(&self.kubectl);
        if let Some(kubeconfig) = &self.kubeconfig {
            command.arg("--kubeconfig").arg(kubeconfig);
        }
        command.args(["--context", &self.context]);
        command
    }

    /// helm with its connection; arguments are still to be added.
    pub(crate) fn helm(&self) -> Command {
        let mut command = command::new(&self.helm);
        if let Some(kubeconfig) = &self.kubeconfig {
            command.arg("--kubeconfig").arg(kubeconfig);
        }
        command.args(["--kube-context", &self.context]);
        command
    }

    /// What kubectl prints.
    pub(crate) fn read(&self, arguments: &[&str]) -> Result<String> {
        command::read(self.command().args(arguments))
    }

    /// An object or list as JSON.
    pub(crate) fn get(&self, arguments: &[&str]) -> Result<Value> {
        let text = command::read(self.command().arg("get").args(arguments).arg("--output=json"))?;
        serde_json::from_str(&text).context("failed to parse what kubectl printed")
    }
}
