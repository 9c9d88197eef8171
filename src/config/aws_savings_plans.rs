//! `[sources.aws_savings_plans]`: the published price lists of AWS savings plans.

use super::check::{ALL, each, names_or_all, one_of, regions};
use super::schedule::Schedule;
use super::section::Section;
use crate::base::units::Period;

/// `[sources.aws_savings_plans]`
#[derive(Debug, Clone, PartialEq)]
pub struct AwsSavingsPlans {
    /// Whether it is crawled.
    pub enabled: bool,
    /// When.
    pub schedule: Schedule,
    /// Plans as the offer index spells them, or `all` alone: every one that it leads to.
    pub plans: Vec<String>,
    /// Regions by name, or `all` alone: every one that the plan has.
    pub regions: Vec<String>,
    /// `aws`, `aws-cn` or both.
    pub partitions: Vec<String>,
    /// A mirror of the price list service; unset: each partition's own host.
    pub base_url: Option<String>,
    /// How many price lists are fetched at the same time.
    pub concurrency: usize,
}

impl Default for AwsSavingsPlans {
    fn default() -> Self {
        Self {
            enabled: true,
            schedule: Schedule::Every(Self::EVERY),
            plans: vec![ALL.to_owned()],
            regions: vec![ALL.to_owned()],
            partitions: vec!["aws".to_owned()],
            base_url: None,
            concurrency: 4,
        }
    }
}

impl AwsSavingsPlans {
    const EVERY: Period = Period::seconds(24 * 3_600);

    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let default = Self::default();
        Self {
            enabled: section.flag("enabled", default.enabled),
            schedule: Schedule::read(section, Self::EVERY),
            plans: section.value("plans", default.plans, names_or_all("plans")),
            regions: section.value("regions", default.regions, regions),
            partitions: section.value("partitions", default.partitions, each(one_of(&["aws", "aws-cn"]))),
            base_url: section.address("base_url"),
            concurrency: section.number("concurrency", default.concurrency, 1, 64),
        }
    }
}
