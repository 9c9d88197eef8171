//! What a source found missing.

use super::FetchError;
use crate::lake::slice::{Slice, Stream};

/// The outcome of planning one tick of a dataset.
#[derive(Debug, Default)]
pub struct Plan {
    /// Every stream that there is and that is open to us, whether something of it is missing or not.
    pub streams: Vec<Stream>,
    /// What should be fetched now. The crawler decides the order.
    pub wanted: Vec<Slice>,
    /// What the upstream no longer has: to be marked, once.
    pub lost: Vec<Slice>,
    /// Streams that cannot be planned or fetched in this tick, and why.
    pub closed: Vec<(Stream, FetchError)>,
    /// What could not be planned and belongs to no single stream: an index that could not be read, say.
    pub failures: Vec<FetchError>,
    /// What was odd, one sentence each.
    pub warnings: Vec<String>,
}
