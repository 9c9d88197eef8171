//! Under construction.

/// x
#[derive(Debug)]
pub struct MemoryStore;
