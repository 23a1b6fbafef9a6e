//! The stack on a real cluster, driven by real clients. Started by `cargo xtask test`.

mod travelling;
