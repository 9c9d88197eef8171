//! How one value is read from TOML or from text, and shown again.

use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;

use toml::Value;

use super::error::quoted;
use crate::base::units::{ByteSize, Period};

/// A value as it was given.
#[derive(Debug)]
pub(super) enum Given {
    /// In the file.
    Toml(Value),
    /// In a variable or a flag.
    Text(String),
}

impl Given {
    /// The value as text, if that is what it is.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Toml(value) => value.as_str(),
            Self::Text(text) => Some(text),
        }
    }

    /// The value as an error names it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) | Self::Toml(Value::String(text)) => quoted(text),
            Self::Toml(Value::Array(_)) => "a list".to_owned(),
            Self::Toml(Value::Table(_)) => "a table".to_owned(),
            Self::Toml(value) => value.to_string(),
        }
    }

    /// The value by the `FromStr` of its type.
    pub(super) fn parsed<T: FromStr>(&self) -> Option<T> {
        self.text().and_then(|text| text.trim().parse().ok())
    }
}

/// A type that settings can have.
pub(super) trait Setting: Sized {
    /// What the value must be, for errors: `a list of strings`.
    const EXPECTED: &'static str;
    /// The value, or nothing when it is not [`Self::EXPECTED`].
    fn read(given: &Given) -> Option<Self>;
    /// The value as it would stand in the file.
    fn shown(&self) -> toml::Value;
}

/// Types that are written as text. The text reads back as the same value.
macro_rules! textual {
    ($type:ty, $expected:literal) => {
        impl $crate::config::setting::Setting for $type {
            const EXPECTED: &'static str = $expected;

            fn read(given: &$crate::config::setting::Given) -> Option<Self> {
                given.parsed()
            }

            fn shown(&self) -> toml::Value {
                toml::Value::String(self.to_string())
            }
        }
    };
}
pub(super) use textual;

textual!(Period, "a length of time such as \"90d\", \"1h 30m\" or \"20s\"");
textual!(SocketAddr, "an address and a port such as \"127.0.0.1:9477\"");

impl Setting for ByteSize {
    const EXPECTED: &'static str = "a size such as \"10 GiB\", \"64 MiB\" or \"500 kB\"";

    fn read(given: &Given) -> Option<Self> {
        given.parsed()
    }

    fn shown(&self) -> Value {
        Value::String(exact(*self))
    }
}

/// The size in the largest unit that it is a whole number of: `Display` rounds, which settings must not.
pub(super) fn exact(size: ByteSize) -> String {
    [("GiB", 30), ("MiB", 20), ("KiB", 10)]
        .into_iter()
        .find(|(_, bits)| size.0 > 0 && size.0.is_multiple_of(1 << bits))
        .map_or_else(|| format!("{} B", size.0), |(unit, bits)| format!("{} {unit}", size.0 >> bits))
}

impl Setting for String {
    const EXPECTED: &'static str = "a string";

    fn read(given: &Given) -> Option<Self> {
        given.text().map(str::to_owned)
    }

    fn shown(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Setting for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(given: &Given) -> Option<Self> {
        match given {
            Given::Toml(value) => value.as_bool(),
            Given::Text(text) => text.trim().parse().ok(),
        }
    }

    fn shown(&self) -> Value {
        Value::Boolean(*self)
    }
}

impl Setting for i64 {
    const EXPECTED: &'static str = "a whole number";

    fn read(given: &Given) -> Option<Self> {
        match given {
            Given::Toml(value) => value.as_integer(),
            Given::Text(text) => text.trim().parse().ok(),
        }
    }

    fn shown(&self) -> Value {
        Value::Integer(*self)
    }
}

impl Setting for Vec<String> {
    const EXPECTED: &'static str = "a list of strings";

    fn read(given: &Given) -> Option<Self> {
        match given {
            Given::Toml(value) => strings(value),
            Given::Text(text) if text.trim_start().starts_with('[') => strings(&text.parse().ok()?),
            Given::Text(text) => Some(text.split(',').map(|item| item.trim().to_owned()).collect()),
        }
    }

    fn shown(&self) -> Value {
        Value::Array(self.iter().cloned().map(Value::String).collect())
    }
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The predicate of an error about a value that is not what it must be.
pub(super) fn must_be(expected: impl Display, given: impl Display) -> String {
    format!("must be {expected}, not {given}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Given {
        Given::Text(text.to_owned())
    }

    #[test]
    fn lists_in_variables_are_parted_by_commas_or_written_as_toml() {
        let expected = Some(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(Vec::read(&text("a, b")), expected);
        assert_eq!(Vec::read(&text(r#"["a", "b"]"#)), expected);
        assert_eq!(Vec::<String>::read(&text("[1, 2]")), None);
        assert_eq!(Vec::<String>::read(&text("[\"a\"")), None);
    }

    #[test]
    fn sizes_are_shown_exactly() {
        for (size, shown) in [(10 << 30, "10 GiB"), (1_536 << 10, "1536 KiB"), (1_025, "1025 B"), (0, "0 B")]
        {
            assert_eq!(exact(ByteSize(size)), shown);
            assert_eq!(shown.parse(), Ok(ByteSize(size)));
        }
    }

    #[test]
    fn numbers_are_whole() {
        assert_eq!(i64::read(&text(" 7 ")), Some(7));
        assert_eq!(i64::read(&text("7.5")), None);
        assert_eq!(i64::read(&text("-1")), Some(-1));
        assert_eq!(i64::read(&Given::Toml("0x1_0".parse().unwrap())), Some(16));
        assert_eq!(i64::read(&Given::Toml("1.0".parse().unwrap())), None);
    }
}
