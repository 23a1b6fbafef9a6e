//! The page that `GET /` gives to browsers, in Chromium.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use realtime_contract::Component;
use realtime_e2e::console::Console;
use realtime_e2e::fixture::{DELIVERY, REPLICATED};
use realtime_e2e::http::Http;
use realtime_e2e::postings::Poster;
use realtime_e2e::stack::START_LIMIT;
use realtime_e2e::{Stack, eventually};
use serde_json::{Value, json};

use crate::delivery::settled;
use crate::streams::run_name;

/// What was missed is on the page this soon after the last instance is back.
const CAUGHT_UP: Duration = Duration::from_secs(60);

/// Notifications a second while the instances go: fewer in all than the page keeps.
const PER_SECOND: u32 = 1;
const CHANNELS: u32 = 3;

/// The ways in which the page listens, and the transports that it then shows.
pub(crate) const WAYS: [(&str, &[&str]); 2] = [("Socket.IO", &["websocket", "polling"]), ("SSE", &["sse"])];

pub(crate) async fn choose(console: &mut Console, page: &str, (name, transports): (&str, &[&str])) {
    console.ask("transport", page, &json!({"name": name, "transports": transports})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_that_somebody_posts_appears_on_the_page_by_both_transports() {
    REPLICATED
        .look(async |stack| {
            let url = stack.url(Component::Api).await;
            let mut console = Console::start(&url);
            let opened = console.ask("open", "light", &json!({})).await;
            assert_eq!((&opened["status"], &opened["type"]), (&json!(200), &json!("text/html")));
            let policy = opened["policy"].as_str().unwrap_or_default();
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
            let outside = Http::new(url);
            for way in WAYS {
                choose(&mut console, "light", way).await;
                let posted = outside.notify(&format!("heard by {}", way.0)).await;
                let item = console.ask("item", "light", &json!({"id": posted.id})).await;
                assert!(item["text"].as_str().is_some_and(|text| text.contains(&format!("heard by {}", way.0))));
                assert_eq!(item["way"], "live", "{item}");
            }
            console.is_sound("light", "console-light").await;
            console.close().await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_sound_in_light_and_dark_and_on_a_phone_and_tells_how_the_stack_is() {
    REPLICATED
        .look(async |stack| {
            let mut console = Console::start(&stack.url(Component::Api).await);
            for (page, window) in [
                ("dark", json!({"scheme": "dark"})),
                ("phone", json!({"width": 360, "height": 800})),
                ("phone-dark", json!({"width": 360, "height": 800, "scheme": "dark"})),
            ] {
                console.ask("open", page, &window).await;
                let components = console.ask("components", page, &json!({})).await;
                for name in ["api", "consumer", "notifications", "redis", "kafka", "postgres"] {
                    assert_eq!(components[name], "Ready", "{components}");
                }
                let figures = console.ask("figures", page, &json!({})).await;
                assert!(figures[0].as_str().is_some_and(|text| text.ends_with("open")), "{figures}");
                console.is_sound(page, &format!("console-{page}")).await;
            }
            console.close().await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_form_is_filled_in_by_keyboard_and_leads_to_the_field_that_is_wrong() {
    REPLICATED
        .look(async |stack| {
            let mut console = Console::start(&stack.url(Component::Api).await);
            console.ask("open", "keyboard", &json!({})).await;
            assert_eq!(console.ask("skip", "keyboard", &json!({})).await, "main");

            let fields = json!({"message": "typed", "channel": "typed", "data": "{\"order\": "});
            let refused = json!({"fields": fields, "outcome": "refused"});
            let answer = console.ask("publish", "keyboard", &refused).await;
            assert!(answer["errors"][0].as_str().is_some_and(|text| text.contains("not JSON")), "{answer}");
            assert_eq!(answer["focused"], "data", "{answer}");
            console.is_sound("keyboard", "console-refused").await;

            let fields = json!({"message": "typed", "type": "warning", "channel": "typed", "data": "{\"order\": 7}"});
            let published = json!({"fields": fields, "outcome": "published"});
            let answer = console.ask("publish", "keyboard", &published).await;
            assert_eq!(answer["errors"], json!([]), "{answer}");
            eventually("what was typed is on the page", CAUGHT_UP, async || {
                let list = console.ask("list", "keyboard", &json!({})).await;
                let typed = list.as_array().into_iter().flatten().any(|item| item["message"] == "typed");
                if typed { Ok(()) } else { Err(list.to_string()) }
            })
            .await;
            console.close().await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_survives_the_restart_of_every_instance_and_shows_that_nothing_was_lost() {
    DELIVERY
        .change(async |stack| {
            let url = stack.url(Component::Api).await;
            let run = run_name();
            let mut console = Console::start(&url);
            for way in WAYS {
                console.ask("open", way.0, &json!({})).await;
                choose(&mut console, way.0, way).await;
            }
            let poster = Poster::start(&url, &run, PER_SECOND, CHANNELS);
            for pod in stack.pods(Component::Api).await {
                replace(stack, &pod).await;
            }
            let postings = settled(stack, poster, &run).await;
            let wanted = postings.count(|_| true);
            for (page, _) in WAYS {
                let received = complete(&mut console, page, &run, wanted).await;
                assert_eq!(postings.faults(|_| true, &received), [], "{page}");
                let connection = console.ask("connection", page, &json!({})).await;
                eprintln!("{page}: {wanted} notifications, {connection}");
                assert_eq!(connection["status"], "connected", "{connection}");
                let cuts = connection["cuts"].as_array().cloned().unwrap_or_default();
                assert!(!cuts.is_empty() && cuts.iter().all(|cut| cut["state"] == "whole"), "{page}: {connection}");
                assert!(cuts.iter().all(|cut| tells_of_return(&cut["text"])), "{page}: {connection}");
                console.is_sound(page, &format!("console-resumed-{}", page.replace('.', ""))).await;
            }
            console.close().await;
        })
        .await;
}

fn tells_of_return(text: &Value) -> bool {
    text.as_str().is_some_and(|text| text.contains("resumed after"))
}

/// Deletes the pod and waits until another one serves in its place.
async fn replace(stack: &Stack, pod: &Pod) {
    stack.delete::<Pod>(&pod.name_any()).await;
    eventually("the instance is gone", CAUGHT_UP, async || {
        let found = stack.objects::<Pod>().get_opt(&pod.name_any()).await.map_err(|error| error.to_string())?;
        if found.is_none() { Ok(()) } else { Err("it is not".to_owned()) }
    })
    .await;
    stack.ready(START_LIMIT).await;
}

/// Waits until the page has so many notifications of the run, and gives their numbers, oldest first.
async fn complete(console: &mut Console, page: &str, run: &str, wanted: usize) -> Vec<u32> {
    eventually("the page has everything", CAUGHT_UP, async || {
        let list = console.ask("list", page, &json!({})).await;
        let messages = list.as_array().into_iter().flatten().filter_map(|item| item["message"].as_str());
        let number = |message: &str| message.strip_prefix(run)?.strip_prefix('-')?.parse().ok();
        let mut numbers: Vec<u32> = messages.filter_map(number).collect();
        numbers.reverse();
        if numbers.len() >= wanted { Ok(numbers) } else { Err(format!("{} of {wanted}", numbers.len())) }
    })
    .await
}
