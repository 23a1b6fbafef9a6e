//! Kafka from outside of the cluster: a process that finds names as the broker's pod does, because brokers are told by name.

pub mod command;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use realtime_contract::{Component, ports};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command as Process};
use tokio::sync::{mpsc, oneshot};

use crate::kubectl;
use crate::stack::Stack;
use command::{Command, Done, Outcome, Request};

/// Longer than Kafka is away in any test.
const LIMIT: Duration = Duration::from_secs(120);

/// Mounts over the machine's resolver settings, in a namespace that nobody else sees.
const ENTER: &str = r#"mount --bind "$1" /etc/resolv.conf && exec "$2""#;

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Outcome>>>>;

/// The log of a stack.
pub struct Log {
    sender: mpsc::UnboundedSender<Request>,
    waiting: Waiting,
    next: Mutex<u64>,
    // Ends with this value.
    _process: Child,
    // Is removed with this value.
    _resolver: Resolver,
}

struct Resolver(PathBuf);

impl Drop for Resolver {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

impl Log {
    /// Starts the process `program`, which the crate has beside the tests.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn open(stack: &Stack, program: &str) -> Self {
        let broker = stack.object_name(Component::Kafka);
        let read = kubectl::exec(&stack.namespace, &format!("{broker}-0"), &["cat", "/etc/resolv.conf"], "").await;
        assert!(read.success, "the broker's resolver settings: {}", read.stderr);
        let path = std::env::temp_dir().join(format!("{}.resolv.conf", stack.namespace));
        std::fs::write(&path, read.stdout).unwrap_or_else(|error| panic!("failed to write {path:?}: {error}"));
        let mut process = start(&path, program);
        let (sender, requests) = mpsc::unbounded_channel();
        let waiting = Waiting::default();
        if let (Some(stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) {
            tokio::spawn(write(stdin, requests));
            tokio::spawn(read_outcomes(stdout, Arc::clone(&waiting)));
        }
        let log = Self { sender, waiting, next: Mutex::new(0), _process: process, _resolver: Resolver(path) };
        let password = stack.credential("kafka-password").await;
        log.run(Command::Connect { brokers: format!("{broker}:{}", ports::KAFKA), password }).await;
        log
    }

    /// Writes a record; where it stands once the log has taken it. Records of one partition stand in the order of the calls.
    pub fn produce(
        &self,
        topic: &str,
        partition: i32,
        key: &str,
        value: &str,
    ) -> impl Future<Output = (i32, i64)> + use<> {
        let (topic, key, value) = (topic.to_owned(), key.to_owned(), value.to_owned());
        let done = self.send(Command::Produce { topic, partition, key, value });
        async move {
            match done.await {
                Done::Written { partition, offset } => (partition, offset),
                done @ Done::Nothing => panic!("a record that was written is told as {done:?}"),
            }
        }
    }

    /// Does something else than writing a record.
    ///
    /// # Panics
    /// When it fails.
    pub async fn run(&self, command: Command) {
        self.send(command).await;
    }

    fn send(&self, command: Command) -> impl Future<Output = Done> + use<> {
        let (sender, receiver) = oneshot::channel();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next += 1;
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(*next, sender);
        let told = format!("{command:?}");
        let sent = self.sender.send(Request { number: *next, command });
        async move {
            assert!(sent.is_ok(), "the process that writes to Kafka has ended");
            let outcome = tokio::time::timeout(LIMIT, receiver).await;
            let outcome = outcome.unwrap_or_else(|_| panic!("Kafka: {told} did not end within {LIMIT:?}"));
            let outcome = outcome.unwrap_or_else(|_| panic!("the process that writes to Kafka has ended at {told}"));
            outcome.result.unwrap_or_else(|error| panic!("Kafka: {told}: {error}"))
        }
    }
}

fn start(resolver: &Path, program: &str) -> Child {
    let spawned = Process::new("unshare")
        .args(["--mount", "sh", "-c", ENTER, "sh"])
        .arg(resolver)
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    spawned.unwrap_or_else(|error| panic!("failed to start {program}: {error}"))
}

async fn write(mut stdin: ChildStdin, mut requests: mpsc::UnboundedReceiver<Request>) {
    while let Some(request) = requests.recv().await {
        let line =
            serde_json::to_string(&request).unwrap_or_else(|error| panic!("failed to write {request:?}: {error}"));
        if stdin.write_all(format!("{line}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_outcomes(stdout: ChildStdout, waiting: Waiting) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let outcome: Outcome = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"));
        let sender = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&outcome.number);
        if let Some(sender) = sender {
            // Who does not wait for it does not want to know.
            drop(sender.send(outcome));
        }
    }
    // Whoever waits still learns that nothing comes.
    waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
}
