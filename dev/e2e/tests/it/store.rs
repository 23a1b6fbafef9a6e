//! Postgres beside others: what is locked, what an earlier version wrote, and what nobody can read.

mod dead_letters;
mod locks;
mod migrations;
