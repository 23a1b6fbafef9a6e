//! Packages start their services when they are installed. containerd and etcd are to run inside a cluster only.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cache;

/// Debian asks this program whether a package may start a service; 101 forbids it.
const POLICY: &str = "/usr/sbin/policy-rc.d";

const TEXT: &str = "#!/bin/sh\n# Written by cargo xtask while it installs packages, and removed then.\nexit 101\n";

/// Removes the policy when it is dropped, if it is ours.
#[derive(Debug)]
pub(crate) struct ServicesOff {
    ours: Option<PathBuf>,
}

/// No package starts a service until the result is dropped. A policy that the machine has stays in force. The caller holds
/// the lock of the packages.
pub(crate) fn keep_off() -> Result<ServicesOff> {
    forbid(Path::new(POLICY))
}

fn forbid(policy: &Path) -> Result<ServicesOff> {
    if fs::read_to_string(policy).is_ok_and(|text| TEXT.starts_with(&text)) {
        // An interrupted run left it, perhaps half written.
        cache::remove(policy)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o755).open(policy) {
        Ok(mut file) => {
            let guard = ServicesOff { ours: Some(policy.to_owned()) };
            file.write_all(TEXT.as_bytes()).with_context(|| format!("failed to write {}", policy.display()))?;
            Ok(guard)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(ServicesOff { ours: None }),
        Err(error) => Err(error).with_context(|| format!("failed to create {}", policy.display())),
    }
}

impl Drop for ServicesOff {
    fn drop(&mut self) {
        if let Some(policy) = &self.ours
            && let Err(error) = fs::remove_file(policy)
        {
            eprintln!("failed to remove {}: {error}", policy.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;

    #[test]
    fn leaves_the_policy_of_the_machine_and_removes_its_own() {
        let folder = Cache::open().unwrap().root().join(format!("policy-test-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let policy = folder.join("policy-rc.d");
        let left: Vec<Option<String>> = ["", TEXT, "#!/bin/sh\nexit 0\n"]
            .iter()
            .map(|before| {
                fs::write(&policy, before).unwrap();
                drop(forbid(&policy).unwrap());
                fs::read_to_string(&policy).ok()
            })
            .collect();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(left, [None, None, Some("#!/bin/sh\nexit 0\n".to_owned())]);
    }
}
