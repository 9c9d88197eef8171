//! Walks a list of AWS: its products first and then its terms, whatever their order in the file. Never here: what products
//! and terms are.

use std::fmt;
use std::io::{self, Read};

use super::document::{Broken, Document};
use crate::tables::problems::Problems;

/// How deep the values lie that are held whole while they are passed over: nothing deeper is as large as a file.
const DEPTH: usize = 3;

/// Reads the two halves of a list.
pub(super) trait Halves {
    /// Takes what cannot be read.
    fn problems(&mut self) -> &mut Problems;
    /// Reads the value of `products`.
    fn read_products<R: Read>(&mut self, document: &mut Document<R>) -> Result<(), Broken>;
    /// Reads the value of `terms`, when the products are known.
    fn read_terms<R: Read>(&mut self, document: &mut Document<R>) -> Result<(), Broken>;
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

/// Reads a file, which `open` opens: once, or twice where its terms come before its products, which no file that was seen so
/// far does. Where it is no JSON any more, that is noted, and what was read until then stands.
pub(super) fn walk<R: Read>(open: impl Fn() -> io::Result<R>, halves: &mut impl Halves) -> io::Result<()> {
    let mut next = Next::Products;
    let mut end = once(&mut Document::new(open()?), halves, &mut next);
    if next == Next::TermsAgain {
        end = end.and(once(&mut Document::new(open()?), halves, &mut next));
    }
    match end {
        Ok(()) => Ok(()),
        Err(Broken::Unreadable(error)) => Err(error),
        Err(Broken::Syntax { at, reason }) => {
            halves.problems().note("payload", format_args!("is no JSON from byte {at} on: {reason}"));
            Ok(())
        }
    }
}

fn once<R: Read>(
    document: &mut Document<R>,
    halves: &mut impl Halves,
    next: &mut Next,
) -> Result<(), Broken> {
    let is_again = *next == Next::TermsAgain;
    let mut name = String::new();
    if !document.enter()? {
        halves.problems().note("payload", "is no object");
        return Ok(());
    }
    while document.next_entry(&mut name)? {
        match (name.as_str(), *next) {
            ("products", Next::Products) => {
                halves.read_products(document)?;
                *next = Next::Terms;
            }
            ("products", Next::TermsAgain) if !is_again => halves.read_products(document)?,
            ("terms", Next::Products) => {
                document.pass_over(DEPTH)?;
                *next = Next::TermsAgain;
            }
            ("terms", Next::Terms) => halves.read_terms(document)?,
            ("terms", Next::TermsAgain) if is_again => halves.read_terms(document)?,
            _ => document.pass_over(DEPTH)?,
        }
    }
    document.end()
}

/// Reads the products alone of a file, and nothing behind them.
pub(super) fn walk_to_products<R: Read>(file: R, halves: &mut impl Halves) -> io::Result<()> {
    let mut document = Document::new(file);
    let mut name = String::new();
    let mut read = || -> Result<(), Broken> {
        if document.enter()? {
            while document.next_entry(&mut name)? {
                if name == "products" {
                    return halves.read_products(&mut document);
                }
                document.pass_over(DEPTH)?;
            }
        }
        Ok(())
    };
    match read() {
        // What is wrong with the file is told by whoever reads it for its own sake.
        Ok(()) | Err(Broken::Syntax { .. }) => Ok(()),
        Err(Broken::Unreadable(error)) => Err(error),
    }
}

/// Enters the object at `place`; what is none is noted and passed over.
pub(super) fn enter<R: Read>(
    document: &mut Document<R>,
    problems: &mut Problems,
    place: impl fmt::Display,
) -> Result<bool, Broken> {
    if document.enter()? {
        return Ok(true);
    }
    problems.note(place, "is no object");
    document.pass_over(0)?;
    Ok(false)
}

/// Enters the list at `place`; what is none is noted and passed over.
pub(super) fn enter_list<R: Read>(
    document: &mut Document<R>,
    problems: &mut Problems,
    place: impl fmt::Display,
) -> Result<bool, Broken> {
    if document.enter_list()? {
        return Ok(true);
    }
    problems.note(place, "is no list");
    document.pass_over(0)?;
    Ok(false)
}
