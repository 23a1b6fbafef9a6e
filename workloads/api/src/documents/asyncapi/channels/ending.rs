//! How streams and connections end, from the reasons that the code has.

use realtime_fanout::CloseReason;
use realtime_socketio::{close_code, statistics::Violation};
use serde_json::{Value, json};

use super::{Message, nothing, schemas, sends};

/// The last line of a stream: no event, and no empty line behind it.
pub(super) fn end() -> Message {
    let shortest = CloseReason::ALL.iter().map(|reason| reason.retry_milliseconds().start).min();
    let longest = CloseReason::ALL.iter().map(|reason| reason.retry_milliseconds().end).max();
    let retry = json!({"type": "integer", "minimum": shortest, "maximum": longest, "description": "Milliseconds after which the client comes back"});
    Message {
        headers: Some(json!({"type": "object", "properties": {"retry": retry}})),
        more: Some(("x-reasons", CloseReason::ALL.iter().map(|reason| reason_of_stream(*reason)).collect())),
        ..sends(
            "end",
            nothing(),
            "The last line of a stream that the stack ends: `retry:` alone, without an empty line",
        )
    }
}

/// Of the metric `realtime_connections_closed_total`, and whether the client is told.
fn reason_of_stream(reason: CloseReason) -> Value {
    let window = reason.retry_milliseconds();
    let told = if is_cut(reason) { "nothing" } else { "end" };
    json!({"reason": reason.name(), "when": meaning(reason), "told": told, "retry": {"minimum": window.start, "maximum": window.end}})
}

/// Nothing can be said to who is gone, and who is slow takes nothing more.
const fn is_cut(reason: CloseReason) -> bool {
    matches!(reason, CloseReason::Gone | CloseReason::Slow)
}

const fn meaning(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Gone => "the client or the network ended it",
        CloseReason::Slow => "too much waits for the client",
        CloseReason::Draining => "the instance ends",
        CloseReason::Unavailable => "the instance still starts, or cannot read now what was missed",
        CloseReason::Aged => "it is as old as connections get",
        CloseReason::Overtaken => "what comes next for it left the instance's memory before it took it",
        CloseReason::Limited => "too many are open, in all or of one address; or one asks too often",
        CloseReason::Expired => "the token or ticket has ended",
    }
}

/// The close frame of a websocket.
pub(super) fn close() -> Message {
    sends(
        "close",
        schemas::named("CloseFrame"),
        "The close frame of a websocket that the stack ends; by polling it is the packet `1`, without a reason",
    )
}

/// The schema of that frame: code and text.
pub(in crate::documents::asyncapi) fn close_frame() -> Value {
    let ends = CloseReason::ALL.iter().filter(|reason| !is_cut(**reason));
    let ends = ends.map(|reason| (close_code(*reason), reason.name(), meaning(*reason)));
    let silent = (close_code(CloseReason::Gone), "silent", "the client gave no sign of life");
    let broken = Violation::ALL.iter().flat_map(|violation| {
        violation.close_codes().iter().map(|code| (*code, violation.name(), "the client broke a rule"))
    });
    let cases: Vec<(u16, &str, &str)> = ends.chain([silent]).chain(broken).collect();
    let case = |(code, reason, when): &(u16, &str, &str)| json!({"description": when, "properties": {"code": {"const": code}, "reason": {"const": reason}}});
    let mut codes: Vec<u16> = cases.iter().map(|(code, ..)| *code).collect();
    codes.sort_unstable();
    codes.dedup();
    let mut reasons: Vec<&str> = cases.iter().map(|(_, reason, _)| *reason).collect();
    reasons.dedup();
    json!({
        "description": "Why a websocket is closed by the stack. Clients of Socket.IO come back by themselves.",
        "type": "object",
        "required": ["code", "reason"],
        "properties": {
            "code": {"type": "integer", "enum": codes, "description": "As RFC 6455 and IANA's registry have it"},
            "reason": {"type": "string", "enum": reasons, "description": "The text of the frame"},
        },
        "oneOf": cases.iter().map(case).collect::<Vec<_>>(),
    })
}
