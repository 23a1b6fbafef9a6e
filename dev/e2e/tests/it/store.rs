//! Postgres beside others: what is locked, and what an earlier version wrote.

mod locks;
mod migrations;
