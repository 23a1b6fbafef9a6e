//! Where logs and traces go, by the names that these variables always had.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

use super::{
    child::Process,
    names::{LISTENS, PROGRAM, free_port, get, with},
};

/// Answers whatever is posted there, and tells the paths.
async fn collector(address: &str) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(answer(client, sender.clone()));
        }
    });
    (address, receiver)
}

async fn answer(client: TcpStream, sender: mpsc::UnboundedSender<String>) -> Option<()> {
    let mut client = BufReader::new(client);
    loop {
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            (client.read_line(&mut request).await.ok()? > 0).then_some(())?;
        }
        let lower = request.to_ascii_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
        client.read_exact(&mut vec![0; length]).await.ok()?;
        sender.send(request.lines().next()?.to_owned()).ok()?;
        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.ok()?;
    }
}

/// The requests that come from a process with these variables, which is asked for something and ends.
async fn exported(variables: &[(&str, &str)], mut came: mpsc::UnboundedReceiver<String>) -> BTreeSet<String> {
    let port = free_port().to_string();
    let mut process = Process::start(PROGRAM, &with(&[variables, &[("PORT", &port)]].concat()));
    process.says(LISTENS).await;
    get(port.parse().unwrap(), "/", "").await;
    // The rest is exported before it ends.
    assert_eq!(process.interrupt().await, Some(0));
    let mut requests = BTreeSet::new();
    while let Ok(Some(request)) = timeout(Duration::from_millis(1), came.recv()).await {
        requests.insert(request);
    }
    requests
}

fn posts(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| format!("POST {path} HTTP/1.1")).collect()
}

#[tokio::test]
async fn logs_go_to_loki_and_traces_to_tempo_by_their_addresses() {
    let (address, came) = collector("127.0.0.1:0").await;
    let base = format!("http://{address}");
    let exported = exported(&[("LOKI_URL", &base), ("TEMPO_URL", &base)], came).await;
    assert_eq!(exported, posts(&["/otlp/v1/logs", "/v1/traces"]));
}

#[tokio::test]
async fn lokis_host_and_the_whole_address_for_traces_do_as_well() {
    let (address, came) = collector("127.0.0.1:0").await;
    let (host, whole) = (address.to_string(), format!("http://{address}/spans"));
    let exported = exported(&[("LOKI_HOST", &host), ("TEMPO_ENDPOINT", &whole)], came).await;
    assert_eq!(exported, posts(&["/otlp/v1/logs", "/spans"]));
}

/// An address of its own, so that nothing else is there.
#[tokio::test]
async fn lokis_host_alone_means_its_usual_port() {
    let (_, came) = collector("127.31.0.77:3100").await;
    assert_eq!(exported(&[("LOKI_HOST", "127.31.0.77")], came).await, posts(&["/otlp/v1/logs"]));
}
