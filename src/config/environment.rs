//! The process environment: read here, once, and handed on as a map.

use std::collections::BTreeMap;

/// Names the configuration file; `--config` wins over it.
pub const CONFIG_VARIABLE: &str = "CONTRAIL_CONFIG";

/// Filters the log, in the syntax of `tracing_subscriber::EnvFilter`; wins over `-v` and `-q`.
pub const LOG_VARIABLE: &str = "CONTRAIL_LOG";

/// What the names of our variables start with.
pub(super) const PREFIX: &str = "CONTRAIL_";

/// Parts the section from the key, and a source from `SOURCES`.
pub(super) const SEPARATOR: &str = "__";

/// The process environment. Bytes that are not UTF-8 become `U+FFFD`.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .collect()
}

/// The variable that sets `key` of `section`: `CONTRAIL_SOURCES__AWS_SPOT_PRICES__EVERY`.
pub(super) fn variable(section: &str, key: &str) -> String {
    let path = format!("{section}.{key}");
    format!("{PREFIX}{}", path.to_ascii_uppercase().replace('.', SEPARATOR))
}
