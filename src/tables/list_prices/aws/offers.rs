//! An offer file: its products and the terms of each of them, both in objects, by SKU.

use std::io::{self, Read};

use super::document::{Broken, Document, parse, reason};
use super::products::{Product, Products};
use super::terms::{Position, RateWriter, Term};
use super::walk::{Halves, enter, walk, walk_to_products};
use super::words;
use crate::tables::problems::Problems;

/// Reads an offer file, which `open` opens.
pub(super) fn read<R: Read>(open: impl Fn() -> io::Result<R>, writer: RateWriter<'_>) -> io::Result<()> {
    walk(open, &mut Reading { products: Products::default(), writer })
}

/// Reads what an offer file sells, and nothing else.
pub(super) fn read_products<R: Read>(file: R, problems: &mut Problems) -> (Products, io::Result<()>) {
    let mut reading = ReadingProducts { products: Products::default(), problems };
    let read = walk_to_products(file, &mut reading);
    (reading.products, read)
}

/// A file that is being read.
#[derive(Debug)]
struct Reading<'a> {
    products: Products,
    writer: RateWriter<'a>,
}

/// A file that is read for its products alone.
struct ReadingProducts<'a> {
    products: Products,
    problems: &'a mut Problems,
}

fn add_products<R: Read>(
    document: &mut Document<R>,
    products: &mut Products,
    problems: &mut Problems,
) -> Result<(), Broken> {
    let mut sku = String::new();
    if !enter(document, problems, "products")? {
        return Ok(());
    }
    while document.next_entry(&mut sku)? {
        let read = document.value(|bytes| {
            let (product, length) = parse::<Product<'_>>(bytes)?;
            products.add(&sku, &product);
            Ok(((), length))
        })?;
        if let Err(error) = read {
            problems.note(format_args!("product {sku}"), reason(&error));
        }
    }
    Ok(())
}

impl Halves for ReadingProducts<'_> {
    fn problems(&mut self) -> &mut Problems {
        self.problems
    }

    fn read_products<R: Read>(&mut self, document: &mut Document<R>) -> Result<(), Broken> {
        add_products(document, &mut self.products, self.problems)
    }

    fn read_terms<R: Read>(&mut self, _: &mut Document<R>) -> Result<(), Broken> {
        Ok(())
    }
}

impl Halves for Reading<'_> {
    fn problems(&mut self) -> &mut Problems {
        self.writer.problems
    }

    fn read_products<R: Read>(&mut self, document: &mut Document<R>) -> Result<(), Broken> {
        add_products(document, &mut self.products, self.writer.problems)
    }

    fn read_terms<R: Read>(&mut self, document: &mut Document<R>) -> Result<(), Broken> {
        let mut kind = String::new();
        if !enter(document, self.writer.problems, "terms")? {
            return Ok(());
        }
        while document.next_entry(&mut kind)? {
            let place = format_args!("terms {kind}");
            if !enter(document, self.writer.problems, place)? {
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
}

impl Reading<'_> {
    fn read_terms_of_kind<R: Read>(&mut self, document: &mut Document<R>, kind: &str) -> Result<(), Broken> {
        let (mut sku, mut code) = (String::new(), String::new());
        while document.next_entry(&mut sku)? {
            let place = format_args!("product {sku}");
            if !enter(document, self.writer.problems, place)? {
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
}
