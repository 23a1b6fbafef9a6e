//! Other programs: run with their output in a file, or read.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Lines of a log that a failure shows.
const TAIL_LINES: usize = 25;

/// Runs the command to its end, with its output in `log`. A failure shows the end of that file.
pub(crate) fn run(command: &mut Command, log: &Path) -> Result<()> {
    let mut output = File::create(log).with_context(|| format!("failed to create {}", log.display()))?;
    writeln!(output, "{command:?}").with_context(|| format!("failed to write {}", log.display()))?;
    let errors = output.try_clone().with_context(|| format!("failed to share {}", log.display()))?;
    let status = command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .status()
        .with_context(|| format!("failed to start {}", name(command)))?;
    if !status.success() {
        bail!("{} ended with {status}; its last lines:\n{}\nall of them: {}", name(command), tail(log), log.display());
    }
    Ok(())
}

/// Runs the command with its output on the terminal.
pub(crate) fn show(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("failed to start {}", name(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", name(command));
    }
    Ok(())
}

/// Runs the command and gives what it wrote to its standard output.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("failed to start {}", name(command)))?;
    if !output.status.success() {
        bail!("{} ended with {}: {}", name(command), output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("failed to read the output of {}", name(command)))
}

/// Runs the command with `input` as its standard input and gives its standard output.
pub(crate) fn feed(command: &mut Command, input: &[u8]) -> Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {}", name(command)))?;
    let mut pipe = child.stdin.take().context("failed to open the input of a program")?;
    pipe.write_all(input).with_context(|| format!("failed to write to {}", name(command)))?;
    drop(pipe);
    let output = child.wait_with_output().with_context(|| format!("failed to wait for {}", name(command)))?;
    if !output.status.success() {
        bail!("{} ended with {}: {}", name(command), output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("failed to read the output of {}", name(command)))
}

/// Whether the command can be started and ends well.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The last lines of a text file, or a word about why they cannot be read.
pub(crate) fn tail(path: &Path) -> String {
    match fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
        }
        Err(error) => format!("(failed to read {}: {error})", path.display()),
    }
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
