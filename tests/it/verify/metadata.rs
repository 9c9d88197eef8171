//! Metadata that is missing, impossible or untrue.

use std::fs;

use super::Meddled;

#[test]
fn metadata_that_is_missing_or_damaged_is_told() {
    let lake = Meddled::new();
    let keys = lake.hours_with_rows();
    fs::remove_file(lake.sidecar(&keys[0])).unwrap();
    assert!(lake.fault(&[], &keys[0]).contains("is missing"));
    assert!(lake.fault(&["--deep"], &keys[0]).contains("is missing"), "the payload is sound");
    fs::write(lake.sidecar(&keys[0]), "{\"sha256\":").unwrap();
    assert!(lake.fault(&[], &keys[0]).contains("is damaged"));
}

#[test]
fn metadata_that_cannot_be_is_told_without_reading_the_object() {
    let lake = Meddled::new();
    let key = lake.hours_with_rows().remove(0);
    lake.describe(&key, |meta| meta.rows = Some(0));
    assert!(lake.fault(&[], &key).contains("contrail-rows is 0"));
    lake.describe(&key, |meta| (meta.rows, meta.bytes) = (Some(9), 1 << 40));
    assert!(lake.fault(&[], &key).contains("contrail-bytes is 1099511627776"));
}

#[test]
fn metadata_that_is_untrue_is_told_when_the_object_is_read() {
    let lake = Meddled::new();
    let keys = lake.hours_with_rows();
    lake.describe(&keys[0], |meta| meta.sha256 = "ab".repeat(32));
    assert!(lake.deep_fault(&keys[0]).starts_with("contrail-sha256 is abab"));
    let lake = Meddled::new();
    lake.describe(&keys[0], |meta| meta.rows = meta.rows.map(|rows| rows - 1));
    assert!(lake.deep_fault(&keys[0]).starts_with("contrail-rows is "));
    let lake = Meddled::new();
    lake.describe(&keys[0], |meta| meta.rows_hash = Some("0".repeat(32)));
    assert!(lake.deep_fault(&keys[0]).starts_with("contrail-rows-hash is 000"));
    let lake = Meddled::new();
    lake.describe(&keys[0], |meta| meta.bytes += 1);
    assert!(lake.deep_fault(&keys[0]).starts_with("contrail-bytes is "));
}

#[test]
fn products_of_a_price_list_are_counted() {
    let lake = Meddled::new();
    let key = lake.keys("aws_price_list", "region=us-east-1/").remove(0);
    lake.describe(&key, |meta| meta.rows = meta.rows.map(|rows| rows + 1));
    assert!(lake.deep_fault(&key).starts_with("contrail-rows is "));
}

#[test]
fn only_what_is_asked_for_is_verified() {
    let lake = Meddled::new();
    let key = lake.keys("azure_retail_prices", "Reservation").remove(0);
    let day = key.split("dt=").nth(1).unwrap().split('/').next().unwrap();
    fs::remove_file(lake.sidecar(&key)).unwrap();
    for (more, code) in [
        (&["--dataset", "azure_retail_prices"][..], 3),
        (&["--dataset", "aws_spot_prices"], 0),
        (&["--since", day], 3),
        (&["--until", day], 0),
        (&["--since", "2100-01-01"], 0),
    ] {
        assert_eq!(lake.found(more, code).len(), usize::from(code == 3), "{more:?}");
    }
    lake.run(&["--since", "yesterday"]).with(2);
}
