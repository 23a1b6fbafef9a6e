//! Handlers.

pub(crate) mod service;
pub(crate) mod stream;
