//! What clients show of themselves is in no log.

use std::{
    io,
    sync::{Arc, Mutex, OnceLock},
};

use tracing_subscriber::EnvFilter;

use super::*;

/// All that is logged by this process from the first use on, by whatever thread.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(super) fn of_process() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            let ours = ["api", "access", "chassis", "fanout", "socketio"];
            let filter = ours.map(|name| format!("realtime_{name}=trace")).join(",");
            let output = log.clone();
            let subscriber = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_ansi(false);
            subscriber.with_writer(move || output.clone()).init();
            log
        })
        .clone()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_token_and_no_ticket_is_in_a_log_line() {
    let log = Log::of_process();
    let (address, ..) = asking().await;
    let ticket = post_json(address, "/api/tickets", &good(), "{\"cookie\":true}").await.json();
    let ticket = ticket["ticket"].as_str().unwrap().to_owned();
    let mut shown: Vec<String> = refused().into_iter().map(|(_, token, _)| token).collect();
    shown.extend([good(), ticket]);
    for token in &shown {
        get_with(address, "/api/notifications", &bearer(token)).await;
        post_json(address, "/api/notifications", token, "{\"message\":\"m\"}").await;
        connect_with(address, &json!({ "token": token }).to_string()).await;
        for headers in [bearer(token), format!("Cookie: realtime_ticket={token}\r\n")] {
            stream_with(address, STREAM, &headers).await;
        }
        stream_with(address, &format!("{STREAM}?ticket={token}"), EVENT_SOURCE).await;
    }
    let text = log.text();
    for line in ["request answered", "/api/sse/notifications", "/api/tickets", "/socket.io"] {
        assert!(text.contains(line), "{line} is not in what was logged");
    }
    // Each part alone, too: payload and signature.
    let parts = shown.iter().flat_map(|token| token.split('.')).filter(|part| part.len() > 8);
    for part in parts {
        let line = text.lines().find(|line| line.contains(part));
        assert_eq!(line, None, "{part}");
    }
}
