//! Tickets, by query and by cookie.

use jiff::SignedDuration;
use realtime_access::Access;

use super::*;

const TICKETS: &str = "/api/tickets";

async fn ticket(address: SocketAddr) -> String {
    let answer = post_json(address, TICKETS, &good(), "").await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["ticket"].as_str().unwrap().to_owned()
}

/// The stream of who shows the ticket in its query and in its cookie.
async fn both(address: SocketAddr, ticket: &str, accept: &str) -> [Answer; 2] {
    let cookie = format!("{accept}Cookie: a=b; realtime_ticket={ticket}\r\n");
    let query = stream_with(address, &format!("{STREAM}?ticket={ticket}"), accept).await;
    [query, stream_with(address, STREAM, &cookie).await]
}

fn access(expires: SignedDuration) -> Access {
    let access = gate().check_now(Credential::Token(&good())).unwrap();
    Access { expires: Some(Timestamp::now() + expires), ..access }
}

#[tokio::test]
async fn a_ticket_is_given_for_a_token_and_ends_with_it() {
    let (address, ..) = asking().await;
    let before = Timestamp::now().as_second();
    for body in ["", "{}", "{\"cookie\":false}"] {
        let answer = post_json(address, TICKETS, &good(), body).await;
        assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")), "{answer:?}");
        assert_eq!(answer.header("set-cookie"), None);
        let expires: Timestamp = answer.json()["expiresAt"].as_str().unwrap().parse().unwrap();
        let life = expires.as_second() - before;
        assert!((89..=93).contains(&life), "a minute and the leeway, not {life}");
    }
}

#[tokio::test]
async fn a_ticket_opens_streams_as_often_as_wanted() {
    let (address, ..) = asking().await;
    let ticket = ticket(address).await;
    for _ in 0..2 {
        for answer in both(address, &ticket, EVENT_SOURCE).await {
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(answer.body.contains("\"connection\""), "{answer:?}");
        }
    }
    let other = get_with(address, &format!("{STREAM}?channels=stock&ticket={ticket}"), EVENT_SOURCE).await;
    other.assert_refused(Refusal::Channel, "stock");
}

#[tokio::test]
async fn a_cookie_is_for_pages_of_the_same_site_and_no_script() {
    let (mut state, _publisher) = found(7);
    state.gate = gate();
    let cookie = |headers: &'static str, address| async move {
        let headers = format!("{}Content-Type: application/json\r\n{headers}", bearer(&good()));
        let answer = ask(address, "POST", TICKETS, &headers, "{\"cookie\":true}").await;
        answer.header("set-cookie").unwrap().to_owned()
    };
    let forwarded = "X-Forwarded-Proto: https\r\n";
    let plain = cookie(forwarded, served(&state).await).await;
    let (value, attributes) = plain.split_once("; ").unwrap();
    assert!(value.starts_with("realtime_ticket=ey"), "{plain}");
    let life = attributes.strip_prefix("HttpOnly; SameSite=Strict; Path=/; Max-Age=").unwrap();
    assert!((88..=91).contains(&life.parse::<u32>().unwrap()), "{life}");
    // Another state, since each registers its metrics once.
    let (mut state, _publisher) = found(7);
    state.gate = gate();
    state.trusted_proxies = ["127.0.0.0/8".parse().unwrap()].into();
    let address = served(&state).await;
    assert!(cookie(forwarded, address).await.ends_with("; Secure"));
    assert!(!cookie("", address).await.contains("Secure"));
}

#[tokio::test]
async fn a_cookie_is_taken_back_from_who_has_no_token_any_more() {
    let (mut state, _publisher) = found(7);
    state.gate = gate();
    state.trusted_proxies = ["127.0.0.0/8".parse().unwrap()].into();
    let address = served(&state).await;
    for (headers, end) in [("", "Max-Age=0"), ("X-Forwarded-Proto: https\r\n", "Max-Age=0; Secure")] {
        let answer = ask(address, "DELETE", TICKETS, headers, "").await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{answer:?}");
        let cookie = format!("realtime_ticket=; HttpOnly; SameSite=Strict; Path=/; {end}");
        assert_eq!(answer.header("set-cookie"), Some(cookie.as_str()));
    }
}

#[tokio::test]
async fn a_ticket_is_refused_by_query_and_by_cookie_for_what_it_is() {
    let (address, ..) = asking().await;
    let expired = gate().ticket(&access(SignedDuration::from_secs(-5)), Timestamp::now()).unwrap().text;
    let good_one = ticket(address).await;
    let header =
        token(&json!({ "alg": "HS256", "typ": "realtime-ticket" }), &claims(), Signer::Secret(SECRET.as_bytes()));
    let nobody = token(&json!({ "alg": "none", "typ": "realtime-ticket" }), &claims(), Signer::Nobody);
    for (name, ticket, refusal) in [
        ("a token", good(), Refusal::Malformed),
        ("junk", "junk".to_owned(), Refusal::Malformed),
        ("a token that says it is a ticket", header, Refusal::Signature),
        ("signed by nobody", nobody, Refusal::Algorithm),
        ("a signature cut off", good_one.rsplit_once('.').unwrap().0.to_owned() + ".AA", Refusal::Signature),
        ("expired", expired.clone(), Refusal::Expired),
    ] {
        for answer in both(address, &ticket, "").await {
            answer.assert_refused(refusal, name);
        }
    }
    for answer in both(address, &expired, EVENT_SOURCE).await {
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "an EventSource stops");
    }
}

#[tokio::test]
async fn a_ticket_is_for_streams_alone() {
    let (address, ..) = asking().await;
    let ticket = ticket(address).await;
    let cookie = format!("Cookie: realtime_ticket={ticket}\r\n");
    for (method, path) in [("GET", "/api/notifications"), ("POST", "/api/notifications"), ("POST", TICKETS)] {
        let target = format!("{path}?ticket={ticket}");
        ask(address, method, &target, &cookie, "").await.assert_refused(Refusal::Missing, path);
        ask(address, method, path, &bearer(&ticket), "").await.assert_refused(Refusal::Malformed, path);
    }
    let answer = connect_with(address, &json!({ "token": ticket }).to_string()).await;
    assert!(answer.starts_with("44") && answer.contains("TOKEN_MALFORMED"), "{answer}");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_the_field() {
    let (address, ..) = asking().await;
    for (body, status, field) in [("{", 400, "body"), ("{\"cookie\":7}", 422, "cookie"), ("[]", 422, "body")] {
        let answer = post_json(address, TICKETS, &good(), body).await;
        assert_eq!((answer.status, &answer.json()["field"]), (status, &json!(field)), "{body}");
    }
    let text = format!("{}Content-Type: text/plain\r\n", bearer(&good()));
    assert_eq!(ask(address, "POST", TICKETS, &text, "{\"cookie\":true}").await.status, 415);
    let long = with("channels", json!((0..400).map(|number| format!("channel{number}")).collect::<Vec<_>>()));
    let answer = post_json(address, TICKETS, &long, "{\"cookie\":true}").await;
    assert_eq!((answer.status, &answer.json()["field"]), (422, &json!("cookie")));
    assert_eq!(post_json(address, TICKETS, &long, "").await.status, 201);
}

#[tokio::test]
async fn where_nobody_is_asked_there_are_none() {
    let (state, _publisher) = found(7);
    let answer = post_json(served(&state).await, TICKETS, "", "").await;
    assert_eq!((answer.status, &answer.json()["code"]), (409, &json!("ANONYMOUS")));
}
