//! A workload's binary as a child of a test, with real variables and real signals. Shared by the tests of every workload.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// How long a process may take for anything.
const LIMIT: Duration = Duration::from_secs(30);

/// Variables of a process: these, and no others.
pub(crate) type Variables<'a> = [(&'a str, &'a str)];

/// A process that runs as long as this value lives.
pub(crate) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts the program.
    pub(crate) fn start(program: &str, variables: &Variables<'_>) -> Self {
        let mut child = command(program, variables).stderr(Stdio::inherit()).spawn().expect("it can be started");
        let lines = BufReader::new(child.stdout.take().expect("its output is read")).lines();
        Self { child, lines }
    }

    /// Waits for a line of its log that contains that text.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        let mut said = Vec::new();
        while let Ok(Ok(Some(line))) = timeout(LIMIT, self.lines.next_line()).await {
            if line.contains(text) {
                return line;
            }
            said.push(line);
        }
        panic!("it never said {text:?}, only this: {said:#?}");
    }

    /// Interrupts it as Ctrl-C does. What it exits with.
    pub(crate) async fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("sh").args(["-c", "kill -INT \"$1\"", "sh", &id]).status().await;
        assert!(sent.is_ok_and(|sent| sent.success()), "the signal is sent");
        let rest = async {
            while let Ok(Some(_)) = self.lines.next_line().await {}
            self.child.wait().await
        };
        timeout(LIMIT, rest).await.expect("it ends").expect("it can be awaited").code()
    }
}

/// Starts the program, which is to end by itself. What it exits with and all that it says.
pub(crate) async fn refused(program: &str, variables: &Variables<'_>) -> (Option<i32>, String) {
    let output = timeout(LIMIT, command(program, variables).stderr(Stdio::piped()).output()).await;
    let output = output.expect("it ends by itself").expect("it can be started");
    let said = [output.stderr, output.stdout].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// Of that port nobody needs to know: the ops server's.
fn command(program: &str, variables: &Variables<'_>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("REALTIME_OPS_PORT", "0").envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}
