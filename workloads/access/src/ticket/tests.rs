use serde_json::json;

use super::*;
use crate::forge::{NOW, Signer, claims, token};

const KEY: &[u8] = b"0123456789abcdef";

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn access(expires: i64) -> Access {
    let patterns = ["orders.*", "user:8"].iter().map(|text| Pattern::new(text).unwrap()).collect();
    Access {
        user: Some("7".into()),
        subscribe: Scope::Patterns(patterns),
        publish: Scope::Patterns([Pattern::every()].into()),
        expires: Some(Timestamp::from_second(NOW + expires).unwrap()),
    }
}

fn in_seconds(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

#[test]
fn a_ticket_permits_to_hear_what_the_token_did_and_nothing_else() {
    let tickets = Tickets::new(KEY);
    let ticket = tickets.give(&access(60), now()).unwrap();
    let read = tickets.read(&ticket.text, now()).unwrap();
    assert_eq!((&read.user, &read.subscribe), (&access(60).user, &access(60).subscribe));
    assert!(!read.may_publish("orders.eu") && !read.may_publish("default"));
}

#[test]
fn a_ticket_ends_with_its_token_and_after_an_hour() {
    let tickets = Tickets::new(KEY);
    for (life, end) in [(60, 60), (3600, 3600), (86_400, 3600)] {
        let ticket = tickets.give(&access(life), now()).unwrap();
        assert_eq!(ticket.expires, in_seconds(end), "{life}");
        assert_eq!(tickets.read(&ticket.text, in_seconds(end - 1)).unwrap().expires, Some(ticket.expires));
        assert_eq!(tickets.read(&ticket.text, in_seconds(end)), Err(Refusal::Expired));
    }
}

#[test]
fn instances_with_the_same_key_take_each_others_tickets_and_no_others() {
    let ticket = Tickets::new(KEY).give(&access(60), now()).unwrap();
    assert!(Tickets::new(KEY).read(&ticket.text, now()).is_ok());
    assert_eq!(Tickets::new(b"0123456789abcdeg").read(&ticket.text, now()), Err(Refusal::Signature));
}

/// Also when a secret for tokens is the stack's key itself.
#[test]
fn neither_passes_as_the_other() {
    let tickets = Tickets::new(KEY);
    let ticket = tickets.give(&access(60), now()).unwrap();
    let own = KeySet::of_secret(KEY);
    let read = Token::read(&ticket.text, token::LENGTH).unwrap();
    let refusal = token::access(&read, &own, &Policy::default(), now()).unwrap_err().refusal();
    assert_eq!(refusal, Refusal::Signature);
    assert!(is_ticket(&read));
    for (kind, refusal) in [("JWT", Refusal::Malformed), (KIND, Refusal::Signature)] {
        let token = token(&json!({ "alg": "HS256", "typ": kind }), &claims(), Signer::Secret(KEY));
        assert_eq!(tickets.read(&token, now()), Err(refusal), "{kind}");
    }
}

/// As one who has the derived key might: the claims are looked at, too.
#[test]
fn a_ticket_is_for_streams() {
    let tickets = Tickets::new(KEY);
    let forged = token(&json!({ "alg": "HS256", "typ": KIND }), &claims(), Signer::Secret(&derived(KEY)));
    assert_eq!(tickets.read(&forged, now()), Err(Refusal::Audience));
}

#[test]
fn who_did_not_say_who_he_is_gets_none() {
    assert_eq!(Tickets::new(KEY).give(&Access::anonymous(), now()), None);
}

#[test]
fn a_ticket_does_not_show_itself() {
    let tickets = Tickets::new(KEY);
    let ticket = tickets.give(&access(60), now()).unwrap();
    let text = format!("{tickets:?} {ticket:?}");
    assert!(!text.contains(&ticket.text) && text.contains("Ticket(***"), "{text}");
}

#[test]
fn the_longest_token_has_a_ticket_that_is_read() {
    let channels: Vec<String> = (0..999).map(|number| format!("c{number:03}")).collect();
    let claims = |count: usize| json!({ "sub": "7", "exp": NOW, "channels": channels[..count] });
    let length = |count: &usize| token(&json!({ "alg": "HS256" }), &claims(*count), Signer::Secret(KEY)).len();
    let count = (0..999).rev().find(|count| length(count) <= token::LENGTH).unwrap();
    let patterns = channels[..count].iter().map(|text| Pattern::new(text).unwrap()).collect();
    let tickets = Tickets::new(KEY);
    let ticket = tickets.give(&Access { subscribe: Scope::Patterns(patterns), ..access(60) }, now()).unwrap();
    assert!(ticket.text.len() > token::LENGTH && tickets.read(&ticket.text, now()).is_ok(), "{}", ticket.text.len());
}
