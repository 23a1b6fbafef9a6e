//! The stack on a real cluster, driven by real clients. Started by `cargo xtask test`.

#![expect(clippy::panic, reason = "functions that only tests call fail the test")]

mod admission;
mod bad_input;
mod cache;
mod client;
mod console;
mod deletion;
mod delivery;
mod faults;
mod healing;
mod idleness;
mod interfaces;
mod interruption;
mod isolation;
mod neighbours;
mod operation;
mod ops;
mod presentation;
mod properties;
mod rebuild;
mod refusals;
mod rest;
mod security;
mod store;
mod streams;
mod telemetry;
mod travelling;
mod undecodable;
