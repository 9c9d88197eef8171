//! Recorded offer files, where they are, against counts that Python's `json` and `decimal` made of the same files.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;

use super::{Decoded, decode};
use crate::base::Price;
use crate::tables::list_prices::rate::Category;

/// A recorded offer file, and what another program counts in it.
struct Recording {
    path: &'static str,
    /// Offer and region.
    stream: [&'static str; 2],
    /// Products that have terms and no description.
    orphans: u64,
    rates: &'static str,
    /// Units are those of the last of ten decimals.
    others: &'static str,
}

const RECORDINGS: [Recording; 7] = [
    Recording {
        path: "AmazonEC2_20190124191230_ap-northeast-1_index.json.gz",
        stream: ["AmazonEC2", "ap-northeast-1"],
        orphans: 0,
        rates: "48973: 41258 committed, 16718 upfront, 11530 free, 48821 of machines, 20363 for three years",
        others: "6 tiers end, 0 have no meter, 9024032936571000800 units altogether",
    },
    Recording {
        path: "AmazonEC2_20190208030956_ap-northeast-1_index.json.gz",
        stream: ["AmazonEC2", "ap-northeast-1"],
        orphans: 0,
        rates: "48974: 41258 committed, 16718 upfront, 11530 free, 48822 of machines, 20363 for three years",
        others: "6 tiers end, 0 have no meter, 9024033318141000800 units altogether",
    },
    Recording {
        path: "AmazonEC2_20190215225445_eu-west-2_index.json.gz",
        stream: ["AmazonEC2", "eu-west-2"],
        orphans: 0,
        rates: "32362: 27301 committed, 10940 upfront, 7581 free, 32216 of machines, 13626 for three years",
        others: "6 tiers end, 0 have no meter, 6155061983769200580 units altogether",
    },
    Recording {
        path: "AmazonEC2_limited_20190329040654_ap-northeast-1.json",
        stream: ["AmazonEC2", "ap-northeast-1"],
        orphans: 1,
        rates: "22: 20 committed, 8 upfront, 4 free, 21 of machines, 10 for three years",
        others: "0 tiers end, 1 have no meter, 2633064080000000 units altogether",
    },
    Recording {
        path: "AmazonEC2_limited_20230314154740_cn-northwest-1.json",
        stream: ["AmazonEC2", "cn-northwest-1"],
        orphans: 0,
        rates: "1: 0 committed, 0 upfront, 0 free, 0 of machines, 0 for three years",
        others: "0 tiers end, 0 have no meter, 5312000000 units altogether",
    },
    Recording {
        path: "2015-2016/AmazonElastiCache_offer-index.json.gz",
        stream: ["AmazonElastiCache", "us-east-1"],
        orphans: 0,
        rates: "2740: 2330 committed, 1165 upfront, 1 free, 2727 of machines, 1162 for three years",
        others: "1 tiers end, 1 have no meter, 18825222490000000 units altogether",
    },
    Recording {
        path: "2015-2016/AmazonS3_offer-index.json",
        stream: ["AmazonS3", "us-east-1"],
        orphans: 0,
        rates: "530: 0 committed, 0 upfront, 127 free, 0 of machines, 0 for three years",
        others: "149 tiers end, 0 have no meter, 145489675900 units altogether",
    },
];

/// The recorded file of that name, or nothing where there are no recordings, which is told.
pub(super) fn recorded(path: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/payloads");
    let root = std::env::var_os("CONTRAIL_PAYLOADS").map_or_else(beside, PathBuf::from);
    if root.is_dir() {
        return Some(root.join(path));
    }
    // Past the test harness, which shows only what failing tests print.
    writeln!(io::stderr(), "SKIPPED: no recorded payloads (set CONTRAIL_PAYLOADS)").unwrap();
    None
}

fn open(path: &PathBuf) -> io::Result<Box<dyn Read>> {
    let file = File::open(path)?;
    let is_zipped = path.extension().is_some_and(|extension| extension == "gz");
    Ok(if is_zipped { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// The rates in the words of [`Recording`].
fn count(decoded: &Decoded) -> [String; 2] {
    let [mut rates, mut committed, mut upfront, mut free, mut machines, mut three_years] = [0; 6];
    let (mut ended, mut no_meter, mut units) = (0, 0, 0);
    decoded.each(|rate| {
        let price = rate.list_unit_price.or(rate.upfront_price).expect("every price is a number");
        rates += 1;
        committed += i32::from(rate.pricing_category == Category::Committed);
        upfront += i32::from(rate.upfront_price.is_some());
        free += i32::from(price == Price::ZERO);
        machines += i32::from(rate.instance_type.is_some());
        three_years += i32::from(rate.term_years == Some(3));
        ended += i32::from(rate.tier_end.is_some());
        no_meter += i32::from(rate.meter.is_none());
        units += price.units();
        assert!(rate.effective_from.is_some() && rate.pricing_unit.is_some(), "{rate:?}");
        assert_eq!(rate.term_years.is_some(), rate.pricing_category == Category::Committed, "{rate:?}");
    });
    [
        format!(
            "{rates}: {committed} committed, {upfront} upfront, {free} free, {machines} of machines, {three_years} for three years"
        ),
        format!("{ended} tiers end, {no_meter} have no meter, {units} units altogether"),
    ]
}

#[test]
fn recorded_offer_files_come_to_what_another_program_counts() {
    for recording in RECORDINGS {
        let Some(path) = recorded(&format!("aws-price-list/{}", recording.path)) else { return };
        let [offer, region] = recording.stream;
        let decoded = decode(offer, region, || open(&path));
        assert!(decoded.result.is_ok(), "{:?}", decoded.result);
        assert_eq!(count(&decoded), [recording.rates, recording.others], "{}", recording.path);
        assert_eq!(decoded.problems.count(), recording.orphans, "{:?}", decoded.problems.told());
    }
}
