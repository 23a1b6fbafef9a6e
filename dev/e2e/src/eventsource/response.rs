//! The answer that carries a stream, as it comes in pieces.

use super::parser::{Parser, Signal};

/// A head that is longer is an error.
const HEAD_LIMIT: usize = 16 * 1024;

/// Takes the bytes of one connection.
#[derive(Debug, Default)]
pub struct Response {
    head: Vec<u8>,
    body: Option<Body>,
    parser: Parser,
}

#[derive(Debug)]
enum Body {
    /// Until the connection ends.
    Plain,
    Chunked(Chunks),
}

/// A body in chunks.
#[derive(Debug, Default)]
struct Chunks {
    line: Vec<u8>,
    /// Bytes of the chunk that are still to come.
    data: usize,
    /// The line end behind a chunk's data is still to come.
    behind: bool,
    /// The last chunk was there; what stands behind it says nothing.
    ended: bool,
}

/// Why the client does not come back.
pub type Refusal = String;

impl Response {
    /// Reads on.
    ///
    /// # Errors
    /// When it is no event stream: the client gives up for good then.
    pub fn feed(&mut self, bytes: &[u8], mut signal: impl FnMut(Signal)) -> Result<(), Refusal> {
        let Some(body) = &mut self.body else {
            self.head.extend_from_slice(bytes);
            let Some(end) = self.head.windows(4).position(|window| window == b"\r\n\r\n") else {
                return if self.head.len() > HEAD_LIMIT { Err("the head does not end".to_owned()) } else { Ok(()) };
            };
            let rest = self.head.split_off(end + 4);
            self.body = Some(body(&String::from_utf8_lossy(&self.head))?);
            return if rest.is_empty() { Ok(()) } else { self.feed(&rest, signal) };
        };
        match body {
            Body::Plain => self.parser.feed(bytes, &mut signal),
            Body::Chunked(chunks) => {
                let mut rest = bytes;
                while !rest.is_empty() && !chunks.ended {
                    let (now, later) = rest.split_at(rest.len().min(chunks.data));
                    self.parser.feed(now, &mut signal);
                    chunks.data -= now.len();
                    chunks.behind |= !now.is_empty() && chunks.data == 0;
                    rest = if now.is_empty() { chunks.size_line(later)? } else { later };
                }
            }
        }
        Ok(())
    }

    /// Whether the stream has begun.
    pub const fn is_open(&self) -> bool {
        self.body.is_some()
    }
}

impl Chunks {
    /// Reads a size, or the line end behind a chunk; gives what stands behind it.
    fn size_line<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], Refusal> {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            self.line.extend_from_slice(rest);
            return Ok(&[]);
        };
        self.line.extend_from_slice(&rest[..end]);
        let text = String::from_utf8_lossy(&std::mem::take(&mut self.line)).trim().to_owned();
        if std::mem::take(&mut self.behind) {
            return if text.is_empty() { Ok(&rest[end + 1..]) } else { Err(format!("{text:?} stands behind a chunk")) };
        }
        let size = text.split(';').next().unwrap_or_default();
        self.data = usize::from_str_radix(size, 16).map_err(|_| format!("{text:?} is no size of a chunk"))?;
        self.ended = self.data == 0;
        Ok(&rest[end + 1..])
    }
}

fn body(head: &str) -> Result<Body, Refusal> {
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default();
    let field = |wanted: &str| {
        let value = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_ascii_lowercase())
        };
        head.lines().skip(1).find_map(value).unwrap_or_default()
    };
    let kind = field("content-type");
    if status.split(' ').nth(1) != Some("200") || kind.split(';').next().map(str::trim) != Some("text/event-stream") {
        return Err(format!("{status}, {kind}"));
    }
    let chunked = field("transfer-encoding") == "chunked";
    Ok(if chunked { Body::Chunked(Chunks::default()) } else { Body::Plain })
}
