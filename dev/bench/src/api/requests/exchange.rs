//! What is asked by REST.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};

use super::Exchange;
use crate::api::notification;
use crate::record;

const PATH: &str = "/api/notifications";

/// Reads of the list, all with the same answer.
#[derive(Default)]
pub(in crate::api) struct List {
    body: Option<Vec<u8>>,
}

impl Exchange for List {
    fn request(&mut self, server: SocketAddr) -> String {
        format!("GET {PATH} HTTP/1.1\r\nHost: {server}\r\nAccept: application/json\r\n\r\n")
    }

    fn status(&self) -> &'static str {
        "200"
    }

    fn check(&mut self, body: &[u8]) -> Result<()> {
        if let Some(first) = &self.body {
            if first.as_slice() == body { return Ok(()) } else { bail!("the list changed while it was read") }
        }
        let list: Vec<serde_json::Value> = serde_json::from_slice(body).context("the list is none")?;
        if list.len() != 50 {
            bail!("the list has {} notifications", list.len());
        }
        self.body = Some(body.to_vec());
        Ok(())
    }
}

/// POSTs, each with its own time in it.
#[derive(Default)]
pub(in crate::api) struct Posts {
    number: u64,
}

impl Exchange for Posts {
    fn request(&mut self, server: SocketAddr) -> String {
        self.number += 1;
        let body = notification::draft(self.number, record::now());
        format!(
            "POST {PATH} HTTP/1.1\r\nHost: {server}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn status(&self) -> &'static str {
        "201"
    }

    fn check(&mut self, body: &[u8]) -> Result<()> {
        if record::sent_at(body).is_none() { bail!("the answer of a POST is not its notification") } else { Ok(()) }
    }
}
