//! A stream of server-sent events as it comes in pieces: its head, chunks if it is chunked, and its frames.

use std::net::SocketAddr;

use anyhow::{Result, bail};
use memchr::memmem;

use super::Protocol;
use super::head::{Head, demand_status, header};

/// A frame that is longer is an error.
const FRAME_LIMIT: usize = 1024 * 1024;

/// Takes the bytes of one connection and gives whole frames.
#[derive(Debug, Default)]
pub(crate) struct Response {
    head: Head,
    body: Option<Body>,
    frames: Frames,
}

#[derive(Debug)]
enum Body {
    Plain,
    Chunked(Chunk),
}

/// Where in a chunked body the next byte stands.
#[derive(Debug)]
enum Chunk {
    /// In the line of a size, whose hexadecimal digits so far are this number.
    Size { size: usize, extension: bool },
    /// In the data, with so many bytes to come.
    Data(usize),
    /// In the line end behind the data.
    End,
}

impl Protocol for Response {
    fn request(server: SocketAddr, path: &str, headers: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nAccept: text/event-stream\r\n{headers}\r\n")
    }

    fn feed(&mut self, bytes: &[u8], _reply: &mut Vec<u8>, frame: impl FnMut(&[u8])) -> Result<()> {
        self.read(bytes, frame)
    }
}

impl Response {
    /// Reads on. `frame` gets each frame that is whole now, with the empty line at its end.
    ///
    /// # Errors
    /// When the status is not 200, the body has ended, or this is no response.
    fn read(&mut self, bytes: &[u8], mut frame: impl FnMut(&[u8])) -> Result<()> {
        let mut rest = bytes;
        if self.body.is_none() {
            let Some((head, behind)) = self.head.feed(bytes)? else { return Ok(()) };
            demand_status(&head, "200")?;
            let chunked = header(&head, "transfer-encoding").is_some_and(|coding| coding.contains("chunked"));
            self.body = Some(if chunked { Body::Chunked(Chunk::START) } else { Body::Plain });
            rest = behind;
        }
        match &mut self.body {
            None => Ok(()),
            Some(Body::Plain) => self.frames.feed(rest, &mut frame),
            Some(Body::Chunked(chunk)) => chunk.feed(rest, &mut |data| self.frames.feed(data, &mut frame)),
        }
    }
}

impl Chunk {
    const START: Self = Self::Size { size: 0, extension: false };

    fn feed(&mut self, mut bytes: &[u8], data: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while let Some((first, rest)) = bytes.split_first() {
            match self {
                Self::Data(left) => {
                    let (now, later) = bytes.split_at(bytes.len().min(*left));
                    data(now)?;
                    *left -= now.len();
                    bytes = later;
                    if *left == 0 {
                        *self = Self::End;
                    }
                }
                Self::End => {
                    if *first == b'\n' {
                        *self = Self::START;
                    }
                    bytes = rest;
                }
                Self::Size { size, extension } => {
                    match *first {
                        b'\n' if *size == 0 => bail!("the server ended the stream"),
                        b'\n' => *self = Self::Data(*size),
                        b';' => *extension = true,
                        b'\r' => {}
                        _ if *extension => {}
                        digit => match (digit as char).to_digit(16) {
                            Some(value) if *size <= usize::MAX >> 8 => *size = *size << 4 | value as usize,
                            _ => bail!("the size of a chunk is no number"),
                        },
                    }
                    bytes = rest;
                }
            }
        }
        Ok(())
    }
}

/// Splits a body at its empty lines.
#[derive(Debug, Default)]
struct Frames {
    partial: Vec<u8>,
}

impl Frames {
    fn feed(&mut self, mut bytes: &[u8], frame: &mut impl FnMut(&[u8])) -> Result<()> {
        if !self.partial.is_empty() {
            match end_of_first(&self.partial, bytes) {
                Some(end) => {
                    self.partial.extend_from_slice(&bytes[..end]);
                    frame(&self.partial);
                    self.partial.clear();
                    bytes = &bytes[end..];
                }
                None if self.partial.len() + bytes.len() > FRAME_LIMIT => {
                    bail!("a frame has more than {FRAME_LIMIT} bytes")
                }
                None => {
                    self.partial.extend_from_slice(bytes);
                    return Ok(());
                }
            }
        }
        let mut start = 0;
        for end in memmem::find_iter(bytes, b"\n\n").map(|end| end + 2) {
            frame(&bytes[start..end]);
            start = end;
        }
        self.partial.extend_from_slice(&bytes[start..]);
        Ok(())
    }
}

/// How many of `bytes` belong to the frame that `partial` began.
fn end_of_first(partial: &[u8], bytes: &[u8]) -> Option<usize> {
    if partial.ends_with(b"\n") && bytes.starts_with(b"\n") {
        return Some(1);
    }
    memmem::find(bytes, b"\n\n").map(|end| end + 2)
}

/// The frame's id, if it has one.
pub(crate) fn id(frame: &[u8]) -> Option<&str> {
    let lines = frame.split(|byte| *byte == b'\n');
    let id = lines.filter_map(|line| line.strip_prefix(b"id:")).next_back()?;
    std::str::from_utf8(id.strip_prefix(b" ").unwrap_or(id)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\nid: 7\ndata: b\ndata: c\n\ndata: d";
    const CHUNKED: &[u8] =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\nB;x=1\r\nid: 7\ndata:\r\nd\r\n b\ndata: c\n\nda\r\n";

    fn frames(pieces: &[&[u8]]) -> Vec<String> {
        let mut response = Response::default();
        let mut frames = Vec::new();
        for piece in pieces {
            response.read(piece, |frame| frames.push(String::from_utf8(frame.to_vec()).unwrap())).unwrap();
        }
        frames
    }

    #[test]
    fn gives_the_same_frames_wherever_the_bytes_are_cut() {
        for bytes in [PLAIN, CHUNKED] {
            for cut in 0..bytes.len() {
                let (first, second) = bytes.split_at(cut);
                assert_eq!(frames(&[first, second]), ["data: a\n\n", "id: 7\ndata: b\ndata: c\n\n"], "cut at {cut}");
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(frames(&single).len(), 2);
        }
    }

    #[test]
    fn refuses_another_status_the_end_of_the_stream_and_what_is_no_size() {
        let refused = |bytes: &[u8]| Response::default().read(bytes, |_| {}).unwrap_err().to_string();
        assert_eq!(refused(b"HTTP/1.1 503 Service Unavailable\r\n\r\n"), "the server answered \"503\"");
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(refused(format!("{chunked}0\r\n").as_bytes()), "the server ended the stream");
        assert_eq!(refused(format!("{chunked}z\r\n").as_bytes()), "the size of a chunk is no number");
    }

    #[test]
    fn finds_the_id_of_a_frame() {
        assert_eq!(id(b"id: a.b\ndata: id: no\n\n"), Some("a.b"));
        assert_eq!(id(b"event:message\nid:x\ndata:1\n\n"), Some("x"));
        assert_eq!(id(b"data: id: no\n\n"), None);
    }
}
