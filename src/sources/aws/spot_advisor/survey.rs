//! What a document tells of itself when all of it was seen: how much there is, what is odd, and a fingerprint by which an
//! edition that says the same is known, in whatever order it says it. Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::feed::{Fault, Feed, NoAdvice};
use super::members::Members;
use crate::lake::draft::fingerprint;
use crate::sources::{Fields, Warnings};

/// How deep a document is descended into: as deep as the feed is, and a little more. What lies below is compared as it
/// stands.
const DEPTH: usize = 6;

/// What a document tells of itself.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// How many pieces of advice there are.
    pub(super) rows: u64,
    /// The fingerprint of what it says: equal documents have equal ones, whatever the order of their members.
    pub(super) rows_hash: u128,
    /// The regions that it names.
    pub(super) regions: BTreeSet<String>,
    /// The names of its fields.
    pub(super) fields: Fields,
    /// What is odd about it.
    pub(super) warnings: Warnings,
}

impl Survey {
    /// Reads a document.
    pub(super) fn of(json: &[u8]) -> Result<Self, Fault> {
        let feed = Feed::read(json)?;
        let mut survey = Self { regions: feed.regions().map(str::to_owned).collect(), ..Self::default() };
        feed.each(|advice| match advice {
            Ok(advice) => {
                survey.rows += 1;
                if let Some(oddity) = advice.said().oddity {
                    survey.warnings.add(|| format!("{}: {oddity}", advice.place()));
                }
            }
            Err(NoAdvice(place)) => survey.warnings.add(|| format!("{place}: is no object")),
        });
        feed.each_field(|field| survey.fields.note(field));
        add_members(feed.members(), &mut String::new(), 0, &mut survey.rows_hash);
        Ok(survey)
    }
}

/// Adds each value that is within an object, with the way to it.
fn add_members(members: &Members<'_>, way: &mut String, depth: usize, sum: &mut u128) {
    let here = way.len();
    for (name, value) in members.iter() {
        // No name can be taken for another one with its neighbour.
        let _ = write!(way, "{}:{name}/", name.len());
        add(value, way, depth + 1, sum);
        way.truncate(here);
    }
}

/// Elements of an array stand in an order that says something.
fn add_elements(elements: &[&RawValue], way: &mut String, depth: usize, sum: &mut u128) {
    let here = way.len();
    for (index, value) in elements.iter().enumerate() {
        let _ = write!(way, "{index}/");
        add(value, way, depth + 1, sum);
        way.truncate(here);
    }
}

fn add(value: &RawValue, way: &mut String, depth: usize, sum: &mut u128) {
    if depth < DEPTH {
        if let Some(members) = Members::of(value).filter(|members| !members.is_empty()) {
            return add_members(&members, way, depth, sum);
        }
        let elements: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
        if !elements.is_empty() {
            return add_elements(&elements, way, depth, sum);
        }
    }
    let here = way.len();
    way.push_str(value.get());
    *sum = sum.wrapping_add(fingerprint(way.as_bytes()));
    way.truncate(here);
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: &str = r#"{"instance_types":{"t":{"cores":2,"ram_gb":8.0,"emr":true},"u":{"cores":4}},
        "ranges":[{"index":0,"label":"<5%","max":5},{"index":1,"label":"5-10%","max":11}],
        "spot_advisor":{"a":{"Linux":{"t":{"s":61,"r":1},"u":{"s":7,"r":0}},"Windows":{}},"b":{"Linux":{"t":{"s":61,"r":0}}}},
        "global_rate":"<10%"}"#;

    fn survey(json: &str) -> Survey {
        Survey::of(json.as_bytes()).unwrap()
    }

    #[test]
    fn advice_is_counted_and_what_is_odd_told() {
        let sound = survey(FEED);
        assert_eq!((sound.rows, sound.warnings), (3, Warnings::default()));
        assert!(sound.regions.iter().eq(["a", "b"]));
        let odd = survey(&FEED.replace("\"s\":7", "\"s\":null").replace("{\"t\":{\"s\":61,\"r\":0}}", "1"));
        assert_eq!((odd.rows, odd.warnings.count), (2, 2));
        assert_eq!(odd.warnings.samples, ["a Linux u: s is no whole number: null", "b Linux: is no object"]);
    }

    #[test]
    fn an_edition_that_says_the_same_in_another_order_is_the_same() {
        let other = r#"{"global_rate":"<10%","spot_advisor":{"b":{"Linux":{"t":{"r":0,"s":61}}},
            "a":{"Windows":{},"Linux":{"u":{"r":0,"s":7},"t":{"r":1,"s":61}}}},
            "ranges": [ {"label":"<5%", "index":0,"max":5},{"index":1,"label":"5-10%","max":11} ],
            "instance_types":{"u":{"cores":4},"t":{"emr":true,"cores":2,"ram_gb":8.0}}}"#;
        assert_eq!(survey(FEED).rows_hash, survey(other).rows_hash);
    }

    #[test]
    fn whatever_else_it_says_makes_it_another_one() {
        for (from, to) in [
            ("\"s\":61,\"r\":1", "\"s\":61,\"r\":0"),
            ("\"s\":61,\"r\":1", "\"s\":1,\"r\":61"),
            ("\"s\":7", "\"s\":\"7\""),
            ("\"Windows\":{}", "\"Windows\":{\"t\":{}}"),
            (",\"Windows\":{}", ""),
            ("\"b\":", "\"c\":"),
            ("\"cores\":4", "\"cores\":4,\"gpus\":1"),
            ("\"max\":11", "\"max\":10"),
            ("<10%", "<5%"),
            ("\"max\":5},", "\"max\":5},{},"),
            ("\"global_rate\"", "\"new\":null,\"global_rate\""),
        ] {
            assert!(FEED.contains(from), "{from}");
            assert_ne!(survey(FEED).rows_hash, survey(&FEED.replace(from, to)).rows_hash, "{from} to {to}");
        }
    }

    #[test]
    fn a_document_of_any_depth_is_read() {
        let deep = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
        let json = FEED.replace("\"<10%\"", &deep);
        assert_eq!(survey(&json).rows, 3);
    }
}
