//! The whole suite. Nothing is skipped: what cannot run fails.

pub(crate) mod clients;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cluster::{Cluster, leftovers, stop};
use crate::images::workload::{self, Profile};
use crate::programs::node::{self, Node};
use crate::programs::schemathesis;
use crate::session::Session;
use crate::{chart, client_package, command, console, diagnosis, packages, programs, repository, up};

/// Tests that run at once on the cluster. Each has a namespace of its own; more than this starve two cores.
const END_TO_END_THREADS: &str = "2";

/// After this long the end-to-end tests hang. They usually take a sixth of it.
const END_TO_END_MINUTES: u32 = 40;

/// Only the crate of these tests has a target of this name. The whole workspace is selected, so that its dependencies are
/// compiled with the features that everything else is compiled with, and only once.
const END_TO_END: [&str; 4] = ["test", "--workspace", "--test", "it"];

/// Runs everything, or only those end-to-end tests whose names contain `filter`. `keep` leaves the cluster up.
pub(crate) fn run(session: &Session, filter: Option<&str>, keep: bool) -> Result<()> {
    packages::install_for_cluster(session)?;
    if filter.is_none() {
        check(session)?;
    }
    end_to_end(session, filter, keep)
}

fn check(session: &Session) -> Result<()> {
    let minutes = |count: u64| Duration::from_secs(count * 60);
    let cargo = |name: &str, usual: Duration, arguments: &[&str]| {
        session.progress.step(name, usual, || command::show(workload::cargo(&session.cache).args(arguments)))
    };
    cargo("check the format", minutes(1), &["fmt", "--all", "--check"])?;
    cargo("lint", minutes(6), &["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"])?;
    cargo("run unit and golden tests", minutes(8), &["test", "--workspace", "--exclude", "realtime-e2e"])?;
    console::check(session)?;
    client_package::build(session)?;
    let lock = session.cache.lock("build")?;
    programs::build_clients(session)?;
    drop(lock);
    session.progress.step("lint the chart", Duration::from_secs(1), || {
        chart::lint(&session.cache, &session.cache.logs().join("chart.log"))
    })
}

/// What the tests drive, beside the cluster.
struct Clients {
    /// The folder `node_modules`.
    modules: PathBuf,
    /// The folder of our own package.
    package: PathBuf,
    /// What they run on.
    node: Node,
    /// Chromium.
    browser: &'static str,
    /// Where Python finds schemathesis.
    schemathesis: PathBuf,
}

fn end_to_end(session: &Session, filter: Option<&str>, keep: bool) -> Result<()> {
    session.progress.step("compile end-to-end tests", Duration::from_secs(120), || {
        command::show(workload::cargo(&session.cache).args(END_TO_END).args(["--no-run", "--quiet"]))
    })?;
    if let Some(filter) = filter {
        demand_tests(session, filter)?;
    }
    let node = node::find(session)?;
    let (modules, package) = (clients::install(session)?, client_package::build(session)?);
    let (browser, schemathesis) = (packages::install_browser(session)?, schemathesis::install(session)?);
    let clients = Clients { modules, package, node, browser, schemathesis };
    let cluster = Cluster::named(&session.cache, "test")?;
    let _lock = session.cache.lock("cluster-test")?;
    stop::remove(&cluster)?;
    let result = on_cluster(session, &cluster, &clients, filter);
    if result.is_err() {
        diagnosis::print(&cluster.kubectl());
    }
    if keep {
        session.progress.line(&format!("kept the cluster: KUBECONFIG={}", cluster.kubeconfig().display()));
        return result;
    }
    let removed = stop::remove(&cluster).and_then(|()| leftovers::refuse(std::slice::from_ref(&cluster)));
    result.and(removed.context("failed to remove the cluster of the tests"))
}

/// A name that is mistyped must not pass as a success.
fn demand_tests(session: &Session, filter: &str) -> Result<()> {
    let mut list = workload::cargo(&session.cache);
    list.args(END_TO_END).args(["--quiet", "--", filter, "--list"]);
    if !command::read(&mut list)?.lines().any(|line| line.ends_with(": test")) {
        bail!("no end-to-end test has {filter:?} in its name");
    }
    Ok(())
}

fn on_cluster(session: &Session, cluster: &Cluster, clients: &Clients, filter: Option<&str>) -> Result<()> {
    up::start_cluster(session, cluster)?;
    let values = up::deliver(session, cluster, Profile::Development)?;
    session.progress.step("install the chart", Duration::from_secs(10), || {
        chart::install(&cluster.kubectl(), &values, &session.cache.logs().join("helm-test.log"))
    })?;
    let screenshots = repository::root().join("target/screenshots");
    fs::create_dir_all(&screenshots).with_context(|| format!("failed to create {}", screenshots.display()))?;
    let mut tests: Command = workload::cargo(&session.cache);
    tests.args(END_TO_END).arg("--").args(filter);
    tests.arg(format!("--test-threads={END_TO_END_THREADS}"));
    tests
        .env("REALTIME_E2E_KUBECONFIG", cluster.kubeconfig())
        .env("REALTIME_E2E_KUBECTL", session.cache.program("kubectl"))
        .env("REALTIME_E2E_AUDIT_LOG", cluster.audit_log())
        .env("REALTIME_E2E_NODE_MODULES", &clients.modules)
        .env("REALTIME_E2E_CLIENT_PACKAGE", &clients.package)
        .env("REALTIME_E2E_CHROMIUM", clients.browser)
        .env("REALTIME_E2E_SCHEMATHESIS", &clients.schemathesis)
        .env("REALTIME_E2E_SCREENSHOTS", &screenshots)
        .env("PATH", clients.node.search_path()?);
    // The durations of the two say nothing about each other.
    let name = if filter.is_some() { "run some end-to-end tests" } else { "run end-to-end tests" };
    session
        .progress
        .step(name, Duration::from_secs(400), || command::show(&mut command::limited(&tests, END_TO_END_MINUTES)))
}
