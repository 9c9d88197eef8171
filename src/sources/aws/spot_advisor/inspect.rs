//! What stored editions of the feed must be: documents of its shape, with as much advice as their metadata say. They are
//! judged as they were when they were fetched.

use std::sync::Arc;

use super::feed::{Fault, Feed};
use super::survey::Survey;
use crate::lake::draft::rows_hash_text;
use crate::lake::slice::{Slice, Stream};
use crate::sources::inspect::{Inspected, Inspection, Inspector};

/// The inspection of the dataset.
pub(crate) fn inspection() -> Arc<dyn Inspection> {
    Arc::new(Editions)
}

#[derive(Debug)]
struct Editions;

impl Inspection for Editions {
    fn of_day(&self, _: &Stream) -> Box<dyn Inspector> {
        Box::new(Edition(Vec::new()))
    }
}

/// What was read of an edition so far, up to one byte more than it may have.
struct Edition(Vec<u8>);

impl Inspector for Edition {
    fn begin(&mut self, _: &Slice) {
        self.0.clear();
    }

    fn take(&mut self, piece: &[u8]) {
        let room = (Feed::MAX_BYTES + 1).saturating_sub(self.0.len());
        self.0.extend_from_slice(piece.get(..room).unwrap_or(piece));
    }

    fn end(&mut self) -> Inspected {
        let json = std::mem::take(&mut self.0);
        let survey = if json.len() > Feed::MAX_BYTES {
            Err(Fault::Other(format!("it is larger than {} bytes", Feed::MAX_BYTES)))
        } else {
            Survey::of(&json)
        };
        match survey {
            Ok(survey) => Inspected {
                rows: Some(survey.rows),
                rows_hash: Some(rows_hash_text(survey.rows_hash)),
                ..Inspected::default()
            },
            Err(fault) => Inspected {
                faults: vec![format!("it is not the feed of the Spot Instance Advisor: {fault}")],
                ..Inspected::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::key::{Key, Parsed};

    #[test]
    fn an_edition_is_what_it_was_when_it_was_fetched() {
        let Parsed::Raw(slice) =
            Key::parse("raw/aws_spot_advisor/dt=2026-11-21/20261121T060000Z.json.gz").unwrap().1
        else {
            panic!()
        };
        let mut inspector = inspection().of_day(slice.stream());
        let mut inspected = |json: &str| {
            inspector.begin(&slice);
            json.as_bytes().chunks(7).for_each(|piece| inspector.take(piece));
            inspector.end()
        };
        let feed = r#"{"instance_types":{},"ranges":[],"spot_advisor":{"a":{"Linux":{"t":{"s":1,"r":0}}}}}"#;
        let sound = inspected(feed);
        assert_eq!((sound.faults.as_slice(), sound.rows), ([].as_slice(), Some(1)));
        assert_eq!(sound.rows_hash.as_ref().map(String::len), Some(32));
        assert_eq!(inspected(feed), sound, "what came before is forgotten");
        for (json, says) in [
            (feed.get(..40).unwrap(), "in the middle of the document"),
            ("[1]", "it is no JSON object"),
            ("{}", "it has no spot_advisor"),
        ] {
            let Inspected { faults, rows, rows_hash } = inspected(json);
            assert!(faults.len() == 1 && faults[0].contains(says), "{faults:?}");
            assert_eq!((rows, rows_hash), (None, None));
        }
        let large = format!("{feed}{}", " ".repeat(Feed::MAX_BYTES));
        assert!(inspected(&large).faults[0].contains("is larger than 8388608 bytes"));
    }
}
