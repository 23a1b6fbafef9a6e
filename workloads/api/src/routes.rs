//! Handlers, one file for each resource.

pub(crate) mod cache_test;
pub(crate) mod figures;
pub(crate) mod health;
pub(crate) mod notifications;
pub(crate) mod service;
pub(crate) mod stack;
pub(crate) mod stream;
pub(crate) mod tickets;
pub(crate) mod users;
pub(crate) mod websocket;
