//! A plain reader of server-sent events, for what an EventSource does not show.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::arrivals::Arrivals;

/// How long a server may take to begin its answer.
const OPENING: Duration = Duration::from_secs(20);

/// Opens a stream, from the event after `cursor` when there is one.
///
/// # Panics
/// When the server does not answer with an event stream.
pub async fn listen(url: &str, cursor: Option<&str>) -> Arrivals {
    try_listen(url, cursor).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Opens a stream, from the event after `cursor` when there is one.
///
/// # Errors
/// When the server does not answer with an event stream.
pub async fn try_listen(url: &str, cursor: Option<&str>) -> Result<Arrivals, String> {
    let client = reqwest::Client::builder().connect_timeout(Duration::from_secs(5)).no_proxy().build();
    let client = client.map_err(|error| format!("failed to build the reader of {url}: {error}"))?;
    let mut request = client.get(url).header("accept", "text/event-stream");
    if let Some(cursor) = cursor {
        request = request.header("last-event-id", cursor);
    }
    let answer = tokio::time::timeout(OPENING, request.send()).await;
    let answer = answer.map_err(|_| format!("{url} did not answer within {OPENING:?}"))?;
    let answer = answer.map_err(|error| format!("failed to open {url}: {error:?}"))?;
    let kind = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if (answer.status().as_u16(), kind.split(';').next()) != (200, Some("text/event-stream")) {
        return Err(format!("{url} was answered {} with {kind}", answer.status()));
    }
    let (sender, arrivals) = Arrivals::new(&format!("stream {url}"));
    tokio::spawn(forward(answer, sender));
    Ok(arrivals.connected().await)
}

async fn forward(answer: reqwest::Response, sender: mpsc::UnboundedSender<Value>) {
    if sender.send(json!({"event": "ready"})).is_err() {
        return;
    }
    let mut bytes = answer.bytes_stream();
    let mut buffer = Vec::new();
    while let Some(Ok(chunk)) = bytes.next().await {
        buffer.extend_from_slice(&chunk);
        while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
            let frame: Vec<u8> = buffer.drain(..end + 2).collect();
            let event = parse(&String::from_utf8_lossy(&frame));
            if event.is_some_and(|event| sender.send(event).is_err()) {
                return;
            }
        }
    }
}

/// One frame as an event; a frame without data is none.
fn parse(frame: &str) -> Option<Value> {
    let field = |name: &str| {
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(':').map(|value| value.trim_start().to_owned());
        frame.lines().filter_map(value).collect::<Vec<_>>()
    };
    let data = field("data");
    if data.is_empty() {
        return None;
    }
    let text = data.join("\n");
    let data = serde_json::from_str(&text).unwrap_or(Value::String(text));
    let event = field("event").into_iter().next_back().unwrap_or_else(|| "message".to_owned());
    Some(json!({"event": event, "data": data, "id": field("id").into_iter().next_back()}))
}
