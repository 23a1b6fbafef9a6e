//! Answers in HTTP/1.1, written without a server. Each is the last on its connection.

use std::time::SystemTime;

use axum::body::Body;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{
    HeaderName, Response, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, DATE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE},
    response::Parts,
};
use http_body_util::{BodyExt as _, Limited};
use tracing::error;

/// Length of an answer at most that is no stream. Those of a stream's path are a few sentences.
const BODY_BYTES: usize = 1024 * 1024;

/// The head of an answer whose body ends with the connection.
pub(super) fn head_of_stream(parts: &Parts) -> Bytes {
    head(parts, None).freeze()
}

/// The head of an answer behind which both sides speak another protocol.
pub(super) fn head_of_upgrade(parts: &Parts) -> Bytes {
    let mut head = head_without_end(parts);
    field(&mut head, CONNECTION.as_str(), b"Upgrade");
    field(&mut head, UPGRADE.as_str(), b"websocket");
    head.extend_from_slice(b"\r\n");
    head.freeze()
}

/// A whole answer with its length.
pub(super) async fn whole(response: Response<Body>) -> Bytes {
    let (mut parts, body) = response.into_parts();
    let body = match Limited::new(body, BODY_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            error!(error = %error, "answer not read");
            parts = Response::new(()).into_parts().0;
            parts.status = StatusCode::INTERNAL_SERVER_ERROR;
            Bytes::new()
        }
    };
    let has_body = !matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut answer = head(&parts, has_body.then_some(body.len()));
    if has_body {
        answer.extend_from_slice(&body);
    }
    answer.freeze()
}

fn head(parts: &Parts, length: Option<usize>) -> BytesMut {
    let mut head = head_without_end(parts);
    if let Some(length) = length {
        field(&mut head, CONTENT_LENGTH.as_str(), length.to_string().as_bytes());
    }
    field(&mut head, CONNECTION.as_str(), b"close");
    head.extend_from_slice(b"\r\n");
    head
}

/// Without what concerns the connection, and without the empty line.
fn head_without_end(parts: &Parts) -> BytesMut {
    let mut head = BytesMut::with_capacity(512);
    head.extend_from_slice(b"HTTP/1.1 ");
    head.extend_from_slice(parts.status.as_str().as_bytes());
    head.put_u8(b' ');
    head.extend_from_slice(parts.status.canonical_reason().unwrap_or_default().as_bytes());
    head.extend_from_slice(b"\r\n");
    for (name, value) in parts.headers.iter().filter(|(name, _)| !is_of_connection(name)) {
        field(&mut head, name.as_str(), value.as_bytes());
    }
    if !parts.headers.contains_key(DATE) {
        field(&mut head, DATE.as_str(), httpdate::fmt_http_date(SystemTime::now()).as_bytes());
    }
    head
}

fn field(head: &mut BytesMut, name: &str, value: &[u8]) {
    head.extend_from_slice(name.as_bytes());
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

/// Said by us, for this connection.
fn is_of_connection(name: &HeaderName) -> bool {
    [CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE].contains(name) || name == "keep-alive"
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn response(status: u16, body: &'static str) -> Response<Body> {
        let date = HeaderValue::from_static("Sat, 21 Nov 2026 11:00:00 GMT");
        let response = Response::builder().status(status).header("x-a", "1").header("x-a", "2").header(DATE, date);
        response.header(TRANSFER_ENCODING, "chunked").header("keep-alive", "3").body(Body::from(body)).unwrap()
    }

    #[test]
    fn a_stream_ends_with_its_connection() {
        let head = head_of_stream(&response(200, "").into_parts().0);
        assert_eq!(
            head,
            "HTTP/1.1 200 OK\r\nx-a: 1\r\nx-a: 2\r\ndate: Sat, 21 Nov 2026 11:00:00 GMT\r\nconnection: close\r\n\r\n"
        );
    }

    #[test]
    fn an_accepted_websocket_has_no_length_and_stays() {
        let head = head_of_upgrade(&response(101, "").into_parts().0);
        assert_eq!(
            head,
            "HTTP/1.1 101 Switching Protocols\r\nx-a: 1\r\nx-a: 2\r\ndate: Sat, 21 Nov 2026 11:00:00 GMT\r\n\
             connection: Upgrade\r\nupgrade: websocket\r\n\r\n"
        );
    }

    #[tokio::test]
    async fn any_other_answer_has_its_length() {
        let answer = whole(response(400, "no")).await;
        assert_eq!(
            answer,
            "HTTP/1.1 400 Bad Request\r\nx-a: 1\r\nx-a: 2\r\ndate: Sat, 21 Nov 2026 11:00:00 GMT\r\n\
             content-length: 2\r\nconnection: close\r\n\r\nno"
        );
    }

    #[tokio::test]
    async fn an_answer_without_content_has_no_length() {
        let answer = String::from_utf8(whole(response(204, "")).await.to_vec()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 204 No Content\r\n") && !answer.contains("content-length"), "{answer}");
    }

    #[tokio::test]
    async fn an_answer_that_has_no_date_gets_one() {
        let mut response = response(200, "");
        response.headers_mut().remove(DATE);
        let answer = String::from_utf8(whole(response).await.to_vec()).unwrap();
        assert_eq!(answer.matches("\r\ndate: ").count(), 1, "{answer}");
    }

    #[tokio::test]
    async fn an_answer_without_bounds_becomes_an_error() {
        let long = Body::from(vec![b'x'; BODY_BYTES + 1]);
        let answer = String::from_utf8(whole(Response::new(long)).await.to_vec()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains("content-length: 0\r\n"), "{answer}");
    }
}
