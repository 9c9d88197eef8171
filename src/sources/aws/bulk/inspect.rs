//! What stored price lists must be: complete JSON, of the name and in the version that their keys say. They are
//! judged as they were when they were fetched.

use std::sync::Arc;

use super::body::Promise;
use super::json::{Fault, Scanner};
use super::kind::Kind;
use crate::base::Name;
use crate::lake::slice::{Slice, Stream};
use crate::sources::inspect::{Inspected, Inspection, Inspector};

/// The inspection of a kind of lists.
pub(in crate::sources::aws) fn inspection(kind: &'static Kind) -> Arc<dyn Inspection> {
    Arc::new(Lists { kind })
}

#[derive(Debug)]
struct Lists {
    kind: &'static Kind,
}

impl Inspection for Lists {
    fn of_day(&self, _: &Stream) -> Box<dyn Inspector> {
        Box::new(Document { kind: self.kind, scanner: None, fault: None })
    }
}

struct Document {
    kind: &'static Kind,
    scanner: Option<Scanner<Promise>>,
    fault: Option<Fault>,
}

impl Inspector for Document {
    fn begin(&mut self, slice: &Slice) {
        let part = |name| slice.stream().part(name).and_then(|value| Name::new(name, value).ok());
        self.scanner = match (slice, part(self.kind.part), part("region")) {
            (Slice::Version { version, .. }, Some(name), Some(region)) => {
                Some(Scanner::new(Promise::new(self.kind, &name, version, &region)))
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
