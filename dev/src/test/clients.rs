//! The official clients that the end-to-end tests drive, from npm.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::session::Session;
use crate::{cache, command, key, repository};

/// What npm reads.
const INPUTS: [&str; 2] = ["package.json", "package-lock.json"];

/// The folder `node_modules` of `dev/e2e/clients`, kept in the cache by what its lock file says.
pub(crate) fn install(session: &Session) -> Result<PathBuf> {
    let source = repository::root().join("dev/e2e/clients");
    let mut texts = Vec::new();
    for input in INPUTS {
        let path = source.join(input);
        texts.push(fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?);
    }
    let _lock = session.cache.lock("build")?;
    let folder = session.cache.root().join("clients").join(key::of_texts(&[&texts[0], &texts[1]])?);
    if !folder.exists() {
        let parent = session.cache.root().join("clients");
        fs::create_dir_all(&parent).with_context(|| format!("failed to create {}", parent.display()))?;
        session.progress.step("install the clients of the tests", Duration::from_secs(10), || {
            cache::publish(&folder, |partial, _| {
                fs::create_dir_all(partial).with_context(|| format!("failed to create {}", partial.display()))?;
                for (input, text) in INPUTS.iter().zip(&texts) {
                    fs::write(partial.join(input), text).with_context(|| format!("failed to write {input}"))?;
                }
                let mut npm = command::new("npm");
                npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(partial);
                command::run(&mut npm, &session.cache.logs().join("npm.log"))
            })
        })?;
    }
    Ok(folder.join("node_modules"))
}
