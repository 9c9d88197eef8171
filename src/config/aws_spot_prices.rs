//! `[sources.aws_spot_prices]`: the history of spot prices, by region.

use super::check::{Checked, between};
use super::schedule::Schedule;
use super::section::Section;
use super::setting::must_be;
use crate::base::units::Period;

/// `[sources.aws_spot_prices]`
#[derive(Debug, Clone, PartialEq)]
pub struct AwsSpotPrices {
    /// Whether it is crawled.
    pub enabled: bool,
    /// When.
    pub schedule: Schedule,
    /// How long after its end a window is left alone, because changes come in late.
    pub settle: Period,
    /// How far back the first fill reaches. AWS remembers 90 days.
    pub backfill: Period,
    /// The length of a window. Fixed when the lake is made; it divides a day into whole minutes.
    pub window: Period,
    /// How long after its end a day is fetched once more, whole.
    pub audit: Period,
    /// How many regions are fetched at the same time.
    pub concurrency: usize,
}

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

impl Default for AwsSpotPrices {
    fn default() -> Self {
        Self {
            enabled: true,
            schedule: Schedule::Every(Self::EVERY),
            settle: Period::seconds(600),
            backfill: Period::seconds(90 * DAY),
            window: Period::seconds(HOUR),
            audit: Period::seconds(6 * HOUR),
            concurrency: 16,
        }
    }
}

impl AwsSpotPrices {
    const EVERY: Period = Period::seconds(HOUR);

    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let default = Self::default();
        let within = |most: u64| between(Period::seconds(0), Period::seconds(most));
        Self {
            enabled: section.flag("enabled", default.enabled),
            schedule: Schedule::read(section, Self::EVERY),
            settle: section.value("settle", default.settle, within(DAY)),
            backfill: section.value("backfill", default.backfill, within(90 * DAY)),
            window: section.value("window", default.window, divides_a_day),
            audit: section.value("audit", default.audit, within(7 * DAY)),
            concurrency: section.number("concurrency", default.concurrency, 1, 256),
        }
    }
}

fn divides_a_day(window: &Period) -> Checked {
    let seconds = window.0.as_secs();
    if window.0.subsec_nanos() == 0
        && seconds > 0
        && seconds.is_multiple_of(60)
        && DAY.is_multiple_of(seconds)
    {
        return Ok(());
    }
    Err(must_be("whole minutes that divide a day evenly, such as 15m, 1h or 6h", window))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_divide_a_day_into_whole_minutes() {
        for (text, fits) in [
            ("1m", true),
            ("15m", true),
            ("1h", true),
            ("24h", true),
            ("7m", false),
            ("0s", false),
            ("90s", false),
            ("2d", false),
            ("1h 1ns", false),
        ] {
            assert_eq!(divides_a_day(&text.parse().unwrap()).is_ok(), fits, "{text}");
        }
    }
}
