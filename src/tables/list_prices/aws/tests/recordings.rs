//! Recorded offer files, where they are, against counts that Python's `json` and `decimal` made of the same files.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;

use super::{Decoded, decode};
use crate::base::Price;
use crate::tables::list_prices::rate::Category;

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    rates: usize,
    /// Those that are committed to.
    committed: usize,
    /// Those that are due once.
    upfront: usize,
    /// Those that are free.
    zero: usize,
    /// Those for machines.
    machines: usize,
    /// Those of three years.
    three_years: usize,
    /// Those whose tier has an end.
    ended: usize,
    /// Those of what has no meter.
    no_meter: usize,
    /// All prices together, in units of the last digit.
    sum: i128,
}

/// File, offer, region, products with terms and without a description, counts.
const RECORDINGS: [(&str, &str, &str, u64, Counts); 7] = [
    ("AmazonEC2_20190124191230_ap-northeast-1_index.json.gz", "AmazonEC2", "ap-northeast-1", 0, Counts { rates: 48_973, committed: 41_258, upfront: 16_718, zero: 11_530, machines: 48_821, three_years: 20_363, ended: 6, no_meter: 0, sum: 9_024_032_936_571_000_800 }),
    ("AmazonEC2_20190208030956_ap-northeast-1_index.json.gz", "AmazonEC2", "ap-northeast-1", 0, Counts { rates: 48_974, committed: 41_258, upfront: 16_718, zero: 11_530, machines: 48_822, three_years: 20_363, ended: 6, no_meter: 0, sum: 9_024_033_318_141_000_800 }),
    ("AmazonEC2_20190215225445_eu-west-2_index.json.gz", "AmazonEC2", "eu-west-2", 0, Counts { rates: 32_362, committed: 27_301, upfront: 10_940, zero: 7_581, machines: 32_216, three_years: 13_626, ended: 6, no_meter: 0, sum: 6_155_061_983_769_200_580 }),
    ("AmazonEC2_limited_20190329040654_ap-northeast-1.json", "AmazonEC2", "ap-northeast-1", 1, Counts { rates: 22, committed: 20, upfront: 8, zero: 4, machines: 21, three_years: 10, ended: 0, no_meter: 1, sum: 2_633_064_080_000_000 }),
    ("AmazonEC2_limited_20230314154740_cn-northwest-1.json", "AmazonEC2", "cn-northwest-1", 0, Counts { rates: 1, committed: 0, upfront: 0, zero: 0, machines: 0, three_years: 0, ended: 0, no_meter: 0, sum: 5_312_000_000 }),
    ("2015-2016/AmazonElastiCache_offer-index.json.gz", "AmazonElastiCache", "us-east-1", 0, Counts { rates: 2_740, committed: 2_330, upfront: 1_165, zero: 1, machines: 2_727, three_years: 1_162, ended: 1, no_meter: 1, sum: 18_825_222_490_000_000 }),
    ("2015-2016/AmazonS3_offer-index.json", "AmazonS3", "us-east-1", 0, Counts { rates: 530, committed: 0, upfront: 0, zero: 127, machines: 0, three_years: 0, ended: 149, no_meter: 0, sum: 145_489_675_900 }),
];

/// The file of that name below the recorded price lists, or nothing where there are no recordings.
fn recorded(path: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/payloads");
    let root = std::env::var_os("CONTRAIL_PAYLOADS").map_or_else(beside, PathBuf::from);
    root.is_dir().then(|| root.join("aws-price-list").join(path))
}

fn open(path: &PathBuf) -> io::Result<Box<dyn Read>> {
    let file = File::open(path)?;
    let is_zipped = path.extension().is_some_and(|extension| extension == "gz");
    Ok(if is_zipped { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

fn count(decoded: &Decoded) -> Counts {
    let mut counts = Counts::default();
    decoded.each(|rate| {
        let price = rate.list_unit_price.or(rate.upfront_price).expect("every price is a number");
        counts.rates += 1;
        counts.committed += usize::from(rate.pricing_category == Category::Committed);
        counts.upfront += usize::from(rate.upfront_price.is_some());
        counts.zero += usize::from(price == Price::ZERO);
        counts.machines += usize::from(rate.instance_type.is_some());
        counts.three_years += usize::from(rate.term_years == Some(3));
        counts.ended += usize::from(rate.tier_end.is_some());
        counts.no_meter += usize::from(rate.meter.is_none());
        counts.sum += price.units();
        assert!(rate.effective_from.is_some() && rate.pricing_unit.is_some(), "{rate:?}");
        assert_eq!(rate.term_years.is_some(), rate.pricing_category == Category::Committed, "{rate:?}");
    });
    counts
}

#[test]
fn recorded_offer_files_come_to_what_another_program_counts() {
    for (path, offer, region, orphans, expected) in RECORDINGS {
        let Some(path) = recorded(path) else { return };
        let decoded = decode(offer, region, || open(&path));
        assert!(decoded.result.is_ok(), "{:?}", decoded.result);
        assert_eq!(count(&decoded), expected, "{}", path.display());
        assert_eq!(decoded.problems.count(), orphans, "{:?}", decoded.problems.told());
    }
}
