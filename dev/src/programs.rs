//! Programs that are built from Go modules: Kubernetes, helm, cluster DNS and volumes.

pub(crate) mod go;
pub(crate) mod node;
pub(crate) mod schemathesis;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cache::{self, Cache};
use crate::session::Session;
use crate::{command, key, repository};
use go::Go;

/// Version of Kubernetes, the oldest that is supported. 1.35 and later want control groups of version 2 and containerd 2.
pub(crate) const KUBERNETES: &str = "v1.34.4";

/// Sources of the program `kubernetes`.
const KUBERNETES_SOURCES: [&str; 4] = ["main.go", "pki.go", "go.mod", "go.sum"];

/// A program that a Go module has ready: its name, package and version, and seconds of its first build.
type Module = (&'static str, &'static str, &'static str, u64);

const MODULES: [Module; 3] = [
    ("coredns", "github.com/coredns/coredns", "v1.15.0", 120),
    ("local-path-provisioner", "github.com/rancher/local-path-provisioner", "v0.0.30", 60),
    HELM,
];

const HELM: Module = ("helm", "helm.sh/helm/v3/cmd/helm", "v3.22.0", 95);

/// Builds what the local cluster needs and the cache lacks.
pub(crate) fn build(session: &Session) -> Result<()> {
    kubernetes(session)?;
    MODULES.iter().try_for_each(|module| install(session, module))
}

/// Builds kubectl and helm only, for clusters that somebody else runs.
pub(crate) fn build_clients(session: &Session) -> Result<()> {
    kubernetes(session)?;
    install(session, &HELM)
}

fn kubernetes(session: &Session) -> Result<()> {
    let folder = repository::root().join("dev/cluster/kubernetes");
    let mut texts = vec![KUBERNETES.to_owned()];
    for source in KUBERNETES_SOURCES {
        let path = folder.join(source);
        texts.push(fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?);
    }
    let key = key::of_texts(&texts.iter().map(String::as_str).collect::<Vec<_>>())?;
    unless_built(&session.cache, "kubernetes", &key, || {
        let go = go::find(session)?;
        session.progress.step("build Kubernetes", Duration::from_secs(350), || {
            let log = session.cache.logs().join("build-kubernetes.log");
            cache::publish(&session.cache.program("kubernetes"), |output, _| {
                let mut build = go.command();
                build.current_dir(&folder).args(["build", "-trimpath", "-ldflags", &version_flags(), "-o"]);
                command::run(build.arg(output).arg("."), &log)
            })
        })
    })?;
    // The program takes its first name from how it is called.
    let kubectl = session.cache.program("kubectl");
    if !kubectl.exists() {
        cache::publish(&kubectl, |link, _| symlink("kubernetes", link).context("failed to link kubectl"))?;
    }
    Ok(())
}

/// Without these the API server reports version 0.0.0, and clients misjudge what it can do.
fn version_flags() -> String {
    let numbers: Vec<&str> = KUBERNETES.trim_start_matches('v').split('.').collect();
    let package = "k8s.io/component-base/version";
    format!(
        "-s -w -X {package}.gitVersion={KUBERNETES} -X {package}.gitMajor={} -X {package}.gitMinor={}",
        numbers[0], numbers[1]
    )
}

fn install(session: &Session, (name, package, version, seconds): &Module) -> Result<()> {
    unless_built(&session.cache, name, &format!("{package}@{version}"), || {
        let go = go::find(session)?;
        session.progress.step(&format!("build {name}"), Duration::from_secs(*seconds), || {
            let log = session.cache.logs().join(format!("build-{name}.log"));
            install_module(&go, &session.cache.program(name), &format!("{package}@{version}"), &log)
        })
    })
}

fn install_module(go: &Go, program: &Path, module: &str, log: &Path) -> Result<()> {
    let name = program.file_name().context("a program has no name")?;
    cache::publish(program, |result, work| {
        let mut install: Command = go.command();
        install.env("GOBIN", work).args(["install", "-trimpath", "-ldflags", "-s -w", module]);
        command::run(&mut install, log)?;
        fs::rename(work.join(name), result).with_context(|| format!("failed to find what built {module}"))
    })
}

/// What the programs of a running cluster were built from, one text for each.
pub(crate) fn keys(cache: &Cache) -> Result<Vec<String>> {
    ["kubernetes", "coredns", "local-path-provisioner"]
        .iter()
        .map(|name| {
            let path = record(cache, name);
            fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
        })
        .collect()
}

fn record(cache: &Cache, name: &str) -> PathBuf {
    cache.programs().join(format!(".{name}.key"))
}

/// Builds a program unless it is there with the same key. The key is recorded last.
fn unless_built(cache: &Cache, name: &str, key: &str, build: impl FnOnce() -> Result<()>) -> Result<()> {
    let record = record(cache, name);
    if cache.program(name).exists() && fs::read_to_string(&record).is_ok_and(|recorded| recorded == key) {
        return Ok(());
    }
    build()?;
    cache::write(&record, key)
}
