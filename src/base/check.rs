//! Checks: what somebody who examined a part of the house found, a line each. `contrail doctor` prints them.

use serde::Serialize;

use super::error::{Hinted, printable};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All is well.
    Ok,
    /// It could not or need not be checked.
    Skipped,
    /// It works, and somebody should look at it.
    Warning,
    /// Something will not work.
    Failed,
}

impl Verdict {
    /// The word for people and for tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One thing that was checked. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked: an IAM action, or a word or two.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found, or why it was skipped; one line.
    pub found: String,
    /// What mends it: a command, a setting or a statement of a policy.
    pub hint: Option<String>,
}

impl Check {
    fn new(name: &str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self { name: name.to_owned(), verdict, found: printable(&found.into()), hint: None }
    }

    /// All is well.
    pub fn ok(name: &str, found: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, found)
    }

    /// It was not checked; `why` says why.
    pub fn skipped(name: &str, why: impl Into<String>) -> Self {
        Self::new(name, Verdict::Skipped, why)
    }

    /// It works, and somebody should look at it.
    pub fn warning(name: &str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(name, Verdict::Warning, found).with_hint(hint)
    }

    /// Something will not work.
    pub fn failed(name: &str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(name, Verdict::Failed, found).with_hint(hint)
    }

    /// Something will not work, as the error and its hint say.
    pub fn of(name: &str, error: &dyn Hinted) -> Self {
        let failed = Self::new(name, Verdict::Failed, super::error::one_line(&error));
        Self { hint: error.hint().map(str::to_owned), ..failed }
    }

    /// The same check with what mends it.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}
