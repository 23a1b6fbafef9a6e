//! The board of what a process depends on: who answers, who does not, and whether the process itself is up.

mod board;
mod checker;

pub use board::{Board, Dependency, Phase, Snapshot};
pub use checker::watch;
