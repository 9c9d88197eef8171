//! Names that come from outside and end up in keys: checked once, here, and trusted afterwards.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest name that a key may carry, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// A value that is safe as one segment of a key: `[A-Za-z0-9._-]{1,64}`, and neither `.` nor `..`.
///
/// Region, offer and currency codes of an upstream become keys only as a `Name`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// The value was not fit for a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?} is not usable in a key (1 to 64 characters of A-Z a-z 0-9 . _ -)")]
pub struct NameError {
    what: String,
    value: String,
}

impl Name {
    /// Checks `value`; `what` says in the error what it was meant to be (`region`, `offer`, …).
    pub fn new(what: &str, value: &str) -> Result<Self, NameError> {
        let fits = !value.is_empty()
            && value.len() <= MAX_NAME_BYTES
            && value != "."
            && value != ".."
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        if fits {
            Ok(Self(value.into()))
        } else {
            let value: String = value.chars().take(80).collect();
            Err(NameError { what: what.to_owned(), value })
        }
    }

    /// Eight lower-case hex digits: the name of a run.
    pub fn hex(value: u32) -> Self {
        Self(format!("{value:08x}").into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(value: String) -> Result<Self, NameError> {
        Self::new("name", &value)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_real_upstreams_pass() {
        for value in ["us-east-1", "us-west-2-lax-1", "AmazonEC2", "USD", "DevTestConsumption", "a.b_c-9"] {
            assert_eq!(Name::new("region", value).unwrap().as_str(), value);
        }
    }

    #[test]
    fn what_could_leave_its_directory_is_refused() {
        let long = "x".repeat(65);
        for value in
            ["", ".", "..", "../../x", "a/b", "a b", "a:b", "a%2f", "é", "a\0b", "a=b", long.as_str()]
        {
            let error = Name::new("region", value).unwrap_err().to_string();
            assert!(error.starts_with("region "), "{error}");
        }
    }
}
