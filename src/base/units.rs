//! Sizes and durations as people write them (`10 GiB`, `90d`, `1h 30m`) and as they are shown.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// A length of time, written `90d`, `1h 30m`, `20s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(pub Duration);

impl Period {
    /// A period of whole seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The period as a difference of two times. Periods are bounded when they are parsed, so this is exact.
    pub fn delta(self) -> TimeDelta {
        TimeDelta::from_std(self.0).unwrap_or(TimeDelta::MAX)
    }
}

/// The text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a length of time; write for example \"90d\", \"12h\", \"1h 30m\" or \"20s\"")]
pub struct PeriodError(String);

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        const CENTURY: Duration = Duration::from_hours(100 * 366 * 24);
        match humantime::parse_duration(text) {
            Ok(duration) if duration <= CENTURY => Ok(Self(duration)),
            _ => Err(PeriodError(text.to_owned())),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut rest, mut separator) = (self.0.as_secs(), "");
        for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
            if rest >= seconds {
                write!(f, "{separator}{}{unit}", rest / seconds)?;
                (rest, separator) = (rest % seconds, " ");
            }
        }
        match self.0.subsec_millis() {
            0 if separator.is_empty() => f.write_str("0s"),
            0 => Ok(()),
            millis => write!(f, "{separator}{millis}ms"),
        }
    }
}

impl TryFrom<String> for Period {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Self, PeriodError> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

/// A number of bytes, written `10 GiB`, `64 MiB`, `500 kB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ByteSize(pub u64);

/// The text is no number of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a size; write for example \"10 GiB\", \"64 MiB\" or \"500 kB\"")]
pub struct ByteSizeError(String);

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        match text.parse::<bytesize::ByteSize>() {
            Ok(size) => Ok(Self(size.as_u64())),
            Err(_) => Err(ByteSizeError(text.to_owned())),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", bytesize::ByteSize(self.0).display().iec())
    }
}

impl TryFrom<String> for ByteSize {
    type Error = ByteSizeError;

    fn try_from(text: String) -> Result<Self, ByteSizeError> {
        text.parse()
    }
}

impl From<ByteSize> for String {
    fn from(size: ByteSize) -> Self {
        size.to_string()
    }
}

/// `1234567` as `1,234,567`: counts in summaries.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 slice`, `1,234 slices`: a count of things whose plural takes an s.
pub fn counted(count: impl TryInto<u64>, thing: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{} {thing}{}", grouped(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_read_back_as_they_are_shown() {
        for (text, shown) in
            [("90d", "90d"), ("1h 30m", "1h 30m"), ("90m", "1h 30m"), ("0s", "0s"), ("24h", "1d")]
        {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.to_string(), shown);
            assert_eq!(period.to_string().parse::<Period>().unwrap(), period);
        }
        assert!("soon".parse::<Period>().is_err());
        assert!("99999999999999d".parse::<Period>().is_err());
    }

    #[test]
    fn sizes_read_back_as_they_are_shown() {
        for text in ["10.0 GiB", "64.0 MiB", "512 B"] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!(size.to_string().parse::<ByteSize>().unwrap(), size);
        }
        assert_eq!("10 GiB".parse::<ByteSize>().unwrap(), ByteSize(10 << 30));
        assert!("many".parse::<ByteSize>().is_err());
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(123_456), "123,456");
    }

    #[test]
    fn one_thing_has_no_plural() {
        let texts = [0_u64, 1, 2, 1_000].map(|count| counted(count, "slice"));
        assert_eq!(texts, ["0 slices", "1 slice", "2 slices", "1,000 slices"]);
    }
}
