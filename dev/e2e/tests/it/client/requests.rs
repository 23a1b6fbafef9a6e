//! What our client asks for by REST, and how it is told what is wrong.

use std::time::Duration;

use realtime_contract::Component;
use realtime_e2e::Stack;
use realtime_e2e::clients::package::Package;
use realtime_e2e::fixture::REPLICATED;
use serde_json::{Value, json};

use crate::streams::run_name;

/// What comes at once comes within this time.
const PATIENCE: Duration = Duration::from_secs(10);

async fn idle(stack: &Stack) -> Package {
    Package::idle(&json!({"url": stack.url(Component::Api).await}))
}

fn messages(list: &Value) -> Vec<&str> {
    list.as_array().expect("it is a list").iter().filter_map(|it| it["message"].as_str()).collect()
}

async fn must(client: &mut Package, method: &str, arguments: &[Value]) -> Value {
    client.api(method, arguments).await.unwrap_or_else(|error| panic!("{method}: {error}"))
}

#[tokio::test]
async fn our_client_publishes_a_batch_and_reads_it_page_by_page() {
    REPLICATED
        .look(async |stack| {
            let (mut client, run) = (idle(stack).await, run_name());
            let draft = |number: u32| json!({"message": format!("{run} {number}"), "type": "order", "channel": run});
            let drafts: Vec<Value> = (1..=3).map(draft).collect();
            let published = must(&mut client, "publishBatch", &[drafts.into()]).await;
            let all = [1, 2, 3].map(|number| format!("{run} {number}"));
            assert_eq!(messages(&published), all);
            let read = must(&mut client, "pages", &[json!({"channel": run, "limit": 1})]).await;
            let mut newest = messages(&read);
            newest.sort_unstable();
            assert_eq!(newest, all);
            let id = &published[0]["id"];
            assert_eq!(must(&mut client, "get", std::slice::from_ref(id)).await["message"], all[0]);
            let history = must(&mut client, "history", std::slice::from_ref(id)).await;
            assert_eq!(history[0]["type"], "NotificationCreated");
        })
        .await;
}

#[tokio::test]
async fn our_client_hears_and_reads_the_inbox_of_a_user() {
    REPLICATED
        .look(async |stack| {
            let url = stack.url(Component::Api).await;
            let user = run_name();
            let channel = format!("user:{user}");
            let mut live = Package::connect(&json!({"url": url, "channels": []})).await;
            assert_eq!(live.call("subscribe", &[json!(channel)]).await, Ok(json!([channel])));
            let posted = must(&mut live, "publish", &[json!({"message": "for you", "user": user})]).await;
            let id = posted["id"].clone();
            live.arrivals.notification(id.as_str().unwrap_or_default(), PATIENCE).await;
            let inbox = must(&mut live, "inbox", &[json!(user)]).await;
            assert_eq!((&inbox["unread"], &inbox["items"][0]["readAt"]), (&json!(1), &Value::Null), "{inbox}");
            let marked = must(&mut live, "markRead", &[json!(user), id.clone()]).await;
            assert!(marked["readAt"].is_string(), "{marked}");
            assert_eq!(must(&mut live, "inbox", &[json!(user), json!({"read": false})]).await["items"], json!([]));
            assert_eq!(must(&mut live, "markUnread", &[json!(user), id]).await["readAt"], Value::Null);
            assert_eq!(must(&mut live, "markAllRead", &[json!(user)]).await, json!({"changed": 1}));
            assert_eq!(must(&mut live, "inbox", &[json!(user)]).await["unread"], 0);
        })
        .await;
}

#[tokio::test]
async fn our_client_sees_the_figures_of_all_instances_and_the_status_of_the_stack() {
    REPLICATED
        .look(async |stack| {
            let url = stack.url(Component::Api).await;
            let mut client = Package::connect(&json!({"url": url, "transport": "sse"})).await;
            let pods: Vec<String> = names(stack, Component::Api).await;
            let told = realtime_e2e::eventually("each instance tells its figures", PATIENCE, async || {
                let figures = stack.api().await.get("/api/figures").await?.body;
                let of = |component: &str| -> Vec<Value> {
                    let all = figures["instances"].as_array().cloned().unwrap_or_default();
                    all.into_iter().filter(|it| it["component"] == component).collect()
                };
                let api = of("api");
                let named: Vec<&str> = api.iter().filter_map(|it| it["instance"].as_str()).collect();
                let open: u64 = api.iter().filter_map(|it| it["connections"]["sse"].as_u64()).sum();
                let all = named == pods && of("notifications").len() == 2 && open >= 1;
                if all { Ok(figures.clone()) } else { Err(figures.to_string()) }
            })
            .await;
            assert_eq!(told["complete"], true);
            assert_eq!(must(&mut client, "figures", &[]).await["complete"], true);
            let status = must(&mut client, "stack", &[]).await;
            assert_eq!((&status["name"], &status["ready"]), (&json!(stack.name), &json!(true)), "{status}");
            let components = status["components"].as_array().cloned().unwrap_or_default();
            let api = components.iter().find(|it| it["name"] == "api").expect("the API is a component");
            assert_eq!((&api["ready"], &api["desired"], &api["state"]), (&json!(2), &json!(2), &json!("Ready")));
        })
        .await;
}

async fn names(stack: &Stack, component: Component) -> Vec<String> {
    let pods = stack.pods(component).await;
    let mut names: Vec<String> = pods.into_iter().filter_map(|pod| pod.metadata.name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn our_client_names_the_field_that_is_wrong() {
    REPLICATED
        .look(async |stack| {
            let mut client = idle(stack).await;
            let refused = client.api("publish", &[json!({"message": ""})]).await.expect_err("it is empty");
            let told = (&refused["name"], &refused["status"], &refused["field"]);
            assert_eq!(told, (&json!("ProblemError"), &json!(422), &json!("message")), "{refused}");
            let unknown = client.api("get", &[json!("01a1fd12-6991-7144-98a7-4c194d7e9b72")]).await;
            assert_eq!(unknown.expect_err("there is none of that id")["status"], 404);
        })
        .await;
}
