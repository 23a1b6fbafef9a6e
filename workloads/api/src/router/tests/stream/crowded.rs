//! Streams that find no place at the instance.

use super::*;

const STREAM: &str = "/api/sse/notifications";
const ORIGIN: &str = "Origin: http://localhost:3000\r\nConnection: close\r\n";

/// A server with so many places, and so many for one address.
async fn served(state: &ApiState, connections: usize, per_address: Option<usize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = serve::Settings { per_address, ..serve::Settings::new(vec![STREAM.to_owned()], connections) };
    serve(listener, app(state), state.engine.clone(), settings, CancellationToken::new()).await;
    address
}

async fn answered(address: SocketAddr, headers: &str) -> String {
    Client::ask(address, STREAM, &format!("{ORIGIN}{headers}")).await.end().await.to_owned()
}

fn seconds(head: &str) -> u64 {
    head.lines().find_map(|line| line.strip_prefix("retry-after: ")).unwrap().parse().unwrap()
}

#[tokio::test]
async fn who_finds_no_place_is_told_when_to_come_back_and_which_limit_it_is() {
    for (connections, per_address, detail) in [
        (1, None, "as many connections are open as this instance takes"),
        (2, Some(1), "as many connections are open as one client address may have"),
    ] {
        let (state, _publisher) = found(7);
        let address = served(&state, connections, per_address).await;
        let mut first = Client::ask(address, STREAM, "").await;
        first.until("\"connection\"").await;

        let told = answered(address, "").await;
        let (head, body) = told.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        assert!(head.contains("content-type: application/problem+json"), "{head}");
        assert!((5..=15).contains(&seconds(head)), "{head}");
        let problem: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&problem["status"], &problem["detail"]), (&503.into(), &detail.into()));

        let sent_away = answered(address, "Accept: text/event-stream\r\n").await;
        let (head, body) = sent_away.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-type: text/event-stream"), "{head}");
        let retry: u64 = body.trim_end().strip_prefix("retry: ").unwrap().parse().unwrap();
        assert!((5_000..=15_000).contains(&retry), "{body}");
        for head in [told.as_str(), &sent_away] {
            assert!(head.contains("access-control-allow-origin: http://localhost:3000"), "a page may read it: {head}");
        }

        // The place is free again once the instance has seen that the first client is gone.
        drop(first);
        let until_free = async {
            while !Client::ask(address, STREAM, "").await.until("\r\n\r\n").await.starts_with("HTTP/1.1 200 ") {}
        };
        timeout(Duration::from_secs(10), until_free).await.expect("the place is free again");
    }
}
