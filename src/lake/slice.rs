//! Slices: the smallest things that are fetched whole. `lake::key` turns each into its key and back.

use std::fmt;

use chrono::{NaiveDate, NaiveDateTime};

use super::interval::Interval;
use crate::base::clock::midnight;
use crate::base::name::NameError;
use crate::base::{Date, Name, Time};

/// One independently collected series of a dataset: a region, an offer in a region, a price type.
///
/// The parts are ordered: they become the directories below `dt=`, as `part=value`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stream {
    dataset: Name,
    parts: Vec<(Name, Name)>,
}

impl Stream {
    /// The series of `dataset` that `parts` tell apart; fails when a value cannot be in a key.
    pub fn new(dataset: &str, parts: &[(&str, &str)]) -> Result<Self, NameError> {
        let parts = parts
            .iter()
            .map(|(part, value)| Ok((Name::new("part", part)?, Name::new(part, value)?)))
            .collect::<Result<_, NameError>>()?;
        Ok(Self { dataset: Name::new("dataset", dataset)?, parts })
    }

    /// The dataset that the series belongs to.
    pub fn dataset(&self) -> &Name {
        &self.dataset
    }

    /// The parts in the order in which they stand in a key.
    pub fn parts(&self) -> &[(Name, Name)] {
        &self.parts
    }

    /// The value of one part.
    pub fn part(&self, name: &str) -> Option<&str> {
        self.parts.iter().find(|(part, _)| part.as_str() == name).map(|(_, value)| value.as_str())
    }

    /// The parts as they stand in a key: `offer=AmazonEC2/region=us-east-1`.
    pub fn path(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(|(part, value)| format!("{part}={value}")).collect();
        parts.join("/")
    }
}

/// `aws_spot_prices region=us-east-1`.
impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.dataset)?;
        self.parts.iter().try_for_each(|(part, value)| write!(f, " {part}={value}"))
    }
}

/// A version as an upstream names it: 8 to 20 digits that start with a date, `20250523232744`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    // The date first, so that versions order as time does even if their lengths differ.
    published: Date,
    digits: String,
}

/// The text names no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version {0:?} is not 8 to 20 digits that start with a date")]
pub struct VersionError(String);

impl Version {
    /// Checks that `text` is a version.
    pub fn new(text: &str) -> Result<Self, VersionError> {
        let error = || VersionError(text.chars().take(80).collect());
        if !(8..=20).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error());
        }
        let published =
            text.get(..8).and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok()).ok_or_else(error)?;
        Ok(Self { published, digits: text.to_owned() })
    }

    /// The day on which the upstream published it, as the version says.
    pub fn published(&self) -> Date {
        self.published
    }

    /// When the upstream published it, to the second where the version says so.
    pub fn published_at(&self) -> Time {
        let digits = self.digits.get(..14);
        let exact = digits.and_then(|digits| NaiveDateTime::parse_from_str(digits, "%Y%m%d%H%M%S").ok());
        // A leap second is the second before it and a fraction, and nothing here knows fractions.
        let whole = exact.and_then(|exact| Time::from_timestamp(exact.and_utc().timestamp(), 0));
        whole.unwrap_or_else(|| midnight(self.published))
    }

    /// The version as the upstream writes it.
    pub fn as_str(&self) -> &str {
        &self.digits
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.digits)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.digits)
    }
}

/// What is inside an object, before gzip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// One JSON value on each line.
    Ndjson,
    /// One JSON document, byte for byte as the upstream sent it.
    Json,
}

impl Format {
    /// The file extension that says so.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Json => "json",
        }
    }
}

/// The smallest thing that is fetched whole, and stored as one object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slice {
    /// What changed in a stretch of time; an upstream with a memory can be asked again.
    Window {
        /// The series.
        stream: Stream,
        /// The stretch of time.
        span: Interval,
    },
    /// What the windows of a day did not bring, because the upstream told it late.
    Audit {
        /// The series.
        stream: Stream,
        /// The day that is proven by it.
        day: Date,
    },
    /// A document that the upstream published under a version.
    Version {
        /// The series.
        stream: Stream,
        /// The version, which carries its date.
        version: Version,
    },
    /// The state of a feed that keeps no history, in one slot of its schedule.
    Slot {
        /// The series.
        stream: Stream,
        /// The start of the slot, on a whole second.
        at: Time,
        /// How the state is written down.
        format: Format,
    },
}

impl Slice {
    /// The series that the slice is a piece of.
    pub fn stream(&self) -> &Stream {
        match self {
            Self::Window { stream, .. }
            | Self::Audit { stream, .. }
            | Self::Version { stream, .. }
            | Self::Slot { stream, .. } => stream,
        }
    }

    /// The day that the slice is filed under, in UTC.
    pub fn day(&self) -> Date {
        match self {
            Self::Window { span, .. } => span.from().date_naive(),
            Self::Audit { day, .. } => *day,
            Self::Version { version, .. } => version.published(),
            Self::Slot { at, .. } => at.date_naive(),
        }
    }

    /// What is inside the slice's object, before gzip.
    pub fn format(&self) -> Format {
        match self {
            Self::Window { .. } | Self::Audit { .. } => Format::Ndjson,
            Self::Version { .. } => Format::Json,
            Self::Slot { format, .. } => *format,
        }
    }

    /// The slice without its stream, for people: `2026-11-21T20:00:00Z..2026-11-21T21:00:00Z`.
    pub fn label(&self) -> String {
        match self {
            Self::Window { span, .. } => span.to_string(),
            Self::Audit { day, .. } => format!("audit of {day}"),
            Self::Version { version, .. } => format!("version {version}"),
            Self::Slot { at, .. } => format!("slot {}", at.format("%Y-%m-%dT%H:%M:%SZ")),
        }
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.stream(), self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_carries_its_date() {
        let version = Version::new("20250523232744").unwrap();
        assert_eq!(version.published().to_string(), "2025-05-23");
        assert!(version > Version::new("20250523000000").unwrap());
        let moment = |text| Version::new(text).unwrap().published_at().to_string();
        assert_eq!(moment("20250523232744"), "2025-05-23 23:27:44 UTC");
        assert_eq!(moment("20250523235960"), "2025-05-23 23:59:59 UTC");
        for text in ["20250523", "2025052323", "20250523996099"] {
            assert_eq!(moment(text), "2025-05-23 00:00:00 UTC", "{text}");
        }
        for text in
            ["", "2025", "20251323000000", "current", "2025-05-23", "../../../etc", "202505232327440000000"]
        {
            assert!(Version::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_stream_refuses_values_that_are_no_key() {
        let error = Stream::new("aws_spot_prices", &[("region", "../../x")]).unwrap_err();
        assert!(error.to_string().contains("region \"../../x\""), "{error}");
    }
}
