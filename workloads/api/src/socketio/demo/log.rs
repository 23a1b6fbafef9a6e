//! What the namespace `/demo` logs, in the fields that the service had which was replaced.

use std::net::IpAddr;

use realtime_socketio::{Departed, Transport};
use tracing::info;

use super::NAME;
use crate::socketio::reason_name;

/// A client is in.
pub(super) fn connected(id: &str, ip: IpAddr, transport: Transport) {
    info!(socketId = id, %ip, namespace = NAME, transport = transport.name(), "client connected");
}

/// A random string went to so many clients.
pub(super) fn broadcast(value: &str, clients: usize) {
    info!(value, clientCount = clients, "random string broadcast");
}

/// A client is gone, after so many pings.
pub(super) fn disconnected(departed: &Departed, pings: Option<u32>) {
    info!(
        socketId = departed.id,
        ip = %departed.client,
        namespace = NAME,
        reason = reason_name(departed.reason),
        connectionDuration = departed.connected_for.as_secs_f64(),
        totalPings = pings,
        "client disconnected"
    );
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use realtime_socketio::Departure;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_have_the_fields_that_they_always_had() {
        let output = Output::default();
        let written = output.clone();
        let format = tracing_subscriber::fmt().json().without_time().with_level(false).with_target(false);
        let subscriber = format.with_writer(move || output.clone()).finish();
        let ip = "192.0.2.7".parse().unwrap();
        let departed = Departed {
            id: "id".to_owned(),
            client: ip,
            transport: Transport::Polling,
            connected_for: Duration::from_millis(1500),
            state: Box::new(()),
            reason: Departure::Client,
        };
        tracing::subscriber::with_default(subscriber, || {
            connected("id", ip, Transport::Polling);
            broadcast("k3Jd91mZqP", 2);
            disconnected(&departed, Some(3));
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let expected = [
            json!({ "message": "client connected", "socketId": "id", "ip": "192.0.2.7", "namespace": "/demo", "transport": "polling" }),
            json!({ "message": "random string broadcast", "value": "k3Jd91mZqP", "clientCount": 2 }),
            json!({ "message": "client disconnected", "socketId": "id", "ip": "192.0.2.7", "namespace": "/demo", "reason": "client", "connectionDuration": 1.5, "totalPings": 3 }),
        ];
        assert_eq!(lines.iter().map(|line| &line["fields"]).collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
    }
}
