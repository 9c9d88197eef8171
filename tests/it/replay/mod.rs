//! Real input: recorded answers of the upstreams, served through real HTTP and crawled by the real crawler into
//! every kind of store. Everything that went in comes out, once.
//!
//! The recordings are not part of the project. Where they are absent, small payloads that were written for it
//! (`tests/fixtures/`) tell the same stories.

mod azure;
mod price_lists;
mod recordings;
mod spot;
mod spot_advisor;

use std::path::Path;

use crate::support::place::Place;

/// Everything that was recorded, each dataset crawled at its own time into a lake of its own in a directory. `None`
/// where there are no recordings.
pub(crate) async fn recorded_lakes() -> Option<[Place; 3]> {
    let lakes = [Place::directory().await, Place::directory().await, Place::directory().await];
    let [spot, price_lists, azure] = &lakes;
    spot::crawl_recorded(spot).await?;
    price_lists::crawl_recorded(price_lists).await?;
    azure::crawl_recorded(azure).await?;
    Some(lakes)
}

/// The payload at `path` that was written for the project.
fn fixture(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
