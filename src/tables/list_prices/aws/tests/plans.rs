//! Price lists of savings plans: an invented one read by hand, recorded ones against what Python's `json` and `decimal` read
//! in the same files, and what damage costs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use proptest::prelude::*;

use super::recordings::recorded;
use super::{Decoded, decode_with};
use crate::base::Price;
use crate::tables::list_prices::rate::Category;

const LIST: &str = include_str!("../../../../../tests/fixtures/aws_savings_plans/compute.json");

fn decode<R: Read>(open: impl Fn() -> io::Result<R>) -> Decoded {
    decode_with("AWSComputeSavingsPlan", "eu-west-1", |writer| super::super::plans::read(open, writer))
}

fn decode_text(json: &str) -> Decoded {
    let decoded = decode(|| Ok(json.as_bytes()));
    assert!(decoded.result.is_ok(), "{:?}", decoded.result);
    decoded
}

fn said(decoded: &Decoded) -> Vec<String> {
    let mut all = Vec::new();
    decoded.each(|rate| all.push(format!("{rate:?}")));
    all
}

#[test]
fn a_list_is_read_as_a_person_reads_it() {
    let mut rows = Vec::new();
    let decoded = decode_text(LIST);
    decoded.each(|rate| {
        assert_eq!((rate.provider_name, rate.pricing_category), ("aws", Category::Committed));
        assert_eq!((rate.offering_class, rate.upfront_price), (Some("savings plan"), None));
        assert_eq!(rate.identity, format!("{}/{}/eu-west-1", rate.sku_price_id, rate.currency));
        rows.push(format!(
            "{} {} {} of {}: {} a {} {} for {:?} y, {}, as {} since {}",
            rate.sku_price_id,
            rate.service_name,
            rate.meter.unwrap_or("-"),
            rate.sku_id,
            rate.list_unit_price.map_or("?".to_owned(), |price| price.to_string()),
            rate.pricing_unit.unwrap_or("-"),
            rate.currency,
            rate.term_years,
            rate.payment_option.unwrap_or("-"),
            rate.product_family.unwrap_or("-"),
            rate.effective_from.map_or("-".to_owned(), |time| time.format("%F").to_string()),
        ));
    });
    assert_eq!(
        rows,
        [
            "FAMILY3YRALLUP00.MACHINE000000001 AmazonEC2 EU-BoxUsage:q1.large/RunInstances of MACHINE000000001: 0.0411 a Hrs USD for Some(3) y, All Upfront, as EC2InstanceSavingsPlans since 2026-11-01",
            "FLEXIBLE1YRNOUP0.CONTAINER0000001 AmazonECS EU-Fargate-vCPU-Hours:perCPU of CONTAINER0000001: 0.0315744 a Hrs USD for Some(1) y, No Upfront, as ComputeSavingsPlans since 2026-11-01",
            "FLEXIBLE1YRNOUP0.MACHINE000000001 AmazonEC2 EU-BoxUsage:q1.large/RunInstances of MACHINE000000001: 0.0762 a Hrs USD for Some(1) y, No Upfront, as ComputeSavingsPlans since 2026-11-01",
            "FLEXIBLE1YRNOUP0.MACHINE000000002 AmazonEC2 EU-BoxUsage:q1.large/RunInstances:0002 of _not_found_: 0.1222 a Hrs USD for Some(1) y, No Upfront, as ComputeSavingsPlans since 2026-11-01",
        ]
    );
    assert_eq!(decoded.told(), [""; 0]);
}

#[test]
fn terms_before_their_products_are_read_all_the_same() {
    let (head, rest) = LIST.split_once(r#"  "products": "#).unwrap();
    let (products, terms) = rest.split_once(r#"  "terms": "#).unwrap();
    let terms = terms.trim_end().strip_suffix('}').unwrap();
    let turned =
        format!(r#"{head} "terms": {terms}, "products": {}}}"#, products.trim_end().trim_end_matches(','));
    assert_eq!(said(&decode_text(&turned)), said(&decode_text(LIST)));
}

/// A recorded list, and what another program reads in it: rates by service; rates by term; without a currency; the sum
/// of all prices, in units of the tenth decimal.
struct Recording {
    path: &'static str,
    services: &'static [(&'static str, u32)],
    terms: &'static [(i64, u32)],
    kinds: &'static [(&'static str, u32)],
    without_currency: u64,
    units: i128,
}

const RECORDINGS: [Recording; 2] = [
    Recording {
        path: "AWSComputeSavingsPlan",
        services: &[("AWSLambda", 6), ("AmazonEC2", 4), ("AmazonECS", 3), ("AmazonIGNORE", 2)],
        terms: &[(1, 7), (3, 8)],
        kinds: &[
            ("ComputeSavingsPlans All Upfront", 5),
            ("ComputeSavingsPlans No Upfront", 8),
            ("EC2InstanceSavingsPlans No Upfront", 2),
        ],
        without_currency: 4,
        units: 75_455_357_300,
    },
    Recording {
        path: "AWSDatabaseSavingsPlans",
        services: &[("AmazonRDS", 2), ("AmazonTimestream", 1)],
        terms: &[(1, 3)],
        kinds: &[("DatabaseSavingsPlans No Upfront", 3)],
        without_currency: 3,
        units: 4_980_000_000,
    },
];

#[test]
fn recorded_lists_come_to_what_another_program_reads() {
    for recording in RECORDINGS {
        let path = format!(
            "aws-savings-plans/ligoj/savingsPlan/v1.0/aws/{}/current/eu-west-1/index.json",
            recording.path
        );
        let Some(path) = recorded(&path) else { return };
        let decoded = decode(|| File::open(&path));
        assert!(decoded.result.is_ok(), "{:?}", decoded.result);
        let (mut services, mut terms, mut kinds) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (mut units, mut chosen) = (0, None);
        decoded.each(|rate| {
            *services.entry(rate.service_name.to_owned()).or_insert(0) += 1;
            *terms.entry(rate.term_years.unwrap()).or_insert(0) += 1;
            let kind = format!("{} {}", rate.product_family.unwrap(), rate.payment_option.unwrap());
            *kinds.entry(kind).or_insert(0) += 1;
            units += rate.list_unit_price.unwrap().units();
            if rate.sku_price_id == "ZGC49G7XS8QA54BQ.BP8P7CBMNM86SRMW" {
                chosen = rate.list_unit_price;
            }
        });
        let counted = |pairs: &[(&str, u32)]| -> BTreeMap<String, u32> {
            pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
        };
        assert_eq!(services, counted(recording.services), "{}", recording.path);
        assert_eq!(kinds, counted(recording.kinds), "{}", recording.path);
        assert_eq!(terms, recording.terms.iter().copied().collect(), "{}", recording.path);
        assert_eq!(units, recording.units, "{}", recording.path);
        assert_eq!(decoded.problems.count(), recording.without_currency, "{:?}", decoded.problems.told());
        assert!(decoded.problems.told().iter().all(|problem| problem.reason == "has no currency"));
        let compute = recording.path == "AWSComputeSavingsPlan";
        assert_eq!(chosen, compute.then(|| Price::read("0.00000409").unwrap()));
    }
}

fn list(products: &str, terms: &str) -> String {
    format!(r#"{{"version": "20261105173000", "products": {products}, "terms": {terms}}}"#)
}

#[test]
fn what_is_odd_costs_no_more_than_itself_and_is_told() {
    let plan = r#"{"sku": "P", "productFamily": "F", "attributes": {"purchaseTerm": "1yr", "purchaseOption": "NA"}}"#;
    let good =
        r#"{"rateCode": "P.A", "discountedSku": "A", "discountedRate": {"price": "1", "currency": "USD"}}"#;
    let rates = format!(
        r#"[{good}, 7, {{"rateCode": 3}}, {{"rateCode": "P.B", "discountedRate": {{"price": "1e-400", "currency": "USD"}}}},
            {{"rateCode": "P.C", "discountedRate": null}}, {{"discountedSku": "D", "discountedRate": {{"price": 0, "currency": "EUR"}}}}]"#
    );
    let json = list(
        &format!(r#"[{plan}, "x", {{"productFamily": "no sku"}}]"#),
        &format!(
            r#"{{"savingsPlan": [{{"sku": "P", "effectiveDate": "soon", "leaseContractLength": {{"duration": 2, "unit": "moons"}},
                "rates": {rates}}}, {{"sku": "UNHEARD", "rates": [{}]}}, 5, {{"sku": "P", "rates": {{}}}}],
                "new": {{"a": [1]}}}}"#,
            good.replace("P.A", "Q.A")
        ),
    );
    let decoded = decode_text(&json);
    let mut prices = Vec::new();
    decoded.each(|rate| {
        let price = rate.list_unit_price.map(|price| price.to_string());
        prices.push((rate.sku_price_id.to_owned(), price, rate.currency.to_owned()));
    });
    let row = |code: &str, price: Option<&str>, currency: &str| {
        (code.to_owned(), price.map(str::to_owned), currency.to_owned())
    };
    assert_eq!(
        prices,
        [
            row("P.A", Some("1"), "USD"),
            row("P.B", None, "USD"),
            row("P.C", None, ""),
            row("P.D", Some("0"), "EUR"),
            row("Q.A", Some("1"), "USD"),
        ],
        "a real zero stays, and what is no number is unknown"
    );
    assert_eq!(decoded.problems.count(), 14, "{:?}", decoded.problems.told());
}

#[test]
fn a_file_that_is_none_is_told() {
    for (json, says) in [
        ("[1]", "payload: is no object"),
        ("<html>", "payload: is no object"),
        ("{\"products\": [", "payload: is no JSON from byte"),
        (&list("{}", "[]"), "products: is no list"),
        (LIST.split_at(LIST.len() / 2).0, "payload: is no JSON from byte"),
    ] {
        let told = decode_text(json).told();
        assert!(told[0].starts_with(says), "{json}: {told:?}");
    }
}

proptest! {
    /// Whatever is damaged, nothing panics, and what stands before the damage stands.
    #[test]
    fn no_damage_breaks_more_than_what_follows(at in 0_usize..LIST.len(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = LIST.as_bytes().to_vec();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let decoded = decode(|| Ok(bytes.as_slice()));
        prop_assert!(decoded.result.is_ok());
        prop_assert!(decoded.codes().len() <= 4);
    }
}
