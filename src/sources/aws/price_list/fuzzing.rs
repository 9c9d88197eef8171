//! What must hold of every index and price list, whatever is in it. For the fuzzer and the replay of its corpus.

use serde::de::IgnoredAny;

use super::index::{offer_index, region_index, version_index};
use super::json::{Scanner, Visitor};
use super::site::{Partition, Site};
use super::stream;
use crate::base::Name;
use crate::lake::key::{Key, Parsed};
use crate::lake::slice::{Slice, Version};

/// Feeds an index of any kind.
///
/// # Panics
///
/// When an index that was accepted leads off its host, or to a key that is none.
pub fn index(json: &[u8]) {
    let (Ok(offer), Ok(region)) = (Name::new("offer", "AmazonEC2"), Name::new("region", "us-east-1")) else {
        return;
    };
    for partition in Partition::ALL {
        let Ok(site) = Site::new(partition, None) else { return };
        for (region, version) in region_index(json, &site, &offer).unwrap_or_default().regions {
            assert!(
                version.is_err() || Partition::of_region(&region) == partition,
                "a region in a foreign index"
            );
            check(&site, &offer, &region, version.iter());
        }
        let index = version_index(json, &offer).unwrap_or_default();
        check(&site, &offer, &region, index.versions.iter());
    }
    let _ = offer_index(json);
}

fn check<'a>(site: &Site, offer: &Name, region: &Name, versions: impl Iterator<Item = &'a Version>) {
    for version in versions {
        let url = site.price_list(offer, version, region);
        assert_eq!(url.origin(), site.offer_index().origin(), "{url} is on another host");
        assert_eq!(
            site.version_in(url.as_str(), offer, region).as_ref(),
            Ok(version),
            "{url} names its version"
        );
        let Ok(stream) = stream(offer, region) else { return };
        let slice = Slice::Version { stream, version: version.clone() };
        let read = Key::parse(Key::raw(&slice).as_str()).map(|(_, parsed)| parsed);
        assert_eq!(read, Ok(Parsed::Raw(slice)), "a version has a key");
    }
}

/// Feeds a price list.
///
/// # Panics
///
/// When a body is judged otherwise in pieces than whole, or taken although it is no JSON.
pub fn body(json: &[u8]) {
    let whole = accepts(json, json.len());
    assert_eq!(whole, accepts(json, 1), "byte by byte");
    assert_eq!(whole, accepts(json, 7), "in pieces");
    let object = json.trim_ascii_start().starts_with(b"{");
    assert_eq!(whole, object && serde_json::from_slice::<IgnoredAny>(json).is_ok(), "as serde_json judges");
}

fn accepts(json: &[u8], piece: usize) -> bool {
    let mut scanner = Scanner::new(Deaf);
    json.chunks(piece.max(1)).all(|piece| scanner.feed(piece).is_ok()) && scanner.finish().is_ok()
}

/// Hears nothing.
struct Deaf;

impl Visitor for Deaf {
    fn member(&mut self, _: usize, _: &str) {}

    fn text(&mut self, _: usize, _: &str) -> Result<(), String> {
        Ok(())
    }
}
