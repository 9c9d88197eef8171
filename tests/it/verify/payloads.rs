//! Payloads that are damaged, and payloads that are whole and wrong.

use std::fs;

use super::Meddled;

#[test]
fn a_byte_that_turned_over_is_found() {
    let lake = Meddled::new();
    for key in [
        lake.hours_with_rows().remove(0),
        lake.keys("azure_retail_prices", "Consumption").remove(0),
        lake.keys("aws_price_list", "us-east-1").remove(0),
    ] {
        let sound = fs::read(lake.path(&key)).unwrap();
        let mut bytes = sound.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(lake.path(&key), &bytes).unwrap();
        let found = lake.found(&["--deep"], 3);
        assert!(!found.is_empty() && found.iter().all(|found| found.key == key), "{found:#?}");
        fs::write(lake.path(&key), sound).unwrap();
    }
}

#[test]
fn an_object_that_was_cut_is_found() {
    let lake = Meddled::new();
    let key = lake.keys("azure_retail_prices", "Consumption").remove(0);
    let bytes = fs::read(lake.path(&key)).unwrap();
    fs::write(lake.path(&key), &bytes[..bytes.len() / 2]).unwrap();
    let fault = lake.fault(&["--deep"], &key);
    assert!(fault.starts_with("it is damaged: "), "{fault}");
}

#[test]
fn a_decompression_bomb_is_not_let_go_off() {
    let lake = Meddled::new();
    let key = lake.hours_with_rows().remove(0);
    lake.zip(&key, &vec![b' '; 200 << 20]);
    let stored = fs::metadata(lake.path(&key)).unwrap().len();
    lake.describe(&key, |meta| (meta.bytes, meta.rows) = (stored + 7, Some(2)));
    let fault = lake.deep_fault(&key);
    assert!(fault.contains("longer than "), "{fault}");
}

#[test]
fn a_row_that_is_there_twice_is_found_with_both_places() {
    let lake = Meddled::new();
    let key = lake.hours_with_rows().remove(0);
    let mut rows = lake.lines(&key);
    rows.push(rows[0].clone());
    lake.replace_rows(&key, &rows);
    let fault = lake.deep_fault(&key);
    assert!(fault.starts_with("rows that are in the lake already: 1, the first {"), "{fault}");

    // The audit of a day that repeats a row of it, with another price.
    let lake = Meddled::new();
    let days = lake.keys("aws_spot_prices", "region=us-east-1/");
    let day = days.iter().find(|key| lake.lines(key).len() > 1).unwrap();
    let (directory, name) = day.rsplit_once('/').unwrap();
    let (from, to) = name.split_once('-').unwrap();
    let [from, to] = [from, to].map(|moment| moment.split_once('T').unwrap().0);
    assert_ne!(from, to, "the first fill is of days");
    let audit = format!("{directory}/{from}-{to}.late.ndjson.gz");
    fs::copy(lake.sidecar(day), lake.sidecar(&audit)).unwrap();
    let row = lake.lines(day)[0].replace(r#""SpotPrice":""#, r#""SpotPrice":"1"#);
    lake.replace_rows(&audit, &[row]);
    let fault = lake.deep_fault(&audit);
    assert!(
        fault.starts_with("rows that are in the lake already: 1, ")
            && fault.ends_with(&format!("is in {day}"))
    );
}

#[test]
fn a_row_of_another_hour_is_found() {
    let lake = Meddled::new();
    let keys = lake.hours_with_rows();
    let mut rows = lake.lines(&keys[1]);
    rows.extend(lake.lines(&keys[0]).into_iter().take(1));
    lake.replace_rows(&keys[1], &rows);
    let fault = lake.deep_fault(&keys[1]);
    assert!(fault.starts_with("rows outside its time, and in no gap before it: 1, "), "{fault}");
}

#[test]
fn what_is_no_row_is_found() {
    let lake = Meddled::new();
    let key = lake.hours_with_rows().remove(0);
    let mut rows = lake.lines(&key);
    rows.push("{\"cut".to_owned());
    lake.replace_rows(&key, &rows);
    assert!(lake.deep_fault(&key).starts_with("rows that are no JSON objects: 1"));
}

#[test]
fn an_item_of_azure_that_is_there_twice_is_found() {
    let lake = Meddled::new();
    let key = lake.keys("azure_retail_prices", "Consumption").remove(0);
    let mut rows = lake.lines(&key);
    rows.push(rows[3].clone());
    lake.replace_rows(&key, &rows);
    assert!(lake.deep_fault(&key).starts_with("items that are there already: 1"));
}

#[test]
fn a_price_list_that_is_not_whole_or_another_one_is_found() {
    let lake = Meddled::new();
    let keys = lake.keys("aws_price_list", "region=");
    let payload = lake.payload(&keys[0]);
    lake.replace(&keys[0], &payload[..payload.len() - 9]);
    let fault = lake.deep_fault(&keys[0]);
    assert!(fault.starts_with("it is not the price list that its key says: it ends after"), "{fault}");

    let lake = Meddled::new();
    let text = String::from_utf8(payload).unwrap();
    lake.replace(&keys[0], text.replacen("AmazonEC2", "AmazonRDS", 1).as_bytes());
    assert!(lake.deep_fault(&keys[0]).contains("AmazonRDS"));
}

#[test]
fn a_run_log_and_a_mark_are_verified_too() {
    let lake = Meddled::new();
    let logs = super::files(&lake.path("_contrail/runs"));
    let log = logs.keys().next().unwrap().strip_prefix(lake.path("")).unwrap().to_str().unwrap().to_owned();
    let rows = lake.lines(&log);
    lake.zip(&log, rows[0].as_bytes());
    let found = lake.found(&["--deep"], 3);
    assert!(!found.is_empty() && found.iter().all(|found| found.key == log), "{found:#?}");
}
