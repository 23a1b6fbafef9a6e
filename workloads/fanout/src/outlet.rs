//! What a connection is written to.

use std::{
    io::{self, IoSlice, Read as _, Write as _},
    net::Shutdown,
};

use bytes::{Bytes, BytesMut};
use mio::net::TcpStream;

use crate::{pipe::PipeWriter, session::Request, shard::Write};

/// Chunks that one call hands to the system.
const SLICES: usize = 64;
/// Bytes that a client of a stream may send: it has nothing to say.
const HEARD: usize = 64 * 1024;

/// What a connection is written to. An idle socket holds no memory of this process but this.
#[derive(Debug)]
pub(crate) enum Outlet {
    /// The client's socket itself.
    Socket(Socket),
    /// The body of an answer that the HTTP server sends.
    Pipe(PipeWriter),
    /// Answers to requests, one after the other.
    Requests(Requests),
}

/// A client that asks for what waits.
#[derive(Debug)]
pub(crate) struct Requests {
    /// The one that is not answered yet.
    request: Option<Request>,
    /// Between two pieces of an answer.
    separator: u8,
}

/// What a client said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// So many bytes.
    Bytes(usize),
    /// Nothing more for now.
    Nothing,
    /// That the connection has ended.
    End,
}

/// A client's socket, and how much the client has said.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    heard: usize,
}

impl Socket {
    /// `stream` must not block.
    pub(crate) fn new(stream: std::net::TcpStream) -> Self {
        Self { stream: TcpStream::from_std(stream), heard: 0 }
    }

    /// Reads what the client sent.
    pub(crate) fn read(&mut self, scratch: &mut [u8]) -> Heard {
        loop {
            match self.stream.read(scratch) {
                Ok(0) => return Heard::End,
                Ok(length) => return Heard::Bytes(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Heard::Nothing,
                Err(_) => return Heard::End,
            }
        }
    }

    /// Drops what the client sent, by way of `scratch`. False when the connection has ended, or the client does not stop talking.
    pub(crate) fn listen(&mut self, scratch: &mut [u8]) -> bool {
        while self.heard <= HEARD {
            match self.read(scratch) {
                Heard::Bytes(length) => self.heard += length,
                Heard::Nothing => return true,
                Heard::End => return false,
            }
        }
        false
    }
}

impl Write for Outlet {
    fn write(&mut self, chunks: &[Bytes]) -> io::Result<usize> {
        match self {
            Self::Socket(socket) => write_vectored(&mut socket.stream, chunks),
            Self::Pipe(pipe) => pipe.write(chunks),
            Self::Requests(requests) => requests.write(chunks),
        }
    }

    fn finish(&mut self) -> bool {
        match self {
            // Fails only on a connection that has ended already.
            Self::Socket(socket) => drop(socket.stream.shutdown(Shutdown::Write)),
            Self::Pipe(pipe) => pipe.finish(),
            Self::Requests(_) => return false,
        }
        true
    }

    fn attend(&mut self, request: Request) {
        if let Self::Requests(requests) = self {
            requests.request = Some(request);
        }
    }
}

impl Requests {
    /// Nobody asks yet.
    pub(crate) const fn new(separator: u8) -> Self {
        Self { request: None, separator }
    }

    /// Answers the request with all pieces. One whose client has left is as none.
    fn write(&mut self, chunks: &[Bytes]) -> io::Result<usize> {
        let Some(request) = self.request.take() else { return Err(io::ErrorKind::WouldBlock.into()) };
        let mut answer = BytesMut::with_capacity(chunks.iter().map(|chunk| chunk.len() + 1).sum());
        for chunk in chunks {
            if !answer.is_empty() {
                answer.extend_from_slice(&[self.separator]);
            }
            answer.extend_from_slice(chunk);
        }
        match request.send(answer.freeze()) {
            Ok(()) => Ok(chunks.iter().map(Bytes::len).sum()),
            Err(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

fn write_vectored(stream: &mut TcpStream, chunks: &[Bytes]) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    for (slice, chunk) in slices.iter_mut().zip(chunks) {
        *slice = IoSlice::new(chunk);
    }
    let slices = &slices[..chunks.len().min(SLICES)];
    loop {
        match stream.write_vectored(slices) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            written => return written,
        }
    }
}
