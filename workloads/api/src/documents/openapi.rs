//! The OpenAPI document: every request that the API answers.

mod operation;
mod paths;

use serde_json::{Map, Value, json};

use self::operation::Operation;
use super::schemas;

/// What each problem means, by its status, and an example of it.
const PROBLEMS: [(u16, &str, &str); 11] = [
    (
        400,
        "The body is not JSON or broke off, or a parameter or header is malformed: `field` says which.",
        r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"limit must be a number from 1 to 200","field":"limit"}"#,
    ),
    (
        401,
        "There is no token where one is asked for, or none that is good. `code` says why.",
        r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"the token has expired","code":"TOKEN_EXPIRED"}"#,
    ),
    (
        403,
        "The token does not permit the channel or user.",
        r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"the token does not permit this channel","code":"CHANNEL_FORBIDDEN"}"#,
    ),
    (
        404,
        "There is nothing at the path, or nothing that the client may see.",
        r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"there is no such notification"}"#,
    ),
    (
        408,
        "The body did not arrive within 10 s.",
        r#"{"type":"about:blank","title":"Request Timeout","status":408,"detail":"the body did not arrive within 10 s","field":"body"}"#,
    ),
    (
        409,
        "The request makes no sense here.",
        r#"{"type":"about:blank","title":"Conflict","status":409,"detail":"nobody is asked for a token here: streams need no ticket","code":"ANONYMOUS"}"#,
    ),
    (
        413,
        "The body is too large.",
        r#"{"type":"about:blank","title":"Payload Too Large","status":413,"detail":"the body is larger than 65536 bytes","field":"body"}"#,
    ),
    (
        415,
        "The body is not declared as JSON.",
        r#"{"type":"about:blank","title":"Unsupported Media Type","status":415,"detail":"the body must be declared as Content-Type: application/json","field":"content-type"}"#,
    ),
    (
        422,
        "A field is missing, of a wrong type, or outside its limits; or the idempotency key was used with another body.",
        r#"{"type":"about:blank","title":"Unprocessable Entity","status":422,"detail":"message must be a string","field":"message"}"#,
    ),
    (
        429,
        "More requests than the stack's limits permit. `Retry-After` says when to come again.",
        r#"{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"too many requests of this user","code":"TOO_MANY"}"#,
    ),
    (
        503,
        "`dependency` does not serve, or tokens cannot be judged now. `Retry-After` says when to come again. With `code` `OUTCOME_UNKNOWN` the request may have been done: repeat it with its idempotency key.",
        r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"postgres does not serve: notifications cannot be read","dependency":"postgres"}"#,
    ),
];

/// The document.
pub(super) fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Realtime Stack API",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Publish notifications, read them, and mark them as read",
            "description": "Notifications are stored, then sent to all who listen on their channel. What is streamed is described by the AsyncAPI document at `/api/asyncapi.json`. Each answer has its trace id in `x-trace-id`. Times are ISO 8601 in UTC.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The API that serves this document"}],
        "security": [{}, {"token": []}],
        "tags": [
            {"name": "notifications", "description": "Publish and read"},
            {"name": "inboxes", "description": "What is for a user, and what he has read"},
            {"name": "streams", "description": "Listen; described by the AsyncAPI document"},
            {"name": "service", "description": "The stack and this service about themselves"},
        ],
        "paths": paths(),
        "components": {
            "schemas": schemas::of_requests(),
            "responses": responses(),
            "securitySchemes": {
                "token": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "Where the stack asks for tokens: `sub` is the user, `channels` what he may read beside his own channel, `publish` what he may publish to.",
                },
                "ticket": {"type": "apiKey", "in": "query", "name": "ticket", "description": "For an EventSource, which cannot send headers."},
                "ticketCookie": {"type": "apiKey", "in": "cookie", "name": "realtime_ticket", "description": "The same as a cookie."},
            },
        },
    })
}

fn paths() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for (path, method, operation) in paths::all() {
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[method] = operation.into_value();
    }
    Value::Object(paths)
}

fn responses() -> Value {
    let problem = |(status, meaning, example): &(u16, &str, &str)| {
        let example: Value = serde_json::from_str(example).expect("it is JSON, as a test has it");
        let mut response = json!({
            "description": meaning,
            "content": {"application/problem+json": {"schema": schemas::named("Problem"), "example": example}},
        });
        match status {
            401 => {
                response["headers"] = json!({"WWW-Authenticate": {"description": "`Bearer`, with `error` when there was a token", "schema": {"type": "string"}}})
            }
            429 | 503 => {
                response["headers"] =
                    json!({"Retry-After": {"description": "Seconds", "schema": {"type": "integer", "minimum": 0}}})
            }
            _ => {}
        }
        (Operation::problem_name(*status), response)
    };
    Value::Object(PROBLEMS.iter().map(problem).collect())
}
