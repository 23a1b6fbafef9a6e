//! The test suites of the protocols Engine.IO and Socket.IO, by their authors, against our server.
//!
//! They are no part of this project and are not fetched: they come from a checkout of `socketio/socket.io`.

use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::images::workload;
use crate::session::Session;
use crate::{cache, command, wait};

/// Folders of the suites in the checkout.
const SUITES: [&str; 2] = ["docs/engine.io-protocol/v4-test-suite", "docs/socket.io-protocol/v5-test-suite"];

/// What of them is needed.
const FILES: [&str; 4] = ["package.json", "package-lock.json", "node-imports.js", "test-suite.js"];

/// Where the suites look for a server.
const PORT: u16 = 3000;

/// How long a suite may take, in minutes. It takes seconds.
const LIMIT: u32 = 5;

/// Runs both suites of that checkout, and fails when one of them does.
pub(crate) fn run(session: &Session, checkout: &Path) -> Result<()> {
    let folder = env::temp_dir().join(format!("realtime-suites-{}", std::process::id()));
    let result = run_in(session, checkout, &folder);
    cache::remove(&folder)?;
    result
}

fn run_in(session: &Session, checkout: &Path, folder: &Path) -> Result<()> {
    let suites = SUITES.map(|suite| folder.join(suite));
    for (suite, target) in SUITES.iter().zip(&suites) {
        copy(&checkout.join(suite), target)?;
    }
    let program = session.progress.step("compile the server of the suites", Duration::from_secs(60), || {
        workload::compile_example(&session.cache, "realtime-socketio", "protocol")
    })?;
    session.progress.step("fetch what the suites need", Duration::from_secs(10), || {
        suites.iter().try_for_each(|suite| {
            let mut npm = command::new("npm");
            npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(suite);
            command::run(&mut npm, &session.cache.logs().join("suites-npm.log"))
        })
    })?;
    let _server = Server::start(&program, &session.cache.logs().join("suites-server.log"))?;
    let failed: Vec<&str> =
        SUITES.into_iter().zip(&suites).filter_map(|(name, suite)| test(name, suite).err()).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    session.progress.line(&format!("passed: {}", SUITES.join(", ")));
    Ok(())
}

/// Runs a suite with its output on the terminal. The error is its name.
fn test<'a>(name: &'a str, suite: &Path) -> Result<(), &'a str> {
    let mut npm = command::new("npm");
    npm.arg("test").current_dir(suite);
    command::show(&mut command::limited(&npm, LIMIT)).map_err(|error| {
        eprintln!("{name}: {error:#}");
        name
    })
}

fn copy(source: &Path, target: &Path) -> Result<()> {
    fs::create_dir_all(target).with_context(|| format!("failed to create {}", target.display()))?;
    for file in FILES {
        let path = source.join(file);
        fs::copy(&path, target.join(file))
            .with_context(|| format!("failed to copy {}: is this a checkout of socketio/socket.io?", path.display()))?;
    }
    Ok(())
}

/// A server that ends with this value.
struct Server(Child);

impl Server {
    fn start(program: &PathBuf, log: &Path) -> Result<Self> {
        if answers() {
            bail!("port {PORT} is taken by another program, and the suites look for the server there");
        }
        let output = File::create(log).with_context(|| format!("failed to create {}", log.display()))?;
        let errors = output.try_clone().with_context(|| format!("failed to share {}", log.display()))?;
        let mut server = command::new(program);
        let child = server.stdin(Stdio::null()).stdout(output).stderr(errors).spawn();
        let mut server = Self(child.with_context(|| format!("failed to start {}", program.display()))?);
        wait::until(Duration::from_secs(20), "the server of the suites", || {
            if let Some(status) = server.0.try_wait().context("failed to look after the server of the suites")? {
                bail!("the server of the suites ended with {status}:\n{}", command::tail(log));
            }
            Ok(answers().then_some(()))
        })?;
        Ok(server)
    }
}

impl Drop for Server {
    /// One that has ended already needs no end.
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn answers() -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, PORT)).is_ok()
}
