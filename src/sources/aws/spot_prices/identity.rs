//! What tells two rows apart: the natural key (region, zone id, type, product, timestamp) as 128 bits.

use std::fmt::Write as _;

use super::rows::{Row, read_timestamp};
use crate::base::Time;
use crate::lake::draft::fingerprint;

/// The fields that a natural key is made of.
const FIELDS: [&str; 5] =
    ["AvailabilityZoneId", "AvailabilityZone", "InstanceType", "ProductDescription", "Timestamp"];

/// Fingerprints under which a row may be known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// By the zone's id; by its name where the id is not known; by the whole row where its natural key cannot
    /// be read.
    pub own: u128,
    /// By the zone's name: how the row was kept if it was met before the zone's id was known.
    pub by_name: u128,
}

/// The identity of a row whose text is `line`.
pub(super) fn of_row(region: &str, row: &Row, line: &[u8]) -> Identity {
    of_fields(region, FIELDS.map(|name| row.text(name)), line)
}

/// The identity of a row that is stored as `line`; `None` when the line is no row.
pub fn of_line(region: &str, line: &[u8]) -> Option<Identity> {
    of_stored(region, line).map(|stored| stored.natural.unwrap_or_else(|| whole(line)))
}

/// What a stored row says about itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    /// When the price changed, if that can be read.
    pub(super) at: Option<Time>,
    /// Its identity by its natural key, if that can be read.
    pub(super) natural: Option<Identity>,
}

/// Reads a row that is stored as `line`; `None` when the line is no row.
pub(super) fn of_stored(region: &str, line: &[u8]) -> Option<Stored> {
    let row: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).ok()?;
    let text = |name: &str| row.get(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    let at = text("Timestamp").and_then(read_timestamp);
    Some(Stored { at, natural: natural(region, FIELDS.map(text)) })
}

fn of_fields(region: &str, fields: [Option<&str>; 5], line: &[u8]) -> Identity {
    natural(region, fields).unwrap_or_else(|| whole(line))
}

fn whole(line: &[u8]) -> Identity {
    let own = fingerprint(line);
    Identity { own, by_name: own }
}

fn natural(region: &str, fields: [Option<&str>; 5]) -> Option<Identity> {
    let [id, name, Some(kind), Some(product), Some(timestamp)] = fields else { return None };
    // The same moment may be written in several ways.
    let at = read_timestamp(timestamp)?;
    let under = |zone: (&str, &str)| {
        let mut key = String::with_capacity(128);
        let _ = write!(key, "{region}\0{}\0{}\0{kind}\0{product}\0{}", zone.0, zone.1, at.to_rfc3339());
        fingerprint(key.as_bytes())
    };
    match (id, name) {
        (None, None) => None,
        (Some(id), None) => {
            let own = under(("id", id));
            Some(Identity { own, by_name: own })
        }
        (id, Some(name)) => {
            let by_name = under(("name", name));
            Some(Identity { own: id.map_or(by_name, |id| under(("id", id))), by_name })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(line: &str) -> Identity {
        of_line("us-east-1", line.as_bytes()).unwrap()
    }

    const KNOWN: &str = r#"{"AvailabilityZone":"us-east-1a","AvailabilityZoneId":"use1-az1","InstanceType":"m5.large","ProductDescription":"Linux/UNIX","SpotPrice":"0.035000","Timestamp":"2026-11-21T20:00:00.000Z"}"#;

    #[test]
    fn the_price_and_the_spelling_of_the_moment_are_no_identity() {
        let other = KNOWN.replace("0.035000", "0.036000").replace(".000Z", "+00:00");
        assert_eq!(identity(KNOWN), identity(&other));
        for (from, to) in [("m5.large", "m5.xlarge"), ("az1", "az2"), ("UNIX", "X"), ("20:00:00", "20:00:01")]
        {
            assert_ne!(identity(KNOWN).own, identity(&KNOWN.replace(from, to)).own, "{from}");
        }
        assert_ne!(identity(KNOWN).own, of_line("us-east-2", KNOWN.as_bytes()).unwrap().own);
    }

    #[test]
    fn a_row_is_recognised_though_its_zone_id_was_not_known_once() {
        let before = identity(&KNOWN.replace(r#""AvailabilityZoneId":"use1-az1","#, ""));
        assert_ne!(before.own, identity(KNOWN).own);
        assert_eq!(before.own, identity(KNOWN).by_name);
    }

    #[test]
    fn rows_without_a_natural_key_are_told_apart_by_all_they_hold() {
        let odd = KNOWN.replace("2026-11-21T20:00:00.000Z", "yesterday");
        assert_ne!(identity(&odd).own, identity(&odd.replace("0.035000", "0.036000")).own);
        assert_eq!(identity(&odd).own, fingerprint(odd.as_bytes()));
        assert_eq!(of_line("us-east-1", b"[1]"), None);
    }
}
