//! The cluster's first process, as seen from outside its namespaces.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Cluster;
use crate::{cache, command, wait};

/// A process that is known by more than a number that another one may get later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FirstProcess {
    /// Its number on the machine.
    pub(crate) id: u32,
    /// Clock ticks since boot at its start.
    started: u64,
}

impl FirstProcess {
    /// The one that was recorded when the cluster was started, if it lives.
    pub(crate) fn find(cluster: &Cluster) -> Option<Self> {
        let text = fs::read_to_string(record(cluster)).ok()?;
        let (id, started) = text.trim().split_once(' ')?;
        let process = Self { id: id.parse().ok()?, started: started.parse().ok()? };
        process.lives().then_some(process)
    }

    /// Starts the cluster's first program in namespaces of its own. It outlives this program.
    pub(crate) fn start(cluster: &Cluster) -> Result<Self> {
        let folder = cluster.folder();
        let log = create_log(&folder)?;
        let errors = log.try_clone().context("failed to share the cluster's log")?;
        let outer = command::new("setsid")
            .args(["unshare", "--fork", "--pid", "--mount", "--net", "--uts", "--ipc", "--mount-proc", "--"])
            .arg(folder.join("init"))
            .arg(&folder)
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .context("failed to start the cluster's first program")?;
        let id = wait::until(Duration::from_secs(5), "the cluster's namespaces", || Ok(only_child(outer.id())))?;
        let Some((started, _)) = status(id) else {
            bail!("the cluster's first program ended at once: see {}", folder.join("log/init.log").display());
        };
        cache::write(&record(cluster), &format!("{id} {started}\n"))?;
        Ok(Self { id, started })
    }

    /// Whether it is still there. A zombie is not: all that it held is gone.
    pub(crate) fn lives(&self) -> bool {
        status(self.id).is_some_and(|(started, state)| started == self.started && state != 'Z')
    }

    /// A command that runs with the cluster's files and network.
    pub(crate) fn enter(&self, program: &str) -> Command {
        let mut command = command::new("nsenter");
        command.args(["--target", &self.id.to_string(), "--mount", "--net", "--ipc", "--", program]);
        command
    }
}

fn record(cluster: &Cluster) -> PathBuf {
    cluster.folder().join("process")
}

fn create_log(folder: &Path) -> Result<File> {
    let logs = folder.join("log");
    fs::create_dir_all(&logs).with_context(|| format!("failed to create {}", logs.display()))?;
    let path = logs.join("init.log");
    File::create(&path).with_context(|| format!("failed to create {}", path.display()))
}

/// `unshare --fork` has one child: the first process of the new namespace.
fn only_child(id: u32) -> Option<u32> {
    fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?.split_whitespace().next()?.parse().ok()
}

/// Start time and state of a process.
fn status(id: u32) -> Option<(u64, char)> {
    parse_status(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// The name in parentheses may hold anything, so fields are counted behind its end: state is the 3rd of `proc(5)`,
/// the start time the 22nd.
fn parse_status(text: &str) -> Option<(u64, char)> {
    let (_, fields) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    Some((fields.get(19)?.parse().ok()?, fields.first()?.chars().next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_state_and_start_behind_a_name_with_parentheses() {
        let text = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 0 0";
        assert_eq!(parse_status(text), Some((4711, 'S')));
    }

    #[test]
    fn knows_that_this_process_lives_and_an_earlier_one_of_its_number_does_not() {
        let id = std::process::id();
        let (started, _) = status(id).unwrap();
        assert!(FirstProcess { id, started }.lives());
        assert!(!FirstProcess { id, started: started - 1 }.lives());
    }
}
