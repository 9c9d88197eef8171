//! An offer: one way to have a machine, and what is known of its price. Pure.

use std::cmp::Ordering;

use crate::base::{Price, Time};

/// Hours of a month, as the clouds' own calculators have it: 8,760 hours of a year by twelve.
const HOURS_OF_A_MONTH: i64 = 730;
/// Hours of a year.
const HOURS_OF_A_YEAR: i64 = 8_760;
/// Months of a year.
const MONTHS_OF_A_YEAR: i64 = 12;

/// One way to have a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// `aws` or `azure`.
    pub provider: String,
    /// The region.
    pub region: String,
    /// The zone, as the account that asked sees it; of spot prices alone.
    pub zone: Option<String>,
    /// The zone, the same for every account.
    pub zone_id: Option<String>,
    /// The operating system.
    pub operating_system: String,
    /// On what terms.
    pub kind: Kind,
    /// The years of a commitment.
    pub term_years: Option<i64>,
    /// `No Upfront`, `Partial Upfront` or `All Upfront`, where the cloud says.
    pub payment_option: Option<String>,
    /// `standard` or `convertible`, where the cloud says; of AWS's savings plans their kind, `ComputeSavingsPlans`.
    pub offering_class: Option<String>,
    /// What an hour costs. Of what is paid upfront the share of an hour is in it, rounded to ten places: see
    /// [`is_effective`](Self::is_effective).
    pub hourly: Option<Price>,
    /// What a month of 730 hours costs, a twelfth of a year's share of what is paid upfront in it.
    pub monthly: Option<Price>,
    /// Whether [`hourly`](Self::hourly) has a share of what is paid upfront.
    pub is_effective: bool,
    /// What is due at once.
    pub upfront: Option<Price>,
    /// The currency of the prices; `None` where no price is known.
    pub currency: Option<String>,
    /// Since when the price applies.
    pub effective_from: Option<Time>,
    /// When the lake saw it first; of list prices alone.
    pub observed_at: Option<Time>,
    /// The moment that the answer is about.
    pub as_of: Option<Time>,
    /// What is known.
    pub state: State,
    /// Why it is not known, or what to bear in mind.
    pub why: Option<String>,
    /// The key of the raw object that says so.
    pub source_key: Option<String>,
}

/// On what terms a machine is had, in the order in which people think of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// As one goes.
    OnDemand,
    /// Reserved for a term.
    Reserved,
    /// Committed for a term by a savings plan.
    SavingsPlan,
    /// What the cloud has left over, and may take back.
    Spot,
    /// Azure's older kind of that.
    LowPriority,
}

/// What is known of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is known.
    Known,
    /// Nobody looked, or what was seen is gone.
    Unknown,
    /// Somebody looked, and the machine had no such price there.
    Absent,
}

impl Kind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Reserved => "reserved",
            Self::SavingsPlan => "savings plan",
            Self::Spot => "spot",
            Self::LowPriority => "low priority",
        }
    }
}

impl State {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Unknown => "unknown",
            Self::Absent => "absent",
        }
    }
}

impl Offer {
    /// A price of a kind and a region of which nothing is known but why.
    pub(super) fn without_price(
        (provider, region, operating_system): (&str, &str, &str),
        kind: Kind,
        state: State,
        why: String,
    ) -> Self {
        Self {
            provider: provider.to_owned(),
            region: region.to_owned(),
            zone: None,
            zone_id: None,
            operating_system: operating_system.to_owned(),
            kind,
            term_years: None,
            payment_option: None,
            offering_class: None,
            hourly: None,
            monthly: None,
            is_effective: false,
            upfront: None,
            currency: None,
            effective_from: None,
            observed_at: None,
            as_of: None,
            state,
            why: Some(why),
            source_key: None,
        }
    }

    /// Cheapest first; what has no price comes last. Equal prices are told in an order that is always the same.
    pub fn by_price(&self, other: &Self) -> Ordering {
        let priceless = |offer: &Self| offer.hourly.is_none();
        priceless(self)
            .cmp(&priceless(other))
            .then_with(|| self.currency.cmp(&other.currency))
            .then_with(|| self.hourly.cmp(&other.hourly))
            .then_with(|| self.place().cmp(&other.place()))
            .then_with(|| self.terms().cmp(&other.terms()))
    }

    fn place(&self) -> (&str, &str, Option<&str>, Option<&str>) {
        (&self.provider, &self.region, self.zone_id.as_deref(), self.zone.as_deref())
    }

    fn terms(&self) -> (Kind, Option<i64>, Option<&str>, Option<&str>) {
        (self.kind, self.term_years, self.payment_option.as_deref(), self.offering_class.as_deref())
    }
}

/// What a month costs at a price of an hour.
pub(super) fn month_of(hourly: Price) -> Option<Price> {
    hourly.times(HOURS_OF_A_MONTH)
}

/// What an hour and a month of a commitment cost: the hourly price and the share of what is due at once, each rounded once
/// to ten places. `None` when a part of it is not known.
pub(super) fn effective(hourly: Option<Price>, upfront: Price, years: i64) -> Option<(Price, Price)> {
    let hourly = hourly.unwrap_or(Price::ZERO);
    let hour = upfront.shared_among(years.checked_mul(HOURS_OF_A_YEAR)?)?;
    let month = upfront.shared_among(years.checked_mul(MONTHS_OF_A_YEAR)?)?;
    Some((hourly.plus(hour)?, month_of(hourly)?.plus(month)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_paid_upfront_is_shared_among_the_hours_of_the_term() {
        let price = |text| Price::read(text).unwrap();
        let told = |hourly, upfront, years| {
            effective(hourly, price(upfront), years)
                .map(|(hour, month)| (hour.to_string(), month.to_string()))
        };
        let pair = |hour: &str, month: &str| Some((hour.to_owned(), month.to_owned()));
        // 8,760 hours: 876 is a tenth an hour.
        assert_eq!(told(None, "876", 1), pair("0.1", "73"));
        assert_eq!(told(Some(price("0.02")), "876", 1), pair("0.12", "87.6"));
        // A month is rounded by itself: it is no multiple of an hour that was rounded.
        assert_eq!(told(None, "494", 1), pair("0.0563926941", "41.1666666667"));
        assert_eq!(told(Some(price("0.02")), "1000", 3), pair("0.0580517504", "42.3777777778"));
        assert_eq!(told(None, "1", 0), None);
    }
}
