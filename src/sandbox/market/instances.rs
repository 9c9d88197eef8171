//! Instance types: families × sizes, what they cost on demand under each operating system, and when that
//! changed.

use super::draw::Draw;
use super::families::{FAMILIES, Family};
use super::money::Money;
use super::places::Place;

/// An operating system with its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    /// No licence to pay.
    Linux,
    /// Charged by vCPU.
    Windows,
    /// Red Hat Enterprise Linux, charged by vCPU.
    RedHat,
    /// SUSE Linux Enterprise Server, charged by size.
    Suse,
}

impl System {
    /// The commonest first.
    pub(crate) const ALL: [Self; 4] = [Self::Linux, Self::Windows, Self::RedHat, Self::Suse];

    /// As `DescribeSpotPriceHistory` names the product.
    pub(crate) fn product_description(self) -> &'static str {
        match self {
            Self::Linux => "Linux/UNIX",
            Self::Windows => "Windows",
            Self::RedHat => "Red Hat Enterprise Linux",
            Self::Suse => "SUSE Linux",
        }
    }

    /// As the price list's `operatingSystem` names it.
    pub(crate) fn list_name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::Windows => "Windows",
            Self::RedHat => "RHEL",
            Self::Suse => "SUSE",
        }
    }

    /// Its bits in the code of the billing operation `RunInstances`; SUSE's code is no number.
    pub(crate) fn operation_bits(self) -> Option<u16> {
        match self {
            Self::Linux => Some(0),
            Self::Windows => Some(0x002),
            Self::RedHat => Some(0x010),
            Self::Suse => None,
        }
    }

    fn licence(self, vcpus: u64) -> Money {
        match self {
            Self::Linux => Money::ZERO,
            Self::Windows => Money::micros(46_000 * vcpus),
            Self::RedHat => Money::micros(14_400 * vcpus),
            Self::Suse => Money::micros(if vcpus <= 2 { 56_250 } else { 125_000 }),
        }
    }
}

/// An instance type.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    /// `m5.large`.
    pub(crate) name: String,
    /// Its family.
    pub(crate) family: &'static Family,
    /// Its normalization factor in quarters.
    pub(crate) quarters: u64,
    /// Virtual processors.
    pub(crate) vcpus: u64,
}

impl Instance {
    /// Every type, the best known families first; sizes of one family are spread so that a short list has both
    /// small and large ones.
    pub(crate) fn all() -> Vec<Self> {
        let depth = FAMILIES.iter().map(|family| family.sizes.len()).max().unwrap_or(0);
        let in_group = |group: &'static [Family]| {
            (0..depth).flat_map(move |rank| group.iter().filter_map(move |family| Self::ranked(family, rank)))
        };
        FAMILIES.chunks(6).flat_map(in_group).collect()
    }

    fn ranked(family: &'static Family, rank: usize) -> Option<Self> {
        let (size, quarters) = *family.sizes.get(rank)?;
        let burstable = family.name.starts_with('t');
        let vcpus = if burstable { (quarters / 8).max(2) } else { (quarters / 8).max(1) };
        Some(Self { name: format!("{}.{size}", family.name), family, quarters, vcpus })
    }

    /// Memory in hundredths of a GiB.
    pub(crate) fn memory(&self) -> u64 {
        self.family.large_memory * self.quarters / 16
    }

    /// The on-demand price of an hour in `place` at `seconds` (Unix time).
    ///
    /// List prices seldom move: in a span of half a year that starts at a time of each type's own, one type in
    /// sixteen is 2 to 9 % cheaper than usual.
    pub(crate) fn on_demand(&self, seed: Draw, place: &Place, system: System, seconds: i64) -> Money {
        const SPAN: i64 = 183 * 86_400;
        let draw = seed.text("list").text(place.code).text(&self.name);
        let span = (seconds + draw.seconds_below(SPAN)).div_euclid(SPAN);
        let draw = draw.at_time(span);
        let cut = if draw.below(16) == 0 { 20 + draw.at(1).below(70) } else { 0 };
        self.base(place, system).times(1_000 - cut, 1_000)
    }

    /// The usual on-demand price, which spot prices follow.
    pub(crate) fn base(&self, place: &Place, system: System) -> Money {
        Money::micros(self.family.large_micros)
            .times(self.quarters * place.price_permille, 16 * 1_000)
            .plus(system.licence(self.vcpus).times(place.price_permille.max(1_000), 1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::market::places::COMMERCIAL;

    fn named(name: &str) -> Instance {
        Instance::all().into_iter().find(|instance| instance.name == name).unwrap()
    }

    #[test]
    fn known_types_cost_what_they_cost_in_virginia() {
        let price = |name, system| named(name).base(&COMMERCIAL[0], system).six_decimals();
        assert_eq!(price("m5.large", System::Linux), "0.096000");
        assert_eq!(price("m5.24xlarge", System::Linux), "4.608000");
        assert_eq!(price("m5.large", System::Windows), "0.188000");
        assert_eq!(price("t3.nano", System::Linux), "0.005200");
        assert_eq!(price("r6g.medium", System::Linux), "0.050400");
        assert_eq!(price("c5.9xlarge", System::Linux), "1.530000");
    }

    #[test]
    fn sizes_have_their_processors_and_memory() {
        let shape = |name| (named(name).vcpus, named(name).memory());
        assert_eq!(shape("m5.large"), (2, 800));
        assert_eq!(shape("m5.metal"), (96, 38_400));
        assert_eq!(shape("t3.nano"), (2, 50));
        assert_eq!(shape("c6g.medium"), (1, 200));
    }

    #[test]
    fn type_names_are_unique_and_many() {
        let mut names: Vec<String> = Instance::all().into_iter().map(|instance| instance.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(count > 480, "{count}");
    }

    #[test]
    fn a_list_price_moves_seldom_and_a_little() {
        let instance = named("m5.large");
        let (seed, place) = (Draw::seeded(1), &COMMERCIAL[0]);
        let usual = instance.base(place, System::Linux);
        let days = 20 * 366;
        let cheaper = (0..days)
            .map(|day| instance.on_demand(seed, place, System::Linux, day * 86_400))
            .inspect(|price| assert!(*price <= usual && *price > usual.times(900, 1_000)))
            .filter(|price| *price < usual)
            .count();
        assert!(cheaper < 366 * 6, "{cheaper}");
    }
}
