//! An instance that is told to go.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use realtime_contract::{Component, paths};
use realtime_e2e::eventsource::Crowd;
use realtime_e2e::eventually;
use realtime_e2e::fixture::STREAMS;
use realtime_e2e::production::{self, Production};

use super::{CAUGHT_UP, EVERYTHING, complete, greeted, log, measured, ops, run_name, stream_url};

const CLIENTS: usize = 150;
/// A pod that ends still listens for this long, until every node has taken it out of the Service.
const STILL_LISTENS: Duration = Duration::from_secs(4);
/// Clients are sent away over at least this time.
const SPREAD: Duration = Duration::from_secs(2);

#[tokio::test]
async fn an_instance_that_goes_sends_its_clients_away_one_after_the_other_and_none_loses_anything() {
    STREAMS
        .change(async |stack| {
            let (log, run, url) = (log(stack).await, run_name(), stream_url(stack).await);
            let crowd = Crowd::open(&vec![url; CLIENTS], &production::numbering(&run));
            greeted(&crowd).await;
            let production = Production::start(&log, &run, 20, 0);
            let pod = stack.pods(Component::Notifications).await.remove(0);
            let here = measured(&pod, "realtime_connections_active", "").await;
            assert!(here >= 10.0, "{here} of {CLIENTS} clients are at the instance");

            let begin = Instant::now();
            stack.delete::<Pod>(&pod.name_any()).await;
            eventually("the instance is not ready any more", STILL_LISTENS + Duration::from_secs(3), async || {
                let answer = ops(&pod).get(paths::READY).await?;
                if answer.status == 503 { Ok(()) } else { Err(format!("{}", answer.status)) }
            })
            .await;
            eprintln!("not ready after {:?}", begin.elapsed());
            eventually("the instance is gone", CAUGHT_UP, async || {
                let found = stack.objects::<Pod>().get_opt(&pod.name_any()).await.map_err(|error| error.to_string())?;
                if found.is_none() { Ok(()) } else { Err("it is not".to_owned()) }
            })
            .await;
            let ledger = production.stop().await;
            complete(&crowd, &ledger, |_| EVERYTHING).await;

            let mut ended: Vec<(Instant, Duration)> = crowd.of_each(|record| record.ended.clone()).concat();
            ended.sort();
            assert!(ended.len() as f64 >= here, "{} were sent away, {here} were there", ended.len());
            let spread = ended[ended.len() - 1].0 - ended[0].0;
            eprintln!("{} clients were sent away over {spread:?}", ended.len());
            assert!(spread >= SPREAD, "{spread:?}");
            let mut waits: Vec<Duration> = ended.iter().map(|(_, wait)| *wait).collect();
            waits.sort();
            waits.dedup();
            assert!(waits.len() > ended.len() / 2, "each is told another time to come back: {waits:?}");
            assert!(waits.iter().all(|wait| (1..=5).contains(&wait.as_secs())), "{waits:?}");
        })
        .await;
}
