//! Other programs: run with their output in a file, or read.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Where system programs are. The `PATH` of a plain shell, or of `su`, lacks some of these.
const SYSTEM_FOLDERS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Lines of a log that a failure shows.
const TAIL_LINES: usize = 25;

/// A program by its path, or by its name in [`search_path`], which it gets as its `PATH`.
pub(crate) fn new(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", search_path());
    command
}

/// The caller's `PATH`, and behind it the system's folders.
pub(crate) fn search_path() -> OsString {
    let given = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&given).collect();
    for folder in SYSTEM_FOLDERS.map(PathBuf::from) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    env::join_paths(folders).unwrap_or(given)
}

/// The command under a limit of time. When that is over, or this program ends, it ends with every process that it has
/// started in its group.
pub(crate) fn limited(command: &Command, minutes: u32) -> Command {
    let mut limited = new("setpriv");
    limited.args(["--pdeathsig", "TERM", "timeout", "--kill-after=30s", &format!("{minutes}m")]);
    limited.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    limited
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_programs_of_the_system() {
        let folders: Vec<PathBuf> = env::split_paths(&search_path()).collect();
        assert!(SYSTEM_FOLDERS.iter().all(|folder| folders.contains(&PathBuf::from(folder))), "{folders:?}");
    }

    #[test]
    fn keeps_arguments_environment_and_folder_of_a_limited_command() {
        let mut command = new("sh");
        command.args(["-c", "echo \"$0 $NAME $PWD\"", "argument"]).env("NAME", "value").current_dir("/usr");
        assert_eq!(read(&mut limited(&command, 1)).unwrap(), "argument value /usr\n");
    }
}
