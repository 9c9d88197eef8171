//! Days of a market as large as the real one, the same every time.

use chrono::TimeDelta;

use super::{DAY, time};
use crate::base::chance::mix;
use crate::base::{Price, Time};
use crate::tables::packed::Packer;

/// Machines of one kind in one place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pool<'a> {
    pub(super) machine: &'a str,
    pub(super) region: &'a str,
    pub(super) zone: &'a str,
    pub(super) product: &'a str,
}

/// A packed row of `spot_prices`.
pub(super) fn change(
    packer: &mut Packer,
    pool: Pool<'_>,
    at: Time,
    price: Option<Price>,
    source: &str,
) -> Vec<u8> {
    packer
        .begin()
        .put("instance_type", pool.machine)
        .put("region_id", pool.region)
        .put_or_unknown("availability_zone_id", Some(pool.zone))
        .put_or_unknown("availability_zone", None::<&str>)
        .put("product_description", pool.product)
        .put("effective_from", at)
        .put("provider_name", "aws")
        .put("operating_system", pool.product)
        .put("currency", "USD")
        .put_or_unknown("unit_price", price)
        .put("source_key", source);
    packer.row().to_vec()
}

/// Numbers that look like chance.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        mix(self.0)
    }
}

const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// A day of all regions, of `machines` machines in three zones and three products, with up to `most` changes a pool.
pub(super) fn market(packer: &mut Packer, machines: u64, most: u64) -> Vec<Vec<u8>> {
    let (mut chance, mut rows) = (Chance(7), Vec::new());
    let midnight = time("2026-11-20T00:00:00Z");
    for machine in 0..machines {
        let machine = format!("c{machine:04}.xlarge");
        for region in REGIONS {
            for zone in 1..=3 {
                let zone = format!("{}-az{zone}", region.replace('-', ""));
                for product in ["Linux/UNIX", "Red Hat Enterprise Linux", "Windows"] {
                    let mut price = 1_000 + chance.next() % 40_000;
                    let mut seconds: Vec<i64> =
                        (0..=chance.next() % most).map(|_| (chance.next() % 86_400).cast_signed()).collect();
                    seconds.sort_unstable();
                    seconds.dedup();
                    for second in seconds {
                        price = price + chance.next() % 21 - 10;
                        let at = midnight + TimeDelta::seconds(second);
                        let source = format!(
                            "raw/aws_spot_prices/dt={DAY}/region={region}/20261120T{:02}0000Z-.ndjson.gz",
                            second / 3_600
                        );
                        let price = Price::from_units(i128::from(price) * 1_000_000);
                        let pool = Pool { machine: &machine, region, zone: &zone, product };
                        rows.push(change(packer, pool, at, price, &source));
                    }
                }
            }
        }
    }
    rows
}

/// What `market` comes to by the day: a row for each pool.
pub(super) fn market_daily(packer: &mut Packer, machines: u64) -> Vec<Vec<u8>> {
    let (mut chance, mut rows) = (Chance(11), Vec::new());
    for machine in 0..machines {
        let machine = format!("c{machine:04}.xlarge");
        for region in REGIONS {
            for zone in 1..=3 {
                let zone = format!("{}-az{zone}", region.replace('-', ""));
                for product in ["Linux/UNIX", "Red Hat Enterprise Linux", "Windows"] {
                    let open = i128::from(1_000 + chance.next() % 40_000) * 1_000_000;
                    let mut step = || i128::from(chance.next() % 50) * 1_000_000;
                    let (low, high, close) = (open - step(), open + step(), open + step());
                    let mean = low + i128::from(chance.next() % 100) * (high - low + 1) / 100;
                    packer
                        .begin()
                        .put("instance_type", &machine)
                        .put("region_id", region)
                        .put_or_unknown("availability_zone_id", Some(&zone))
                        .put_or_unknown("availability_zone", None::<&str>)
                        .put("product_description", product)
                        .put("provider_name", "aws")
                        .put("operating_system", product)
                        .put("currency", "USD")
                        .put_or_unknown("open_price", Price::from_units(open))
                        .put_or_unknown("close_price", Price::from_units(close))
                        .put_or_unknown("min_price", Price::from_units(low))
                        .put_or_unknown("max_price", Price::from_units(high))
                        .put_or_unknown("time_weighted_avg", Price::from_units(mean))
                        .put("changes", (chance.next() % 14).cast_signed())
                        .put("known_seconds", 86_400_i64);
                    rows.push(packer.row().to_vec());
                }
            }
        }
    }
    rows
}
