//! How a command ends: every exit code, and the error that carries one.

use std::fmt;
use std::io::Write as _;

use crate::base::error::{Hinted, one_line};
use crate::config::{ConfigError, Problem};
use crate::telemetry::log::LogError;

/// What was asked is done: stored, known before, or closed to us. A daemon that a signal stopped ends so too.
pub const DONE: u8 = 0;
/// Nothing could be done, or the spool could not be emptied into the lake.
pub const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// Done in part: a slice failed or was lost now, or `--once` was interrupted before the plan was empty.
/// Of a command that checks something: something is wrong with it.
pub const PARTIAL: u8 = 3;
/// Interrupted twice; a query, once.
pub const INTERRUPTED: u8 = 130;

/// Why a command ended early, and with which code.
#[derive(Debug)]
pub struct CliError {
    /// The exit code.
    pub code: u8,
    /// What went wrong, one line each, with its hint. Never empty.
    told: Vec<(String, Option<String>)>,
}

impl CliError {
    /// An error; `message` says what failed and on what.
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, told: vec![(message.into(), None)] }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        if let Some((_, last)) = self.told.last_mut() {
            *last = Some(hint.into());
        }
        self
    }

    /// An error of another room with its causes on one line, and its hint.
    pub fn of(code: u8, error: &dyn Hinted) -> Self {
        Self { code, told: vec![(one_line(&error), error.hint().map(str::to_owned))] }
    }

    /// An error of another room whose message shows something on lines of their own, and its hint.
    #[cfg(feature = "sql")]
    pub fn of_lines(code: u8, error: &dyn Hinted) -> Self {
        Self { code, told: vec![(error.to_string(), error.hint().map(str::to_owned))] }
    }

    /// A fault of Contrail itself.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(FAILED, message).with_hint("this is a fault in Contrail: please report it")
    }

    /// Prints it on stderr: each problem as `error: …`, followed by its `hint: …`.
    pub(super) fn tell(&self) {
        for (message, hint) in &self.told {
            tell("error", message, hint.as_deref());
        }
    }
}

/// Prints a warning about the settings on stderr, where there is no log.
pub(super) fn warn(problem: &Problem) {
    tell("warning", &problem.message, problem.hint.as_deref());
}

/// When stderr is closed there is nobody to tell.
fn tell(kind: &str, message: &str, hint: Option<&str>) {
    let hint = hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    let _ = write!(std::io::stderr().lock(), "{kind}: {message}\n{hint}");
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages: Vec<&str> = self.told.iter().map(|(message, _)| message.as_str()).collect();
        f.write_str(&messages.join("; "))
    }
}

impl std::error::Error for CliError {}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        let told = error.problems.into_iter().map(|problem| (problem.message, problem.hint)).collect();
        Self { code: USAGE, told }
    }
}

impl From<LogError> for CliError {
    fn from(error: LogError) -> Self {
        Self::of(USAGE, &error)
    }
}
