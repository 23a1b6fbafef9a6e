//! How a cluster is, for people.

use super::Cluster;
use super::process::FirstProcess;
use crate::session::Session;

/// Whether it runs, its nodes, and how to reach it.
pub(crate) fn describe(session: &Session, cluster: &Cluster) -> String {
    let name = cluster.name();
    let Some(process) = FirstProcess::find(cluster) else {
        return format!("the cluster {name} is not running; start it with `cargo xtask cluster start --name {name}`\n");
    };
    let nodes =
        cluster.kubectl().read(&["get", "nodes", "--output=wide"]).unwrap_or_else(|error| format!("{error:#}\n"));
    format!(
        "the cluster {name} runs below process {}\n{nodes}export KUBECONFIG={} PATH=$PATH:{}\n",
        process.id,
        cluster.kubeconfig().display(),
        session.cache.programs().display(),
    )
}
