use super::*;

fn rule() -> Rule {
    Rule { paths: vec!["/events/stream".to_owned()], upgrade_paths: vec!["/socket.io/".to_owned()], bytes: 16 * 1024 }
}

fn read(text: &str) -> Head {
    rule().read(text.as_bytes())
}

fn parts(text: &str) -> Box<Parts> {
    match read(text) {
        Head::Stream(parts) => parts,
        other => panic!("{other:?} of {text:?}"),
    }
}

#[test]
fn a_plain_request_for_a_stream_is_read_whole() {
    let parts = parts(
        "GET /events/stream?types=A%2CB HTTP/1.1\r\nHost: shop.example\r\nAccept: text/event-stream\r\nLast-Event-ID: c7\r\n\
         X-Forwarded-For: 10.0.0.1\r\nx-forwarded-for: 10.0.0.2\r\n\r\n",
    );
    assert_eq!(parts.method, Method::GET);
    assert_eq!(parts.uri, "/events/stream?types=A%2CB");
    assert_eq!(parts.version, Version::HTTP_11);
    assert_eq!(parts.headers["last-event-id"], "c7");
    let forwarded: Vec<_> = parts.headers.get_all("x-forwarded-for").iter().collect();
    assert_eq!(forwarded, ["10.0.0.1", "10.0.0.2"]);
}

#[test]
fn http_1_0_needs_no_host() {
    assert_eq!(parts("GET /events/stream HTTP/1.0\r\n\r\n").version, Version::HTTP_10);
    assert!(matches!(read("GET /events/stream HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), Head::Other));
}

#[test]
fn an_empty_body_is_no_body() {
    parts("GET /events/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn a_plain_request_for_a_websocket_is_read_whole_on_its_own_paths_only() {
    let upgrade = "Host: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n";
    let parts = parts(&format!("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n{upgrade}"));
    assert_eq!(parts.uri, "/socket.io/?EIO=4&transport=websocket");
    for text in [
        format!("GET /events/stream HTTP/1.1\r\n{upgrade}"),
        format!("GET /socket.io/ HTTP/1.0\r\n{upgrade}"),
        format!("GET /socket.io/ HTTP/1.1\r\n{upgrade}behind"),
        "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /socket.io/ HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n".to_owned(),
        "GET /socket.io/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n\r\n".to_owned(),
    ] {
        assert!(matches!(read(&text), Head::Other), "{text:?}");
    }
}

#[test]
fn all_that_is_not_plain_is_left_to_the_server() {
    for text in [
        "POST /events/stream HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD /events/stream HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /events/stream/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /events/strea%6d HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a/events/stream HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /events/stream HTTP/1.1\r\n\r\n",
        "GET /events/stream HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /events/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n",
        "GET /events/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 3\r\n\r\n",
        "GET /events/stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET /events/stream HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "GET /events/stream HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
        "GET /events/stream HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n",
        "GET /events/stream HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
        "GET /events/stream HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /events/stream HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /events/stream\r\n",
        "\u{16}\u{3}\u{1}",
    ] {
        assert!(matches!(read(text), Head::Other), "{text:?}");
    }
}

#[test]
fn a_head_has_at_most_64_fields_and_the_given_bytes() {
    let with_fields = |count: usize| {
        let fields: String = (1..count).map(|number| format!("x-{number}: a\r\n")).collect();
        format!("GET /events/stream HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
    };
    parts(&with_fields(64));
    assert!(matches!(read(&with_fields(65)), Head::Other));

    let of_bytes = |length: usize| {
        let rest = length - "GET /events/stream HTTP/1.1\r\nHost: \r\n\r\n".len();
        format!("GET /events/stream HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(rest))
    };
    parts(&of_bytes(16 * 1024));
    let long = of_bytes(16 * 1024 + 1);
    assert!(matches!(read(&long), Head::Other));
    assert!(matches!(read(&long[..16 * 1024]), Head::Other), "there is nothing left to wait for");
    assert!(matches!(read(&long[..16 * 1024 - 1]), Head::Incomplete));
}

#[test]
fn http_2_is_known_by_its_whole_preface() {
    assert!(matches!(rule().read(PREFACE), Head::Http2));
    assert!(matches!(rule().read(&[PREFACE, b"more"].concat()), Head::Http2));
    for length in 0..PREFACE.len() {
        assert!(matches!(rule().read(&PREFACE[..length]), Head::Incomplete), "{length}");
    }
    assert!(matches!(read("PRI * HTTP/2.0\r\n\r\nXY"), Head::Other));
}
