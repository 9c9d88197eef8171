//! The rows of spot history as the lake keeps them, read into what the tables have. Never here: which rows belong
//! together, and anything about gaps.
//!
//! The fields are those of EC2's `SpotPrice`, named as the AWS CLI names them; all are texts. A row whose pool or moment
//! cannot be read is told and left out; one whose price cannot be read is told and has none.

use std::fmt;
use std::io::{self, BufRead};

use chrono::{DateTime, NaiveDate};
use serde::Deserialize;

use super::text::Text;
use crate::base::{Price, Time};
use crate::tables::lines::Lines;
use crate::tables::problems::Problems;

/// A change of a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpotRow<'a> {
    /// The zone, as the account that asked sees it.
    pub(super) zone: Option<&'a str>,
    /// The zone, the same for every account. One of the two is there.
    pub(super) zone_id: Option<&'a str>,
    /// The machine.
    pub(super) instance_type: &'a str,
    /// The product, as it is written.
    pub(super) product_description: &'a str,
    /// The price of an hour; `None` when it cannot be read.
    pub(super) unit_price: Option<Price>,
    /// When it began to apply.
    pub(super) effective_from: Time,
}

/// Hands each row of an NDJSON payload to `take`, and tells `problems` of the others.
pub(super) fn read(
    payload: impl BufRead,
    problems: &mut Problems,
    mut take: impl FnMut(&SpotRow<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut lines = Lines::of(payload);
    while let Some(line) = lines.next()? {
        let place = format_args!("line {}", line.number);
        let text = match line.text {
            Ok(text) => text,
            Err(reason) => {
                problems.note(place, reason);
                continue;
            }
        };
        if text.trim_ascii().is_empty() {
            continue;
        }
        let fields: Fields<'_> = match serde_json::from_str(text) {
            Ok(fields) => fields,
            Err(error) => {
                problems.note(place, format_args!("is no row: {error}"));
                continue;
            }
        };
        match fields.row() {
            Ok(row) => {
                if row.unit_price.is_none() {
                    problems
                        .note(place, format_args!("SpotPrice {} is no price", Shown(fields.price.known())));
                }
                take(&row)?;
            }
            Err(reason) => problems.note(place, reason),
        }
    }
    Ok(())
}

/// The operating system that a product is sold with. Whether it is within a VPC makes none.
pub(super) fn operating_system(product_description: &str) -> &str {
    match product_description.strip_suffix(" (Amazon VPC)").unwrap_or(product_description) {
        "Linux/UNIX" => "Linux",
        "Red Hat Enterprise Linux" => "RHEL",
        "SUSE Linux" => "SUSE",
        "Windows" => "Windows",
        _ => product_description,
    }
}

/// The currency of a region's prices, which rows do not tell: China has accounts and bills of its own.
pub(super) fn currency(region: &str) -> &'static str {
    if region.starts_with("cn-") { "CNY" } else { "USD" }
}

/// The fields of a row that tables have. All others are passed over.
#[derive(Debug, Deserialize)]
struct Fields<'a> {
    #[serde(borrow, rename = "AvailabilityZone", default)]
    zone: Text<'a>,
    #[serde(borrow, rename = "AvailabilityZoneId", default)]
    zone_id: Text<'a>,
    #[serde(borrow, rename = "InstanceType", default)]
    instance_type: Text<'a>,
    #[serde(borrow, rename = "ProductDescription", default)]
    product_description: Text<'a>,
    #[serde(borrow, rename = "SpotPrice", default)]
    price: Text<'a>,
    #[serde(borrow, rename = "Timestamp", default)]
    timestamp: Text<'a>,
}

impl Fields<'_> {
    fn row(&self) -> Result<SpotRow<'_>, String> {
        let known = |text: &'_ Text<'_>, name: &str| match text.known() {
            Some(_) => Ok(()),
            None => Err(format!("has no {name}")),
        };
        known(&self.instance_type, "InstanceType")?;
        known(&self.product_description, "ProductDescription")?;
        known(&self.timestamp, "Timestamp")?;
        let (zone, zone_id) = (self.zone.known(), self.zone_id.known());
        if zone.is_none() && zone_id.is_none() {
            return Err("has no AvailabilityZone".to_owned());
        }
        let timestamp = self.timestamp.known();
        let effective_from = timestamp
            .and_then(read_moment)
            .ok_or_else(|| format!("Timestamp {} is no moment, to the microsecond", Shown(timestamp)))?;
        Ok(SpotRow {
            zone,
            zone_id,
            instance_type: self.instance_type.known().unwrap_or_default(),
            product_description: self.product_description.known().unwrap_or_default(),
            unit_price: self.price.known().and_then(Price::read),
            effective_from,
        })
    }
}

/// A field's text, as it is quoted to people.
struct Shown<'a>(Option<&'a str>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(text) => write!(f, "{text:?}"),
            None => f.write_str("(none)"),
        }
    }
}

/// A moment of RFC 3339; `None` for what is none, or is finer than a microsecond.
fn read_moment(text: &str) -> Option<Time> {
    plain_moment(text.as_bytes()).or_else(|| {
        let time = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
        (time.timestamp_subsec_nanos() % 1_000 == 0).then_some(time)
    })
}

/// `2026-11-21T20:00:00.000Z` and `2026-11-21T20:00:00Z`, as EC2 writes moments; `None` for any other way of writing.
fn plain_moment(text: &[u8]) -> Option<Time> {
    let (start, end) = text.split_first_chunk::<19>()?;
    if !matches!(end, b"Z" | b".000Z") {
        return None;
    }
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2] = *start
    else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0_u32, |all, digit| digit.is_ascii_digit().then(|| all * 10 + u32::from(digit - b'0')))
    };
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    let day = NaiveDate::from_ymd_opt(year, number(&[m1, m2])?, number(&[d1, d2])?)?;
    Some(day.and_hms_opt(number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?)?.and_utc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(payload: &[u8]) -> (Vec<String>, Vec<String>) {
        let (mut rows, mut problems) = (Vec::new(), Problems::of("raw/k"));
        read(payload, &mut problems, |row| {
            rows.push(format!(
                "{} {} {} {} {} {}",
                row.zone.unwrap_or("-"),
                row.zone_id.unwrap_or("-"),
                row.instance_type,
                row.product_description,
                row.unit_price.map_or_else(|| "-".to_owned(), |price| price.to_string()),
                row.effective_from.to_rfc3339(),
            ));
            Ok(())
        })
        .unwrap();
        let problems = problems.told().iter().map(|it| format!("{}: {}", it.place, it.reason)).collect();
        (rows, problems)
    }

    fn line(changes: &[(&str, &str)]) -> String {
        let mut fields = serde_json::json!({
            "AvailabilityZone": "us-east-1a",
            "AvailabilityZoneId": "use1-az1",
            "InstanceType": "m5.large",
            "ProductDescription": "Linux/UNIX",
            "SpotPrice": "0.035000",
            "Timestamp": "2026-11-21T20:00:00.000Z",
        });
        for (name, value) in changes {
            fields[*name] = serde_json::from_str(value).unwrap();
        }
        format!("{fields}\n")
    }

    #[test]
    fn a_row_is_read_whatever_else_it_has() {
        let payload = line(&[("Later", r#"{"a":[1]}"#), ("ProductDescription", r#""A \"B\"""#)]);
        let row = r#"us-east-1a use1-az1 m5.large A "B" 0.035 2026-11-21T20:00:00+00:00"#;
        assert_eq!(told(payload.as_bytes()), (vec![row.to_owned()], vec![]));
    }

    #[test]
    fn a_price_that_cannot_be_read_is_unknown_and_told() {
        for (price, shown) in [
            (r#""N/A""#, r#""N/A""#),
            (r#""0.00000000001""#, r#""0.00000000001""#),
            ("0.035", "(none)"),
            ("null", "(none)"),
            ("{}", "(none)"),
            (r#""""#, "(none)"),
        ] {
            let (rows, problems) = told(line(&[("SpotPrice", price)]).as_bytes());
            assert_eq!(rows, ["us-east-1a use1-az1 m5.large Linux/UNIX - 2026-11-21T20:00:00+00:00"]);
            assert_eq!(problems, [format!("line 1: SpotPrice {shown} is no price")]);
        }
        let (rows, problems) = told(line(&[("SpotPrice", r#""0.000000""#)]).as_bytes());
        assert!(rows[0].contains(" 0 ") && problems.is_empty(), "free is a price");
    }

    #[test]
    fn a_row_of_no_pool_or_no_moment_is_told_and_left_out() {
        for (field, value, reason) in [
            ("InstanceType", "null", "has no InstanceType"),
            ("InstanceType", "7", "has no InstanceType"),
            ("ProductDescription", r#""""#, "has no ProductDescription"),
            ("Timestamp", "[1, 2]", "has no Timestamp"),
            ("Timestamp", r#""soon""#, r#"Timestamp "soon" is no moment, to the microsecond"#),
            (
                "Timestamp",
                r#""2026-11-21T20:00:00.0000001Z""#,
                r#"Timestamp "2026-11-21T20:00:00.0000001Z" is no moment, to the microsecond"#,
            ),
        ] {
            let (rows, problems) = told(line(&[(field, value)]).as_bytes());
            assert!(rows.is_empty(), "{rows:?}");
            assert_eq!(problems, [format!("line 1: {reason}")]);
        }
        let nowhere = line(&[("AvailabilityZone", "null"), ("AvailabilityZoneId", "true")]);
        assert_eq!(told(nowhere.as_bytes()).1, ["line 1: has no AvailabilityZone"]);
        assert_eq!(told(line(&[("AvailabilityZoneId", "null")]).as_bytes()).0.len(), 1);
    }

    #[test]
    fn a_line_that_is_no_row_stops_no_other() {
        let good = line(&[]);
        let mut payload = format!("{good}{{\"SpotPrice\":\n\n[]\n").into_bytes();
        payload.extend_from_slice(b"{\"InstanceType\":\"\xff\"}\n");
        payload.extend_from_slice(format!("{{\"x\":\"{}\"}}\n", "x".repeat(2 << 20)).as_bytes());
        payload.extend_from_slice(good.trim_end().as_bytes());
        let (rows, problems) = told(&payload);
        assert_eq!(rows.len(), 2);
        let starts =
            ["line 2: is no row: ", "line 4: ", "line 5: is no UTF-8", "line 6: is too long for a row"];
        assert_eq!(problems.len(), starts.len(), "{problems:?}");
        for (problem, start) in problems.iter().zip(starts) {
            assert!(problem.starts_with(start), "{problem}");
        }
    }

    #[test]
    fn moments_are_exact() {
        let read = |text| read_moment(text).map(|time| time.timestamp_micros());
        let second = 1_795_291_200_000_000;
        for (text, micros) in [
            ("2026-11-21T20:00:00Z", second),
            ("2026-11-21T20:00:00.000Z", second),
            ("2026-11-21T20:00:00.000000000Z", second),
            ("2026-11-21T21:00:00+01:00", second),
            ("2026-11-21T20:00:00.123456Z", second + 123_456),
        ] {
            assert_eq!(read(text), Some(micros), "{text}");
        }
        for odd in [
            "",
            "2026-11-21",
            "2026-02-30T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T20:00:00",
            "+026-11-21T20:00:00Z",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_operating_system_has_one_name() {
        for (product, system) in [
            ("Linux/UNIX", "Linux"),
            ("Linux/UNIX (Amazon VPC)", "Linux"),
            ("Windows (Amazon VPC)", "Windows"),
            ("Red Hat Enterprise Linux", "RHEL"),
            ("SUSE Linux (Amazon VPC)", "SUSE"),
            ("Plan 9 (Amazon VPC)", "Plan 9 (Amazon VPC)"),
        ] {
            assert_eq!(operating_system(product), system);
        }
    }

    #[test]
    fn china_has_a_currency_of_its_own() {
        assert_eq!(["cn-north-1", "us-east-1", "us-gov-west-1"].map(currency), ["CNY", "USD", "USD"]);
    }

    proptest! {
        #[test]
        fn both_ways_of_reading_a_moment_agree(second in -62_135_596_800_i64..253_402_300_800, millis in any::<bool>()) {
            let time = Time::from_timestamp(second, 0).unwrap();
            let text = time.format(if millis { "%Y-%m-%dT%H:%M:%S.000Z" } else { "%Y-%m-%dT%H:%M:%SZ" }).to_string();
            prop_assert_eq!(plain_moment(text.as_bytes()), Some(time));
            prop_assert_eq!(DateTime::parse_from_rfc3339(&text).unwrap().to_utc(), time);
        }

        #[test]
        fn no_payload_is_a_panic(payload in "[-0-9a-zA-Z{}\\[\\]\",:.\n\\\\]{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            told(payload.as_bytes());
            told(&bytes);
        }
    }
}
