//! Whether this program may do what only root may: namespaces, mounts, control groups, network interfaces.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use anyhow::{Result, bail};

/// Whether this program runs as root.
pub(crate) fn is_held() -> bool {
    fs::metadata("/proc/self").is_ok_and(|data| data.uid() == 0)
}

/// Refuses to go on as anybody else.
pub(crate) fn demand() -> Result<()> {
    if !is_held() {
        bail!("a local cluster needs namespaces, control groups and network interfaces: run as root");
    }
    Ok(())
}
