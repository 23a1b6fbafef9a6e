//! The way from the machine to nodes, pods and Services of a cluster.

use std::process::Command;

use anyhow::Result;

use super::Cluster;
use super::process::FirstProcess;
use crate::command;

/// Lays a virtual cable into the cluster's network and sends its addresses there.
pub(crate) fn connect(cluster: &Cluster, process: &FirstProcess) -> Result<()> {
    let interface = cluster.interface();
    disconnect(cluster)?;
    let id = process.id.to_string();
    ip(&["link", "add", &interface, "type", "veth", "peer", "name", "host0", "netns", &id])?;
    ip(&["address", "add", &format!("{}/24", cluster.host_address()), "dev", &interface])?;
    ip(&["link", "set", &interface, "up"])?;
    let node = format!("{}/32", cluster.node_address());
    for destination in [node, cluster.pods(), cluster.services()] {
        ip(&["route", "replace", &destination, "via", &cluster.inner_address(), "dev", &interface])?;
    }
    Ok(())
}

/// Removes the cable, and with it addresses and routes. It is gone already when the cluster's network has ended.
pub(crate) fn disconnect(cluster: &Cluster) -> Result<()> {
    let interface = cluster.interface();
    if command::succeeds(Command::new("ip").args(["link", "show", &interface])) {
        // The kernel may remove it between the two commands, so only its presence afterwards is a failure.
        command::succeeds(Command::new("ip").args(["link", "delete", &interface]));
        if command::succeeds(Command::new("ip").args(["link", "show", &interface])) {
            anyhow::bail!("failed to remove the network interface {interface}: try `ip link delete {interface}`");
        }
    }
    Ok(())
}

fn ip(arguments: &[&str]) -> Result<()> {
    command::read(Command::new("ip").args(arguments)).map(drop)
}
