//! What is wrong with the settings, told so that a person can mend it.

use std::fmt;

use url::Url;

use super::check::has_credentials;
use crate::base::error::Hinted;
use crate::base::redact::redacted;

/// One thing that is wrong, or odd, about the settings. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where and what, on one line: `contrail.toml:7: unknown key "evry" in [sources.aws_spot_prices]`.
    pub message: String,
    /// What mends it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem; `message` says where and what.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Adds what mends it.
    #[must_use]
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The settings cannot be used. There is at least one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Everything that is wrong, in the order of the file.
    pub problems: Vec<Problem>,
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl Hinted for ConfigError {
    fn hint(&self) -> Option<&str> {
        self.problems.iter().find_map(|problem| problem.hint.as_deref())
    }
}

/// The candidate that `word` was most likely meant to be, if one is near enough to be worth saying.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const NEAR: f64 = 0.6;
    candidates
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|one, two| one.0.total_cmp(&two.0))
        .map(|(_, candidate)| candidate)
}

/// The hint for a word that is not known: the nearest one, else all of them.
pub(super) fn did_you_mean(word: &str, candidates: &[&str]) -> String {
    match nearest(word, candidates.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("known here: {}", candidates.join(", ")),
    }
}

/// `text` in quotes, on one line, cut when it is long, and without the credentials of an address.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let redacted = Url::parse(text).ok().filter(has_credentials).map(|url| redacted(&url));
    let text = redacted.as_deref().unwrap_or(text);
    let short: String = text.chars().take(LONGEST).collect();
    let rest = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_a_stranger_is_not() {
        let keys = ["every", "cron", "enabled", "concurrency"];
        assert_eq!(nearest("evry", keys), Some("every"));
        assert_eq!(nearest("concurency", keys), Some("concurrency"));
        assert_eq!(nearest("zzz", keys), None);
        assert_eq!(did_you_mean("zzz", &keys), "known here: every, cron, enabled, concurrency");
    }

    #[test]
    fn long_and_odd_values_stay_on_one_line() {
        assert_eq!(quoted("a\nb"), "\"a\\nb\"");
        assert!(quoted(&"x".repeat(500)).chars().count() < 90);
        assert_eq!(quoted("s3://me:hunter2@bucket"), "\"s3://bucket\"");
    }
}
