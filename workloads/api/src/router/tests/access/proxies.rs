//! Whose address counts behind a proxy that is trusted.

use realtime_access::limits::{LimitConfig, Limiter};
use realtime_contract::Component;

use super::{logs::Log, *};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// A server that believes what is forwarded from this host.
async fn behind_a_proxy(state: &ApiState, options: &[&str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = RequestMetrics::register(&prometheus::Registry::new()).unwrap();
    let router = router(state.clone(), requests, &sockets(state, &away(), options), cors("*").unwrap());
    let trusted = vec!["127.0.0.0/8".parse().unwrap()];
    let upgrade_paths = crate::socketio::paths();
    let settings = serve::Settings { trusted, upgrade_paths, ..serve::Settings::new(Vec::new(), 64) };
    serve::serve(listener, router, state.engine.clone(), settings, CancellationToken::new()).await;
    address
}

fn forwarded(clients: &str) -> String {
    format!("X-Forwarded-For: {clients}\r\n")
}

/// A client of requests in the namespace `/demo`, if it is let in.
struct Demo {
    address: SocketAddr,
    target: String,
    headers: String,
}

impl Demo {
    async fn enter(address: SocketAddr, clients: &str) -> (Self, String) {
        let headers = forwarded(clients);
        let open = get_with(address, POLLING, &headers).await.body;
        let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        let demo = Self { address, target: format!("{POLLING}&sid={}", open["sid"].as_str().unwrap()), headers };
        demo.say("40/demo,").await;
        let answer = demo.hear().await;
        (demo, answer)
    }

    async fn say(&self, packet: &str) {
        assert_eq!(ask(self.address, "POST", &self.target, &self.headers, packet).await.body, "ok");
    }

    async fn hear(&self) -> String {
        get_with(self.address, &self.target, &self.headers).await.body
    }
}

#[tokio::test]
async fn a_limit_of_addresses_counts_the_client_that_the_proxy_names() {
    let (mut state, _publisher) = found(7);
    let limits = LimitConfig { address: Some("0.001/1".parse().unwrap()), ..LimitConfig::default() };
    state.limiter = Limiter::new(limits, Component::Api, None, &prometheus::Registry::new()).unwrap();
    let address = behind_a_proxy(&state, &[]).await;
    let status = async |clients: &str| get_with(address, "/", &forwarded(clients)).await.status;
    assert_eq!(status("192.0.2.1").await, 200);
    assert_eq!(status("192.0.2.1").await, 429);
    assert_eq!(status("192.0.2.1, 192.0.2.2").await, 200, "another client, whatever it says of itself");
    assert_eq!(status("192.0.2.3, 192.0.2.2").await, 429);
}

#[tokio::test]
async fn the_demo_counts_the_client_that_the_proxy_names_and_logs_who_goes_beyond_its_limits() {
    let log = Log::of_process();
    let (state, _publisher) = found(7);
    let options = ["--demo-connections-per-address=1", "--demo-pings=1", "--demo-show-addresses"];
    let address = behind_a_proxy(&state, &options).await;
    let (first, answer) = Demo::enter(address, "203.0.113.1").await;
    assert!(answer.starts_with(r#"40/demo,{"sid""#), "{answer}");
    let (_second, answer) = Demo::enter(address, "203.0.113.1").await;
    assert_eq!(answer, r#"44/demo,{"message":"Too many connections from this IP"}"#);
    let (_other, answer) = Demo::enter(address, "203.0.113.1, 203.0.113.2").await;
    assert!(answer.starts_with(r#"40/demo,{"sid""#), "{answer}");
    let health = get_with(address, "/api/websocket/health", "").await.json();
    assert_eq!(health["connectionsByIP"], json!({ "203.0.113.1": 1, "203.0.113.2": 1 }));
    first.say("42/demo,[\"ping\"]\u{1e}42/demo,[\"ping\"]").await;
    while !first.hear().await.contains("PING_LIMIT") {}

    let text = log.text();
    for words in [
        &["socket.io service initialised", "connections_per_address=1", "pings=1"][..],
        &["client connected", "ip=203.0.113.1", "namespace=\"/demo\""],
        &["rate limit exceeded", "ip=203.0.113.1", "namespace=\"/demo\"", "limit=1"],
        &["rate limit exceeded", "socketId=", "ip=203.0.113.1", "namespace=\"/demo\"", "pings=2"],
    ] {
        assert!(text.lines().any(|line| words.iter().all(|word| line.contains(word))), "{words:?} are in no line");
    }
}
