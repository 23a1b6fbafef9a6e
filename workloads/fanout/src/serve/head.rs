//! The head of a request, read without a server: only to see whether it asks for a stream or a websocket in the plain
//! way.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version,
    header::{CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE},
    request::Parts,
};

/// Header fields that a head of ours has at most.
const FIELDS: usize = 64;
/// How a connection of HTTP/2 begins (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What the first bytes of a connection are.
#[derive(Debug)]
pub enum Head {
    /// More bytes are needed to say it.
    Incomplete,
    /// A whole plain request for a stream or a websocket.
    Stream(Box<Parts>),
    /// HTTP/2 with prior knowledge.
    Http2,
    /// Anything else, also what is malformed: the full server answers it.
    Other,
}

/// What a head may be to ask for a stream or a websocket in the plain way.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Paths of streams, as they stand in a request.
    pub paths: Vec<String>,
    /// Paths on which a websocket may be asked for.
    pub upgrade_paths: Vec<String>,
    /// Length of a head at most.
    pub bytes: usize,
}

impl Rule {
    /// Says what `received` is: everything that the connection has sent so far. The answer depends on these bytes alone, so how they
    /// were split on their way does not matter. Every beginning of a [`Head::Stream`] is [`Head::Incomplete`].
    pub fn read(&self, received: &[u8]) -> Head {
        if let Some(head) = preface(received) {
            return head;
        }
        if received.len() > self.bytes {
            return Head::Other;
        }
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        match request.parse(received) {
            // At its bound without an end: it will be too long.
            Ok(httparse::Status::Partial) if received.len() == self.bytes => Head::Other,
            Ok(httparse::Status::Partial) => Head::Incomplete,
            Ok(httparse::Status::Complete(length)) if length == received.len() => {
                self.stream(&request).map_or(Head::Other, |parts| Head::Stream(Box::new(parts)))
            }
            Ok(httparse::Status::Complete(_)) | Err(_) => Head::Other,
        }
    }

    fn stream(&self, request: &httparse::Request<'_, '_>) -> Option<Parts> {
        let target = request.path.filter(|target| target.starts_with('/'))?;
        let uri = Uri::try_from(target).ok()?;
        let is_one_of = |paths: &[String]| paths.iter().any(|path| path == uri.path());
        let (may_stream, may_upgrade) = (is_one_of(&self.paths), is_one_of(&self.upgrade_paths));
        if !may_stream && !may_upgrade {
            return None;
        }
        let version = match request.version? {
            0 => Version::HTTP_10,
            1 => Version::HTTP_11,
            _ => return None,
        };
        let headers = header_map(request.headers)?;
        let fits = match headers.contains_key(UPGRADE) {
            true => may_upgrade && version == Version::HTTP_11 && asks_for_websocket(&headers),
            false => may_stream,
        };
        if request.method? != Method::GET.as_str() || !fits || !is_plain(&headers, version) {
            return None;
        }
        let mut parts = Request::new(()).into_parts().0;
        (parts.uri, parts.version, parts.headers) = (uri, version, headers);
        Some(parts)
    }
}

fn preface(received: &[u8]) -> Option<Head> {
    if received.starts_with(PREFACE) {
        return Some(Head::Http2);
    }
    PREFACE.starts_with(received).then_some(Head::Incomplete)
}

fn header_map(fields: &[httparse::Header<'_>]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(field.value).ok()?);
    }
    Some(headers)
}

/// Whether the request is for a websocket (RFC 6455, section 4.1), and nothing else.
pub(super) fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(UPGRADE).iter();
    let first = protocols.next().is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"));
    first && protocols.next().is_none()
}

/// Nothing follows the head, and nothing but a websocket is to be negotiated. A request of HTTP/1.1 names its host exactly once (RFC 9112, section 3.2).
fn is_plain(headers: &HeaderMap, version: Version) -> bool {
    let hosts = headers.get_all(HOST).iter().count();
    let names_host = hosts == 1 || (hosts == 0 && version == Version::HTTP_10);
    let has_body =
        headers.contains_key(TRANSFER_ENCODING) || headers.get_all(CONTENT_LENGTH).iter().any(|length| length != "0");
    names_host && !has_body && !headers.contains_key(EXPECT)
}

#[cfg(test)]
mod tests;
