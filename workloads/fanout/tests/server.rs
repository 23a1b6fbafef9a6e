//! The server with real sockets, on both ways that a stream can take.

#[cfg(test)]
mod server {
    pub(super) mod client;
    pub(super) mod world;

    mod ends;
    mod limits;
    mod sessions;
    mod streams;
}

#[path = "../src/sse/tests/event_source.rs"]
mod event_source;
