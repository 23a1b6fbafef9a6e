//! Scratch.
#![allow(dead_code, missing_docs)]
mod broadcast;
mod check;
mod cluster;
mod course;
mod cursor;
mod follower;
mod frame;
mod gap;
mod lanes;
mod measures;
mod replay;
mod survey;
mod window;
fn main() {}
