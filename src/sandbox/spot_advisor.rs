//! The feed of the Spot Instance Advisor: one document, which S3 serves, with the same members as the real one and in an
//! order that is another one in each edition.
//!
//! There is an edition a day. With each of them one in seven machines saves another share, and one in thirty is in another
//! band. The feed does not depend on who asks: it names regions that are closed to the account, too.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, ETAG, LAST_MODIFIED};
use axum::response::{IntoResponse as _, Response};

use super::Cloud;
use super::market::Market;
use super::market::draw::Draw;
use super::market::instances::{Instance, System};
use crate::base::Time;

/// Where it stands.
pub(crate) const PATH: &str = "/spot-advisor-data.json";

const DAY: i64 = 24 * 60 * 60;
/// The time of day at which an edition comes out.
const COMES_OUT: i64 = 2 * 60 * 60 + 17 * 60;
/// The bands as they were in 2025: index, label and what the feed calls the most.
const BANDS: [(u64, &str, u64); 5] =
    [(0, "<5%", 5), (1, "5-10%", 11), (2, "10-15%", 16), (3, "15-20%", 22), (4, ">20%", 100)];

/// Answers with the newest edition.
pub(crate) async fn serve(State(cloud): State<Arc<Cloud>>) -> Response {
    let edition = Edition::newest(cloud.clock.now());
    let tag = format!("\"{:016x}\"", cloud.market.seed.text("advisor").at_time(edition.number).bits());
    let modified = edition.published().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let headers = [(CONTENT_TYPE, "application/json".to_owned()), (ETAG, tag), (LAST_MODIFIED, modified)];
    (headers, edition.document(&cloud.market)).into_response()
}

/// What a throttled caller gets of S3.
pub(crate) fn throttled() -> Response {
    const SLOW_DOWN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    (StatusCode::SERVICE_UNAVAILABLE, [(CONTENT_TYPE, "application/xml")], SLOW_DOWN).into_response()
}

/// An edition, numbered by its day.
#[derive(Debug, Clone, Copy)]
struct Edition {
    number: i64,
}

impl Edition {
    /// The one that is out at `now`.
    fn newest(now: Time) -> Self {
        Self { number: (now.timestamp() - COMES_OUT).div_euclid(DAY) }
    }

    fn published(self) -> Time {
        Time::from_timestamp(self.number * DAY + COMES_OUT, 0).unwrap_or_default()
    }

    fn document(self, market: &Market) -> String {
        let seed = market.seed.text("advisor");
        let order = seed.text("order").at_time(self.number);
        // GovCloud is not in the real feed.
        let regions = market.listed(false).iter();
        let regions = regions.filter(|listed| listed.is_region() && !listed.code.starts_with("us-gov-"));
        let mut types = std::collections::BTreeSet::new();
        let advice = regions.map(|region| {
            let here = seed.text(region.code);
            let systems = [System::Linux, System::Windows].map(|system| {
                let machines = region.types.iter().filter_map(|index| {
                    let machine = &market.instances[*index];
                    if system == System::Windows && machine.family.is_arm() {
                        return None;
                    }
                    types.insert(*index);
                    let draw = here.text(system.list_name()).text(&machine.name);
                    Some((machine.name.as_str(), self.advice(draw)))
                });
                (system.list_name(), object(order, machines.collect()))
            });
            (region.code, object(order, systems.into()))
        });
        let advice = object(order, advice.collect());
        let machines = types.into_iter().map(|index| {
            let machine = &market.instances[index];
            (machine.name.as_str(), facts(machine))
        });
        let bands = BANDS.map(|(index, label, most)| {
            format!(r#"{{"index": {index}, "label": "{label}", "dots": {index}, "max": {most}}}"#)
        });
        let members = vec![
            ("instance_types", object(order, machines.collect())),
            ("ranges", format!("[{}]", bands.join(", "))),
            ("spot_advisor", advice),
            ("global_rate", r#""<10%""#.to_owned()),
        ];
        object(order, members)
    }

    /// What is said of one machine: `draw` is its own.
    fn advice(self, draw: Draw) -> String {
        // Each has days of its own on which it changes.
        let turn = |name: &str, days: i64| {
            let draw = draw.text(name);
            draw.at_time((self.number + draw.seconds_below(days)).div_euclid(days))
        };
        // Spot prices here are 20 to 70 % of on demand.
        let (savings, band) = (30 + turn("savings", 7).below(51), turn("band", 30).below(5));
        if draw.text("order").permille(500) {
            format!(r#"{{"s": {savings}, "r": {band}}}"#)
        } else {
            format!(r#"{{"r": {band}, "s": {savings}}}"#)
        }
    }
}

fn facts(machine: &Instance) -> String {
    let memory = machine.memory();
    let (whole, part) = (memory / 100, memory % 100);
    let part = if part % 10 == 0 { format!("{}", part / 10) } else { format!("{part:02}") };
    let emr = machine.vcpus >= 4;
    format!(r#"{{"emr": {emr}, "cores": {}, "ram_gb": {whole}.{part}}}"#, machine.vcpus)
}

/// A JSON object whose members stand in an order that `order` decides. Names here need no escapes.
fn object(order: Draw, mut members: Vec<(&str, String)>) -> String {
    members.sort_by_key(|(name, _)| order.text(name).bits());
    let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    format!("{{{}}}", members.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(now: &str) -> String {
        Edition::newest(now.parse().unwrap()).document(&Market::new(1, 0.01))
    }

    fn advice(now: &str) -> serde_json::Value {
        let mut document: serde_json::Value = serde_json::from_str(&document(now)).unwrap();
        document["spot_advisor"].take()
    }

    #[test]
    fn an_edition_holds_for_a_day() {
        let first = document("2026-11-21T02:17:00Z");
        assert_eq!(first, document("2026-11-22T02:16:59Z"));
        assert_ne!(first, document("2026-11-22T02:17:00Z"));
        assert_eq!(
            Edition::newest("2026-11-21T12:00:00Z".parse().unwrap()).published().to_rfc3339(),
            "2026-11-21T02:17:00+00:00"
        );
    }

    #[test]
    fn a_few_machines_change_from_edition_to_edition() {
        let (before, after) = (advice("2026-11-21T12:00:00Z"), advice("2026-11-22T12:00:00Z"));
        let (mut all, mut changed) = (0, 0);
        for (region, systems) in before.as_object().unwrap() {
            for (system, machines) in systems.as_object().unwrap() {
                for (machine, said) in machines.as_object().unwrap() {
                    all += 1;
                    changed += usize::from(after[region][system][machine] != *said);
                }
            }
        }
        assert!(all > 100 && (all / 12..all / 4).contains(&changed), "{changed} of {all}");
    }

    #[test]
    fn the_order_is_another_one_each_day() {
        let place = |day: &str, name: &str| document(day).find(name).unwrap();
        let days = (10..30).map(|day| format!("2026-11-{day}T12:00:00Z"));
        let first = days.filter(|day| place(day, "\"ranges\"") < place(day, "\"spot_advisor\"")).count();
        assert!((1..20).contains(&first), "{first}");
    }
}
