//! What is documented of how streams begin and end.

use std::collections::BTreeSet;

use realtime_fanout::CloseReason;

use super::*;
use crate::resume::GapReason;

fn message<'a>(document: &'a Value, channel: &str, name: &str) -> &'a Value {
    &document["channels"][channel]["messages"][name]
}

#[test]
fn each_reason_for_the_end_of_a_stream_is_documented_with_when_its_client_comes_back() {
    let document = asyncapi::document();
    for channel in ["notificationStream", "eventStream"] {
        let end = message(&document, channel, "end");
        let reasons = end["x-reasons"].as_array().unwrap();
        let names: Vec<&str> = reasons.iter().map(|reason| reason["reason"].as_str().unwrap()).collect();
        assert_eq!(names, CloseReason::ALL.map(CloseReason::name), "{channel}");
        for (told, reason) in reasons.iter().zip(CloseReason::ALL) {
            let window = &told["retry"];
            let within = |number: u64| {
                let wait = u64::try_from(reason.retry(number).as_millis()).unwrap();
                (window["minimum"].as_u64()..=window["maximum"].as_u64()).contains(&Some(wait))
            };
            assert!((0..100).all(within), "{told}");
            let is_cut = ["gone", "slow"].contains(&reason.name());
            assert_eq!(told["told"], if is_cut { "nothing" } else { "end" }, "{told}");
        }
        let retry = &end["headers"]["properties"]["retry"];
        assert_eq!((&retry["minimum"], &retry["maximum"]), (&json!(1_000), &json!(15_000)));
    }
}

#[test]
fn a_close_frame_has_the_code_of_its_reason() {
    let document = asyncapi::document();
    let schema = schemas::named("CloseFrame");
    for (code, reason) in [
        (1000, "silent"),
        (1001, "draining"),
        (1001, "expired"),
        (1002, "frame"),
        (1007, "frame"),
        (1008, "rate"),
        (1009, "size"),
        (1013, "limited"),
    ] {
        let frame = json!({"code": code, "reason": reason});
        assert_eq!(faults(&document, &schema, &frame), Vec::<String>::new(), "{frame}");
        let other = json!({"code": if code == 1000 { 1001 } else { 1000 }, "reason": reason});
        assert!(!faults(&document, &schema, &other).is_empty(), "{other}");
    }
    for channel in ["notificationSocket", "demoSocket"] {
        assert_eq!(message(&document, channel, "close")["payload"], schema, "{channel}");
    }
}

#[test]
fn each_reason_of_a_gap_is_documented() {
    let document = asyncapi::document();
    let gap = |reason: &str| json!({"reason": reason, "from": "a", "to": "b"});
    for reason in [GapReason::Trimmed, GapReason::Invalid, GapReason::Epoch, GapReason::Limit] {
        assert_shape(&document, "Gap", &gap(reason.name()));
    }
    assert!(!faults(&document, &schemas::named("Gap"), &gap("other")).is_empty());
}

/// Those of a stream by what AsyncAPI calls bindings to HTTP.
fn statuses(document: &Value, channel: &str) -> BTreeSet<String> {
    let replies = document["operations"][format!("{channel}.open")]["reply"]["messages"].as_array().unwrap();
    let message = |reply: &Value| document.pointer(reply["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap();
    replies.iter().map(|reply| message(reply)["bindings"]["http"]["statusCode"].to_string()).collect()
}

#[test]
fn both_documents_have_the_same_statuses_and_parameters_of_a_stream() {
    let (openapi, asyncapi) = (openapi::document(), asyncapi::document());
    let operation = &openapi["paths"][crate::routes::stream::PATH]["get"];
    let responses: BTreeSet<String> = operation["responses"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(statuses(&asyncapi, "notificationStream"), responses);
    assert_eq!(statuses(&asyncapi, "eventStream"), responses);
    let query = &asyncapi["operations"]["notificationStream.open"]["bindings"]["http"]["query"]["properties"];
    let named = operation["parameters"].as_array().unwrap().iter().filter(|it| it["in"] == "query");
    let mut parameters: BTreeSet<&str> = named.map(|it| it["name"].as_str().unwrap()).collect();
    // In OpenAPI it is a way to say who one is.
    parameters.insert("ticket");
    assert_eq!(query.as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>(), parameters);
}
