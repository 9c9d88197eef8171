//! `[sources.aws_price_list]`: the published price lists of AWS.

use super::check::{ALL, each, name, one_of, regions};
use super::schedule::Schedule;
use super::section::Section;
use crate::base::units::Period;

/// `[sources.aws_price_list]`
#[derive(Debug, Clone, PartialEq)]
pub struct AwsPriceList {
    /// Whether it is crawled.
    pub enabled: bool,
    /// When.
    pub schedule: Schedule,
    /// Offers by their code, as the offer index spells it.
    pub offers: Vec<String>,
    /// Regions by name, Local Zones and Wavelength Zones too, or `all` alone: every one that the offer has.
    pub regions: Vec<String>,
    /// `aws`, `aws-cn` or both.
    pub partitions: Vec<String>,
    /// A mirror of the price list service; unset: each partition's own host.
    pub base_url: Option<String>,
    /// How many price lists are fetched at the same time.
    pub concurrency: usize,
}

impl Default for AwsPriceList {
    fn default() -> Self {
        Self {
            enabled: true,
            schedule: Schedule::Every(Self::EVERY),
            offers: vec!["AmazonEC2".to_owned()],
            regions: vec![ALL.to_owned()],
            partitions: vec!["aws".to_owned()],
            base_url: None,
            concurrency: 4,
        }
    }
}

impl AwsPriceList {
    const EVERY: Period = Period::seconds(12 * 3_600);

    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let default = Self::default();
        Self {
            enabled: section.flag("enabled", default.enabled),
            schedule: Schedule::read(section, Self::EVERY),
            offers: section.value("offers", default.offers, each(name)),
            regions: section.value("regions", default.regions, regions),
            partitions: section.value("partitions", default.partitions, each(one_of(&["aws", "aws-cn"]))),
            base_url: section.address("base_url"),
            concurrency: section.number("concurrency", default.concurrency, 1, 64),
        }
    }
}
