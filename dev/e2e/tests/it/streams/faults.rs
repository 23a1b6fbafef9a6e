//! Instances that are killed and rolled, and a broker that restarts, under clients of every kind.

use std::time::{Duration, Instant};

use kube::ResourceExt;
use realtime_contract::Component;
use realtime_e2e::eventsource::Crowd;
use realtime_e2e::fixture::{STREAMS, STREAMS_RING};
use realtime_e2e::ledger::{Entry, Ledger};
use realtime_e2e::production::{self, Production};
use realtime_e2e::{Stack, container, environment, eventually, kubectl};

use super::{
    CAUGHT_UP, complete, greeted, log, measured_of_all, restart_broker, restarts, run_name, started_again, stream_url,
    wish,
};

/// Every so many clients one is away from the first fault to the last.
const IDLE: usize = 10;

/// Ends one instance without a word; it starts again in its pod.
async fn kill_one(stack: &Stack) {
    let pod = stack.pods(Component::Notifications).await.remove(0);
    container::kill(&pod, "realtime-notifications");
    started_again(stack, &pod.name_any(), restarts(&pod)).await;
}

async fn roll(stack: &Stack) {
    let deployment = format!("deployment/{}", stack.object_name(Component::Notifications));
    kubectl::run(&["rollout", "restart", &deployment, "--namespace", &stack.namespace]).await;
    kubectl::run(&["rollout", "status", &deployment, "--namespace", &stack.namespace, "--timeout=120s"]).await;
}

/// Waits until a client that was there all along has so many events more.
async fn goes_on(crowd: &Crowd, more: usize) {
    let before = crowd.record(0).received.len();
    eventually("events arrive", CAUGHT_UP, async || {
        let now = crowd.record(0).received.len();
        if now >= before + more { Ok(()) } else { Err(format!("{before} and then {now}")) }
    })
    .await;
}

/// Tells people how it goes.
struct Course<'a> {
    crowd: &'a Crowd,
    begin: Instant,
    last: (Instant, usize),
}

impl<'a> Course<'a> {
    fn begin(crowd: &'a Crowd) -> Self {
        let begin = Instant::now();
        Self { crowd, begin, last: (begin, 0) }
    }

    fn tell(&mut self, step: &str) {
        let closed: usize = self.crowd.of_each(|record| record.ended.len()).iter().sum();
        let delivered: usize = self.crowd.of_each(|record| record.received.len()).iter().sum();
        let (then, before) = std::mem::replace(&mut self.last, (Instant::now(), delivered));
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = (delivered - before) as f64 / then.elapsed().as_secs_f64();
        eprintln!(
            "{:>6.1} s {step}: {delivered} deliveries so far, {rate:.0} a second since the last step, {closed} connections ended",
            self.begin.elapsed().as_secs_f64()
        );
    }
}

/// Every fault in a row, while events come.
async fn go_through_faults(stack: &Stack, crowd: &Crowd, idle: &[usize], course: &mut Course<'_>) {
    goes_on(crowd, 20).await;
    course.tell("before the faults");
    for client in idle {
        crowd.leave(*client);
    }
    kill_one(stack).await;
    course.tell("one was killed");
    roll(stack).await;
    course.tell("all were rolled");
    restart_broker(stack).await;
    goes_on(crowd, 20).await;
    course.tell("the broker was restarted");
    for client in idle {
        crowd.return_to(*client);
    }
    goes_on(crowd, 20).await;
}

/// The figures can be raised by hand, up to those of the guarantees: 2000 clients and 20 events a second.
#[tokio::test]
async fn each_client_gets_every_event_once_while_instances_and_the_broker_die() {
    STREAMS
        .change(async |stack| {
            let clients = environment::number(environment::STREAM_CLIENTS, 400) as usize;
            let per_second = environment::number(environment::STREAM_EVENTS, 15);
            let (log, run, url) = (log(stack).await, run_name(), stream_url(stack).await);
            let urls: Vec<String> = (0..clients).map(|client| format!("{url}{}", wish(client).query)).collect();
            let crowd = Crowd::open(&urls, &production::numbering(&run));
            greeted(&crowd).await;
            let idle: Vec<usize> = (0..clients).filter(|client| client % IDLE == IDLE - 1).collect();

            let mut course = Course::begin(&crowd);
            let production = Production::start(&log, &run, per_second, 0);
            go_through_faults(stack, &crowd, &idle, &mut course).await;
            let missed = crowd.record(0).received.len() - crowd.record(idle[0]).received.len();
            let ledger = production.stop().await;
            let produced = course.begin.elapsed();
            complete(&crowd, &ledger, wish).await;
            course.tell("complete");
            report(&crowd, &ledger, produced);

            assert!(ledger.count(|_| true) > STREAMS_RING as usize * 2, "more was missed than an instance keeps");
            eprintln!("an idle client was still {missed} events behind when production ended");
            let ended = crowd.of_each(|record| record.ended.len());
            assert!(ended.iter().enumerate().all(|(client, ended)| idle.contains(&client) || *ended > 0), "{ended:?}");
            let from_log = measured_of_all(stack, "realtime_resumes_total", r#"result="log""#).await;
            let from_ring = measured_of_all(stack, "realtime_resumes_total", r#"result="ring""#).await;
            eprintln!("resumed from the ring {from_ring}, from the log {from_log}");
            assert!(from_log >= 1.0 && from_ring >= 1.0, "from the ring {from_ring}, from the log {from_log}");
        })
        .await;
}

fn report(crowd: &Crowd, ledger: &Ledger, produced: Duration) {
    let received: usize = crowd.of_each(|record| record.received.len()).iter().sum();
    let megabytes = crowd.of_each(|record| record.bytes).iter().sum::<u64>() / 1_000_000;
    let all = ledger.count(|_: &Entry| true);
    eprintln!(
        "{} clients, {all} events in {:.0} s, {received} deliveries, {megabytes} MB, nothing lost, nothing twice",
        crowd.len(),
        produced.as_secs_f64()
    );
}
