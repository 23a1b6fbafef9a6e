//! Benchmarks of delivery beside peers.
