//! How a stream of server-sent events is asked for, and what is answered.

use realtime_access::{Refusal, limits::TooMany};
use realtime_chassis::http::problem;
use serde_json::{Map, Value, json};

use super::{Message, nothing, schemas, sends, takes};

/// Of the bindings to HTTP that are meant.
const BINDING: &str = "0.3.0";

/// A parameter: its name, and what it means.
type Parameter = (&'static str, &'static str);

const CHANNELS: Parameter = ("channels", "Only of these channels, by comma");
const TICKET: Parameter = ("ticket", "A ticket, where the stack asks for tokens");
const SINCE: Parameter = ("since", "A cursor: where the client was");

pub(super) fn of_notifications() -> Vec<Message> {
    let last = ("lastEventId", "The same, judged as the header is: what is no cursor is a gap");
    opening(&query(&[CHANNELS, SINCE, last, TICKET]))
}

pub(super) fn of_events() -> Vec<Message> {
    let types = ("types", "Only of these types, by comma");
    let mut query = query(&[types, CHANNELS, SINCE, TICKET]);
    query["properties"]["heartbeat"] =
        json!({"type": "string", "enum": ["data", "comment"], "default": "data", "description": "How heartbeats come"});
    let field = json!({"type": "string", "description": "Only with one of these values of the field, by comma"});
    query["patternProperties"] = json!({"^field\\..+$": field});
    opening(&query)
}

fn query(parameters: &[Parameter]) -> Value {
    let text = |(name, about): &Parameter| ((*name).to_owned(), json!({"type": "string", "description": about}));
    json!({"type": "object", "properties": parameters.iter().map(text).collect::<Map<_, _>>()})
}

/// The request and each of its answers. Those of a client that accepts `text/event-stream` are less: it would give up for good on a status.
fn opening(query: &Value) -> Vec<Message> {
    let headers = json!({"type": "object", "properties": {
        "Last-Event-ID": {"type": "string", "description": "A cursor, as an EventSource sends it; it wins over the query"},
    }});
    let answers = vec![
        answer("stream", 200, nothing(), "The frames follow, or `end` at once when the client cannot be served now"),
        answer("stop", 204, nothing(), "An EventSource shows a ticket that has expired: it stops for good"),
        refusal("malformed", 400, "A parameter cannot be meant: `field` says which", &[]),
        refusal("unknown", 401, "No token, or none that is good", &codes(401)),
        refusal("forbidden", 403, "The token does not permit a channel that is named", &[Refusal::Channel.code()]),
        refusal(
            "tooMany",
            429,
            "More requests than the stack's limits permit; not to who accepts `text/event-stream`",
            &[TooMany::CODE],
        ),
        refusal("away", 503, "It cannot be served now; not to who accepts `text/event-stream`", &codes(503)),
    ];
    let open = Message {
        headers: Some(headers),
        http: Some(json!({"method": "GET", "query": query, "bindingVersion": BINDING})),
        replies: answers.iter().map(|answer| answer.name).collect(),
        ..takes("open", nothing(), "The request for the stream")
    };
    std::iter::once(open).chain(answers).collect()
}

/// Codes of refusals with that status.
fn codes(status: u16) -> Vec<&'static str> {
    Refusal::ALL.iter().filter(|refusal| refusal.status() == status).map(|refusal| refusal.code()).collect()
}

fn answer(name: &'static str, status: u16, payload: Value, summary: &'static str) -> Message {
    let http = json!({"statusCode": status, "bindingVersion": BINDING});
    Message { http: Some(http), ..sends(name, payload, summary) }
}

fn refusal(name: &'static str, status: u16, summary: &'static str, codes: &[&str]) -> Message {
    let mut payload = schemas::named("Problem");
    if !codes.is_empty() {
        payload = json!({"allOf": [payload, {"properties": {"code": {"enum": codes}}}]});
    }
    let mut message = answer(name, status, payload, summary);
    let header = |name: &str, schema: &str| json!({"type": "object", "properties": {name: {"type": schema}}});
    let headers = match status {
        401 => Some(header("WWW-Authenticate", "string")),
        429 | 503 => Some(header("Retry-After", "integer")),
        _ => None,
    };
    if let (Some(http), Some(headers)) = (&mut message.http, headers) {
        http["headers"] = headers;
    }
    Message { more: Some(("contentType", problem::MEDIA_TYPE.into())), ..message }
}
