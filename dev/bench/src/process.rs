//! A program that runs on one core, ends with this one, and whose use of the machine is read from outside.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// Clock ticks of `/proc/<pid>/stat` in a second: the kernel's `USER_HZ`, the same on all of its platforms in use.
const TICKS: f64 = 100.0;

/// Lines of a log that a failure shows.
const TAIL_LINES: usize = 15;

/// Time that a program has to end by itself.
const GRACE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// Ended when it is dropped, and by the kernel when this program ends in any other way.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    end: End,
}

/// How a program is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Killed: it leaves nothing behind.
    Kill,
    /// Interrupted, and waited for while it cleans up.
    Interrupt,
}

impl Process {
    /// Starts it on the core, with its output in `log`. It is called by the main thread, whose end is that of the program for the kernel.
    pub(crate) fn start(name: &str, command: &Command, core: usize, log: &Path) -> Result<Self> {
        Self::start_as(name, command, None, End::Kill, core, log)
    }

    /// The same as another user, and with another end.
    pub(crate) fn start_as(
        name: &str,
        command: &Command,
        user: Option<&str>,
        end: End,
        core: usize,
        log: &Path,
    ) -> Result<Self> {
        let output = File::create(log).with_context(|| format!("failed to create {}", log.display()))?;
        let errors = output.try_clone().with_context(|| format!("failed to share {}", log.display()))?;
        let child = on_core(command, user, end, core)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("failed to start {name}"))?;
        Ok(Self { name: name.to_owned(), child, end })
    }

    /// An error when it has ended.
    pub(crate) fn demand(&mut self, log: &Path) -> Result<()> {
        if let Some(status) = self.child.try_wait().with_context(|| format!("failed to look after {}", self.name))? {
            bail!("{} ended with {status}; its last lines:\n{}", self.name, tail(log));
        }
        Ok(())
    }

    /// Seconds on a processor, in user and kernel mode, of all its threads.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let path = format!("/proc/{}/stat", self.child.id());
        let text = fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))?;
        let times = Times::read(&text).with_context(|| format!("failed to understand {path}"))?;
        Ok(f64::from(times.own) / TICKS)
    }

    /// The same with all its children, those that have ended included.
    pub(crate) fn cpu_seconds_of_family(&self) -> Result<f64> {
        let mut ticks = 0;
        for entry in fs::read_dir("/proc").context("failed to list the processes")? {
            let path = entry.context("failed to list the processes")?.path().join("stat");
            // What is no process has no such file, and what has ended meanwhile has none any longer.
            let Some(times) = fs::read_to_string(path).ok().as_deref().and_then(Times::read) else { continue };
            if times.id == self.child.id() {
                ticks += times.own + times.ended_children;
            } else if times.parent == self.child.id() {
                ticks += times.own;
            }
        }
        Ok(f64::from(ticks) / TICKS)
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let text = fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))?;
        kilobytes(&text, "VmRSS:").with_context(|| format!("failed to understand {path}"))
    }

    /// Resident memory in bytes, with what is shared divided among those who share it.
    pub(crate) fn proportional(&self) -> Result<u64> {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))?;
        kilobytes(&text, "Pss:").with_context(|| format!("failed to understand {path}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        if self.end == End::Interrupt {
            _ = kill_process(Pid::from_child(&self.child), Signal::INT);
            let begun = Instant::now();
            while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < GRACE {
                thread::sleep(PAUSE);
            }
        }
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Runs a program to its end on the core, with its output in `log`.
pub(crate) fn run(name: &str, command: &Command, core: usize, log: &Path) -> Result<()> {
    run_as(name, command, None, core, log)
}

/// The same as another user.
pub(crate) fn run_as(name: &str, command: &Command, user: Option<&str>, core: usize, log: &Path) -> Result<()> {
    let mut process = Process::start_as(name, command, user, End::Kill, core, log)?;
    let status = process.child.wait().with_context(|| format!("failed to wait for {name}"))?;
    if !status.success() {
        bail!("{name} ended with {status}; its last lines:\n{}", tail(log));
    }
    Ok(())
}

/// Each of these programs becomes the next one, so the last one has the id of the first.
fn on_core(command: &Command, user: Option<&str>, end: End, core: usize) -> Command {
    let mut outer = Command::new("setpriv");
    if let Some(user) = user {
        outer.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    let signal = if end == End::Interrupt { "INT" } else { "KILL" };
    outer.args(["--pdeathsig", signal, "taskset", "--cpu-list", &core.to_string()]);
    outer.arg(command.get_program()).args(command.get_args());
    // Settings of the caller's shell are no part of a measurement.
    outer.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// What `proc(5)` tells of a process, times in clock ticks.
#[derive(Debug, PartialEq, Eq)]
struct Times {
    id: u32,
    parent: u32,
    own: u32,
    ended_children: u32,
}

impl Times {
    /// The parent is the 4th field, the times are the 14th to 17th. The name in parentheses may hold anything.
    fn read(stat: &str) -> Option<Self> {
        let (start, fields) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u32>().ok();
        Some(Self {
            id: start.split_once(' ')?.0.parse().ok()?,
            parent: number(4)?,
            own: number(14)? + number(15)?,
            ended_children: number(16)? + number(17)?,
        })
    }
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_behind_a_name_with_parentheses() {
        let times = Times::read("7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 50 60 7 8 20 0 1 0 4711 0 0");
        assert_eq!(times, Some(Times { id: 7, parent: 1, own: 110, ended_children: 15 }));
    }

    #[test]
    fn reads_memory_in_bytes() {
        assert_eq!(kilobytes("VmHWM:\t  9 kB\nVmRSS:\t   12 kB\n", "VmRSS:"), Some(12 * 1024));
        assert_eq!(kilobytes("VmHWM:\t  9 kB\n", "VmRSS:"), None);
    }
}
