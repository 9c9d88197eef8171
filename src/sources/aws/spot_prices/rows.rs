//! The rows of spot history: what an item of the upstream's answer holds, as JSON.
//!
//! Every element is kept, under the name that the AWS CLI gives it, with its text as it came. Nothing here
//! reads XML.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::base::Time;

/// The name of an element or field; borrowed where it is one that every row has.
pub(super) type Name = Cow<'static, str>;

/// What an element holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// Text, entities decoded.
    Text(String),
    /// Elements under their names, in the order of the document; no name twice.
    Fields(Vec<(Name, Node)>),
    /// The contents of a list.
    List(Vec<Node>),
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Fields(fields) => serialize_fields(fields, serializer),
            Self::List(nodes) => serializer.collect_seq(nodes),
        }
    }
}

fn serialize_fields<S: Serializer>(fields: &[(Name, Node)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(fields.len()))?;
    for (name, node) in fields {
        map.serialize_entry(name, node)?;
    }
    map.end()
}

/// One item of the history: a price change of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row(pub(super) Vec<(Name, Node)>);

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_fields(&self.0, serializer)
    }
}

impl Row {
    /// The text of a field; `None` when it is absent, empty or no text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).and_then(|(_, node)| match node {
            Node::Text(text) if !text.is_empty() => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether the zone is told by its name only.
    pub(super) fn lacks_zone_id(&self) -> bool {
        self.text("AvailabilityZoneId").is_none() && self.text("AvailabilityZone").is_some()
    }

    /// Adds the zone's id, beside its name.
    pub(super) fn add_zone_id(&mut self, id: &str) {
        self.0.retain(|(field, _)| field != "AvailabilityZoneId");
        let after_name =
            self.0.iter().position(|(field, _)| field == "AvailabilityZone").map_or(0, |at| at + 1);
        self.0.insert(after_name, (Cow::Borrowed("AvailabilityZoneId"), Node::Text(id.to_owned())));
    }

    /// When the price changed, if that can be read.
    pub(super) fn timestamp(&self) -> Option<Time> {
        self.text("Timestamp").and_then(read_timestamp)
    }

    /// What is odd about the row, if anything: the first field that is absent or unreadable.
    pub(super) fn oddity(&self) -> Option<String> {
        for name in ["AvailabilityZone", "InstanceType", "ProductDescription", "SpotPrice", "Timestamp"] {
            let Some(text) = self.text(name) else { return Some(format!("a row has no {name}")) };
            let readable = match name {
                "SpotPrice" => is_price(text),
                "Timestamp" => read_timestamp(text).is_some(),
                _ => true,
            };
            if !readable {
                let shown: String = text.chars().take(80).collect();
                return Some(format!("a row has the {name} {shown:?}"));
            }
        }
        None
    }
}

/// A moment as the upstream writes it: `2017-07-19T09:15:46.000Z`.
pub(super) fn read_timestamp(text: &str) -> Option<Time> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

/// Decimal digits with at most one point between them: what a table can read as `DECIMAL`.
fn is_price(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[(&'static str, &str)]) -> Row {
        Row(fields
            .iter()
            .map(|(name, text)| (Cow::Borrowed(*name), Node::Text((*text).to_owned())))
            .collect())
    }

    const GOOD: [(&str, &str); 5] = [
        ("AvailabilityZone", "us-east-1a"),
        ("InstanceType", "m5.large"),
        ("ProductDescription", "Linux/UNIX"),
        ("SpotPrice", "0.035000"),
        ("Timestamp", "2026-11-21T20:00:00.000Z"),
    ];

    #[test]
    fn odd_rows_are_told_from_good_ones() {
        assert_eq!(row(&GOOD).oddity(), None);
        for (index, text, told) in [
            (3, "1e-3", "a row has the SpotPrice \"1e-3\""),
            (3, "-0.1", "a row has the SpotPrice \"-0.1\""),
            (3, ".5", "a row has the SpotPrice \".5\""),
            (3, "", "a row has no SpotPrice"),
            (4, "soon", "a row has the Timestamp \"soon\""),
            (0, "", "a row has no AvailabilityZone"),
        ] {
            let mut fields = GOOD;
            fields[index].1 = text;
            assert_eq!(row(&fields).oddity().as_deref(), Some(told));
        }
    }

    #[test]
    fn a_zone_id_stands_beside_its_name() {
        let mut row = row(&[("A", "1"), ("AvailabilityZone", "z"), ("B", "2"), ("AvailabilityZoneId", "")]);
        assert!(row.lacks_zone_id());
        row.add_zone_id("use1-az1");
        assert!(!row.lacks_zone_id());
        let expected = r#"{"A":"1","AvailabilityZone":"z","AvailabilityZoneId":"use1-az1","B":"2"}"#;
        assert_eq!(serde_json::to_string(&row).unwrap(), expected);
    }

    #[test]
    fn a_moment_may_be_written_in_several_ways() {
        let written = ["2019-02-26T08:51:26+00:00", "2019-02-26T08:51:26.000Z", "2019-02-26T09:51:26+01:00"];
        let read: Vec<_> = written.iter().map(|text| read_timestamp(text).unwrap()).collect();
        assert!(read.iter().all(|time| *time == read[0]));
    }
}
