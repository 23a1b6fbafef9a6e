//! A Socket.IO client over a websocket (Engine.IO 4, Socket.IO 5), in the namespace `/`: it connects, answers pings, and hears events.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};

use super::Protocol;
use super::head::{Head, demand_status, header};

/// A frame that is longer is an error.
const FRAME_LIMIT: usize = 1024 * 1024;
/// The example of RFC 6455, section 1.3, with its answer in lower case.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pplmbitxaq9kygzzhzrbk+xoo=";

/// Takes the bytes of one connection. Gives the answer to its CONNECT, events, and pings, which it answers, each as the text of its message.
#[derive(Debug, Default)]
pub(crate) struct SocketIo {
    head: Head,
    is_open: bool,
    partial: Vec<u8>,
}

impl Protocol for SocketIo {
    fn request(server: SocketAddr, path: &str, headers: &str) -> String {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{headers}\r\n"
        )
    }

    fn feed(&mut self, bytes: &[u8], reply: &mut Vec<u8>, mut frame: impl FnMut(&[u8])) -> Result<()> {
        let mut bytes = bytes;
        if !self.is_open {
            let Some((head, behind)) = self.head.feed(bytes)? else { return Ok(()) };
            demand_status(&head, "101")?;
            if header(&head, "sec-websocket-accept") != Some(ACCEPT) {
                bail!("the server did not accept the key of the websocket");
            }
            self.is_open = true;
            bytes = behind;
        }
        if !self.partial.is_empty() {
            let mut partial = std::mem::take(&mut self.partial);
            partial.extend_from_slice(bytes);
            let rest = read(&partial, reply, &mut frame)?;
            partial.drain(..partial.len() - rest);
            self.partial = partial;
            return Ok(());
        }
        let rest = read(bytes, reply, &mut frame)?;
        self.partial.extend_from_slice(&bytes[bytes.len() - rest..]);
        Ok(())
    }
}

/// Reads all whole frames; gives how many bytes are left.
fn read(mut bytes: &[u8], reply: &mut Vec<u8>, frame: &mut impl FnMut(&[u8])) -> Result<usize> {
    while let Some((opcode, start, length)) = header_of(bytes)? {
        let Some(payload) = bytes.get(start..start + length) else { break };
        match opcode {
            TEXT => hear(payload, reply, frame)?,
            CLOSE => bail!("the server closed the websocket: {}", String::from_utf8_lossy(payload)),
            PING => say(PONG, payload, reply)?,
            PONG => {}
            other => bail!("the server sent a frame of type {other}"),
        }
        bytes = &bytes[start + length..];
    }
    Ok(bytes.len())
}

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Type, start and length of the first frame's payload; none while the header is not whole.
fn header_of(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    if first & 0xf0 != 0x80 || second & 0x80 != 0 {
        bail!("the server sent a frame in parts, compressed or masked");
    }
    let (start, length) = match (*second, rest) {
        (126, [high, low, ..]) => (4, u64::from(u16::from_be_bytes([*high, *low]))),
        (127, [a, b, c, d, e, f, g, h, ..]) => (10, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h])),
        (126 | 127, _) => return Ok(None),
        (length, _) => (2, u64::from(length)),
    };
    let length = usize::try_from(length).ok().filter(|length| *length <= FRAME_LIMIT);
    Ok(Some((first & 0x0f, start, length.context("the server sent a frame that is too long")?)))
}

/// One Engine.IO packet, and the Socket.IO packet in it.
fn hear(packet: &[u8], reply: &mut Vec<u8>, frame: &mut impl FnMut(&[u8])) -> Result<()> {
    match packet {
        [b'0', ..] => say(TEXT, b"40", reply)?,
        [b'2', rest @ ..] => {
            say(TEXT, &[b"3", rest].concat(), reply)?;
            frame(packet);
        }
        [b'4', b'0' | b'2', ..] => frame(packet),
        [b'6', ..] => {}
        _ => bail!("the server sent {:?}", String::from_utf8_lossy(packet)),
    }
    Ok(())
}

/// Appends one frame, with the mask that a client's frame must have. All zeros are one.
fn say(opcode: u8, payload: &[u8], reply: &mut Vec<u8>) -> Result<()> {
    let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126);
    let length = length.context("the server wants an answer that is too long")?;
    reply.extend_from_slice(&[0x80 | opcode, 0x80 | length, 0, 0, 0, 0]);
    reply.extend_from_slice(payload);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Vec<u8> {
        let head = format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n");
        let mut bytes = head.into_bytes();
        let long = format!("42[\"notification\",{{\"message\":\"{}\"}}]", "x".repeat(300));
        for text in ["0{\"sid\":\"a\"}", "40{\"sid\":\"b\"}", "2", &long, "42[\"pong\"]"] {
            let length = u16::try_from(text.len()).unwrap();
            if length < 126 {
                bytes.extend_from_slice(&[0x81, text.len().try_into().unwrap()]);
            } else {
                bytes.extend_from_slice(&[0x81, 126]);
                bytes.extend_from_slice(&length.to_be_bytes());
            }
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    #[test]
    fn hears_and_answers_the_same_wherever_the_bytes_are_cut() {
        let bytes = session();
        for cut in 0..bytes.len() {
            let (mut client, mut reply, mut frames) = (SocketIo::default(), Vec::new(), Vec::new());
            for piece in [&bytes[..cut], &bytes[cut..]] {
                client.feed(piece, &mut reply, |frame| frames.push(frame[..2.min(frame.len())].to_vec())).unwrap();
            }
            assert_eq!(frames, [&b"40"[..], b"2", b"42", b"42"], "cut at {cut}");
            assert_eq!(reply, b"\x81\x82\0\0\0\x0040\x81\x81\0\0\0\x003", "cut at {cut}");
            assert!(client.partial.is_empty());
        }
    }

    #[test]
    fn a_refusal_and_an_end_are_errors() {
        let refused = |bytes: &[u8]| {
            let mut client = SocketIo { is_open: true, ..SocketIo::default() };
            client.feed(bytes, &mut Vec::new(), |_| {}).unwrap_err().to_string()
        };
        assert_eq!(refused(b"\x81\x0344x"), "the server sent \"44x\"");
        assert_eq!(refused(b"\x88\x00"), "the server closed the websocket: ");
        assert!(refused(b"\x01\x0240").contains("in parts"));
        let answer = SocketIo::default().feed(b"HTTP/1.1 400 Bad Request\r\n\r\n", &mut Vec::new(), |_| {});
        assert_eq!(answer.unwrap_err().to_string(), "the server answered \"400\"");
    }
}
