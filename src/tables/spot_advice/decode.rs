//! Reads an edition of the feed of AWS's Spot Instance Advisor.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::sync::Arc;

use super::state::{Band, Machine, Said, State};
use crate::sources::aws::spot_advisor::{Feed, NoAdvice};
use crate::tables::problems::{PAYLOAD, Problems};
use crate::tables::workshop::Payload;

/// Reads what a payload says into `state`. One that is not the feed says nothing, and is told as a problem.
pub(super) fn read_advisor(payload: &Payload, state: &mut State, problems: &mut Problems) -> io::Result<()> {
    let mut json = Vec::new();
    payload.open()?.take(Feed::MAX_BYTES as u64 + 1).read_to_end(&mut json)?;
    read(&json, state, problems);
    Ok(())
}

/// The same of a payload that is unzipped.
pub(super) fn read(json: &[u8], state: &mut State, problems: &mut Problems) {
    if json.len() > Feed::MAX_BYTES {
        return problems.note(PAYLOAD, format!("is larger than {} bytes", Feed::MAX_BYTES));
    }
    let feed = match Feed::read(json) {
        Ok(feed) => feed,
        Err(fault) => return problems.note(PAYLOAD, format!("is not the feed: {fault}")),
    };
    // Thousands of machines share a band.
    let mut bands = BTreeMap::<i64, Arc<Band>>::new();
    feed.each(|advice| {
        let advice = match advice {
            Ok(advice) => advice,
            Err(NoAdvice(place)) => return problems.note(place, "is no object"),
        };
        let said = advice.said();
        if let Some(oddity) = said.oddity {
            problems.note(advice.place(), oddity);
        }
        let band = said.band.map(|band| {
            let shared = bands.entry(band.index).or_insert_with(|| {
                Arc::new(Band { index: band.index, label: band.label.clone(), bounds: band.bounds() })
            });
            Arc::clone(shared)
        });
        let machine = Machine {
            instance_type: advice.instance_type.to_owned(),
            region: advice.region.to_owned(),
            operating_system: advice.operating_system.to_owned(),
        };
        if !state.insert(machine, Said { band, savings: said.savings }) {
            problems.note(advice.place(), "is there twice");
        }
    });
}
