//! Processes that are killed at moments of chance: relays and deliverers in the API, intake and feeder in the consumer.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::DeleteParams;
use realtime_contract::Component;
use realtime_e2e::fixture::DELIVERY;
use realtime_e2e::postings::Poster;
use realtime_e2e::stack::START_LIMIT;
use realtime_e2e::{Stack, container, environment, eventually};

use super::audience::Audience;
use super::{CAUGHT_UP, CHANNELS, settled};
use crate::streams::run_name;

/// Clients beside it.
const CLIENTS: usize = 60;
/// Notifications a second.
const PER_SECOND: u32 = 10;
/// POSTs between two kills, from and to: up to 3 s.
const BETWEEN: std::ops::Range<usize> = 3..30;

/// The processes that may be killed.
const VICTIMS: [(Component, &str); 2] = [(Component::Api, "realtime-api"), (Component::Consumer, "realtime-consumer")];

/// Kills a process by chance. Its pod goes at once, too: in it the process would start again later each time.
async fn kill_one(stack: &Stack, chance: &mut fastrand::Rng) -> &'static str {
    let (component, program) = VICTIMS[chance.usize(..VICTIMS.len())];
    let pod: Pod = eventually(&format!("a process {program} runs"), CAUGHT_UP, async || {
        let mut pods = stack.pods(component).await;
        pods.retain(|pod| container::runs(pod, program));
        if pods.is_empty() { Err("none does".to_owned()) } else { Ok(pods.swap_remove(chance.usize(..pods.len()))) }
    })
    .await;
    container::kill(&pod, program);
    let deleted = stack.objects::<Pod>().delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await;
    deleted.unwrap_or_else(|error| panic!("failed to delete pod {}: {error}", pod.name_any()));
    program
}

/// The number of kills can be raised by hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_comes_twice_while_processes_are_killed_at_moments_of_chance() {
    DELIVERY
        .change(async |stack| {
            let kills = environment::number(environment::KILLS, 10);
            let seed = environment::number(environment::SEED, fastrand::u32(..));
            eprintln!("{kills} kills with {}={seed}", environment::SEED);
            let mut chance = fastrand::Rng::with_seed(u64::from(seed));
            let run = run_name();
            let audience = Audience::gather(stack, &run, CLIENTS).await;
            let poster = Poster::start(&stack.url(Component::Api).await, &run, PER_SECOND, CHANNELS);
            audience.goes_on(10).await;
            for kill in 1..=kills {
                let posts = poster.so_far().all().count() + chance.usize(BETWEEN);
                eventually("POSTs are answered", CAUGHT_UP, async || {
                    let now = poster.so_far().all().count();
                    if now >= posts { Ok(()) } else { Err(format!("{now} of {posts}")) }
                })
                .await;
                let program = kill_one(stack, &mut chance).await;
                audience.tell(&format!("kill {kill}, {program}")).await;
            }
            audience.goes_on(20).await;
            let postings = settled(stack, poster, &run).await;
            audience.complete(&postings).await;
            stack.ready(START_LIMIT).await;
        })
        .await;
}
