//! The price lists of AWS as rates. An offer file says first what is sold and then what is asked for it: the products are
//! kept, in short, and each price becomes a rate while the file streams by. Never here: comparing lists.

mod document;
mod products;
mod terms;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;
use std::io::{self, Read};

use document::{Broken, Document, parse, reason};
use products::{Product, Products};
use terms::{Position, RateWriter, Term};

use crate::lake::slice::Slice;
use crate::tables::packed::Packer;
use crate::tables::problems::Problems;
use crate::tables::sort::Sorter;
use crate::tables::workshop::Payload;

/// How deep the values lie that are held whole while they are passed over: nothing deeper is as large as a file.
const DEPTH: usize = 3;

/// Reads the rates of an offer file, the `payload` of `slice`, and pushes them into `rates`, packed. What cannot be read is
/// noted and left out; where the file is no JSON any more, what was read until then stands. Fails where the payload cannot
/// be unzipped or the disk fails.
pub fn read_rates(
    payload: &Payload,
    slice: &Slice,
    packer: &mut Packer,
    rates: &mut Sorter,
    problems: &mut Problems,
) -> io::Result<()> {
    let Some(offer) = slice.stream().part("offer") else {
        problems.note("payload", "its key names no offer");
        return Ok(());
    };
    let writer = RateWriter {
        service_name: offer,
        region_id: slice.stream().part("region"),
        packer,
        rates,
        problems,
        identity: String::new(),
    };
    read(|| payload.open(), writer)
}

/// Reads an offer file, which `open` opens: once, or twice where its terms come before its products, which no file that was
/// seen so far does.
fn read<R: Read>(open: impl Fn() -> io::Result<R>, writer: RateWriter<'_>) -> io::Result<()> {
    let mut reading = Reading { products: Products::default(), writer, next: Next::Products };
    let mut end = reading.file(&mut Document::new(open()?));
    if reading.next == Next::TermsAgain {
        end = end.and(reading.file(&mut Document::new(open()?)));
    }
    match end {
        Ok(()) => Ok(()),
        Err(Broken::Unreadable(error)) => Err(error),
        Err(Broken::Syntax { at, reason }) => {
            let reason = format_args!("is no JSON from byte {at} on: {reason}");
            reading.writer.problems.note("payload", reason);
            Ok(())
        }
    }
}

/// What is to be read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The products: none came yet, and no terms either.
    Products,
    /// The terms, of which none came yet.
    Terms,
    /// The terms, in another walk through the file: they were passed over, because they came before the products.
    TermsAgain,
}

/// A file that is being read.
#[derive(Debug)]
struct Reading<'a> {
    products: Products,
    writer: RateWriter<'a>,
    next: Next,
}

impl Reading<'_> {
    /// Walks through the file once.
    fn file<R: Read>(&mut self, document: &mut Document<R>) -> Result<(), Broken> {
        let is_again = self.next == Next::TermsAgain;
        let mut name = String::new();
        if !document.enter()? {
            self.writer.problems.note("payload", "is no object");
            return Ok(());
        }
        while document.next_entry(&mut name)? {
            match (name.as_str(), self.next) {
                ("products", Next::Products) => {
                    self.read_products(document)?;
                    self.next = Next::Terms;
                }
                ("products", Next::TermsAgain) if !is_again => self.read_products(document)?,
                ("terms", Next::Products) => {
                    document.pass_over(DEPTH)?;
                    self.next = Next::TermsAgain;
                }
                ("terms", Next::Terms) => self.read_terms(document)?,
                ("terms", Next::TermsAgain) if is_again => self.read_terms(document)?,
                _ => document.pass_over(DEPTH)?,
            }
        }
        document.end()
    }

    fn read_products<R: Read>(&mut self, document: &mut Document<R>) -> Result<(), Broken> {
        let mut sku = String::new();
        if !self.enter(document, "products")? {
            return Ok(());
        }
        while document.next_entry(&mut sku)? {
            let read = document.value(|bytes| {
                let (product, length) = parse::<Product<'_>>(bytes)?;
                self.products.add(&sku, &product);
                Ok(((), length))
            })?;
            if let Err(error) = read {
                self.writer.problems.note(format_args!("product {sku}"), reason(&error));
            }
        }
        Ok(())
    }

    fn read_terms<R: Read>(&mut self, document: &mut Document<R>) -> Result<(), Broken> {
        let mut kind = String::new();
        if !self.enter(document, "terms")? {
            return Ok(());
        }
        while document.next_entry(&mut kind)? {
            let place = format_args!("terms {kind}");
            if !self.enter(document, place)? {
                continue;
            }
            if ![words::ON_DEMAND, words::RESERVED].contains(&kind.as_str()) {
                let reason = "are of a kind that is not known: Committed with a lease, Standard without";
                self.writer.problems.note(place, reason);
            }
            self.read_terms_of_kind(document, &kind)?;
        }
        Ok(())
    }

    fn read_terms_of_kind<R: Read>(&mut self, document: &mut Document<R>, kind: &str) -> Result<(), Broken> {
        let (mut sku, mut code) = (String::new(), String::new());
        while document.next_entry(&mut sku)? {
            let place = format_args!("product {sku}");
            if !self.enter(document, place)? {
                continue;
            }
            let product = self.products.find(&sku);
            if product.is_none() {
                self.writer.problems.note(place, "has terms and is not described");
            }
            while document.next_entry(&mut code)? {
                let position = Position { kind, sku: &sku, term: &code };
                let read = document.value(|bytes| {
                    let (term, length) = parse::<Term<'_>>(bytes)?;
                    Ok((self.writer.write_term(position, &term, product.unwrap_or_default()), length))
                })?;
                match read {
                    Ok(written) => written.map_err(Broken::Unreadable)?,
                    Err(error) => self.writer.problems.note(format_args!("term {code}"), reason(&error)),
                }
            }
        }
        Ok(())
    }

    /// Enters the object at `place`; what is none is noted and passed over.
    fn enter<R: Read>(
        &mut self,
        document: &mut Document<R>,
        place: impl fmt::Display,
    ) -> Result<bool, Broken> {
        if document.enter()? {
            return Ok(true);
        }
        self.writer.problems.note(place, "is no object");
        document.pass_over(0)?;
        Ok(false)
    }
}
