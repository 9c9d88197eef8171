//! `DescribeSpotPriceHistory`: the changes in `[StartTime, EndTime]` and, for each pool, the last one before,
//! newest first, page by page.
//!
//! A page costs no more than a look at each pool: it walks back from the end of the window (or from where the
//! token says) in spans that hold about a page each. Nothing is kept between pages: the token says after which
//! row to go on.

use chrono::{DateTime, SecondsFormat, TimeDelta, TimeZone, Utc};

use super::params::Filters;
use super::xml::Xml;
use super::{Call, Ec2Error};
use crate::base::Time;
use crate::sandbox::market::spot::Pool;

/// The most rows on a page.
const PAGE: usize = 1_000;
/// How far back the history reaches, in days.
const MEMORY: i64 = 90;

/// A row: the time of the change and the number of the pool.
type Row = (i64, usize);

/// What one listing is about. Whole seconds, both ends included.
struct Query<'a> {
    pools: Vec<(usize, &'a Pool)>,
    start: i64,
    end: i64,
    now: i64,
}

impl Call<'_> {
    /// One page of the listing.
    pub(super) fn describe_spot_price_history(&self) -> Result<String, Ec2Error> {
        let max_results = match self.params.get("MaxResults").map(str::parse::<usize>) {
            None => PAGE,
            Some(Ok(count @ 1..)) => count.min(PAGE),
            _ => return Err(Ec2Error::invalid("Value for parameter maxResults is invalid.".to_owned())),
        };
        let filters = self.params.filters(&[
            "availability-zone",
            "availability-zone-id",
            "instance-type",
            "product-description",
            "spot-price",
            "timestamp",
        ])?;
        let query = self.query(&filters)?;
        let fingerprint = self.params.fingerprint(self.cloud.market.seed.text(self.region.place.code));
        let token = self.params.get("NextToken");
        let after = match token {
            None => None,
            Some(token) => Some(read_token(token, fingerprint.bits()).ok_or_else(bad_token)?),
        };
        let looping = self.cloud.faults.token_loop;
        let limit = page_length(max_results, fingerprint.text("page").at_time(after.map_or(-1, |row| row.0)));
        // A loop needs a second page, however short the listing.
        let limit = if looping { limit.min(PAGE / 10) } else { limit };
        let mut rows = query.rows_after(after, limit + 1, |row| {
            let pool = &self.region.pools[row.1];
            filters.pass("timestamp", &stamp(row.0))
                && filters.pass("spot-price", &pool.price(row.0).six_decimals())
        });
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = match (rows.last(), token) {
            (_, Some(token)) if looping => token.to_owned(),
            (Some(row), _) if more => write_token(*row, fingerprint.bits()),
            _ => String::new(),
        };
        Ok(Xml::answer("DescribeSpotPriceHistory", &self.request_id, |xml| {
            xml.element("spotPriceHistorySet", |xml| {
                for row in &rows {
                    xml.element("item", |xml| self.write_row(xml, *row));
                }
            });
            xml.text("nextToken", &next);
        }))
    }

    fn query(&self, filters: &Filters) -> Result<Query<'_>, Ec2Error> {
        let (zone, zone_id) = (self.params.get("AvailabilityZone"), self.params.get("AvailabilityZoneId"));
        if zone.is_some() && zone_id.is_some() {
            return Err(Ec2Error {
                code: "InvalidParameterCombination",
                ..Ec2Error::invalid("Specify AvailabilityZone or AvailabilityZoneId, not both".to_owned())
            });
        }
        let oldest = self.now - TimeDelta::days(MEMORY);
        let start = self.time("StartTime")?.unwrap_or(oldest).clamp(oldest, self.now);
        let end = self.time("EndTime")?.unwrap_or(self.now);
        let types = self.params.list("InstanceType");
        // EC2-Classic is gone: the names of its time mean the same pools.
        let products: Vec<&str> = self
            .params
            .list("ProductDescription")
            .into_iter()
            .map(|product| product.trim_end_matches(" (Amazon VPC)"))
            .collect();
        let asked = |pool: &Pool| {
            let place = &self.region.zones[pool.zone];
            let instance = self.cloud.market.instances[pool.instance].name.as_str();
            let product = pool.system.product_description();
            zone.is_none_or(|zone| zone == place.name)
                && zone_id.is_none_or(|id| id == place.id)
                && (types.is_empty() || types.contains(&instance))
                && (products.is_empty() || products.contains(&product))
                && filters.pass("availability-zone", &place.name)
                && filters.pass("availability-zone-id", &place.id)
                && filters.pass("instance-type", instance)
                && filters.pass("product-description", product)
        };
        let ceiling = |time: Time| time.timestamp() + i64::from(time.timestamp_subsec_nanos() > 0);
        let forgotten = end < oldest;
        let pools =
            self.region.pools.iter().enumerate().filter(|(_, pool)| !forgotten && asked(pool)).collect();
        Ok(Query { pools, start: ceiling(start), end: end.timestamp(), now: self.now.timestamp() })
    }

    fn time(&self, name: &str) -> Result<Option<Time>, Ec2Error> {
        let Some(text) = self.params.get(name) else { return Ok(None) };
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Ok(Some(time.to_utc())),
            Err(_) => Err(Ec2Error::invalid(format!("Invalid value for parameter {name}: {text}"))),
        }
    }

    fn write_row(&self, xml: &mut Xml, (at, number): Row) {
        let pool = &self.region.pools[number];
        let zone = &self.region.zones[pool.zone];
        xml.text("instanceType", &self.cloud.market.instances[pool.instance].name);
        xml.text("productDescription", pool.system.product_description());
        xml.text("spotPrice", &pool.price(at).six_decimals());
        xml.text("timestamp", &stamp(at));
        xml.text("availabilityZone", &zone.name);
        xml.text("availabilityZoneId", &zone.id);
    }
}

impl Query<'_> {
    /// At least the first `wanted` rows after `after` that `keep` lets through, or all that there are.
    fn rows_after(&self, after: Option<Row>, wanted: usize, keep: impl Fn(&Row) -> bool) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        let mut take = |found: &mut Vec<Row>| {
            found.retain(|row| after.is_none_or(|after| order(after) < order(*row)) && keep(row));
            found.sort_unstable_by_key(|row| order(*row));
            rows.append(found);
            rows.len() >= wanted
        };
        // Pools change about four times a day, so this span holds about a page.
        let pools = i64::try_from(self.pools.len().max(1)).unwrap_or(i64::MAX);
        let span = (86_400 * 300 / pools).max(60);
        let mut end = self.end.min(self.now).min(after.map_or(i64::MAX, |row| row.0));
        while end >= self.start {
            let start = self.start.max(end - span + 1);
            let in_span = |(number, pool): &(usize, &Pool)| {
                pool.changes(start..=end, self.now).map(|at| (at, *number)).collect::<Vec<Row>>()
            };
            let mut found: Vec<Row> = self.pools.iter().flat_map(in_span).collect();
            if take(&mut found) {
                return rows;
            }
            end = start - 1;
        }
        let before =
            |(number, pool): &(usize, &Pool)| pool.last_before(self.start, self.now).map(|at| (at, *number));
        take(&mut self.pools.iter().filter_map(before).collect());
        rows
    }
}

/// Newest first, then by pool.
fn order((at, number): Row) -> (std::cmp::Reverse<i64>, usize) {
    (std::cmp::Reverse(at), number)
}

/// Now and then a page is shorter than asked, although more follows.
fn page_length(asked: usize, draw: crate::sandbox::market::draw::Draw) -> usize {
    if draw.below(6) == 0 {
        let share = usize::try_from(55 + draw.at(1).below(40)).unwrap_or(100);
        (asked * share / 100).max(1)
    } else {
        asked
    }
}

fn stamp(at: i64) -> String {
    Utc.timestamp_opt(at, 0).single().unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn bad_token() -> Ec2Error {
    Ec2Error {
        code: "InvalidNextToken",
        ..Ec2Error::invalid("The specified NextToken is not valid for this request.".to_owned())
    }
}

/// The row and a check that ties it to the request, in URL-safe base64.
fn write_token((at, number): Row, fingerprint: u64) -> String {
    use base64::Engine;
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    let mut bytes = Vec::with_capacity(24);
    bytes.extend(at.to_be_bytes());
    bytes.extend(number.to_be_bytes());
    bytes.extend(check(at, number, fingerprint).to_be_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn read_token(token: &str, fingerprint: u64) -> Option<Row> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).ok()?;
    let word = |index: usize| Some(u64::from_be_bytes(bytes.get(index * 8..index * 8 + 8)?.try_into().ok()?));
    let (at, number) = (word(0)?.cast_signed(), word(1)?);
    let whole = bytes.len() == 24 && word(2)? == check(at, number, fingerprint);
    whole.then_some((at, usize::try_from(number).ok()?))
}

fn check(at: i64, number: u64, fingerprint: u64) -> u64 {
    use crate::sandbox::market::draw::Draw;
    Draw::seeded(fingerprint).at_time(at).at(number).bits()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::sandbox::market::Market;

    const DAY: i64 = 86_400;

    fn listed(market: &Market, start: i64, end: i64, now: i64) -> Vec<Row> {
        let pools = market.regions[0].pools.iter().enumerate().collect();
        Query { pools, start, end, now }.rows_after(None, usize::MAX, |_| true)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn pages_of_any_length_make_the_same_listing(
            start in 1_780_000_000_i64..1_800_000_000, length in 0_i64..3 * DAY, page in 1_usize..700,
        ) {
            let market = Market::new(1, 0.01);
            let (end, now) = (start + length, start + length + 1_000);
            let whole = listed(&market, start, end, now);
            prop_assert!(whole.is_sorted_by_key(|row| order(*row)));
            let pools = market.regions[0].pools.iter().enumerate().collect();
            let query = Query { pools, start, end, now };
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let mut rows = query.rows_after(after, page, |_| true);
                rows.truncate(page);
                let Some(last) = rows.last() else { break };
                after = Some(*last);
                paged.append(&mut rows);
            }
            prop_assert_eq!(paged, whole);
        }

        #[test]
        fn each_pool_has_exactly_one_row_before_the_start(
            start in 1_780_000_000_i64..1_800_000_000, length in 0_i64..DAY,
        ) {
            let market = Market::new(1, 0.01);
            let rows = listed(&market, start, start + length, start + length);
            let early: Vec<usize> = rows.iter().filter(|row| row.0 < start).map(|row| row.1).collect();
            prop_assert_eq!(early.len(), market.regions[0].pools.len());
            prop_assert_eq!(early.iter().collect::<HashSet<_>>().len(), early.len());
            prop_assert!(rows.iter().all(|row| row.0 <= start + length));
        }

        #[test]
        fn a_mangled_token_is_refused(at in any::<i64>(), number in 0_usize..10_000, place in 0_usize..32, byte in any::<u8>()) {
            let token = write_token((at, number), 7);
            prop_assert_eq!(read_token(&token, 7), Some((at, number)));
            prop_assert_eq!(read_token(&token, 8), None);
            let mut bytes = token.clone().into_bytes();
            bytes[place] = byte;
            if let Ok(mangled) = String::from_utf8(bytes) && mangled != token {
                prop_assert_eq!(read_token(&mangled, 7), None);
            }
        }
    }

    #[test]
    fn hour_windows_hold_the_rows_of_the_day_window() {
        let market = Market::new(1, 0.01);
        let (start, now) = (1_790_000_000, 1_790_000_000 + 10 * DAY);
        let inside = |start: i64, end: i64| -> HashSet<Row> {
            listed(&market, start, end, now).into_iter().filter(|row| row.0 >= start).collect()
        };
        let hours: HashSet<Row> =
            (0..24).flat_map(|hour| inside(start + hour * 3_600, start + (hour + 1) * 3_600 - 1)).collect();
        assert_eq!(hours, inside(start, start + DAY - 1));
        assert!(hours.len() > 200);
    }

    #[test]
    fn an_old_window_does_not_depend_on_when_it_is_asked() {
        let market = Market::new(1, 0.01);
        let (start, end) = (1_790_000_000, 1_790_000_000 + DAY);
        assert_eq!(listed(&market, start, end, end + DAY / 4), listed(&market, start, end, end + 30 * DAY));
    }

    #[test]
    fn a_window_that_just_ended_lacks_its_late_rows() {
        let market = Market::new(1, 0.05);
        let (start, end) = (1_790_000_000, 1_790_000_000 + 3 * 3_600);
        let inside = |now| listed(&market, start, end, now).into_iter().filter(|row| row.0 >= start).count();
        assert!(inside(end) < inside(end + DAY));
    }
}
