//! Lists, single notifications and histories.

use realtime_e2e::eventually;
use realtime_e2e::fixture::SECURED;
use reqwest::Method;
use serde_json::json;

use super::{Issuer, Member, ONE, PATIENCE, Posted, ids, next, refused, unique};

/// Channels of a shop of its own, among them such as differ only where a pattern of SQL would have a wildcard.
struct Shop {
    name: String,
    /// Users.
    me: String,
    other: String,
}

impl Shop {
    fn new() -> Self {
        let name = format!("shop-{}", unique());
        Self { me: format!("me-{name}"), other: format!("other-{name}"), name }
    }

    /// The channel with that behind the shop's name.
    fn channel(&self, rest: &str) -> String {
        format!("{}{rest}", self.name)
    }

    fn named(&self, rests: &[&str]) -> Vec<String> {
        rests.iter().map(|rest| self.channel(rest)).collect()
    }

    fn inbox(user: &str) -> String {
        format!("user:{user}")
    }

    fn all(&self) -> Vec<String> {
        let mut all = self.named(&["", ".eu", ".us", "_a", "_b", "xa", ".eu.north", "/eu"]);
        all.extend([Self::inbox(&self.me), Self::inbox(&self.other)]);
        all
    }

    /// Tokens of `me`: the claim `channels`, and the channels of the shop that it permits.
    fn tokens(&self) -> Vec<(serde_json::Value, Vec<String>)> {
        let patterns = |rests: &[&str]| json!(self.named(rests));
        let with_own = |rests: &[&str]| [self.named(rests), vec![Self::inbox(&self.me)]].concat();
        let everything = ["", ".eu", ".us", "_a", "_b", "xa", ".eu.north", "/eu"];
        vec![
            (patterns(&[".*"]), with_own(&[".eu", ".us", ".eu.north"])),
            (patterns(&["_*"]), with_own(&["_a", "_b"])),
            (patterns(&["_a"]), with_own(&["_a"])),
            (patterns(&["*eu"]), with_own(&[".eu", "/eu"])),
            (patterns(&["_b", ".us*", ".none"]), with_own(&["_b", ".us"])),
            (json!(["*"]), with_own(&everything)),
            (json!([]), with_own(&[])),
            (json!(["user:*"]), vec![Self::inbox(&self.me), Self::inbox(&self.other)]),
        ]
    }
}

/// What was posted to each channel of the shop, twice, of a type of the shop's.
async fn stocked(shop: &Shop, root: &Member) -> Posted {
    let all = shop.all();
    let posted = root.post_to(&[all.clone(), all].concat(), &shop.name).await;
    let path = format!("{ONE}?type={}&status=processed&limit=100&channel={}", shop.name, shop.all().join(","));
    eventually("all are processed", PATIENCE, async || {
        let found = ids(&root.get(&path).await.body);
        if found.len() == 20 { Ok(()) } else { Err(format!("{} are", found.len())) }
    })
    .await;
    posted
}

#[tokio::test]
async fn a_list_has_exactly_what_its_token_permits_by_pages_and_filters() {
    SECURED
        .look(async |stack| {
            let (issuer, shop) = (Issuer::of(stack).await, Shop::new());
            let posted = stocked(&shop, &issuer.root()).await;
            let kind = &shop.name;
            for (channels, permitted) in shop.tokens() {
                let me = issuer.member(&shop.me, &json!({"channels": channels}));
                let expected = posted.of(&permitted);
                // Of all tests together only this one has the type.
                assert_eq!(me.pages(&format!("{ONE}?type={kind}&limit=200")).await, expected, "{channels}");
                assert_eq!(me.pages(&format!("{ONE}?type={kind}&limit=3")).await, expected, "{channels}, by pages");
                let processed = me.pages(&format!("{ONE}?type={kind}&status=processed&limit=200")).await;
                assert_eq!(processed, expected, "{channels}, processed");
                let pending = me.get(&format!("{ONE}?type={kind}&status=pending")).await;
                assert_eq!(pending.body, json!([]), "{channels}, pending");
                let named = me.pages(&format!("{ONE}?channel={}&limit=2", permitted.join(","))).await;
                assert_eq!(named, expected, "{channels}, by name");
                for forbidden in shop.all().iter().filter(|channel| !permitted.contains(channel)) {
                    let answer = me.ask(Method::GET, &format!("{ONE}?channel={},{forbidden}", permitted[0])).await;
                    refused(&answer, 403, "CHANNEL_FORBIDDEN");
                }
            }
            let nobody = issuer.member(&format!("nobody-{kind}"), &json!({}));
            assert_eq!(nobody.get(ONE).await.body, json!([]), "who may read nothing reads nothing");
        })
        .await;
}

#[tokio::test]
async fn a_list_that_another_token_has_had_kept_is_given_only_to_who_may_read_it() {
    SECURED
        .look(async |stack| {
            let (issuer, shop) = (Issuer::of(stack).await, Shop::new());
            let root = issuer.root();
            let posted = stocked(&shop, &root).await;
            let (path, turned) = ([".eu", ".us"], [".us", ".eu"]);
            let address = |rests: &[&str]| format!("{ONE}?channel={}&limit=3", shop.named(rests).join(","));
            let expected = posted.of(&shop.named(&path));
            let friend = issuer.member(&format!("friend-{}", shop.name), &json!({"channels": [shop.channel(".*")]}));
            // Pages are forgotten when another test posts.
            let shared = eventually("a page that another token has had read is shared", PATIENCE, async || {
                root.get(&address(&path)).await;
                let shared = friend.get(&address(&turned)).await;
                if shared.header("x-cache") == "hit" { Ok(shared) } else { Err("it was read again".to_owned()) }
            })
            .await;
            assert_eq!(ids(&shared.body), expected[..3]);
            let link = next(&shared).expect("a fourth one");
            assert_eq!(friend.pages(&link).await, expected[3..], "the rest");

            let stranger =
                issuer.member(&format!("stranger-{}", shop.name), &json!({"channels": [shop.channel(".eu")]}));
            for page in [address(&path), address(&turned), link.clone()] {
                refused(&stranger.ask(Method::GET, &page).await, 403, "CHANNEL_FORBIDDEN");
            }
            assert_eq!(stranger.pages(&address(&[".eu"])).await, posted.of(&shop.named(&[".eu"])));
            assert_eq!(stranger.pages(&format!("{ONE}?limit=1")).await, posted.of(&shop.named(&[".eu"])));

            // The place in a list is not what permits to read on there.
            let all = root.get(&format!("{ONE}?type={}&limit=1", shop.name)).await;
            let cursor = next(&all).expect("more than one");
            let (_, cursor) = cursor.split_once("cursor=").expect("a cursor");
            let cursor = cursor.split('&').next().expect("its text");
            let older = stranger.pages(&format!("{ONE}?cursor={cursor}&limit=1")).await;
            assert_eq!(older, posted.of(&shop.named(&[".eu"])));
        })
        .await;
}

#[tokio::test]
async fn a_notification_and_its_history_are_not_there_for_who_may_not_read_them() {
    SECURED
        .look(async |stack| {
            let (issuer, shop) = (Issuer::of(stack).await, Shop::new());
            let posted = stocked(&shop, &issuer.root()).await;
            let absent = format!("{ONE}/{}", uuid::Uuid::new_v4());
            for (channels, permitted) in shop.tokens() {
                let me = issuer.member(&shop.me, &json!({"channels": channels}));
                let unknown = me.ask(Method::GET, &absent).await;
                assert_eq!(unknown.status, 404);
                for (channel, id) in posted.by_channel() {
                    let path = format!("{ONE}/{id}");
                    let history = format!("{path}/events");
                    if permitted.iter().any(|name| name == channel) {
                        assert_eq!(me.get(&path).await.body["channel"], channel);
                        assert_eq!(ids(&me.get(&history).await.body).len(), 2, "created and processed");
                        continue;
                    }
                    for path in [&path, &history, &format!("{history}?limit=1&cursor=1")] {
                        let answer = me.ask(Method::GET, path).await;
                        assert_eq!((answer.status, &answer.body), (404, &unknown.body), "{path} of {channel}");
                    }
                }
            }
        })
        .await;
}
