//! Walks the pages of one listing to its end. What the upstream may do wrong with tokens is caught here.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use url::Url;

use super::blocking;
use super::client::{Client, RawPage, shown_url};
use super::collector::Collector;
use super::page::{self, Page};
use super::rows::Row;
use crate::lake::draft::fingerprint;
use crate::lake::interval::Interval;
use crate::sources::{FetchError, Traffic};

/// Two million rows, some ten times the busiest day of a region: a listing that is longer does not end.
const MAX_PAGES: usize = 2_000;

/// A listing on its way.
#[derive(Debug)]
pub(super) struct Listing<'a> {
    client: &'a Client,
    span: Interval,
    traffic: &'a Traffic,
    next: Next,
    // Fingerprints, because tokens are long.
    tokens: HashSet<u128>,
    endpoint: Option<Url>,
    /// How many pages had so many rows, the last one left out.
    pages_of: BTreeMap<u64, u32>,
}

#[derive(Debug)]
enum Next {
    First,
    Token(String),
    Nothing,
}

impl<'a> Listing<'a> {
    pub(super) fn new(client: &'a Client, span: Interval, traffic: &'a Traffic) -> Self {
        Self {
            client,
            span,
            traffic,
            next: Next::First,
            tokens: HashSet::new(),
            endpoint: None,
            pages_of: BTreeMap::new(),
        }
    }

    /// The next page as it came, which is for [`read`](Self::read); `None` after the last.
    pub(super) async fn next_body(&mut self) -> Result<Option<Bytes>, FetchError> {
        let token = match &self.next {
            Next::First => None,
            Next::Token(token) => Some(token.as_str()),
            Next::Nothing => return Ok(None),
        };
        let RawPage { body, endpoint } = self.client.spot_page(self.span, token, self.traffic).await?;
        self.endpoint = endpoint;
        Ok(Some(body))
    }

    /// Puts the rows of a page into `collector`, all but those whose zones it must learn first. A page may be short
    /// or empty without being the last.
    pub(super) async fn read(
        &mut self,
        body: Bytes,
        collector: Collector,
    ) -> Result<(Collector, Vec<Row>), FetchError> {
        // On one thread to the end, so that the memory of the rows is given back where it was taken.
        let read = blocking(move || match page::parse(&body) {
            Ok(Page { rows, next_token }) => {
                let length = rows.len() as u64;
                let (unplaced, rows) = rows.into_iter().partition(|row| collector.needs_zones(row));
                Ok(Ok((collector.take(rows)?, unplaced, next_token, length)))
            }
            Err(malformed) => Ok(Err(malformed)),
        });
        let (collector, unplaced, next_token, length) =
            read.await?.map_err(|error| self.broken(&error.to_string()))?;
        self.traffic.page();
        self.next = match next_token {
            None => Next::Nothing,
            Some(token) if !self.tokens.insert(fingerprint(token.as_bytes())) => {
                return Err(self.broken("its token repeats"));
            }
            Some(_) if self.tokens.len() >= MAX_PAGES => {
                return Err(self.broken(&format!("it does not end after {MAX_PAGES} pages")));
            }
            Some(token) => {
                self.pages_of.entry(length).and_modify(|pages| *pages += 1).or_insert(1_u32);
                Next::Token(token)
            }
        };
        Ok((collector, unplaced))
    }

    fn broken(&self, why: &str) -> FetchError {
        let (region, span) = (self.client.region(), self.span);
        FetchError::upstream(format!(
            "the listing of DescribeSpotPriceHistory in {region} for {span} is broken: {why}"
        ))
    }

    /// Rows on a full page: the most that two pages had of those that were not the last. One alone may be short.
    pub(super) fn page_rows(&self) -> Option<u64> {
        self.pages_of.iter().rev().find(|(_, pages)| **pages > 1).map(|(rows, _)| *rows)
    }

    /// Where the pages came from, without secrets.
    pub(super) fn into_source_url(self) -> String {
        shown_url(self.endpoint.as_ref(), self.span)
    }
}
