//! The console: built to static files, which the API's image contains.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::programs::node::{self, Node};
use crate::session::Session;
use crate::{cache, command, key, repository};

/// What the build reads, below `workloads`: files, and folders with all that is in them. The page takes the client package from its sources.
const INPUTS: [&str; 9] = [
    "client-js/src",
    "console/biome.json",
    "console/index.html",
    "console/package-lock.json",
    "console/package.json",
    "console/public",
    "console/src",
    "console/tsconfig.json",
    "console/vite.config.ts",
];

/// Another one wherever the same inputs give other files.
const FORMAT: &str = "1";

/// What a browser loads for the page at most, in bytes: all files, compressed where that stands beside them.
const LIMIT: u64 = 250 * 1000;

/// Programs that judge the sources, as paths with their arguments.
const CHECKS: [&[&str]; 3] = [
    &["node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."],
    &["node_modules/typescript/bin/tsc", "--noEmit"],
    &["node_modules/vitest/vitest.mjs", "run"],
];

/// The built files.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    /// The folder that holds the page and all that it loads.
    pub(crate) files: PathBuf,
    /// Of everything that they were built from.
    pub(crate) key: String,
}

/// Builds the page unless that was done with the same inputs. Callers hold the lock of the builds.
pub(crate) fn build(session: &Session) -> Result<Console> {
    let sources = Sources::read()?;
    let folder = session.cache.root().join("console").join(&sources.key);
    let files = folder.join("console/dist");
    if !folder.exists() {
        let node = node::find(session)?;
        let modules = install(session, &sources)?;
        session.progress.step("build the console", Duration::from_secs(6), || {
            create_parent(&folder)?;
            cache::publish(&folder, |partial, _| {
                sources.write(partial, &modules)?;
                let mut vite = node.command(&partial.join("console"), "node_modules/vite/bin/vite.js")?;
                command::run(vite.arg("build"), &session.cache.logs().join("console.log"))?;
                refuse_large(&partial.join("console/dist"))
            })
        })?;
    }
    Ok(Console { files, key: sources.key })
}

/// Format, lints, types and unit tests of the page.
pub(crate) fn check(session: &Session) -> Result<()> {
    let _lock = session.cache.lock("build")?;
    let folder = build(session)?.files.with_file_name("");
    let node = node::find(session)?;
    session.progress.step("check the console", Duration::from_secs(12), || {
        CHECKS.iter().try_for_each(|check| run_check(session, &node, &folder, check))
    })
}

fn run_check(session: &Session, node: &Node, folder: &Path, check: &[&str]) -> Result<()> {
    let mut program = node.command(folder, check[0])?;
    command::run(program.args(&check[1..]), &session.cache.logs().join("console-check.log"))
}

/// The folder `node_modules`, kept by what the lock file says.
fn install(session: &Session, sources: &Sources) -> Result<PathBuf> {
    let texts = ["console/package.json", "console/package-lock.json"].map(|name| sources.text(name));
    let folder = session.cache.root().join("console-modules").join(key::of_texts(&texts)?);
    if !folder.exists() {
        create_parent(&folder)?;
        session.progress.step("install what the console is built with", Duration::from_secs(20), || {
            cache::publish(&folder, |partial, _| {
                fs::create_dir_all(partial).with_context(|| format!("failed to create {}", partial.display()))?;
                for (name, text) in ["package.json", "package-lock.json"].iter().zip(texts) {
                    fs::write(partial.join(name), text).with_context(|| format!("failed to write {name}"))?;
                }
                let mut npm = command::new("npm");
                npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(partial);
                command::run(&mut npm, &session.cache.logs().join("npm-console.log"))
            })
        })?;
    }
    Ok(folder.join("node_modules"))
}

/// The inputs' paths below `workloads` and their texts, in the order of the paths.
struct Sources {
    texts: Vec<(String, String)>,
    key: String,
}

impl Sources {
    fn read() -> Result<Self> {
        let root = repository::root().join("workloads");
        let mut texts = Vec::new();
        for input in INPUTS {
            collect(&root, input.to_owned(), &mut texts)?;
        }
        let all: Vec<&str> =
            [FORMAT].into_iter().chain(texts.iter().flat_map(|(path, text)| [&**path, text])).collect();
        let key = key::of_texts(&all)?;
        Ok(Self { texts, key })
    }

    fn text(&self, path: &str) -> &str {
        self.texts.iter().find(|(name, _)| name == path).map_or("", |(_, text)| text)
    }

    fn write(&self, folder: &Path, modules: &Path) -> Result<()> {
        for (path, text) in &self.texts {
            let path = folder.join(path);
            create_parent(&path)?;
            fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        }
        symlink(modules, folder.join("console/node_modules")).context("failed to link the modules of the console")
    }
}

fn collect(root: &Path, path: String, texts: &mut Vec<(String, String)>) -> Result<()> {
    let full = root.join(&path);
    if !full.is_dir() {
        let text = fs::read_to_string(&full).with_context(|| format!("failed to read {}", full.display()))?;
        texts.push((path, text));
        return Ok(());
    }
    for name in names(&full)? {
        collect(root, format!("{path}/{name}"), texts)?;
    }
    Ok(())
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.collect::<std::io::Result<_>>().context("failed to list a folder")?;
    names.sort();
    Ok(names)
}

fn create_parent(path: &Path) -> Result<()> {
    let parent = path.parent().context("a path has no folder")?;
    fs::create_dir_all(parent).with_context(|| format!("failed to create {}", parent.display()))
}

fn refuse_large(files: &Path) -> Result<()> {
    let bytes = loaded_bytes(files)?;
    if bytes > LIMIT {
        bail!("a browser loads {bytes} bytes for the console, more than the {LIMIT} that it may");
    }
    Ok(())
}

/// What a browser loads: of each file the compressed one where there is one.
fn loaded_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for name in names(folder)? {
        let path = folder.join(&name);
        if path.is_dir() {
            bytes += loaded_bytes(&path)?;
        } else if !folder.join(format!("{name}.gz")).exists() {
            bytes += fs::metadata(&path).with_context(|| format!("failed to read {}", path.display()))?.len();
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;

    #[test]
    fn a_page_that_is_too_large_is_refused() {
        let folder = Cache::open().unwrap().root().join(format!("console-test-{}", std::process::id()));
        fs::create_dir_all(folder.join("assets")).unwrap();
        fs::write(folder.join("index.html"), "x".repeat(10)).unwrap();
        fs::write(folder.join("assets/page.js"), "x".repeat(1_000_000)).unwrap();
        fs::write(folder.join("assets/page.js.gz"), "x".repeat(249_990)).unwrap();
        let (allowed, bytes) = (refuse_large(&folder), loaded_bytes(&folder).unwrap());
        fs::write(folder.join("icon.svg"), "x").unwrap();
        let refused = refuse_large(&folder).unwrap_err().to_string();
        fs::remove_dir_all(&folder).unwrap();
        allowed.unwrap();
        assert_eq!(bytes, 250_000);
        assert_eq!(refused, "a browser loads 250001 bytes for the console, more than the 250000 that it may");
    }

    #[test]
    fn the_key_is_that_of_every_source() {
        let sources = Sources::read().unwrap();
        for path in ["console/index.html", "console/src/main.tsx", "client-js/src/index.ts"] {
            assert!(!sources.text(path).is_empty(), "{path}");
        }
        assert!(!sources.texts.iter().any(|(path, _)| path.contains("node_modules")));
    }
}
