//! The offers of the price list, the savings plans, and the versions that each has had.
//!
//! Time is cut into cells of the offer's beat; each holds one publication, near its middle. All regions of an
//! offer share the version.

use chrono::{DateTime, Datelike};

use super::draw::Draw;
use crate::base::Time;
use crate::base::clock::midnight;

const DAY: i64 = 86_400;
/// How far back a version index reaches, in seconds.
const HISTORY: i64 = 366 * DAY;

/// A service with a price list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Virtual machines, volumes, load balancers.
    Ec2,
    /// Object storage.
    S3,
    /// Relational databases.
    Rds,
    /// Caches.
    ElastiCache,
}

impl Offer {
    /// All offers.
    pub(crate) const ALL: [Self; 4] = [Self::Ec2, Self::S3, Self::Rds, Self::ElastiCache];

    /// The offer called `code`.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|offer| offer.code() == code)
    }

    /// `AmazonEC2`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Ec2 => "AmazonEC2",
            Self::S3 => "AmazonS3",
            Self::Rds => "AmazonRDS",
            Self::ElastiCache => "AmazonElastiCache",
        }
    }

    /// The products' `servicename`.
    pub(crate) fn service_name(self) -> &'static str {
        match self {
            Self::Ec2 => "Amazon Elastic Compute Cloud",
            Self::S3 => "Amazon Simple Storage Service",
            Self::Rds => "Amazon Relational Database Service",
            Self::ElastiCache => "Amazon ElastiCache",
        }
    }

    /// Seconds between two publications, on average.
    fn beat(self) -> i64 {
        match self {
            Self::Ec2 => 7 * DAY / 2,
            Self::S3 => 18 * DAY,
            Self::Rds => 7 * DAY,
            Self::ElastiCache => 12 * DAY,
        }
    }

    /// The versions that were published in the year up to `now`, oldest first. Never empty.
    pub(crate) fn versions(self, seed: Draw, china: bool, now: Time) -> Vec<Version> {
        let draw = seed.text("versions").text(self.code()).at(u64::from(china));
        let beat = self.beat();
        let published = |cell: i64| {
            let jitter = draw.at_time(cell).seconds_below(beat / 5);
            cell * beat + beat * 2 / 5 + jitter
        };
        let now = now.timestamp();
        let (first, last) = ((now - HISTORY).div_euclid(beat), now.div_euclid(beat));
        (first..=last)
            .map(published)
            .filter(|at| (now - HISTORY..=now).contains(at))
            .filter_map(|at| DateTime::from_timestamp(at, 0))
            .map(|published| Version { published })
            .collect()
    }
}

/// A savings plan with a price list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// For machines, by family or any.
    Compute,
    /// For databases and caches.
    Database,
}

impl Plan {
    /// The plan called `code`.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [Self::Compute, Self::Database].into_iter().find(|plan| plan.code() == code)
    }

    /// The plan that is good for an offer.
    pub(crate) fn of(offer: Offer) -> Option<Self> {
        [Self::Compute, Self::Database].into_iter().find(|plan| plan.offers().contains(&offer))
    }

    /// `AWSComputeSavingsPlan`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Compute => "AWSComputeSavingsPlan",
            Self::Database => "AWSDatabaseSavingsPlans",
        }
    }

    /// The products' `serviceCode`.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Self::Compute => "ComputeSavingsPlans",
            Self::Database => "DatabaseSavingsPlans",
        }
    }

    /// What it is good for; the first decides when it is published.
    pub(crate) fn offers(self) -> &'static [Offer] {
        match self {
            Self::Compute => &[Offer::Ec2],
            Self::Database => &[Offer::Rds, Offer::ElastiCache],
        }
    }

    /// How long after the list of its first offer its own is published.
    const DELAY: chrono::TimeDelta = chrono::TimeDelta::hours(3);

    /// The versions that were published in the year up to `now`, oldest first. Never empty.
    pub(crate) fn versions(self, seed: Draw, china: bool, now: Time) -> Vec<Version> {
        let offer = self.offers().first().copied().unwrap_or(Offer::Ec2);
        let versions = offer.versions(seed, china, now - Self::DELAY).into_iter();
        versions.map(|version| Version { published: version.published + Self::DELAY }).collect()
    }

    /// The version of its first offer's list that a version has the prices of.
    pub(crate) fn list(version: Version) -> Version {
        Version { published: version.published - Self::DELAY }
    }
}

/// One publication of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    /// When it was published, to the second.
    pub(crate) published: Time,
}

impl Version {
    /// Its id: 14 digits of UTC.
    pub(crate) fn id(self) -> String {
        self.published.format("%Y%m%d%H%M%S").to_string()
    }

    /// The month whose prices it tells: midnight of the first.
    pub(crate) fn month(self) -> Time {
        let day = self.published.date_naive();
        midnight(day.with_day(1).unwrap_or(day))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone, Utc};

    use super::*;

    fn now() -> Time {
        Utc.with_ymd_and_hms(2026, 11, 21, 20, 0, 0).unwrap()
    }

    #[test]
    fn ec2_has_a_new_version_every_three_or_four_days() {
        let versions = Offer::Ec2.versions(Draw::seeded(1), false, now());
        assert!((98..110).contains(&versions.len()), "{}", versions.len());
        for pair in versions.windows(2) {
            let gap = pair[1].published - pair[0].published;
            assert!(gap > TimeDelta::hours(60) && gap < TimeDelta::hours(108), "{gap}");
        }
    }

    #[test]
    fn history_does_not_depend_on_when_one_asks() {
        let early = Offer::Ec2.versions(Draw::seeded(1), false, now());
        let late = Offer::Ec2.versions(Draw::seeded(1), false, now() + TimeDelta::days(40));
        let shared = late.iter().filter(|version| version.published <= now()).count();
        assert_eq!(late[..shared], early[early.len() - shared..]);
        assert!(late.len() > shared);
    }

    #[test]
    fn every_offer_always_has_a_version() {
        for offer in Offer::ALL {
            for days in 0..60 {
                let versions = offer.versions(Draw::seeded(3), true, now() + TimeDelta::days(days));
                assert!(versions.len() > 10, "{} {days}", offer.code());
            }
        }
    }

    #[test]
    fn ids_are_the_time_in_fourteen_digits() {
        let version = Version { published: now() };
        assert_eq!(version.id(), "20261121200000");
        assert_eq!(version.month(), Utc.with_ymd_and_hms(2026, 11, 1, 0, 0, 0).unwrap());
    }
}
