//! What all walks along a listing have brought together: each item once, in the order in which they were first
//! seen, written straight into the draft.
//!
//! Items are told apart by a 128-bit fingerprint of their text. For 600,000 of them the table takes 19 MB, and
//! 28 MB for the moment in which it grows; no item is held beyond its page.

use std::collections::hash_map::Entry;

use super::item::Item;
use super::last_prices::LastPrices;
use super::page::{Page, one_line};
use crate::lake::draft::{Draft, fingerprint};
use crate::sources::fingerprints::Fingerprints;
use crate::sources::{FetchError, Fields, Sentinel, Warnings};

/// Five times what Azure lists in all. The table for so many takes 76 MB.
pub(super) const MAX_ITEMS: usize = 3_000_000;

/// The union of all walks so far.
#[derive(Debug)]
pub(super) struct Union {
    pub(super) draft: Draft,
    pub(super) warnings: Warnings,
    pub(super) fields: Fields,
    /// Items on the longest page that was not the last.
    pub(super) page_rows: Option<u64>,
    currency: String,
    price_type: String,
    last_prices: LastPrices,
    /// In which walk each item was seen last.
    seen: Fingerprints<u8>,
    walk: u8,
    walked: usize,
    added: usize,
}

/// What one page brought.
#[derive(Debug)]
pub(super) struct Taken {
    /// Its items.
    pub(super) items: usize,
    /// How many of them this walk had not seen yet.
    pub(super) fresh: usize,
    /// Where the listing goes on.
    pub(super) next: Option<String>,
}

/// What one walk brought.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walked {
    /// Items that no walk before had seen.
    pub(super) added: usize,
    /// Items of walks before that it did not see.
    pub(super) lacked: usize,
}

impl Union {
    /// An empty union, before its first walk. Prices are compared with `last_prices`.
    pub(super) fn new(draft: Draft, currency: &str, price_type: &str, last_prices: LastPrices) -> Self {
        Self {
            draft,
            warnings: Warnings::default(),
            fields: Fields::default(),
            page_rows: None,
            currency: currency.to_owned(),
            price_type: price_type.to_owned(),
            last_prices,
            seen: Fingerprints::default(),
            walk: 0,
            walked: 0,
            added: 0,
        }
    }

    /// Takes in a page. Costs CPU and writes to disk.
    pub(super) fn take(&mut self, page: Page<'_>) -> Result<Taken, FetchError> {
        let (items, walked_before) = (page.items.len(), self.walked);
        for item in page.items {
            let row = one_line(item.get());
            match self.seen.entry(fingerprint(row.as_bytes()).into()) {
                Entry::Occupied(mut entry) => {
                    self.walked += usize::from(entry.insert(self.walk) != self.walk);
                    continue;
                }
                Entry::Vacant(entry) => entry.insert(self.walk),
            };
            (self.walked, self.added) = (self.walked + 1, self.added + 1);
            self.draft.row(row.as_bytes())?;
            self.fields.note_members(&row);
            self.look_at(&row);
        }
        if self.seen.len() > MAX_ITEMS {
            return Err(FetchError::upstream(format!("the listing has more than {MAX_ITEMS} items")));
        }
        if page.next.is_some() {
            self.page_rows = self.page_rows.max(u64::try_from(items).ok());
        }
        Ok(Taken { items, fresh: self.walked - walked_before, next: page.next })
    }

    fn look_at(&mut self, row: &str) {
        let oddity = match Item::read(row) {
            Ok(item) => {
                if let Some(last) = self.last_prices.leap_of(&item) {
                    self.warnings.raise(Sentinel::Price, || item.told_leap(last));
                }
                item.oddity(&self.currency, &self.price_type)
            }
            Err(oddity) => Some(oddity),
        };
        if let Some(oddity) = oddity {
            self.warnings.add(|| oddity.to_string());
        }
    }

    /// Ends a walk and begins the next one.
    pub(super) fn end_walk(&mut self) -> Walked {
        let walked = Walked { added: self.added, lacked: self.seen.len() - self.walked };
        (self.walk, self.walked, self.added) = (self.walk.wrapping_add(1), 0, 0);
        walked
    }
}
