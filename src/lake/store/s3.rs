//! Under construction.

/// x
#[derive(Debug)]
pub struct S3Store;
/// x
#[derive(Debug)]
pub struct S3Options;
/// x
#[derive(Debug)]
pub struct Sse;
