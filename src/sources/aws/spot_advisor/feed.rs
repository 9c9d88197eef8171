//! The feed of the Spot Instance Advisor, read as far as it is understood: for each region, operating system and machine
//! how often its spot instances are interrupted and what they save, and what the bands of interruption are.
//!
//! Its shape is that of the recordings of 2020 and of 2025-07: `spot_advisor` holds `{"us-east-1": {"Linux": {"m5.large":
//! {"s": 61, "r": 2}}}}`, `s` being the savings over on demand in percent and `r` the index of a band; `ranges` holds
//! `[{"index": 2, "label": "10-15%", "dots": 2, "max": 16}]`. The order of members is another one in each edition. A piece
//! that is not like that is told as odd, and takes nothing else with it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::members::Members;

/// The member that holds the advice.
const ADVICE: &str = "spot_advisor";
/// The member that says what the bands are.
const BANDS: &str = "ranges";
/// The member that says what the machines are.
const MACHINES: &str = "instance_types";

/// A document that is the feed.
#[derive(Debug)]
pub(crate) struct Feed<'a> {
    members: Members<'a>,
    regions: Members<'a>,
    bands: Vec<Band>,
}

/// Why a document is not the feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It is the beginning of one, at best.
    #[error("it ends after {0} bytes, in the middle of the document")]
    Cut(usize),
    /// It is no JSON, or another document.
    #[error("{0}")]
    Other(String),
}

/// What the feed says of one machine with one operating system in one region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Advice<'f, 'a> {
    /// The region, as AWS writes it.
    pub(crate) region: &'f str,
    /// `Linux` or `Windows`.
    pub(crate) operating_system: &'f str,
    /// The machine.
    pub(crate) instance_type: &'f str,
    said: &'a RawValue,
    bands: &'f [Band],
}

/// A place at which there is no object with advice, but something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoAdvice(pub(crate) String);

/// A piece of advice, as far as it can be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said<'f> {
    /// How often spot instances of the last month were interrupted.
    pub(crate) band: Option<&'f Band>,
    /// What they cost less than on demand, in percent; below zero where they cost more.
    pub(crate) savings: Option<i64>,
    /// What is odd about it, if something is.
    pub(crate) oddity: Option<String>,
}

/// A band of interruption.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Band {
    /// Its index, by which advice refers to it: 0 is the best.
    pub(crate) index: i64,
    /// What people are shown: `5-10%`.
    pub(crate) label: String,
    /// Where it ends, in percent. The feed of 2025 says 11 of `5-10%`, and 22 of `15-20%`.
    max: Option<i64>,
}

impl<'a> Feed<'a> {
    /// The largest document that is taken for the feed, in bytes: nine times that of 2025.
    pub(crate) const MAX_BYTES: usize = 8 << 20;

    /// Reads a document.
    pub(crate) fn read(json: &'a [u8]) -> Result<Self, Fault> {
        let members = Members::of_document(json).map_err(|error| {
            if error.is_eof() {
                Fault::Cut(json.len())
            } else {
                Fault::Other(format!("it is no JSON object: {error}"))
            }
        })?;
        let lacks = |what: String| Fault::Other(what);
        let member = |name: &str| members.get(name).ok_or_else(|| lacks(format!("it has no {name}")));
        let object =
            |name: &str| Members::of(member(name)?).ok_or_else(|| lacks(format!("its {name} is no object")));
        let regions = object(ADVICE)?;
        if regions.is_empty() {
            return Err(lacks(format!("its {ADVICE} names no region")));
        }
        object(MACHINES)?;
        let bands: Vec<&RawValue> = serde_json::from_str(member(BANDS)?.get())
            .map_err(|_| lacks(format!("its {BANDS} is no array")))?;
        let bands = bands.into_iter().filter_map(|band| serde_json::from_str(band.get()).ok()).collect();
        Ok(Self { members, regions, bands })
    }

    /// Hands out all advice, in the order of the document, and where there is something else in its place.
    pub(crate) fn each(&self, mut take: impl FnMut(Result<Advice<'_, 'a>, NoAdvice>)) {
        for (region, systems) in self.regions.iter() {
            let Some(systems) = Members::of(systems) else {
                take(Err(NoAdvice(region.to_owned())));
                continue;
            };
            for (operating_system, machines) in systems.iter() {
                let Some(machines) = Members::of(machines) else {
                    take(Err(NoAdvice(format!("{region} {operating_system}"))));
                    continue;
                };
                for (instance_type, said) in machines.iter() {
                    take(Ok(Advice { region, operating_system, instance_type, said, bands: &self.bands }));
                }
            }
        }
    }

    /// The regions that are named.
    pub(super) fn regions(&self) -> impl Iterator<Item = &str> + use<'_, 'a> {
        self.regions.iter().map(|(region, _)| region)
    }

    /// All members of the document.
    pub(super) fn members(&self) -> &Members<'a> {
        &self.members
    }

    /// Hands out the names of the fields that the document has, each with what it is a field of.
    pub(super) fn each_field(&self, mut take: impl FnMut(&str)) {
        let mut fields = |of: &str, value: &'a RawValue| {
            for (name, _) in Members::of(value).unwrap_or_default().iter() {
                take(&format!("{of}.{name}"));
            }
        };
        self.each(|advice| {
            if let Ok(advice) = advice {
                fields(ADVICE, advice.said);
            }
        });
        let machines = self.members.get(MACHINES).and_then(Members::of).unwrap_or_default();
        machines.iter().for_each(|(_, machine)| fields(MACHINES, machine));
        let bands = self.members.get(BANDS).and_then(|bands| serde_json::from_str(bands.get()).ok());
        let bands: Vec<&RawValue> = bands.unwrap_or_default();
        for band in bands {
            fields(BANDS, band);
        }
        self.members.iter().for_each(|(name, _)| take(name));
    }
}

impl<'f> Advice<'f, '_> {
    /// Where it stands: `us-east-1 Linux m5.large`.
    pub(crate) fn place(&self) -> String {
        format!("{} {} {}", self.region, self.operating_system, self.instance_type)
    }

    /// What it says. What cannot be read is unknown.
    pub(crate) fn said(&self) -> Said<'f> {
        let Some(members) = Members::of(self.said) else {
            return Said { oddity: Some(format!("is no object: {}", shown(self.said))), ..Said::default() };
        };
        let mut oddity = None;
        let mut number = |name: &str| {
            let value = members.get(name);
            let number = value.and_then(|value| value.get().parse::<i64>().ok());
            if number.is_none() {
                let is = value.map_or_else(
                    || "is missing".to_owned(),
                    |value| format!("is no whole number: {}", shown(value)),
                );
                oddity.get_or_insert(format!("{name} {is}"));
            }
            number
        };
        let (savings, index) = (number("s"), number("r"));
        let band = index.and_then(|index| self.bands.iter().find(|band| band.index == index));
        if let (Some(index), None) = (index, band) {
            oddity.get_or_insert(format!("{BANDS} has no band {index}"));
        }
        Said { band, savings, oddity }
    }
}

impl Band {
    /// From and to how many percent it reaches, as its label says; where the label leaves it open, from 0 and up to what
    /// the feed says. What neither says is unknown.
    pub(crate) fn bounds(&self) -> (Option<i64>, Option<i64>) {
        let number = |text: &str| text.trim().parse::<i64>().ok();
        let label = self.label.trim().trim_end_matches('%');
        let (least, most) = if let Some(most) = label.strip_prefix('<') {
            (number(most).map(|_| 0), number(most))
        } else if let Some(least) = label.strip_prefix('>') {
            (number(least), None)
        } else {
            label.split_once('-').map_or((None, None), |(least, most)| (number(least), number(most)))
        };
        (least, most.or(self.max))
    }
}

/// The beginning of a value.
fn shown(value: &RawValue) -> String {
    value.get().chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANDS: &str = r#""ranges":[{"index":0,"label":"<5%","dots":0,"max":5},{"index":1,"label":"5-10%","dots":1,"max":11},{"label":"?"},{"index":4,"label":">20%","dots":4,"max":100}]"#;

    fn document(advice: &str) -> String {
        format!(r#"{{"instance_types":{{}},{BANDS},"spot_advisor":{advice},"global_rate":"<10%"}}"#)
    }

    fn fault(json: &str) -> String {
        Feed::read(json.as_bytes()).unwrap_err().to_string()
    }

    /// Each piece of advice: where, band, savings and what is odd.
    fn told(advice: &str) -> Vec<String> {
        let json = document(advice);
        let feed = Feed::read(json.as_bytes()).unwrap();
        let mut told = Vec::new();
        feed.each(|advice| match advice {
            Ok(advice) => {
                let Said { band, savings, oddity } = advice.said();
                let label = band.map(|band| band.label.as_str());
                told.push(format!("{}: {label:?} {savings:?} {oddity:?}", advice.place()));
            }
            Err(NoAdvice(place)) => told.push(format!("{place}: no object")),
        });
        told
    }

    #[test]
    fn advice_is_told_in_the_order_of_the_document() {
        assert_eq!(
            told(
                r#"{"b":{"Linux":{"m5.large":{"s":61,"r":1},"a\u0031":{"r":4,"s":-62,"x":[1]}}},"a":{"Windows":{"t":{"s":0,"r":0}}}}"#
            ),
            [
                r#"b Linux m5.large: Some("5-10%") Some(61) None"#,
                r#"b Linux a1: Some(">20%") Some(-62) None"#,
                r#"a Windows t: Some("<5%") Some(0) None"#,
            ]
        );
    }

    #[test]
    fn what_is_odd_is_unknown_and_takes_nothing_with_it() {
        assert_eq!(
            told(
                r#"{"a":{"Linux":{"t":{"s":"61%","r":1},"u":{"r":9,"s":61.5},"v":{"s":1},"w":null,"x":{"s":2,"r":7}},"Windows":7},"b":[]}"#
            ),
            [
                r#"a Linux t: Some("5-10%") None Some("s is no whole number: \"61%\"")"#,
                r#"a Linux u: None None Some("s is no whole number: 61.5")"#,
                r#"a Linux v: None Some(1) Some("r is missing")"#,
                r#"a Linux w: None None Some("is no object: null")"#,
                r#"a Linux x: None Some(2) Some("ranges has no band 7")"#,
                "a Windows: no object",
                "b: no object",
            ]
        );
    }

    #[test]
    fn another_document_is_not_the_feed() {
        for (json, says) in [
            ("", "it ends after 0 bytes, in the middle of the document"),
            ("{\"spot_advisor\":{\"a\"", "it ends after 20 bytes, in the middle of the document"),
            ("<html><body>Sign in</body></html>", "it is no JSON object: expected value at line 1 column 1"),
            ("{}", "it has no spot_advisor"),
            (r#"{"message":"Forbidden"}"#, "it has no spot_advisor"),
            (r#"{"spot_advisor":[]}"#, "its spot_advisor is no object"),
            (r#"{"spot_advisor":{}}"#, "its spot_advisor names no region"),
            (r#"{"spot_advisor":{"a":{}}}"#, "it has no instance_types"),
            (r#"{"spot_advisor":{"a":{}},"instance_types":7}"#, "its instance_types is no object"),
            (r#"{"spot_advisor":{"a":{}},"instance_types":{}}"#, "it has no ranges"),
            (r#"{"spot_advisor":{"a":{}},"instance_types":{},"ranges":{}}"#, "its ranges is no array"),
        ] {
            assert_eq!(fault(json), says, "{json}");
        }
        for json in ["[]", "7", "null", "\u{1f}\u{8b}", "{} {}", "{\"a\":01}"] {
            assert!(fault(json).starts_with("it is no JSON object: "), "{json}");
        }
    }

    #[test]
    fn every_beginning_is_cut() {
        let whole = document(r#"{"a":{"Linux":{"t":{"s":1,"r":0}}}}"#);
        assert!(Feed::read(whole.as_bytes()).is_ok());
        for length in 0..whole.len() {
            let json = &whole.as_bytes()[..length];
            assert_eq!(Feed::read(json).err(), Some(Fault::Cut(length)));
        }
    }

    #[test]
    fn a_band_reaches_as_far_as_its_label_says() {
        let bounds = |label: &str, max| Band { index: 0, label: label.to_owned(), max }.bounds();
        for (label, max, expected) in [
            ("<5%", Some(5), (Some(0), Some(5))),
            ("5-10%", Some(11), (Some(5), Some(10))),
            ("15-20%", Some(22), (Some(15), Some(20))),
            (">20%", Some(100), (Some(20), Some(100))),
            (">20%", None, (Some(20), None)),
            ("often", Some(7), (None, Some(7))),
            ("<often", None, (None, None)),
            ("", None, (None, None)),
        ] {
            assert_eq!(bounds(label, max), expected, "{label}");
        }
    }

    #[test]
    fn the_fields_of_all_pieces_are_told() {
        let json = document(r#"{"a":{"Linux":{"t":{"s":1,"r":0},"u":{"s":1,"new":0}}}}"#)
            .replace("\"instance_types\":{}", "\"instance_types\":{\"t\":{\"cores\":2}}");
        let mut fields = std::collections::BTreeSet::new();
        Feed::read(json.as_bytes()).unwrap().each_field(|field| {
            fields.insert(field.to_owned());
        });
        let told: Vec<&str> = fields.iter().map(String::as_str).collect();
        assert_eq!(
            told,
            [
                "global_rate",
                "instance_types",
                "instance_types.cores",
                "ranges",
                "ranges.dots",
                "ranges.index",
                "ranges.label",
                "ranges.max",
                "spot_advisor",
                "spot_advisor.new",
                "spot_advisor.r",
                "spot_advisor.s",
            ]
        );
    }
}
