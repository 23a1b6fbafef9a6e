//! Starts a cluster and waits until pods can run on it.

use std::fs;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

use super::configuration::Configuration;
use super::process::FirstProcess;
use super::{Cluster, network, stop};
use crate::images::Image;
use crate::images::import;
use crate::{cache, command, programs, wait};

const LIMIT: Duration = Duration::from_secs(90);

/// Leaves the cluster running with this helper image, started anew where it was started with another configuration.
pub(crate) fn start(cluster: &Cluster, helper: &Image) -> Result<()> {
    let configuration = Configuration::new(cluster, &helper.reference);
    let key = configuration.key(&programs::keys(&cluster.cache)?)?;
    let record = cluster.folder().join("key");
    let same = fs::read_to_string(&record).is_ok_and(|recorded| recorded == key);
    if FirstProcess::find(cluster).is_none() || !same {
        stop::stop(cluster)?;
        configuration.write(cluster)?;
        // A start that is interrupted from here on leaves a process without a key, and the next start repairs it.
        cache::remove(&record)?;
        let process = FirstProcess::start(cluster)?;
        network::connect(cluster, &process)
            .map_err(|error| if process.lives() { error } else { error.context(diagnosis(cluster)) })?;
        cache::write(&record, &key)?;
    }
    wait_for_containerd(cluster)?;
    import::into_cluster(cluster, std::slice::from_ref(helper))?;
    wait_until_ready(cluster).with_context(|| diagnosis(cluster))
}

/// The cluster's first process, or an error that says how to get it.
pub(crate) fn running(cluster: &Cluster) -> Result<FirstProcess> {
    FirstProcess::find(cluster).with_context(|| {
        let name = cluster.name();
        format!("the local cluster {name} is not running: start it with `cargo xtask cluster start --name {name}`")
    })
}

fn wait_for_containerd(cluster: &Cluster) -> Result<()> {
    wait::until(LIMIT, "containerd", || {
        let process = running(cluster)?;
        Ok(command::succeeds(process.enter("ctr").arg("version")).then_some(()))
    })
    .with_context(|| diagnosis(cluster))
}

fn wait_until_ready(cluster: &Cluster) -> Result<()> {
    wait::until(LIMIT, "the API server and its storage class", || {
        running(cluster)?;
        Ok(cluster.folder().join("run/started").exists().then_some(()))
    })?;
    let kubectl = cluster.kubectl();
    let node = format!("node/{}", cluster.context());
    wait::until(LIMIT, "the node", || {
        running(cluster)?;
        let mut get = kubectl.command();
        get.args(["get", &node, "--output=jsonpath={.status.conditions[?(@.type=='Ready')].status}"]);
        Ok(command::read(&mut get).is_ok_and(|status| status == "True").then_some(()))
    })?;
    wait::until(LIMIT, "cluster DNS", || {
        running(cluster)?;
        Ok(TcpStream::connect((cluster.node_address(), 53)).ok().map(drop))
    })
}

fn diagnosis(cluster: &Cluster) -> String {
    let logs = cluster.folder().join("log");
    let text: String = ["init", "etcd", "containerd", "kube-apiserver", "kubelet"]
        .map(|name| {
            let path = logs.join(format!("{name}.log"));
            let tail = command::tail(&path);
            let lines: Vec<&str> = tail.lines().rev().take(4).collect();
            format!("{}:\n{}\n", path.display(), lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
        })
        .concat();
    format!("the local cluster {} did not become ready; ends of its logs:\n{text}", cluster.name())
}
