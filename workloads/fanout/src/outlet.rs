//! What a connection is written to.

use std::{
    io::{self, IoSlice, Read as _, Write as _},
    net::Shutdown,
};

use bytes::Bytes;
use mio::net::TcpStream;

use crate::{pipe::PipeWriter, shard::Write};

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

    /// Drops what the client sent, by way of `scratch`. False when the connection has ended, or the client does not stop talking.
    pub(crate) fn listen(&mut self, scratch: &mut [u8]) -> bool {
        while self.heard <= HEARD {
            match self.stream.read(scratch) {
                Ok(0) => return false,
                Ok(length) => self.heard += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
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
        }
    }

    fn finish(&mut self) {
        match self {
            // Fails only on a connection that has ended already.
            Self::Socket(socket) => drop(socket.stream.shutdown(Shutdown::Write)),
            Self::Pipe(pipe) => pipe.finish(),
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
