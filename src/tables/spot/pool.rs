//! Pools on their way into `spot_prices_daily`: their changes, and what they cost when the day before ended, sorted by
//! pool and time. No table of the lake.
//!
//! A pool is told by the id of its zone, or by the zone's name where there is no id: names are the account's own, and a
//! lake may have been filled by two.

use crate::base::{Price, Time};
use crate::tables::packed::{Damaged, Packer, Unpacker};
use crate::tables::schema::Kind::{Moment, Price as Money, Text};
use crate::tables::schema::{Column, Partitions, Table};

/// In the order in which they are packed.
pub(super) static POOLS: Table = Table {
    name: "pools",
    description: "spot pools on their way into spot_prices_daily",
    columns: &[
        Column::known("instance_type", Text, "see spot_prices"),
        Column::known("region_id", Text, "see spot_prices"),
        Column::maybe("availability_zone_id", Text, "see spot_prices"),
        Column::maybe("lone_zone", Text, "the zone, if it is told by its name alone"),
        Column::known("product_description", Text, "see spot_prices"),
        Column::maybe("effective_from", Moment, "when it changed; none for how the day before ended"),
        Column::maybe("unit_price", Money, "see spot_prices"),
        Column::maybe("availability_zone", Text, "see spot_prices"),
    ],
    order: &[
        "instance_type",
        "region_id",
        "availability_zone_id",
        "lone_zone",
        "product_description",
        "effective_from",
    ],
    partitions: Partitions::Day,
    sought: &[],
};

/// What one row says of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pool<'a> {
    /// The machine.
    pub(super) instance_type: &'a str,
    /// The region.
    pub(super) region_id: &'a str,
    /// The id of the zone.
    pub(super) zone_id: Option<&'a str>,
    /// The name of the zone.
    pub(super) zone: Option<&'a str>,
    /// The product.
    pub(super) product_description: &'a str,
    /// When it changed; `None` for how the day before ended.
    pub(super) effective_from: Option<Time>,
    /// The price since.
    pub(super) unit_price: Option<Price>,
}

impl<'a> Pool<'a> {
    /// Packs it as [`POOLS`] says.
    pub(super) fn pack<'p>(&self, packer: &'p mut Packer) -> &'p [u8] {
        packer
            .begin()
            .put("instance_type", self.instance_type)
            .put("region_id", self.region_id)
            .put_or_unknown("availability_zone_id", self.zone_id)
            .put_or_unknown("lone_zone", self.zone.filter(|_| self.zone_id.is_none()))
            .put("product_description", self.product_description)
            .put_or_unknown("effective_from", self.effective_from)
            .put_or_unknown("unit_price", self.unit_price)
            .put_or_unknown("availability_zone", self.zone);
        packer.row()
    }

    /// Reads what [`pack`](Self::pack) wrote, and how many of its bytes say which pool it is.
    pub(super) fn unpack(row: &'a [u8]) -> Result<(Self, usize), Damaged> {
        let [machine, region, id, lone, product, from, price, zone] = POOLS.columns else {
            return Err(Damaged);
        };
        let mut unpacker = Unpacker::new(row);
        let instance_type = unpacker.next_text(machine)?.ok_or(Damaged)?;
        let region_id = unpacker.next_text(region)?.ok_or(Damaged)?;
        let zone_id = unpacker.next_text(id)?;
        unpacker.next_text(lone)?;
        let product_description = unpacker.next_text(product)?.ok_or(Damaged)?;
        let identity = row.len() - unpacker.rest().len();
        let effective_from = unpacker.next_moment(from)?;
        let unit_price = unpacker.next_price(price)?;
        let zone = unpacker.next_text(zone)?;
        let pool =
            Self { instance_type, region_id, zone_id, zone, product_description, effective_from, unit_price };
        Ok((pool, identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(zone_id: Option<&str>, zone: Option<&str>, effective_from: Option<&str>) -> (Vec<u8>, Vec<u8>) {
        let pool = Pool {
            instance_type: "m5.large",
            region_id: "us-east-1",
            zone_id,
            zone,
            product_description: "Linux/UNIX",
            effective_from: effective_from.map(|time| time.parse().unwrap()),
            unit_price: Price::read("0.035"),
        };
        let row = pool.pack(&mut Packer::new(&POOLS)).to_vec();
        let (read, identity) = Pool::unpack(&row).unwrap();
        assert_eq!(read, pool);
        for cut in 0..row.len() {
            assert_eq!(Pool::unpack(&row[..cut]), Err(Damaged));
        }
        (row[..identity].to_vec(), row)
    }

    #[test]
    fn a_pool_is_told_by_the_id_of_its_zone_whatever_an_account_calls_it() {
        let time = Some("2026-11-21T00:00:00Z");
        let (one, _) = packed(Some("use1-az1"), Some("us-east-1a"), time);
        assert_eq!(one, packed(Some("use1-az1"), Some("us-east-1c"), time).0);
        assert_eq!(one, packed(Some("use1-az1"), None, None).0);
        let (lone, _) = packed(None, Some("us-east-1a"), time);
        assert_ne!(lone, one);
        assert_ne!(lone, packed(None, Some("us-east-1b"), time).0);
    }

    #[test]
    fn how_the_day_before_ended_comes_before_all_changes() {
        let zone = Some("use1-az1");
        assert!(packed(zone, Some("b"), None).1 < packed(zone, Some("a"), Some("1970-01-01T00:00:00Z")).1);
    }
}
