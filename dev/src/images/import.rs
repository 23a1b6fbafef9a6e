//! Delivers images to a cluster.

use anyhow::{Context, Result};

use super::Image;
use crate::cluster::{Cluster, start};
use crate::command;

/// Loads what the cluster of ours does not have yet.
pub(crate) fn into_cluster(cluster: &Cluster, images: &[Image]) -> Result<()> {
    let process = start::running(cluster)?;
    let containerd = |arguments: &[&str]| {
        let mut ctr = process.enter("ctr");
        ctr.args(["--namespace", "k8s.io", "images"]).args(arguments);
        ctr
    };
    let present = command::read(&mut containerd(&["list", "--quiet"]))?;
    for image in images {
        if !present.lines().any(|line| line == image.reference) {
            command::read(containerd(&["import"]).arg(&image.archive))
                .with_context(|| format!("failed to import {}", image.reference))?;
        }
    }
    Ok(())
}

/// Runs somebody else's command once for each archive, with the archive's path at its end.
pub(crate) fn with_command(load: &str, images: &[Image]) -> Result<()> {
    for image in images {
        let mut shell = command::new("sh");
        shell.args(["-c", &format!("{load} \"$1\""), "load"]).arg(&image.archive);
        command::show(&mut shell).with_context(|| format!("failed to load {}", image.reference))?;
    }
    Ok(())
}
