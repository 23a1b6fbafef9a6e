//! An instance of the API that is told to go.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use realtime_contract::Component;
use realtime_e2e::clients::Transport;
use realtime_e2e::clients::crowd::{Member, SocketCrowd};
use realtime_e2e::entrance::{self, Entrance};
use realtime_e2e::eventsource::Crowd;
use realtime_e2e::fixture::DELIVERY;
use realtime_e2e::postings::{self, Poster};
use realtime_e2e::{Stack, eventually};

use super::{CAUGHT_UP, CHANNELS, settled};
use crate::streams::run_name;

/// Clients of each kind: streams, sockets that poll, sockets with websockets.
const CLIENTS: usize = 40;
/// Clients of a kind are sent away over at least this time, of the seven seconds that there are.
const SPREAD: Duration = Duration::from_secs(3);
/// Clients of a kind that are sent away within a second, at most.
const AT_ONCE: usize = CLIENTS / 2;

/// Deletes the pod as anyone would, and waits until it is gone; how long that took.
async fn send_away(stack: &Stack, pod: &Pod) -> Duration {
    let begin = Instant::now();
    stack.delete::<Pod>(&pod.name_any()).await;
    eventually("the instance is gone", CAUGHT_UP, async || {
        let found = stack.objects::<Pod>().get_opt(&pod.name_any()).await.map_err(|error| error.to_string())?;
        if found.is_none() { Ok(()) } else { Err("it is not".to_owned()) }
    })
    .await;
    begin.elapsed()
}

/// Demands that the moments, each since the first, are spread.
fn spread(kind: &str, mut moments: Vec<Duration>) {
    moments.sort();
    assert!(moments.len() >= CLIENTS, "{} of {CLIENTS} clients by {kind} were sent away", moments.len());
    let over = moments[moments.len() - 1] - moments[0];
    let within = |moment: &Duration| {
        moments.iter().filter(|it| (*moment..*moment + Duration::from_secs(1)).contains(*it)).count()
    };
    let at_once = moments.iter().map(within).max().unwrap_or_default();
    eprintln!("{} clients by {kind} were sent away over {over:?}, up to {at_once} within a second", moments.len());
    assert!(over >= SPREAD && at_once <= AT_ONCE, "{kind}: {moments:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_of_the_api_that_goes_sends_clients_of_every_kind_away_one_after_the_other() {
    DELIVERY
        .change(async |stack| {
            let run = run_name();
            let pods = stack.pods(Component::Api).await;
            let entrance = Entrance::open(pods.iter().map(entrance::address).collect()).await;
            let member = |transport: Transport| Member { url: entrance.url.clone(), transport, channels: None };
            let members: Vec<Member> =
                (0..CLIENTS * 2).map(|client| member([Transport::Polling, Transport::WebSocket][client % 2])).collect();
            let stream = format!("{}/api/sse/notifications", entrance.url);
            let (streams, sockets) =
                (Crowd::open(&vec![stream; CLIENTS], &postings::numbering(&run)), SocketCrowd::open(&run, &members));
            eventually("all are there", CAUGHT_UP, async || {
                let greeted = streams.of_each(|record| record.greetings > 0).iter().filter(|it| **it).count();
                let connected = sockets.counts().await.iter().filter(|count| count.opened > 0).count();
                if greeted + connected == CLIENTS * 3 { Ok(()) } else { Err(format!("{greeted}, {connected}")) }
            })
            .await;

            let poster = Poster::start(&stack.url(Component::Api).await, &run, 10, CHANNELS);
            let grace =
                pods[0].spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds).unwrap_or_default();
            let took = send_away(stack, &pods[0]).await;
            eprintln!("gone after {took:?} of {grace} s");
            assert!(took < Duration::from_secs(grace.unsigned_abs()), "it ended by itself: {took:?}");

            let postings = settled(stack, poster, &run).await;
            let wanted = postings.count(|_| true);
            eventually("each client has everything", CAUGHT_UP, async || {
                let mut counts = streams.of_each(|record| record.received.len());
                counts.extend(sockets.counts().await.iter().map(|count| count.received));
                let waiting = counts.iter().filter(|count| **count < wanted).count();
                if waiting == 0 { Ok(()) } else { Err(format!("{waiting} wait: {counts:?}")) }
            })
            .await;
            let records = sockets.records().await;
            let received = streams.of_each(|record| record.received.clone());
            let of_streams = received.iter().map(|received| ("stream", received));
            let of_sockets = records.iter().map(|it| (it.transport.as_deref().unwrap_or_default(), &it.received));
            for (kind, received) in of_streams.chain(of_sockets) {
                assert_eq!(postings.faults(|_| true, received), [], "by {kind} once each, and in order");
            }

            // Of each client the first end: it may come back to an instance that still listens.
            let ended: Vec<Instant> =
                streams.of_each(|record| record.ended.first().map(|it| it.0)).into_iter().flatten().collect();
            let first = *ended.iter().min().expect("streams were ended");
            spread("streams", ended.iter().map(|moment| *moment - first).collect());
            let ended = |transport: &str| -> Vec<Duration> {
                let of_kind = records.iter().filter(|record| record.transport.as_deref() == Some(transport));
                of_kind.filter_map(|record| record.ended.first().map(|end| Duration::from_millis(end.at))).collect()
            };
            spread("websocket", ended("websocket"));
            // Also on a new connection for each request.
            spread("polling", ended("polling"));
        })
        .await;
}
