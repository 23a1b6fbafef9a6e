//! Back to how the machine was.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::{Cluster, leftovers, stop};
use crate::session::Session;

/// Removes both clusters, and the cache if it is wanted, and checks that nothing of them is left.
pub(crate) fn run(session: &Session, cache: bool) -> Result<()> {
    let clusters = [Cluster::named(&session.cache, "dev")?, Cluster::named(&session.cache, "test")?];
    for cluster in &clusters {
        let name = cluster.name();
        let _lock = session.cache.lock(&format!("cluster-{name}"))?;
        session
            .progress
            .step(&format!("remove the cluster {name}"), Duration::from_secs(2), || stop::remove(cluster))?;
    }
    leftovers::refuse(&clusters)?;
    if cache {
        let root = session.cache.root();
        fs::remove_dir_all(root).with_context(|| format!("failed to remove {}", root.display()))?;
    }
    let kept = if cache {
        "the cache is gone, too".to_owned()
    } else {
        format!("kept the cache {}", session.cache.root().display())
    };
    session.progress.line(&format!("no process, mount, interface, route or rule is left; {kept}"));
    Ok(())
}
