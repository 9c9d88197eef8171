//! What the tables say of offer files: of invented ones, by hand, what a person reads on the vendor's page; of recorded
//! ones, counts that another program made; and that no damage does more than it must.

mod damage;
mod page;
mod plans;
mod recordings;

use std::io::{self, Read};

use super::terms::RateWriter;
use crate::tables::list_prices::Rate;
use crate::tables::list_prices::rate::RATES;
use crate::tables::packed::Packer;
use crate::tables::problems::Problems;
use crate::tables::run::Run;
use crate::tables::scratch::Scratch;
use crate::tables::sort::{Merge, Sorter};

/// The rates of an offer file, in order, and what could not be read.
struct Decoded {
    runs: Vec<Run>,
    problems: Problems,
    result: io::Result<()>,
    // Where the runs lie.
    _directory: tempfile::TempDir,
}

fn decode<R: Read>(offer: &str, region: &str, open: impl Fn() -> io::Result<R>) -> Decoded {
    decode_with(offer, region, |writer| super::offers::read(open, writer))
}

fn decode_with(list: &str, region: &str, read: impl FnOnce(RateWriter<'_>) -> io::Result<()>) -> Decoded {
    let directory = tempfile::tempdir().unwrap();
    let scratch = Scratch::within(directory.path()).unwrap();
    let (mut packer, mut rates) = (Packer::new(&RATES), Sorter::new(&scratch, 1 << 20));
    let mut problems = Problems::of("raw/k");
    let writer = RateWriter {
        service_name: list,
        region_id: Some(region),
        packer: &mut packer,
        rates: &mut rates,
        problems: &mut problems,
        identity: String::new(),
    };
    let result = read(writer);
    Decoded { runs: rates.finish().unwrap(), problems, result, _directory: directory }
}

fn decode_text(offer: &str, region: &str, json: &str) -> Decoded {
    let decoded = decode(offer, region, || Ok(json.as_bytes()));
    assert!(decoded.result.is_ok(), "{:?}", decoded.result);
    decoded
}

impl Decoded {
    fn each(&self, mut hear: impl FnMut(&Rate<'_>)) {
        let mut merge = Merge::of(&self.runs).unwrap();
        while let Some(row) = merge.next().unwrap() {
            hear(&Rate::unpack(row).unwrap());
        }
    }

    fn codes(&self) -> Vec<String> {
        let mut codes = Vec::new();
        self.each(|rate| codes.push(rate.sku_price_id.to_owned()));
        codes
    }

    fn told(&self) -> Vec<String> {
        assert_eq!(self.problems.count(), self.problems.told().len() as u64, "some are not told");
        self.problems.told().iter().map(|it| format!("{}: {}", it.place, it.reason)).collect()
    }
}
