//! Shows that the stack works: a notification that is posted arrives on a stream.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::http::{self, EventStream};
use crate::kubectl::Kubectl;
use crate::progress::Progress;
use crate::quickstart::{NAMESPACE, STACK};
use crate::wait;

const OPENING: Duration = Duration::from_secs(10);
const ARRIVAL: Duration = Duration::from_secs(10);

/// The API of the stack, as it can be reached from this machine.
#[derive(Debug)]
pub(crate) struct Api {
    /// Host and port.
    pub(crate) address: String,
    /// Keeps the way open where addresses of Services are not reachable.
    forward: Option<Forward>,
}

/// A running `kubectl port-forward`. It writes a line for each connection and ends when nobody can read it, so its
/// output stays open as long as it runs.
#[derive(Debug)]
struct Forward {
    process: Child,
    _output: BufReader<ChildStdout>,
}

impl Api {
    /// By the address of its Service, which a cluster of ours lets the machine reach.
    pub(crate) fn direct(kubectl: &Kubectl) -> Result<Self> {
        Ok(Self { address: service_address(kubectl, "api")?, forward: None })
    }

    /// Through kubectl, for any cluster.
    pub(crate) fn forwarded(kubectl: &Kubectl) -> Result<Self> {
        let service = format!("service/{STACK}-api");
        let mut forward: Command = kubectl.command();
        forward.args(["--namespace", NAMESPACE, "port-forward", &service, ":http"]);
        let mut process = forward.stdout(Stdio::piped()).spawn().context("failed to start kubectl port-forward")?;
        let output = process.stdout.take().context("failed to read from kubectl port-forward")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line).context("failed to read from kubectl port-forward")?;
        let address = line.split_whitespace().nth(2).context("kubectl port-forward named no address")?.to_owned();
        Ok(Self { address, forward: Some(Forward { process, _output: output }) })
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        if let Some(forward) = &mut self.forward {
            let _ = forward.process.kill();
            let _ = forward.process.wait();
        }
    }
}

/// Address and first port of a component's Service.
pub(crate) fn service_address(kubectl: &Kubectl, component: &str) -> Result<String> {
    let service = kubectl.get(&["--namespace", NAMESPACE, "service", &format!("{STACK}-{component}")])?;
    let address = service["spec"]["clusterIP"].as_str().context("the Service has no address")?;
    let port = service["spec"]["ports"][0]["port"].as_u64().context("the Service has no port")?;
    Ok(format!("{address}:{port}"))
}

/// A Service leads to a pod a moment after the pod is ready.
fn open_stream(address: &str) -> Result<EventStream> {
    let mut refusal = None;
    let opened = wait::until(OPENING, "a stream of notifications", || {
        Ok(EventStream::open(address, "/api/sse/notifications").map_err(|error| refusal = Some(error)).ok())
    });
    opened.map_err(|late| match refusal {
        Some(refusal) => refusal.context(late),
        None => late,
    })
}

/// Opens a stream, posts a notification and waits until it arrives.
pub(crate) fn show(api: &Api, progress: &Progress) -> Result<()> {
    let mut stream = open_stream(&api.address)?;
    let mark = format!("hello from cargo xtask up ({})", std::process::id());
    let body = json!({"message": mark, "type": "info"}).to_string();
    let begun = Instant::now();
    let (status, answer) = http::post(&api.address, "/api/notifications", &body)?;
    if status != 201 {
        bail!("the API answered {status}: {answer}");
    }
    let arrived = stream.wait_for(&mark, ARRIVAL)?;
    progress.line(&format!("posted  {body}"));
    progress.line(&format!("arrived {arrived} after {} ms", begun.elapsed().as_millis()));
    Ok(())
}
