//! `[crawler]`: how the loop begins and ends.

use super::check::between;
use super::section::Section;
use crate::base::units::Period;

/// `[crawler]`
#[derive(Debug, Clone, PartialEq)]
pub struct Crawler {
    /// How long running slices may go on after the first signal to stop.
    pub grace: Period,
    /// How long `--once` keeps trying to empty the spool before it gives up.
    pub drain: Period,
    /// By how much, at most, scheduled ticks are put off at random, so that crawlers do not all come at once.
    pub jitter: Period,
}

impl Default for Crawler {
    fn default() -> Self {
        Self { grace: Period::seconds(20), drain: Period::seconds(600), jitter: Period::seconds(60) }
    }
}

impl Crawler {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let default = Self::default();
        let within = |most: u64| between(Period::seconds(0), Period::seconds(most));
        Self {
            grace: section.value("grace", default.grace, within(3_600)),
            drain: section.value("drain", default.drain, within(86_400)),
            jitter: section.value("jitter", default.jitter, within(3_600)),
        }
    }
}
