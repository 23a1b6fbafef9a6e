//! Each backend is killed and stays away under load.

use std::time::{Duration, Instant};

use realtime_contract::Component;
use realtime_e2e::fixture::DEFAULT;
use realtime_e2e::postings::{Outcome, Poster, Posting};
use realtime_e2e::{Stack, container};

use super::audience::Audience;
use super::{CHANNELS, settled};
use crate::faults::{pause, resume, take_away};
use crate::streams::run_name;

/// Clients beside it.
const CLIENTS: usize = 40;
/// Notifications a second.
const PER_SECOND: u32 = 10;
/// How long a backend is away.
const AWAY: Duration = Duration::from_secs(20);
/// An answer comes this soon when Postgres is away.
const ANSWERED: Duration = Duration::from_secs(2);

/// Kills a backend, keeps it away for a while, and gives the POSTs that began meanwhile.
async fn without(stack: &Stack, backend: Component, process: &str, poster: &Poster) -> Vec<Posting> {
    pause(stack).await;
    let pod = stack.pods(backend).await.remove(0);
    container::kill(&pod, process);
    take_away(stack, backend).await;
    let begin = Instant::now();
    // This is what the test is about: so long a time without the backend.
    tokio::time::sleep(AWAY).await;
    let end = Instant::now();
    let meanwhile = poster.so_far().all().filter(|it| it.begin > begin && it.end < end).cloned().collect();
    resume(stack).await;
    meanwhile
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_accepted_while_a_backend_is_away_comes_once_and_what_is_refused_is_answered_soon() {
    DEFAULT
        .change(async |stack| {
            let run = run_name();
            let audience = Audience::gather(stack, &run, CLIENTS).await;
            let poster = Poster::start(&stack.url(Component::Api).await, &run, PER_SECOND, CHANNELS);
            audience.goes_on(20).await;
            for (backend, process) in [(Component::Kafka, "java"), (Component::Redis, "redis-server")] {
                let meanwhile = without(stack, backend, process, &poster).await;
                audience.tell(&format!("{backend} was away, {} POSTs", meanwhile.len())).await;
                let others: Vec<_> = meanwhile.iter().filter(|it| it.outcome != Outcome::Accepted).collect();
                assert!(
                    others.is_empty() && meanwhile.len() > 100,
                    "without {backend}: {} of {others:?}",
                    meanwhile.len()
                );
                audience.goes_on(20).await;
            }
            let meanwhile = without(stack, Component::Postgres, "postgres", &poster).await;
            audience.tell(&format!("postgres was away, {} POSTs", meanwhile.len())).await;
            let wrong = |it: &&Posting| it.outcome != Outcome::Refused(503) || it.duration() > ANSWERED;
            let others: Vec<_> = meanwhile.iter().filter(wrong).map(|it| (&it.outcome, it.duration())).collect();
            assert!(others.is_empty() && meanwhile.len() > 50, "without postgres: {} of {others:?}", meanwhile.len());
            audience.goes_on(20).await;

            let postings = settled(stack, poster, &run).await;
            audience.complete(&postings).await;
        })
        .await;
}
