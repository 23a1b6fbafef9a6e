//! A program that runs on one core, ends with this one, and whose use of the machine is read from outside.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Clock ticks of `/proc/<pid>/stat` in a second: the kernel's `USER_HZ`, the same on all of its platforms in use.
const TICKS: f64 = 100.0;

/// Lines of a log that a failure shows.
const TAIL_LINES: usize = 15;

/// Killed when it is dropped, and by the kernel when this program ends in any other way.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts it on the core, with its output in `log`. It is called by the main thread, whose end is that of the program for the kernel.
    pub(crate) fn start(name: &str, command: &Command, core: usize, log: &Path) -> Result<Self> {
        let output = File::create(log).with_context(|| format!("failed to create {}", log.display()))?;
        let errors = output.try_clone().with_context(|| format!("failed to share {}", log.display()))?;
        let child = on_core(command, core)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("failed to start {name}"))?;
        Ok(Self { name: name.to_owned(), child })
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
        let ticks = ticks(&text).with_context(|| format!("failed to understand {path}"))?;
        Ok(Duration::from_secs_f64(f64::from(ticks) / TICKS).as_secs_f64())
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
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Runs a program to its end on the core, with its output in `log`.
pub(crate) fn run(name: &str, command: &Command, core: usize, log: &Path) -> Result<()> {
    let mut process = Process::start(name, command, core, log)?;
    let status = process.child.wait().with_context(|| format!("failed to wait for {name}"))?;
    if !status.success() {
        bail!("{name} ended with {status}; its last lines:\n{}", tail(log));
    }
    Ok(())
}

/// Each of these programs becomes the next one, so the last one has the id of the first.
fn on_core(command: &Command, core: usize) -> Command {
    let mut outer = Command::new("setpriv");
    outer.args(["--pdeathsig", "KILL", "taskset", "--cpu-list", &core.to_string()]);
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

/// `utime` and `stime` are the 14th and 15th field of `proc(5)`. The name in parentheses may hold anything.
fn ticks(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?)
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
        assert_eq!(ticks("7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 50 60 7 8 20 0 1 0 4711 0 0"), Some(110));
    }

    #[test]
    fn reads_memory_in_bytes() {
        assert_eq!(kilobytes("VmHWM:\t  9 kB\nVmRSS:\t   12 kB\n", "VmRSS:"), Some(12 * 1024));
        assert_eq!(kilobytes("VmHWM:\t  9 kB\n", "VmRSS:"), None);
    }
}
