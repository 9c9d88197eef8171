//! Azure's retail prices: a catalogue of meters in which each position can be computed on its own, so that a
//! page deep in a listing of 600,000 costs no more than the first.
//!
//! Positions come in blocks of 20 consumption items (12 virtual machines, 4 services, a meter in 3 tiers, and
//! the announced next price of one of them), with which go 5 dev/test items and 24 sevenths of a reservation.
//! A meter lives for some years and is then replaced; its price changes about twice a year.

use chrono::{DateTime, Datelike, TimeDelta};

use super::azure_meters::{MACHINES, Machine, REGIONS, SERVICES, Service, TIERED};
use super::draw::Draw;
use super::money::Money;
use crate::base::clock::midnight;
use crate::base::{Date, Time};

/// What kind of price an item is: the `type` of an item, `priceType` in a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PriceType {
    /// Pay as you go.
    Consumption,
    /// For subscribers of Visual Studio.
    DevTest,
    /// Paid for one or three years.
    Reservation,
}

impl PriceType {
    /// In the order of an unfiltered listing.
    pub(crate) const ALL: [Self; 3] = [Self::Consumption, Self::DevTest, Self::Reservation];

    /// `DevTestConsumption`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Consumption => "Consumption",
            Self::DevTest => "DevTestConsumption",
            Self::Reservation => "Reservation",
        }
    }
}

/// One price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) tier_minimum_units: u64,
    pub(crate) price: Money,
    pub(crate) arm_region: &'static str,
    pub(crate) location: &'static str,
    pub(crate) start: Time,
    pub(crate) end: Option<Time>,
    pub(crate) meter_id: String,
    pub(crate) meter_name: String,
    pub(crate) product_id: String,
    pub(crate) product_name: String,
    pub(crate) sku_id: String,
    pub(crate) sku_name: String,
    pub(crate) service_name: &'static str,
    pub(crate) service_id: &'static str,
    pub(crate) service_family: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) price_type: PriceType,
    pub(crate) is_primary: bool,
    pub(crate) arm_sku: String,
    pub(crate) reservation_term: Option<&'static str>,
    /// Term and hourly price.
    pub(crate) savings_plan: Vec<(&'static str, Money)>,
}

const BLOCK: u64 = 20;
const MACHINES_IN_BLOCK: u64 = 12;
const WINDOWS_IN_BLOCK: u64 = 5;
const TIERS_FROM: u64 = 16;
const ANNOUNCED_FOR: u64 = 15;
const ANNOUNCEMENT: u64 = 19;
const PRICE_DAYS: i64 = 180;
const METER_DAYS: i64 = 1_500;

/// The catalogue of one market.
#[derive(Debug)]
pub(crate) struct AzureCatalog {
    draw: Draw,
    blocks: u64,
}

impl AzureCatalog {
    /// About 600,000 items times `scale`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive number: the scale is bounded when the sandbox starts"
    )]
    pub(crate) fn new(seed: Draw, scale: f64) -> Self {
        Self { draw: seed.text("azure"), blocks: (21_105.0 * scale).ceil().max(1.0) as u64 }
    }

    /// How many items of a type there are, at any time: an expired meter makes room for a new one.
    pub(crate) fn count(&self, price_type: PriceType) -> u64 {
        match price_type {
            PriceType::Consumption => self.blocks * BLOCK,
            PriceType::DevTest => self.blocks * WINDOWS_IN_BLOCK,
            PriceType::Reservation => (self.blocks * 24).div_ceil(7),
        }
    }

    /// The item at `position` of its type on `day`, in dollars.
    pub(crate) fn item(&self, price_type: PriceType, position: u64, day: Date) -> Item {
        let day = midnight(day).timestamp().div_euclid(86_400);
        match price_type {
            PriceType::Consumption => self.consumption(position / BLOCK, position % BLOCK, day),
            PriceType::DevTest => {
                // The meter of the Windows machine, without the licence.
                let mut item =
                    self.consumption(position / WINDOWS_IN_BLOCK, position % WINDOWS_IN_BLOCK, day);
                item.price_type = PriceType::DevTest;
                item.price = item.price.times(550, 1_000);
                item.savings_plan.clear();
                item
            }
            PriceType::Reservation => self.reservation(position, day),
        }
    }

    fn consumption(&self, block: u64, place: u64, day: i64) -> Item {
        let leader = match place {
            ANNOUNCEMENT => ANNOUNCED_FOR,
            TIERS_FROM..ANNOUNCEMENT => TIERS_FROM,
            _ => place,
        };
        let spell = Spell::new(self.draw.text("meter").at(block).at(leader), day);
        let draw = spell.meter;
        let mut item = if place < MACHINES_IN_BLOCK {
            let flavour = Flavour::drawn(draw, place < WINDOWS_IN_BLOCK);
            machine(self.draw, draw, draw.text("series").pick(&MACHINES), flavour)
        } else if leader == TIERS_FROM {
            service(self.draw, draw, draw.text("service").pick(&TIERED))
        } else {
            service(self.draw, draw, draw.text("service").pick(&SERVICES))
        };
        let step = place.saturating_sub(TIERS_FROM);
        if leader == TIERS_FROM && step > 0 {
            item.tier_minimum_units = if step == 1 { 51_200 } else { 512_000 };
            item.price = item.price.times(1_000 - 80 * step, 1_000);
        }
        let ahead = i64::from(place == ANNOUNCEMENT);
        spell.date(&mut item, ahead, place == ANNOUNCED_FOR);
        item
    }

    fn reservation(&self, position: u64, day: i64) -> Item {
        let spell = Spell::new(self.draw.text("reservation").at(position / 2), day);
        let draw = spell.meter;
        let mut item = machine(self.draw, draw, draw.text("series").pick(&MACHINES), Flavour::Linux);
        let (term, years, permille) =
            if position.is_multiple_of(2) { ("1 Year", 1, 640) } else { ("3 Years", 3, 430) };
        item.price_type = PriceType::Reservation;
        item.reservation_term = Some(term);
        item.sku_id = format!("{}/{}", item.product_id, draw.text(term).code(SKU_LETTERS, 4));
        item.savings_plan.clear();
        spell.date(&mut item, 0, false);
        // The whole term's price in whole dollars, although the unit says an hour.
        item.price = Money::micros(item.price.times(8_760 * years * permille, 1_000).whole() * 1_000_000);
        item
    }
}

const SKU_LETTERS: &[u8] = b"0123456789BCDFGHJKLMNPQRSTVWXZ";

/// The meter that lives at a position on a day, and where in its life it is.
struct Spell {
    meter: Draw,
    place: Draw,
    day: i64,
}

impl Spell {
    fn new(place: Draw, day: i64) -> Self {
        let life = (day + place.text("life").seconds_below(METER_DAYS)).div_euclid(METER_DAYS);
        Self { meter: place.at_time(life), place, day }
    }

    /// Gives `item` the price and dates that hold on this day, or those that hold `ahead` price changes later.
    fn date(&self, item: &mut Item, ahead: i64, announced: bool) {
        let phase = self.place.text("phase").seconds_below(PRICE_DAYS);
        let cell = (self.day + phase).div_euclid(PRICE_DAYS) + ahead;
        let starts = cell * PRICE_DAYS - phase;
        let ends = starts + PRICE_DAYS;
        let draw = self.meter.text("price").at_time(cell);
        item.price = item.price.times(900 + draw.below(200), 1_000);
        for (_, price) in &mut item.savings_plan {
            *price = price.times(900 + draw.below(200), 1_000);
        }
        item.start = month_of(starts);
        // Most changes come as a surprise; some are told a few weeks before.
        let told = ends - self.day <= 25 && self.meter.text("told").at_time(cell).permille(300);
        item.end = (announced || told).then(|| month_of(ends) - TimeDelta::minutes(1));
    }
}

/// Midnight of the first of the month that the day (counted from 1970) lies in.
fn month_of(day: i64) -> Time {
    let date = DateTime::from_timestamp(day * 86_400, 0).unwrap_or_default().date_naive();
    midnight(date.with_day(1).unwrap_or(date))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flavour {
    Linux,
    Windows,
    Spot,
    LowPriority,
}

impl Flavour {
    fn drawn(draw: Draw, windows: bool) -> Self {
        match draw.text("flavour").below(5) {
            _ if windows => Self::Windows,
            0 => Self::Spot,
            1 => Self::LowPriority,
            _ => Self::Linux,
        }
    }
}

fn machine(root: Draw, draw: Draw, machine: &Machine, flavour: Flavour) -> Item {
    let vcpus = *draw.text("size").pick(&[2_u64, 4, 8, 16, 32, 48, 64, 96]);
    let name = machine.meter.replace('#', &vcpus.to_string());
    let arm_sku = format!("Standard_{}", name.replace(' ', "_"));
    let suffix = match flavour {
        Flavour::Spot => " Spot",
        Flavour::LowPriority => " Low Priority",
        Flavour::Linux | Flavour::Windows => "",
    };
    let hour = Money::micros(machine.vcpu_micros * vcpus);
    let price = match flavour {
        Flavour::Linux => hour,
        Flavour::Windows => hour.plus(Money::micros(46_000 * vcpus)),
        Flavour::Spot => hour.times(100 + draw.text("spot").below(500), 1_000),
        Flavour::LowPriority => hour.times(200, 1_000),
    };
    let windows = if flavour == Flavour::Windows { " Windows" } else { "" };
    let service = Service {
        name: "Virtual Machines",
        id: "DZH313Z7MMC8",
        family: "Compute",
        product: "",
        sku: "",
        meter: "",
        unit: "1 Hour",
        micros: 0,
    };
    let mut item = blank(root, draw, &service, format!("{}{windows}", machine.product));
    item.meter_name = format!("{name}{suffix}");
    item.sku_name = format!("{name}{suffix}");
    item.arm_sku = arm_sku;
    item.price = price.times(item.price_permille(), 1_000);
    item.is_primary = true;
    if matches!(flavour, Flavour::Linux | Flavour::Windows) && draw.text("plan").permille(600) {
        item.savings_plan =
            vec![("3 Years", item.price.times(510, 1_000)), ("1 Year", item.price.times(730, 1_000))];
    }
    item
}

fn service(root: Draw, draw: Draw, service: &Service) -> Item {
    let mut item = blank(root, draw, service, service.product.to_owned());
    service.meter.clone_into(&mut item.meter_name);
    service.sku.clone_into(&mut item.sku_name);
    item.price = Money::micros(service.micros).times(item.price_permille(), 1_000);
    if draw.text("expired").permille(20) {
        item.meter_name.push_str(" - Expired");
    }
    item
}

fn blank(root: Draw, draw: Draw, service: &Service, product_name: String) -> Item {
    let (arm_region, location, _) = *draw.text("region").pick(&REGIONS);
    let product_id = format!("DZH318Z0{}", root.text("product").text(&product_name).code(SKU_LETTERS, 4));
    Item {
        tier_minimum_units: 0,
        price: Money::ZERO,
        arm_region,
        location,
        start: DateTime::UNIX_EPOCH,
        end: None,
        meter_id: draw.text("id").uuid(),
        meter_name: String::new(),
        sku_id: format!("{product_id}/{}", draw.text("sku").code(SKU_LETTERS, 4)),
        product_id,
        product_name,
        sku_name: String::new(),
        service_name: service.name,
        service_id: service.id,
        service_family: service.family,
        unit: service.unit,
        price_type: PriceType::Consumption,
        is_primary: draw.text("primary").permille(700),
        arm_sku: String::new(),
        reservation_term: None,
        savings_plan: Vec::new(),
    }
}

impl Item {
    fn price_permille(&self) -> u64 {
        REGIONS.iter().find(|(arm, ..)| *arm == self.arm_region).map_or(1_000, |(.., permille)| *permille)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn catalog(scale: f64) -> AzureCatalog {
        AzureCatalog::new(Draw::seeded(1), scale)
    }

    fn whole(day: Date) -> Vec<Item> {
        let catalog = catalog(0.01);
        PriceType::ALL
            .into_iter()
            .flat_map(|price_type| (0..catalog.count(price_type)).map(move |position| (price_type, position)))
            .map(|(price_type, position)| catalog.item(price_type, position, day))
            .collect()
    }

    fn day(month: u32, day: u32) -> Date {
        Date::from_ymd_opt(2026, month, day).unwrap()
    }

    #[test]
    fn the_default_market_has_about_six_thousand_items_of_three_types() {
        let items = whole(day(11, 21));
        assert!((5_900..6_100).contains(&items.len()), "{}", items.len());
        let share = |price_type| {
            items.iter().filter(|item| item.price_type == price_type).count() * 100 / items.len()
        };
        assert_eq!(PriceType::ALL.map(share), [70, 17, 12]);
        let full = catalog(1.0);
        let count: u64 = PriceType::ALL.into_iter().map(|price_type| full.count(price_type)).sum();
        assert!((590_000..610_000).contains(&count), "{count}");
    }

    #[test]
    fn no_item_is_listed_twice() {
        let items = whole(day(11, 21));
        let texts: HashSet<String> = items.iter().map(|item| format!("{item:?}")).collect();
        assert_eq!(texts.len(), items.len());
    }

    #[test]
    fn a_day_changes_a_little_and_a_year_most() {
        let (today, tomorrow, later) = (whole(day(3, 10)), whole(day(3, 11)), whole(day(12, 10)));
        let changed = |other: &[Item]| today.iter().zip(other).filter(|(one, other)| one != other).count();
        assert!((5..300).contains(&changed(&tomorrow)), "{}", changed(&tomorrow));
        assert!(changed(&later) > today.len() / 2);
    }

    #[test]
    fn quirks_of_the_real_listing_are_there() {
        let items = whole(day(11, 21));
        assert!(items.iter().any(|item| item.tier_minimum_units == 512_000));
        assert!(items.iter().any(|item| item.end.is_some()));
        assert!(items.iter().any(|item| !item.savings_plan.is_empty()));
        assert!(items.iter().any(|item| item.meter_name.ends_with(" Spot")));
        assert!(items.iter().any(|item| item.meter_name.ends_with(" - Expired")));
        assert!(items.iter().any(|item| item.reservation_term == Some("3 Years")));
        // The current and the announced price of a meter stand side by side.
        let twins =
            items.windows(5).filter(|run| run[0].meter_id == run[4].meter_id && run[0].start < run[4].start);
        assert!(twins.count() > 100);
    }

    proptest! {
        #[test]
        fn any_position_of_any_day_has_a_price(position in 0_u64..100_000, days in 0_i64..30_000) {
            let catalog = catalog(1.0);
            let day = DateTime::from_timestamp(days * 86_400, 0).unwrap().date_naive();
            for price_type in PriceType::ALL {
                let position = position % catalog.count(price_type);
                let item = catalog.item(price_type, position, day);
                prop_assert!(item.price > Money::ZERO);
                prop_assert_eq!(item.price_type, price_type);
                prop_assert_eq!(&item, &catalog.item(price_type, position, day));
            }
        }
    }
}
