//! What is odd or damaged in an offer file costs no more than itself.

use std::io::{self, Cursor, Read};

use proptest::prelude::*;

use super::{Decoded, decode, decode_text};

const MACHINES: &str = include_str!("../../../../../tests/fixtures/aws_price_list/rates_machines.json");

fn offer(products: &str, terms: &str) -> String {
    format!(
        r#"{{"offerCode": "AmazonEC2", "products": {products}, "terms": {terms}, "attributesList": {{}}}}"#
    )
}

fn dimension(code: &str, rest: &str) -> String {
    format!(r#""{code}": {{"rateCode": "{code}", {rest}}}"#)
}

fn decoded(json: &str) -> Decoded {
    decode_text("AmazonEC2", "eu-central-1", json)
}

#[test]
fn terms_before_their_products_are_read_all_the_same() {
    let (head, rest) = MACHINES.split_once(r#"  "products": "#).unwrap();
    let (products, terms) = rest.split_once(r#"  "terms": "#).unwrap();
    let (terms, tail) = terms.split_once(r#"  "attributesList""#).unwrap();
    let turned = format!(r#"{head}"terms": {terms} "products": {products} "attributesList"{tail}"#);
    assert_ne!(turned, MACHINES);
    let (turned, straight) = (decoded(&turned), decoded(MACHINES));
    assert_eq!(turned.told(), straight.told());
    let all = |decoded: &Decoded| {
        let mut all = Vec::new();
        decoded.each(|rate| all.push(format!("{rate:?}")));
        all
    };
    assert_eq!(all(&turned), all(&straight));
    assert_eq!(all(&turned).len(), 36);
}

#[test]
fn an_odd_value_costs_its_product_its_term_or_nothing_and_is_told() {
    let price = r#""pricePerUnit": {"USD": "1"}"#;
    let products =
        r#"{"ODD": {"attributes": {"instanceType": 5}}, "FINE": {"attributes": {"tenancy": "Shared"}}}"#;
    let terms = format!(
        r#"{{"OnDemand": {{
            "ODD": {{"ODD.T": {{"priceDimensions": {{{}}}}}}},
            "FINE": {{"FINE.T": {{"priceDimensions": [1, {{"a": "}}"}}]}}, "FINE.U": {{"priceDimensions": {{{}}}}}}},
            "NONE": 7}}, "Reserved": [{{}}]}}"#,
        dimension("ODD.T.R", price),
        dimension("FINE.U.R", price),
    );
    let decoded = decoded(&offer(products, &terms));
    assert_eq!(decoded.codes(), ["FINE.U.R", "ODD.T.R"]);
    let told = decoded.told();
    let expected = [
        "product ODD: invalid type: integer `5`, expected",
        "product ODD: has terms and is not described",
        "term FINE.T: invalid type: sequence, expected an object",
        "product NONE: is no object",
        "terms Reserved: is no object",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn a_price_that_is_no_text_is_read_as_it_stands_and_one_that_is_none_is_unknown() {
    let rates = [
        dimension("A.T.NUMBER", r#""pricePerUnit": {"USD": 0.10}"#),
        dimension("A.T.NULL", r#""pricePerUnit": {"USD": null}"#),
        dimension("A.T.ESCAPE", r#""pricePerUnit": {"USD": "\u0030.5"}"#),
        dimension("A.T.EMPTY", r#""pricePerUnit": {}"#),
        dimension("A.T.ABSENT", r#""unit": "Hrs""#),
        dimension("A.T.RANGE", r#""beginRange": "few", "endRange": "inf", "pricePerUnit": {"USD": "2"}"#),
    ];
    let terms =
        format!(r#"{{"OnDemand": {{"A": {{"A.T": {{"priceDimensions": {{{}}}}}}}}}}}"#, rates.join(", "));
    let decoded = decoded(&offer(r#"{"A": {}}"#, &terms));
    let mut prices = Vec::new();
    decoded.each(|rate| {
        assert_eq!((rate.tier_start, rate.tier_end), (None, None));
        prices.push(format!(
            "{} {:?}",
            rate.sku_price_id,
            rate.list_unit_price.map(|price| price.to_string())
        ));
    });
    assert_eq!(
        prices,
        [r#"A.T.ESCAPE Some("0.5")"#, "A.T.NULL None", r#"A.T.NUMBER Some("0.1")"#, r#"A.T.RANGE Some("2")"#]
    );
    assert_eq!(
        decoded.told(),
        [
            r#"rate A.T.NULL: "null" is not a price that fits"#,
            "rate A.T.EMPTY: has no price",
            "rate A.T.ABSENT: has no price",
            r#"rate A.T.RANGE: "few" is not a quantity"#,
        ]
    );
}

#[test]
fn terms_of_a_kind_that_nobody_knows_are_kept_and_told_once() {
    let price = r#""unit": "Quantity", "pricePerUnit": {"USD": "1"}"#;
    let term = |name: &str, attributes: &str| {
        let dimension = dimension(&format!("{name}.R"), price);
        format!(r#""{name}": {{"priceDimensions": {{{dimension}}}, "termAttributes": {attributes}}}"#)
    };
    let (bound, free) = (term("A.BOUND", r#"{"LeaseContractLength": "5 weeks"}"#), term("A.FREE", "{}"));
    let json = offer(r#"{"A": {}}"#, &format!(r#"{{"FlatRate": {{"A": {{{bound}, {free}}}}}}}"#));
    let decoded = decoded(&json);
    let mut found = Vec::new();
    decoded.each(|rate| {
        let due_once = rate.upfront_price.is_some();
        found.push((rate.sku_price_id.to_owned(), rate.pricing_category.as_str(), rate.term_years, due_once));
    });
    let expected = [("A.BOUND.R", "Committed", None, true), ("A.FREE.R", "Standard", None, false)];
    assert_eq!(found, expected.map(|(code, category, years, once)| (code.to_owned(), category, years, once)));
    assert_eq!(
        decoded.told(),
        [
            "terms FlatRate: are of a kind that is not known: Committed with a lease, Standard without",
            r#"term A.BOUND: "5 weeks" is not a number of years"#,
        ]
    );
}

#[test]
fn what_is_no_offer_file_is_one_problem() {
    for (json, told) in [
        ("", "payload: is no JSON from byte 0 on: it ends in the middle"),
        ("  [1, 2]", "payload: is no object"),
        ("{} {}", "payload: is no JSON from byte 3 on: expected the end"),
        (r#"{"products": {"A": {}},}"#, "payload: is no JSON from byte 23 on: expected a name"),
        (r#"{"products": {"A": {}} "terms": {}}"#, "payload: is no JSON from byte 23 on: expected ','"),
        (r#"{"products" {}}"#, "payload: is no JSON from byte 12 on: expected ':'"),
        (r#"{"products": tru}"#, "products: is no object"),
        (r#"{"products": "#, "payload: is no JSON from byte 13 on: it ends in the middle"),
        (r#"{"version": 1"#, "payload: is no JSON from byte 13 on: it ends in the middle"),
        (r#"{"a": 1e}"#, "payload: is no JSON from byte 6 on: invalid number"),
    ] {
        let problems = decoded(json).told();
        assert_eq!(problems.first().map(String::as_str), Some(told), "{json}: {problems:#?}");
        assert!(decoded(json).codes().is_empty());
    }
}

/// Hands out its bytes so many at a time, and fails at the end.
struct Trickle<'a> {
    bytes: Cursor<&'a [u8]>,
    step: usize,
    fails: bool,
}

impl Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = into.len().min(self.step);
        let read = self.bytes.read(&mut into[..length])?;
        if read == 0 && self.fails {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "cut"));
        }
        Ok(read)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_read_before_a_cut_stands_and_the_cut_is_told(at in any::<prop::sample::Index>(), step in 1_usize..5000, fails in any::<bool>()) {
        let whole = decoded(MACHINES).codes();
        let end = at.index(MACHINES.trim_end().len());
        let cut = &MACHINES.as_bytes()[..end];
        let decoded = decode("AmazonEC2", "eu-central-1", || Ok(Trickle { bytes: Cursor::new(cut), step, fails }));
        prop_assert_eq!(decoded.result.is_err(), fails);
        prop_assert_eq!(decoded.problems.count(), u64::from(!fails));
        let codes = decoded.codes();
        prop_assert!(codes.iter().all(|code| whole.contains(code)));
        // Every term that ends before the cut is there.
        let ended = std::str::from_utf8(cut).unwrap().matches(r#""termAttributes""#).count();
        prop_assert!(codes.len() + 1 >= ended, "{} of {ended}", codes.len());
    }

    #[test]
    fn no_byte_that_changes_is_a_panic_or_an_error(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = MACHINES.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let decoded = decode("AmazonEC2", "eu-central-1", || Ok(bytes.as_slice()));
        prop_assert!(decoded.result.is_ok());
    }
}
