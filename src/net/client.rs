//! Under construction.

/// x
#[derive(Debug)]
pub struct Client;
/// x
#[derive(Debug)]
pub struct Download;
/// x
#[derive(Debug)]
pub struct HttpOptions;
/// x
#[derive(Debug)]
pub struct NetError;
/// x
#[derive(Debug)]
pub struct NetErrorKind;
