use serde_json::{Value, json};

use realtime_socketio::server::Problem;

use super::super::operation::{Operation, channel, shape};
use super::{Described, described};
use crate::{routes::stream, socketio};

const TAG: &str = "streams";

pub(super) fn all() -> Vec<Described> {
    let mut all = described([
        ("/api/tickets", "post", ticket()),
        ("/api/tickets", "delete", forget_ticket()),
        (stream::PATH, "get", notifications()),
        ("/api/websocket/health", "get", health()),
    ]);
    all.push((socketio::PATH.to_owned(), "get", receive()));
    all.push((socketio::PATH.to_owned(), "post", send()));
    all
}

fn ticket() -> Operation {
    let example = json!({"ticket": "eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl", "expiresAt": "2026-11-21T08:46:44.753Z"});
    Operation::guarded(TAG, "issueTicket", "A ticket for streams of server-sent events")
        .about("For an EventSource, which cannot send the token: in the parameter `ticket`, or in a cookie.")
        .secured(json!([{"token": []}]))
        .body(false, shape("TicketRequest"), json!({"cookie": true}))
        .json(201, "The ticket", shape("Ticket"), example)
        .tells(201, "Set-Cookie", "`realtime_ticket`, when a cookie was asked for")
        .problems(&[409])
}

fn forget_ticket() -> Operation {
    Operation::open(TAG, "forgetTicket", "Have the browser forget the cookie with the ticket")
        .about("Needs no token. A ticket that stands elsewhere is good until it ends.")
        .empty(204, "The cookie is forgotten")
        .tells(204, "Set-Cookie", "`realtime_ticket`, empty and ended")
}

fn notifications() -> Operation {
    let frames = "retry: 2957\nid: 47a12a04-7479-4351-a9f3-2fe87313ed28-2\ndata: {\"type\":\"connection\",\"message\":\"Connected to notifications stream\",\"timestamp\":\"2026-11-21T07:46:44.249Z\"}\n\n";
    let events = json!({"text/event-stream": {"schema": {"type": "string"}, "example": frames}});
    Operation::guarded(TAG, "streamNotifications", "Notifications as server-sent events")
        .about("The frames are described by the AsyncAPI document. The header `Last-Event-ID` wins over both cursors of the query.")
        .secured(json!([{}, {"token": []}, {"ticket": []}, {"ticketCookie": []}]))
        .list("channels", channel(), "Only of these channels")
        .query("lastEventId", cursor(), "Where the client was, for one that cannot send the header at its first request")
        .query("since", cursor(), "The same for a client that can read a status: what is no cursor is answered 400")
        .header("Last-Event-ID", cursor(), "Where the client was, as an EventSource sends it")
        .answer(200, "Frames without end", events)
        .empty(204, "The ticket has expired: an EventSource stops for good")
        .problems(&[400, 403])
}

fn cursor() -> Value {
    json!({"type": "string"})
}

fn health() -> Operation {
    let example = json!({"status": "healthy", "connections": 2, "connectionsByIP": {"192.0.2.7": 2}, "timestamp": 1_795_251_600_000_u64});
    let away = json!({"status": "unhealthy", "message": "WebSocket service not initialized"});
    Operation::open(TAG, "getWebsocketHealth", "The clients of `/demo` at this instance")
        .json(200, "It serves", shape("WebsocketHealth"), example)
        .json(503, "It does not serve yet", shape("WebsocketHealth"), away)
}

/// What both requests of Engine.IO have in common; their problems are those of the server.
fn engine(id: &str, problems: &[Problem]) -> Operation {
    let operation = Operation::free(TAG, id, "Socket.IO, by long polling or as a websocket")
        .about("For clients of Socket.IO 4 (Engine.IO 4). What is said is described by the AsyncAPI document. Other methods than GET and POST are answered 400.")
        .query("EIO", json!({"type": "string", "enum": ["4"]}), "The protocol; needed where a session begins")
        .needed("transport", json!({"type": "string", "enum": ["polling", "websocket"]}), "How")
        .query("sid", json!({"type": "string"}), "The session, once there is one");
    problems.iter().fold(operation, |operation, problem| {
        let (status, code, message) = problem.answer();
        operation.also(status.as_u16(), shape("EngineProblem"), message, &json!({"code": code, "message": message}))
    })
}

fn receive() -> Operation {
    let again = "Seconds after which the client may come again";
    engine("socketIoReceive", &Problem::OF_GET)
        .empty(101, "A websocket")
        .answer(200, "Packets: the first of a session, or what waits for the client or comes next", text("text/plain"))
        .or_problem(503, "The same for a websocket that finds no place")
        .tells(503, "Retry-After", again)
}

fn send() -> Operation {
    engine("socketIoSend", &Problem::OF_POST).packets("Packets").answer(
        200,
        "`ok`: the packets were taken",
        text("text/html"),
    )
}

fn text(kind: &str) -> Value {
    let mut content = json!({});
    content[kind] = json!({"schema": {"type": "string"}});
    content
}
