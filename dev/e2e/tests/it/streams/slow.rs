//! A client that reads nothing.

use realtime_contract::Component;
use realtime_e2e::eventsource::Crowd;
use realtime_e2e::eventually;
use realtime_e2e::fixture::STREAMS;
use realtime_e2e::production::{self, Production};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

use super::{EVERYTHING, PATIENCE, complete, greeted, log, measured, run_name};

const READERS: usize = 200;
/// A pace that readers keep up with on a machine that does other things, too.
const PER_SECOND: u32 = 6;
/// Of an event, so that a client that does not read is at its bound after five seconds.
const SIZE: usize = 16 * 1024;

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

            let production = Production::start(&log, &run, PER_SECOND, SIZE);
            eventually("the slow client is cut", PATIENCE * 2, async || {
                let now = cut().await;
                if now > before { Ok(()) } else { Err(format!("{before} and then {now}")) }
            })
            .await;
            let ledger = production.stop().await;
            complete(&crowd, &ledger, |_| EVERYTHING).await;
            assert_eq!(cut().await - before, 1.0, "nobody else was");
            assert!(crowd.of_each(|record| record.ended.len()).iter().all(|ended| *ended == 0), "nobody else was cut");
            eventually("nothing waits any more", PATIENCE, async || {
                match measured(&pod, "realtime_queue_bytes", "").await {
                    0.0 => Ok(()),
                    bytes => Err(format!("{bytes} bytes do")),
                }
            })
            .await;
            drop(lazy);
        })
        .await;
}
