//! Ends a cluster. One signal ends all of its processes, mounts, interfaces and rules.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::process::FirstProcess;
use super::{Cluster, network};
use crate::{command, wait};

const LIMIT: Duration = Duration::from_secs(30);

/// Stops the cluster; its data stays.
pub(crate) fn stop(cluster: &Cluster) -> Result<()> {
    if let Some(process) = FirstProcess::find(cluster) {
        command::read(command::new("kill").args(["-KILL", &process.id.to_string()]))?;
        wait::until(LIMIT, "the end of the cluster's first process", || Ok((!process.lives()).then_some(())))?;
    }
    network::wait_until_gone(cluster)?;
    wait::until(LIMIT, "the end of the cluster's control groups", || {
        for folder in super::leftovers::cgroups(cluster) {
            // Busy until the kernel has ended the last process in it.
            remove_cgroups(&folder);
        }
        Ok(super::leftovers::cgroups(cluster).is_empty().then_some(()))
    })
}

/// Stops the cluster and removes its data.
pub(crate) fn remove(cluster: &Cluster) -> Result<()> {
    stop(cluster)?;
    let folder = cluster.folder();
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Control groups are removed by removing their folders, deepest first; their files cannot be removed.
fn remove_cgroups(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_cgroups(&entry.path());
    }
    let _ = fs::remove_dir(folder);
}
