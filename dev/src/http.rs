//! As much of HTTP/1.1 as the demonstration needs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const CONNECT: Duration = Duration::from_secs(5);

/// Posts JSON and gives status and body.
pub(crate) fn post(address: &str, path: &str, body: &str) -> Result<(u16, String)> {
    let mut stream = connect(address)?;
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .with_context(|| format!("failed to post to {address}{path}"))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).with_context(|| format!("failed to read the answer of {address}{path}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no end of its headers")?;
    Ok((status(head)?, body.to_owned()))
}

/// An open stream of server-sent events.
#[derive(Debug)]
pub(crate) struct EventStream {
    reader: BufReader<TcpStream>,
}

impl EventStream {
    /// Opens the stream; returns when the server has sent its headers.
    pub(crate) fn open(address: &str, path: &str) -> Result<Self> {
        let mut stream = connect(address)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n")
            .with_context(|| format!("failed to open {address}{path}"))?;
        let mut events = Self { reader: BufReader::new(stream) };
        let status = status(&events.line()?)?;
        if status != 200 {
            bail!("{address}{path} answered {status}");
        }
        while !events.line()?.is_empty() {}
        Ok(events)
    }

    /// Reads on until a `data:` line holds the text, and gives that line.
    pub(crate) fn wait_for(&mut self, text: &str, limit: Duration) -> Result<String> {
        let begun = Instant::now();
        while let Some(left) = limit.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
            self.reader.get_ref().set_read_timeout(Some(left)).context("failed to limit the time of a read")?;
            let line = self.line()?;
            if let Some(data) = line.strip_prefix("data:").filter(|data| data.contains(text)) {
                return Ok(data.trim().to_owned());
            }
        }
        bail!("nothing with {text:?} arrived within {} s", limit.as_secs())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.reader.read_line(&mut line).context("failed to read from the stream")?;
        if read == 0 {
            bail!("the stream ended");
        }
        Ok(line.trim_end().to_owned())
    }
}

fn connect(address: &str) -> Result<TcpStream> {
    let target = address.parse().with_context(|| format!("failed to parse the address {address}"))?;
    let stream =
        TcpStream::connect_timeout(&target, CONNECT).with_context(|| format!("failed to connect to {address}"))?;
    stream.set_read_timeout(Some(CONNECT)).context("failed to limit the time of a read")?;
    Ok(stream)
}

fn status(head: &str) -> Result<u16> {
    let number = head.split_whitespace().nth(1).context("the answer has no status line")?;
    number.parse().with_context(|| format!("failed to parse the status {number}"))
}
