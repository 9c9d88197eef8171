//! What must hold of every index and price list, whatever is in it. For the fuzzer and the replay of its corpus.

use serde::de::IgnoredAny;

use super::index::{offer_index, region_index, version_index};
use super::json::{Scanner, Visitor};
use super::kind::Kind;
use super::site::{Partition, Site};
use crate::base::Name;
use crate::lake::key::{Key, Parsed};
use crate::lake::slice::{Slice, Version};
use crate::sources::aws::{price_list, savings_plans};

/// Feeds an index of any kind.
///
/// # Panics
///
/// When an index that was accepted leads off its host, or to a key that is none.
pub fn index(json: &[u8]) {
    for kind in [&price_list::KIND, &savings_plans::KIND] {
        index_of(kind, json);
    }
}

fn index_of(kind: &Kind, json: &[u8]) {
    let (Ok(name), Ok(region)) = (Name::new(kind.part, "AmazonEC2"), Name::new("region", "us-east-1")) else {
        return;
    };
    for partition in Partition::ALL {
        let Ok(site) = Site::new(kind.directory, partition, None) else { return };
        for (region, version) in region_index(kind, json, &site, &name).unwrap_or_default().regions {
            assert!(
                version.is_err() || Partition::of_region(&region) == partition,
                "a region in a foreign index"
            );
            check(kind, &site, &name, &region, version.iter());
        }
        let index = version_index(kind, json, &site, &name).unwrap_or_default();
        check(kind, &site, &name, &region, index.versions.iter());
        let _ = offer_index(kind, json, &site);
    }
}

fn check<'a>(
    kind: &Kind,
    site: &Site,
    name: &Name,
    region: &Name,
    versions: impl Iterator<Item = &'a Version>,
) {
    for version in versions {
        let url = site.list(name, version, region);
        assert_eq!(url.origin(), site.offer_index().origin(), "{url} is on another host");
        assert_eq!(
            site.version_in(url.as_str(), name, region).as_ref(),
            Ok(version),
            "{url} names its version"
        );
        let Ok(stream) = kind.stream(name, region) else { return };
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

    fn element(&mut self, _: usize) {}

    fn text(&mut self, _: usize, _: &str) -> Result<(), String> {
        Ok(())
    }
}
