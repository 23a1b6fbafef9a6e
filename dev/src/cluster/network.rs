//! The way from the machine to nodes, pods and Services of a cluster.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Cluster;
use super::process::FirstProcess;
use crate::{command, wait};

const LIMIT: Duration = Duration::from_secs(10);

/// Lays a virtual cable into the cluster's network and sends its addresses there.
pub(crate) fn connect(cluster: &Cluster, process: &FirstProcess) -> Result<()> {
    let interface = cluster.interface();
    wait_until_gone(cluster)?;
    refuse_conflict(cluster)?;
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

/// Waits until the kernel has removed the cable, and with it addresses and routes. It does so by itself when the
/// cluster's network ends; one that stays belongs to a cluster that is not ours.
pub(crate) fn wait_until_gone(cluster: &Cluster) -> Result<()> {
    let interface = cluster.interface();
    wait::until(LIMIT, "the end of the cluster's network", || {
        Ok((!command::succeeds(command::new("ip").args(["link", "show", &interface]))).then_some(()))
    })
    .with_context(|| {
        format!(
            "something else uses the network interface {interface}, perhaps the cluster of another user or cache: \
             stop it, or remove the interface with `ip link delete {interface}`"
        )
    })
}

/// Refuses addresses that the machine already sends elsewhere.
fn refuse_conflict(cluster: &Cluster) -> Result<()> {
    let routes = command::read(command::new("ip").args(["-4", "route", "show", "table", "all"]))?;
    if let Some(route) = conflict(&routes, &cluster.prefixes()) {
        bail!("the cluster {} would use addresses that this machine routes already: {route}", cluster.name());
    }
    Ok(())
}

/// The first route to one of these networks.
fn conflict<'a>(routes: &'a str, prefixes: &[String]) -> Option<&'a str> {
    routes.lines().find(|route| {
        let destination = route.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
        destination.is_some_and(|destination| prefixes.iter().any(|prefix| destination.starts_with(prefix)))
    })
}

fn ip(arguments: &[&str]) -> Result<()> {
    command::read(command::new("ip").args(arguments)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_route_to_a_network_of_the_cluster_and_no_other() {
        let prefixes = ["10.245.0.".to_owned(), "10.244.".to_owned()];
        let other = "default via 10.1.0.1 dev eth0\n10.24.0.0/16 dev eth0 src 10.245.0.9";
        assert_eq!(conflict(other, &prefixes), None);
        let taken = "local 10.244.3.1 dev vpn0 table local";
        assert_eq!(conflict(&format!("{other}\n{taken}"), &prefixes), Some(taken));
    }
}
