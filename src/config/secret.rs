//! Values that are never shown.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// What stands in for a secret wherever settings are shown.
pub const HIDDEN: &str = "(hidden)";

/// A value that may carry credentials. It is wiped from memory when dropped, and neither `Debug` nor
/// `contrail config show` prints it.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Hides `value`.
    pub fn new(value: String) -> Self {
        Self(value.into())
    }

    /// The value itself, to be used and not printed.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_value() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "(hidden) Some(\n    (hidden),\n)");
        assert_eq!(secret.expose(), "hunter2");
    }
}
