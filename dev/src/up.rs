//! From nothing to a ready stack that has delivered a notification.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::{Cluster, start};
use crate::demonstration::{self, Api};
use crate::images::workload::Profile;
use crate::images::{self, Image, backend, helper, import, workload};
use crate::kubectl::Kubectl;
use crate::session::Session;
use crate::{chart, console, diagnosis, packages, programs, quickstart};

/// Brings up the cluster `dev` of ours and the quick-start stack on it.
pub(crate) fn local(session: &Session) -> Result<()> {
    let cluster = Cluster::named(&session.cache, "dev")?;
    let _lock = session.cache.lock("cluster-dev")?;
    start_cluster(session, &cluster)?;
    let values = deliver(session, &cluster, Profile::Development)?;
    let kubectl = cluster.kubectl();
    install(session, &kubectl, &values, || Api::direct(&kubectl))?;
    print_local(session, &cluster)
}

/// Brings up the quick-start stack on a cluster that somebody else runs. `load` delivers our images; it runs once for
/// each archive. Backends come from the chart's own table.
pub(crate) fn existing(session: &Session, context: &str, load: Option<&str>) -> Result<()> {
    packages::install_compilers(session)?;
    let lock = session.cache.lock("build")?;
    programs::build_clients(session)?;
    drop(lock);
    let images = build_workloads(session, Profile::Development)?;
    match load {
        Some(load) => {
            session.progress.step("load the images", Duration::from_secs(20), || import::with_command(load, &images))?
        }
        None => session.progress.line("no --load: the cluster must be able to get these images by itself"),
    }
    for image in &images {
        session.progress.line(&format!("image {}", image.reference));
    }
    let kubectl = Kubectl::existing(&session.cache, context);
    let values = chart::write_values(&session.cache, context, &images)?;
    install(session, &kubectl, &values, || Api::forwarded(&kubectl))?;
    say(&format!("The stack rt/demo is ready in the context {context}.\n"))
}

/// Installs what is missing on the machine and starts the cluster.
pub(crate) fn start_cluster(session: &Session, cluster: &Cluster) -> Result<()> {
    packages::install_for_cluster(session)?;
    let lock = session.cache.lock("build")?;
    programs::build(session)?;
    let helper = helper::build(&session.cache)?;
    drop(lock);
    let name = format!("start the cluster {}", cluster.name());
    session.progress.step(&name, Duration::from_secs(10), || start::start(cluster, &helper))
}

/// Builds all images, imports them, and gives the path of the chart's values that name them.
pub(crate) fn deliver(session: &Session, cluster: &Cluster, profile: Profile) -> Result<PathBuf> {
    let mut images = build_backends(session)?;
    images.extend(build_workloads(session, profile)?);
    session.progress.step("import the images", Duration::from_secs(40), || import::into_cluster(cluster, &images))?;
    chart::write_values(&session.cache, &cluster.context(), &images)
}

fn build_backends(session: &Session) -> Result<Vec<Image>> {
    let _lock = session.cache.lock("build")?;
    backend::BACKENDS
        .iter()
        .map(|backend| {
            let image = backend::image(&session.cache, backend)?;
            if !image.archive.exists() {
                let name = format!("build the image {}", backend.name);
                session
                    .progress
                    .step(&name, Duration::from_secs(35), || backend::build(&session.cache, backend, &image))?;
            }
            images::remove_old(&session.cache.images(), std::slice::from_ref(&image))?;
            Ok(image)
        })
        .collect()
}

/// Compiles our binaries and builds their images.
pub(crate) fn build_workloads(session: &Session, profile: Profile) -> Result<Vec<Image>> {
    let _lock = session.cache.lock("build")?;
    let console = console::build(session)?;
    let name = match profile {
        Profile::Development => "build our binaries and images",
        Profile::Release => "build our release binaries and images",
    };
    session.progress.step(name, Duration::from_secs(420), || {
        let images = workload::build(&session.cache, profile, &console)?;
        images::remove_old(&session.cache.images(), &images)?;
        Ok(images)
    })
}

fn install(session: &Session, kubectl: &Kubectl, values: &Path, api: impl FnOnce() -> Result<Api>) -> Result<()> {
    let progress = &session.progress;
    let installed = progress
        .step("install the chart", Duration::from_secs(10), || {
            chart::install(kubectl, values, &session.cache.logs().join("helm.log"))
        })
        .and_then(|()| {
            progress.step("bring up the stack rt/demo", Duration::from_secs(60), || {
                quickstart::apply(kubectl)?;
                quickstart::wait_until_ready(kubectl, progress)
            })
        })
        .and_then(|()| {
            progress.step("deliver a notification", Duration::from_secs(1), || {
                demonstration::show(&api()?, progress).context("the stack is ready but delivered nothing")
            })
        });
    installed.inspect_err(|_| diagnosis::print(kubectl))
}

fn print_local(session: &Session, cluster: &Cluster) -> Result<()> {
    let kubectl = cluster.kubectl();
    let api = demonstration::service_address(&kubectl, "api")?;
    let notifications = demonstration::service_address(&kubectl, "notifications")?;
    say(&format!(
        "
The stack rt/demo is ready. Its addresses, from this machine:
  API            http://{api}
  notifications  http://{notifications}

Try next:
  curl -N http://{api}/api/sse/notifications
  curl -X POST http://{api}/api/notifications -H 'Content-Type: application/json' -d '{{\"message\":\"hello\",\"type\":\"info\"}}'
  export KUBECONFIG={} PATH=$PATH:{}
  kubectl -n rt get rts
  kubectl -n rt describe rts demo
  cargo xtask down
",
        cluster.kubeconfig().display(),
        session.cache.programs().display(),
    ))
}

/// Prints to the standard output.
pub(crate) fn say(text: &str) -> Result<()> {
    io::stdout().write_all(text.as_bytes()).context("failed to print")
}
