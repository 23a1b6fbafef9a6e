//! Channels that a client asks for.

use realtime_contract::Component;
use realtime_e2e::clients::{Client, SocketIo, Transport};
use realtime_e2e::fixture::REPLICATED;
use realtime_e2e::{Stack, eventually, postings};
use serde_json::{Value, json};

use super::{PATIENCE, messages, subscribed};
use crate::streams::run_name;

/// Posts one notification to each of some channels, with the channel's name in its message, and waits until the client has that of the last,
/// before which the others are in the feed.
async fn post_to_each(stack: &Stack, run: &str, round: u32, channels: &[&str], client: &mut Client) {
    let api = stack.api().await;
    for (place, channel) in channels.iter().enumerate() {
        if place + 1 == channels.len() {
            // Order is promised within a channel only.
            eventually("the others are in the feed", PATIENCE, async || {
                let posted = format!("message LIKE '{run} {round} %'");
                let processed = format!("SELECT count(*) FROM notifications WHERE {posted} AND status = 'processed'");
                let count = stack.query(&processed).await;
                if count == place.to_string() { Ok(()) } else { Err(format!("{count} of {place}")) }
            })
            .await;
        }
        let body = json!({"message": format!("{run} {round} {channel}"), "channel": channel}).to_string();
        let answer = api.post("application/json", body).await.expect("the API answers");
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    let last = format!("{run} {round} {}", channels[channels.len() - 1]);
    client.arrivals.wait("last notification", PATIENCE, |it| it["data"]["message"] == last).await;
}

/// Which of the channels came in that round.
fn came(client: &Client, run: &str, round: u32) -> Vec<String> {
    let begin = format!("{run} {round} ");
    let mut channels: Vec<String> =
        messages(client, &begin).iter().map(|it| it.trim_start_matches(&begin).to_owned()).collect();
    channels.sort();
    channels
}

#[tokio::test]
async fn a_client_gets_the_channels_that_it_has_subscribed_to_and_no_others() {
    REPLICATED
        .look(async |stack| {
            let url = stack.url(Component::Api).await;
            let (run, all) = (run_name(), ["a", "b", "c", "d"].map(postings_channel));
            let [a, b, c, d] = &all;
            let everything: Vec<&str> = all.iter().map(String::as_str).collect();
            for transport in Transport::ALL {
                let run = format!("{run} {transport:?}");
                let mut client = SocketIo { url: &url, transport, auth: None, resumes: false }.connect().await;
                post_to_each(stack, &run, 1, &everything, &mut client).await;
                assert_eq!(came(&client, &run, 1), everything, "who asks for nothing hears everything");

                assert_eq!(client.ask("subscribe", &[json!([b, d])]).await, subscribed(&[b, d]));
                post_to_each(stack, &run, 2, &everything, &mut client).await;
                assert_eq!(came(&client, &run, 2), [b.as_str(), d]);

                assert_eq!(client.ask("subscribe", &[json!(a)]).await, subscribed(&[a, b, d]));
                assert_eq!(client.ask("unsubscribe", &[json!(b)]).await, subscribed(&[a, d]));
                post_to_each(stack, &run, 3, &everything, &mut client).await;
                assert_eq!(came(&client, &run, 3), [a.as_str(), d]);

                let answers = client.ask("subscribe", &[json!("*")]).await;
                assert_eq!(answers, [json!({"status": "ok", "channels": "*"})]);
                let refused = &client.ask("unsubscribe", &[json!(c)]).await[0];
                assert_eq!(refused["status"], "error", "from everything nothing can be taken away: {refused}");
                assert!(refused["message"].as_str().is_some_and(|message| !message.is_empty()), "{refused}");
                post_to_each(stack, &run, 4, &everything, &mut client).await;
                assert_eq!(came(&client, &run, 4), everything);
            }
        })
        .await;
}

fn postings_channel(name: &str) -> String {
    format!("{}-{name}", postings::channel(0))
}

#[tokio::test]
async fn a_client_may_name_its_channels_when_it_connects_and_is_told_what_is_wrong_with_them() {
    REPLICATED
        .look(async |stack| {
            let (url, run) = (stack.url(Component::Api).await, run_name());
            let auth = json!({"channels": ["orders", "bills"]});
            let asks = |auth| SocketIo { url: &url, transport: Transport::WebSocket, auth: Some(auth), resumes: false };
            let mut client = asks(&auth).connect().await;
            post_to_each(stack, &run, 1, &["other", "bills", "orders"], &mut client).await;
            assert_eq!(came(&client, &run, 1), ["bills", "orders"]);
            let refused = &client.ask("subscribe", &[json!({"name": "orders"})]).await[0];
            assert_eq!(refused["status"], "error", "{refused}");
            let many: Vec<String> = (0..129).map(postings::channel).collect();
            let refused = &client.ask("subscribe", &[json!(many)]).await[0];
            assert_eq!(refused["status"], "error", "128 is the limit: {refused}");
            post_to_each(stack, &run, 2, &["other", "bills", "orders"], &mut client).await;
            assert_eq!(came(&client, &run, 2), ["bills", "orders"], "what was refused has changed nothing");

            let auth = json!({"channels": 7});
            let mut refused = asks(&auth).start();
            let error = refused.arrivals.wait("refusal", PATIENCE, |it| it["event"] == "connect_error").await;
            assert_eq!(error.event["active"], Value::Bool(false), "it does not come back: {:?}", error.event);
            assert!(error.data().as_str().is_some_and(|message| message.contains("channels")), "{:?}", error.event);
        })
        .await;
}
