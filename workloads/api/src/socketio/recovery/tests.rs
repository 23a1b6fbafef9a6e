use realtime_access::Scope;
use realtime_contract::channel::Pattern;
use serde_json::json;

use super::*;
use crate::socketio::private_id::Signer;

fn claim(auth: &Value) -> Result<Claim, Refused> {
    let auth = serde_json::value::to_raw_value(auth).unwrap();
    Claim::read(Some(&auth))
}

fn channels(names: &[&str]) -> Channels {
    Channels::read(&json!(names)).unwrap()
}

fn id() -> PrivateId {
    Signer::new(b"0123456789abcdef").make()
}

fn kept() -> Found {
    Found::Record(Record { id: "socket".into(), channels: channels(&["kept"]), user: None })
}

fn plan(auth: &Value, known: Known) -> Plan {
    Plan::new(claim(auth).unwrap(), known, &Access::anonymous())
}

fn user(name: &str, patterns: &[&str]) -> Access {
    let patterns = patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect();
    Access { user: Some(name.into()), subscribe: Scope::Patterns(patterns), ..Access::anonymous() }
}

/// Channels, cursor and outcome of a plan without a session.
fn new(channels: Channels, cursor: Option<&str>, outcome: Option<Outcome>) -> Plan {
    Plan { session: None, channels, cursor: cursor.map(ToOwned::to_owned), outcome }
}

#[test]
fn reads_what_a_client_says() {
    assert_eq!(Claim::read(None), Ok(Claim::default()));
    for nothing in [json!(null), json!({}), json!("text"), json!({ "pid": 7, "channels": null, "resume": "" })] {
        assert_eq!(claim(&nothing), Ok(Claim::default()), "{nothing}");
    }
    let all = json!({ "pid": "p", "offset": "o", "resume": "r", "channels": ["a"], "token": "t" });
    let text = |text: &str| Some(text.to_owned());
    let (token, channels) = (Shown::new(&json!("t")), channels(&["a"]));
    let expected = Claim { token, pid: text("p"), offset: text("o"), resume: text("r"), channels };
    assert_eq!(claim(&all), Ok(expected));
    assert_eq!(claim(&json!({ "channels": [7] })), Err(Refused::ReadChannels));
}

#[test]
fn a_new_client_begins_with_what_comes() {
    let plan = plan(&json!({ "channels": "a" }), Known::Unclaimed);
    assert_eq!(plan, new(channels(&["a"]), None, None));
}

#[test]
fn a_session_that_is_kept_goes_on_as_it_was() {
    let id = id();
    let claimed = json!({ "offset": "o", "resume": "r", "channels": ["other"] });
    let plan = plan(&claimed, Known::Asked(id.clone(), kept()));
    let expected = Plan {
        session: Some((id, "socket".into())),
        channels: channels(&["kept"]),
        cursor: Some("o".to_owned()),
        outcome: Some(Outcome::Recovered),
    };
    assert_eq!(plan, expected);
}

#[test]
fn a_session_with_a_gap_is_a_new_one_with_the_same_channels() {
    let plan = plan(&json!({ "offset": "o" }), Known::Asked(id(), kept())).with_gap();
    assert_eq!(plan, new(channels(&["kept"]), Some("o"), Some(Outcome::Gap)));
}

#[test]
fn what_cannot_go_on_begins_anew_and_says_why() {
    for (known, outcome) in [
        (Known::Asked(id(), Found::Nothing), Outcome::Expired),
        (Known::Asked(id(), Found::Away), Outcome::Unavailable),
        (Known::Invalid, Outcome::Invalid),
    ] {
        let plan = plan(&json!({ "offset": "o", "channels": ["a"] }), known);
        assert_eq!(plan, new(channels(&["a"]), None, Some(outcome)), "the offset belongs to the session");
    }
    for without in [json!({}), json!({ "offset": "" }), json!({ "offset": null })] {
        let plan = plan(&without, Known::Asked(id(), kept()));
        assert_eq!(plan, new(Channels::All, None, Some(Outcome::Invalid)), "there is no offset in {without}");
    }
}

#[test]
fn a_client_that_gives_a_cursor_goes_on_there_without_its_session() {
    let claimed = json!({ "resume": "r", "channels": ["a"] });
    let resumed = || new(channels(&["a"]), Some("r"), Some(Outcome::Resumed));
    for known in [
        Known::Unclaimed,
        Known::Invalid,
        Known::Asked(id(), Found::Nothing),
        Known::Asked(id(), Found::Away),
        Known::Asked(id(), kept()),
    ] {
        assert_eq!(plan(&claimed, known), resumed());
    }
    let plan = plan(&claimed, Known::Unclaimed).with_gap();
    assert_eq!(plan, new(channels(&["a"]), Some("r"), Some(Outcome::Gap)));
}

#[test]
fn a_session_is_its_users_alone_and_of_channels_that_are_permitted_still() {
    let of_seven =
        || Found::Record(Record { id: "socket".into(), channels: channels(&["kept"]), user: Some("7".into()) });
    let all_of_seven =
        || Found::Record(Record { id: "socket".into(), channels: Channels::All, user: Some("7".into()) });
    for (found, access, outcome) in [
        (of_seven(), user("7", &["k*"]), Outcome::Recovered),
        (all_of_seven(), user("7", &["other"]), Outcome::Recovered),
        (of_seven(), user("7", &["other"]), Outcome::Forbidden),
        (of_seven(), user("8", &["*"]), Outcome::Foreign),
        (of_seven(), Access::anonymous(), Outcome::Foreign),
        (kept(), user("7", &["*"]), Outcome::Foreign),
    ] {
        let claimed = claim(&json!({ "offset": "o", "channels": ["a"] })).unwrap();
        let plan = Plan::new(claimed, Known::Asked(id(), found), &access);
        assert_eq!((plan.outcome, plan.session.is_some()), (Some(outcome), outcome == Outcome::Recovered));
        if outcome != Outcome::Recovered {
            assert_eq!(plan, new(channels(&["a"]), None, Some(outcome)), "the offset belongs to the session");
        }
    }
}

#[test]
fn a_token_is_what_the_client_shows_and_is_not_shown_again() {
    let shown = |token: Value| Shown::new(&token);
    assert!(matches!(shown(json!("secret")).credential(), Credential::Token("secret")));
    for nothing in [json!(null), json!("")] {
        assert!(matches!(shown(nothing).credential(), Credential::Nothing));
    }
    assert!(matches!(shown(json!("x".repeat(8192))).credential(), Credential::Token(_)));
    for other in [json!({ "a": 1 }), json!(["secret"]), json!("x".repeat(8193))] {
        assert!(shown(other) == Shown::Unreadable, "nothing of it is kept");
    }
    let text = format!("{:?}", claim(&json!({ "token": "secret" })));
    assert!(!text.contains("secret"), "{text}");
}
