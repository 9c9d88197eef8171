//! What stored price lists must be: complete JSON, of the offer and in the version that their keys say. They are
//! judged as they were when they were fetched.

use std::sync::Arc;

use super::body::Promise;
use super::json::{Fault, Scanner};
use crate::base::Name;
use crate::lake::slice::{Slice, Stream};
use crate::sources::inspect::{Inspected, Inspection, Inspector};

/// The inspection of the dataset.
pub(crate) fn inspection() -> Arc<dyn Inspection> {
    Arc::new(PriceLists)
}

#[derive(Debug)]
struct PriceLists;

impl Inspection for PriceLists {
    fn of_day(&self, _: &Stream) -> Box<dyn Inspector> {
        Box::new(Document { scanner: None, fault: None })
    }
}

struct Document {
    scanner: Option<Scanner<Promise>>,
    fault: Option<Fault>,
}

impl Inspector for Document {
    fn begin(&mut self, slice: &Slice) {
        let offer = slice.stream().part("offer").and_then(|offer| Name::new("offer", offer).ok());
        self.scanner = match (slice, offer) {
            (Slice::Version { version, .. }, Some(offer)) => {
                Some(Scanner::new(Promise::new(&offer, version)))
            }
            _ => None,
        };
        self.fault = None;
    }

    fn take(&mut self, piece: &[u8]) {
        if let Some(scanner) = &mut self.scanner
            && self.fault.is_none()
        {
            self.fault = scanner.feed(piece).err();
        }
    }

    fn end(&mut self) -> Inspected {
        let Some(scanner) = self.scanner.take() else { return Inspected::default() };
        let judged = match self.fault.take() {
            Some(fault) => Err(fault),
            None => scanner.finish().and_then(Promise::kept),
        };
        match judged {
            Ok(told) => Inspected { rows: Some(told.products.unwrap_or(0)), ..Inspected::default() },
            Err(fault) => Inspected {
                faults: vec![format!("it is not the price list that its key says: {fault}")],
                ..Inspected::default()
            },
        }
    }
}
