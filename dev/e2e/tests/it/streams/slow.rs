//! A client that reads nothing.

use realtime_contract::Component;
use realtime_e2e::eventsource::Crowd;
use realtime_e2e::fixture::STREAMS;
use realtime_e2e::{eventually, production};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

use super::{EVERYTHING, PATIENCE, complete, greeted, log, measured, run_name};

const READERS: usize = 200;
/// With [`SIZE`] twice as much as its queue and both ends of its connection hold.
const EVENTS: u32 = 48;
const SIZE: usize = 32 * 1024;

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_while_others_lose_nothing() {
    STREAMS
        .change(async |stack| {
            let (log, run) = (log(stack).await, run_name());
            let pod = stack.pods(Component::Notifications).await.remove(0);
            let url = format!("{}/events/stream", stack.pod_urls(Component::Notifications).await.remove(0));
            let address = url.trim_start_matches("http://").split('/').next().expect("a host and a port");
            let cut = async || measured(&pod, "realtime_connections_closed_total", r#"reason="slow""#).await;
            let before = cut().await;

            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_recv_buffer_size(4096).expect("a small buffer");
            let mut lazy = socket.connect(address.parse().expect("an address")).await.expect("the instance listens");
            let request =
                format!("GET /events/stream HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
            lazy.write_all(request.as_bytes()).await.expect("a request can be written");
            let crowd = Crowd::open(&vec![url.clone(); READERS], &production::numbering(&run));
            greeted(&crowd).await;

            let ledger = production::write(&log, &run, EVENTS, SIZE).await;
            complete(&crowd, &ledger, |_| EVERYTHING).await;
            eventually("the slow client is cut", PATIENCE, async || {
                let now = cut().await;
                if now > before { Ok(()) } else { Err(format!("{before} and then {now}")) }
            })
            .await;
            assert_eq!(cut().await - before, 1.0, "nobody else was");
            assert!(crowd.of_each(|record| record.ended.len()).iter().all(|ended| *ended == 0), "nobody else was cut");
            assert!(measured(&pod, "realtime_queue_bytes", "").await < f64::from(u32::try_from(SIZE).expect("small")));
            drop(lazy);
        })
        .await;
}
