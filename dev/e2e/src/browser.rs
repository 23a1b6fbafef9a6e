//! Chromium, which loads a page of ours and has its own EventSource read a stream of another origin.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::arrivals::Arrivals;
use crate::{collector, environment};

const PAGE: &str = include_str!("../clients/eventsource-page.html");

/// Everything that the browser starts and writes goes with it.
const ENTER: [&str; 8] =
    ["--mount", "--pid", "--mount-proc", "--kill-child", "sh", "-c", r#"mount -t tmpfs tmpfs /tmp && exec "$@""#, "sh"];

/// What a browser needs to run as root in a machine without a screen, and to talk to nobody but the page.
const FLAGS: [&str; 12] = [
    "--headless",
    "--user-data-dir=/tmp/profile",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // With it the browser stays when the page is loaded.
    "--remote-debugging-port=0",
];

/// A browser that runs as long as this value lives.
pub struct Browser {
    /// What the page receives.
    pub arrivals: Arrivals,
    // Ends with this value.
    _process: Child,
}

impl Browser {
    /// Opens a page that reads the stream at `url`.
    ///
    /// # Panics
    /// When it cannot connect.
    pub async fn open(url: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.unwrap_or_else(|error| panic!("failed to listen for the browser: {error}"));
        let bound = listener.local_addr().unwrap_or_else(|error| panic!("failed to read the own port: {error}"));
        let (sender, arrivals) = Arrivals::new(&format!("Chromium at {url}"));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, sender.clone()));
            }
        });
        let process = start(&format!("http://{bound}/?stream={url}"));
        Self { arrivals: arrivals.connected().await, _process: process }
    }
}

fn start(page: &str) -> Child {
    let program = environment::path(environment::CHROMIUM);
    let spawned = Command::new("unshare")
        .args(ENTER)
        .arg(&program)
        .args(FLAGS)
        .arg(page)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    spawned.unwrap_or_else(|error| panic!("failed to start {}: {error}", program.display()))
}

/// Gives the page to whoever asks for it, and takes its reports: lines of JSON.
async fn serve(connection: TcpStream, sender: mpsc::UnboundedSender<Value>) {
    let mut connection = BufReader::new(connection);
    while let Ok(Some(request)) = collector::read(&mut connection).await {
        let (status, body) = match request.path.as_str() {
            "/report" => {
                for line in String::from_utf8_lossy(&request.body).lines() {
                    let event = serde_json::from_str(line).unwrap_or_else(|_| json!({"event": "output", "data": line}));
                    if sender.send(event).is_err() {
                        return;
                    }
                }
                ("204 No Content", "")
            }
            path if path.starts_with("/?") => ("200 OK", PAGE),
            _ => ("404 Not Found", ""),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        if connection.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
