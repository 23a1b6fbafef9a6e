//! The local cluster, images, checks and end-to-end tests behind a few commands.
//!
//! Nothing decides by the kind of an error here: each one ends the run and is printed with all that led to it. So all
//! modules use `anyhow`.

mod arguments;
mod bench;
mod cache;
mod chart;
mod client_package;
mod cluster;
mod command;
mod console;
mod demonstration;
mod diagnosis;
mod down;
mod elf;
mod generate;
mod http;
mod images;
mod key;
mod kubectl;
mod packages;
mod programs;
mod progress;
mod quickstart;
mod repository;
mod root;
mod session;
mod suites;
mod test;
mod up;
mod wait;

use std::os::unix::process::CommandExt as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser as _;

use crate::arguments::{Arguments, ClusterAction, Service, Task};
use crate::cluster::{Cluster, status, stop};
use crate::images::workload::Profile;
use crate::session::Session;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match open(&arguments.command).and_then(|session| run(&session, arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn open(task: &Task) -> Result<Session> {
    if task.needs_root() {
        root::demand()?;
    }
    Session::open()
}

fn run(session: &Session, task: Task) -> Result<()> {
    match task {
        Task::Up { context: None, .. } => up::local(session),
        Task::Up { context: Some(context), load } => up::existing(session, &context, load.as_deref()),
        Task::Down { cache } => down::run(session, cache),
        Task::Test { filter, keep } => test::run(session, filter.as_deref(), keep),
        Task::Cluster { action, name } => {
            let cluster = Cluster::named(&session.cache, &name)?;
            let _lock = session.cache.lock(&format!("cluster-{name}"))?;
            match action {
                ClusterAction::Start => up::start_cluster(session, &cluster),
                ClusterAction::Stop => stop::stop(&cluster),
                ClusterAction::Status => up::say(&status::describe(session, &cluster)),
            }
        }
        Task::Images { release: true, .. } => up::build_workloads(session, Profile::Release)?
            .iter()
            .try_for_each(|image| up::say(&format!("{} {}\n", image.reference, image.archive.display()))),
        Task::Images { release: false, name } => {
            let cluster = Cluster::named(&session.cache, &name)?;
            let values = up::deliver(session, &cluster, Profile::Development)?;
            up::say(&format!("{}\n", values.display()))
        }
        Task::Kubectl { name, arguments } => {
            let cluster = Cluster::named(&session.cache, &name)?;
            Err(cluster.kubectl().command().args(arguments).exec()).context("failed to start kubectl")
        }
        Task::Bench { service: Service::Notifications { only, peers, rounds } } => {
            bench::notifications(session, &bench::Options { only, peers, rounds })
        }
        Task::Bench { service: Service::Api { only, peers, rounds } } => {
            bench::api(session, &bench::Options { only, peers, rounds })
        }
        Task::Suites { checkout } => suites::run(session, &checkout),
        Task::Generate => generate::write(session),
    }
}
