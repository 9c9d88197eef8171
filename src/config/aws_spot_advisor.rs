//! `[sources.aws_spot_advisor]`: how often spot instances of AWS are interrupted.

use super::check::base_url;
use super::schedule::Schedule;
use super::section::Section;
use crate::base::units::Period;

/// `[sources.aws_spot_advisor]`
#[derive(Debug, Clone, PartialEq)]
pub struct AwsSpotAdvisor {
    /// Whether it is crawled.
    pub enabled: bool,
    /// When.
    pub schedule: Schedule,
    /// Where the feed is.
    pub base_url: String,
}

impl Default for AwsSpotAdvisor {
    fn default() -> Self {
        Self {
            enabled: true,
            schedule: Schedule::Every(Self::EVERY),
            base_url: "https://spot-bid-advisor.s3.amazonaws.com".to_owned(),
        }
    }
}

impl AwsSpotAdvisor {
    const EVERY: Period = Period::seconds(6 * 3_600);

    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let default = Self::default();
        Self {
            enabled: section.flag("enabled", default.enabled),
            schedule: Schedule::read(section, Self::EVERY),
            base_url: section.value("base_url", default.base_url, base_url),
        }
    }
}
