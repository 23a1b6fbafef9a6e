//! schemathesis, which makes requests by an OpenAPI document and judges the answers, from the Python package index.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::session::Session;
use crate::{cache, command, packages};

/// The Python package.
const PACKAGE: &str = "schemathesis==4.32.5";

/// The folder with the package and what it needs, for `PYTHONPATH`. It holds modules that were compiled for a version of Python, so that is a part
/// of its name.
pub(crate) fn install(session: &Session) -> Result<PathBuf> {
    packages::install_pip(session)?;
    let version =
        command::read(command::new("python3").args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]))?;
    let _lock = session.cache.lock("build")?;
    let toolchains = session.cache.root().join("toolchains");
    let folder = toolchains.join(format!("{PACKAGE}-python{}", version.trim()));
    if !folder.exists() {
        fs::create_dir_all(&toolchains).with_context(|| format!("failed to create {}", toolchains.display()))?;
        session.progress.step("get schemathesis", Duration::from_secs(25), || {
            cache::publish(&folder, |output, _| {
                let mut pip = command::new("python3");
                pip.args(["-m", "pip", "install", "--no-input", PACKAGE, "--target"]).arg(output);
                command::run(&mut pip, &session.cache.logs().join("schemathesis.log"))
            })
        })?;
    }
    Ok(folder)
}
