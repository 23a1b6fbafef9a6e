//! The client package: built and tested by npm.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::programs::node;
use crate::session::Session;
use crate::{cache, command, key, repository};

/// What its build and its tests read: files, and folders with all that is in them.
const INPUTS: [&str; 7] =
    ["README.md", "package-lock.json", "package.json", "src", "test", "tsconfig.json", "tsconfig.test.json"];

/// What its tests write among these.
const WRITTEN: &str = "test/snippets";

/// The folder of the package, built and with its dependencies, whose own tests have passed. Kept by what it was built from.
pub(crate) fn build(session: &Session) -> Result<PathBuf> {
    let sources = read_sources(&repository::root().join("workloads/client-js"))?;
    let texts: Vec<&str> = sources.iter().flat_map(|(path, text)| [&**path, text]).collect();
    let _lock = session.cache.lock("build")?;
    let parent = session.cache.root().join("client-js");
    let folder = parent.join(key::of_texts(&texts)?);
    if !folder.exists() {
        let node = node::find(session)?;
        fs::create_dir_all(&parent).with_context(|| format!("failed to create {}", parent.display()))?;
        session.progress.step("build and test the client package", Duration::from_secs(30), || {
            cache::publish(&folder, |partial, _| {
                write_sources(&sources, partial)?;
                let npm = |arguments: &[&str], log: &str| -> Result<()> {
                    let mut npm = command::new("npm");
                    npm.args(arguments).current_dir(partial).env("PATH", node.search_path()?);
                    command::run(&mut npm, &session.cache.logs().join(log))
                };
                npm(&["ci", "--no-audit", "--no-fund", "--ignore-scripts"], "npm-client.log")?;
                npm(&["test"], "client.log")
            })
        })?;
    }
    Ok(folder)
}

/// Paths below the folder, and their texts, in the order of the paths.
fn read_sources(root: &Path) -> Result<Vec<(String, String)>> {
    let mut sources = Vec::new();
    for input in INPUTS {
        collect(root, input.to_owned(), &mut sources)?;
    }
    Ok(sources)
}

fn collect(root: &Path, path: String, sources: &mut Vec<(String, String)>) -> Result<()> {
    let full = root.join(&path);
    if path == WRITTEN {
        return Ok(());
    }
    if !full.is_dir() {
        let text = fs::read_to_string(&full).with_context(|| format!("failed to read {}", full.display()))?;
        sources.push((path, text));
        return Ok(());
    }
    let entries = fs::read_dir(&full).with_context(|| format!("failed to list {}", full.display()))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> =
        names.collect::<std::io::Result<_>>().with_context(|| format!("failed to list {}", full.display()))?;
    names.sort();
    names.into_iter().try_for_each(|name| collect(root, format!("{path}/{name}"), sources))
}

fn write_sources(sources: &[(String, String)], folder: &Path) -> Result<()> {
    for (path, text) in sources {
        let path = folder.join(path);
        let parent = path.parent().context("a source has no folder")?;
        fs::create_dir_all(parent).with_context(|| format!("failed to create {}", parent.display()))?;
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_all_that_the_package_is_built_from_and_nothing_else() {
        let sources = read_sources(&repository::root().join("workloads/client-js")).unwrap();
        let paths: Vec<&str> = sources.iter().map(|(path, _)| path.as_str()).collect();
        for path in ["package-lock.json", "src/index.ts", "src/transport/sse.ts", "test/react.test.ts"] {
            assert!(paths.contains(&path), "{path} is not in {paths:?}");
        }
        let written = ["node_modules/", "dist/", ".test/", "test/snippets/"];
        assert!(!paths.iter().any(|path| written.iter().any(|begin| path.starts_with(begin))), "{paths:?}");
    }
}
