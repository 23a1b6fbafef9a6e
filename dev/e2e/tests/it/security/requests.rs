//! Requests by chance, with a token and without one.

use realtime_contract::Component;
use realtime_e2e::fixture::SECURED;
use realtime_e2e::tokens;

use crate::properties::Chance;

/// Inboxes of others, too.
const EVERYTHING: [&str; 4] = ["--channels", "*,user:*", "--publish", "*,user:*"];

#[tokio::test]
async fn the_openapi_document_has_every_answer_where_tokens_are_asked_for() {
    SECURED
        .look(async |stack| {
            let api = stack.url(Component::Api).await;
            // A user of its own: it marks what is in his inbox.
            let token = tokens::issued(stack, "chance", &EVERYTHING).await;
            Chance { api: &api, token: Some(&token), seconds: 40, fewest: 80 }.finds_nothing().await;
            Chance { api: &api, token: None, seconds: 25, fewest: 40 }.finds_nothing().await;
        })
        .await;
}
