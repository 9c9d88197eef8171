//! `[tables]`: when the tables are built from what was crawled.

use std::fmt;
use std::str::FromStr;

use super::check::anything;
use super::section::Section;
use super::setting::textual;

/// `[tables]`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tables {
    /// When they are built by themselves.
    pub build: Build,
}

/// When tables are built by themselves. `contrail tables build` builds them at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Build {
    /// After each tick that stored something, in a process of their own.
    #[default]
    AfterCrawl,
    /// Never.
    Never,
}

/// The text names no time to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not after_crawl or never")]
pub struct BuildError;

impl FromStr for Build {
    type Err = BuildError;

    fn from_str(text: &str) -> Result<Self, BuildError> {
        match text {
            "after_crawl" => Ok(Self::AfterCrawl),
            "never" => Ok(Self::Never),
            _ => Err(BuildError),
        }
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AfterCrawl => "after_crawl",
            Self::Never => "never",
        })
    }
}

textual!(Build, "one of after_crawl, never");

impl Tables {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self { build: section.value("build", Build::default(), anything) }
    }
}
