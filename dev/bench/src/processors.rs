//! One core for the server under test, another one for the load and the broker.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The two cores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores {
    /// Of the server under test.
    pub(crate) server: usize,
    /// Of everything else.
    pub(crate) load: usize,
}

/// Takes the last two cores that this process may use: interrupts of devices mostly go to the first.
pub(crate) fn choose() -> Result<Cores> {
    let status = fs::read_to_string("/proc/self/status").context("failed to read /proc/self/status")?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let allowed = parse(list.context("failed to find the cores of this process")?.trim())?;
    let [.., load, server] = allowed.as_slice() else {
        bail!("two cores are needed: one for the server, one for the load");
    };
    Ok(Cores { server: *server, load: *load })
}

/// Keeps this process, which has one thread yet, and all that it starts, on one core.
pub(crate) fn stay_on(core: usize) -> Result<()> {
    set("taskset", &["--cpu-list", "--pid", &core.to_string(), &std::process::id().to_string()])
}

/// Lets this process, and all that it starts, open as many files as it may.
pub(crate) fn raise_open_files() -> Result<()> {
    let limits = fs::read_to_string("/proc/self/limits").context("failed to read /proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let hard = line.and_then(|line| line.split_whitespace().nth(1)).context("failed to find the open-file limit")?;
    set("prlimit", &["--pid", &std::process::id().to_string(), &format!("--nofile={hard}:{hard}")])
}

fn set(program: &str, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status().with_context(|| format!("failed to start {program}"))?;
    if !status.success() {
        bail!("{program} ended with {status}");
    }
    Ok(())
}

/// Numbers and ranges by comma, as the kernel writes them.
fn parse(list: &str) -> Result<Vec<usize>> {
    let mut cores = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.parse::<usize>().with_context(|| format!("failed to read the cores {list:?}"));
        cores.extend(number(first)?..=number(last)?);
    }
    Ok(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_list_of_cores() {
        assert_eq!(parse("0").unwrap(), [0]);
        assert_eq!(parse("0-2,5,7-8").unwrap(), [0, 1, 2, 5, 7, 8]);
        assert!(parse("0-x").is_err());
    }
}
