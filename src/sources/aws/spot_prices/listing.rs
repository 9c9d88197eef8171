//! Walks the pages of one listing to its end. What the upstream may do wrong with tokens is caught here.

use std::collections::HashSet;

use url::Url;

use super::client::{Client, shown_url};
use super::rows::{self, Page};
use super::{blocking, client};
use crate::lake::draft::fingerprint;
use crate::lake::interval::Interval;
use crate::sources::{FetchError, Traffic};

/// Ten million rows: a listing that is longer does not end.
const MAX_PAGES: usize = 10_000;

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
}

#[derive(Debug)]
enum Next {
    First,
    Token(String),
    Nothing,
}

impl<'a> Listing<'a> {
    pub(super) fn new(client: &'a Client, span: Interval, traffic: &'a Traffic) -> Self {
        Self { client, span, traffic, next: Next::First, tokens: HashSet::new(), endpoint: None }
    }

    /// The next page; `None` after the last. A page may be short or empty without being the last.
    pub(super) async fn next_page(&mut self) -> Result<Option<Page>, FetchError> {
        let token = match &self.next {
            Next::First => None,
            Next::Token(token) => Some(token.as_str()),
            Next::Nothing => return Ok(None),
        };
        let client::RawPage { body, endpoint } =
            self.client.spot_page(self.span, token, self.traffic).await?;
        let region = self.client.region();
        let mut page = {
            let broken = format!("DescribeSpotPriceHistory in {region} gave a broken page for {}", self.span);
            blocking(move || {
                rows::parse(&body).map_err(|error| FetchError::upstream(format!("{broken}: {error}")))
            })
            .await?
        };
        self.traffic.page();
        self.endpoint = endpoint;
        self.next = match page.next_token.take() {
            None => Next::Nothing,
            Some(token) if !self.tokens.insert(fingerprint(token.as_bytes())) => {
                let pages = self.tokens.len() + 1;
                return Err(FetchError::upstream(format!(
                    "DescribeSpotPriceHistory in {region} went in circles for {}: its token repeats after {pages} pages",
                    self.span
                )));
            }
            Some(_) if self.tokens.len() >= MAX_PAGES => {
                return Err(FetchError::upstream(format!(
                    "DescribeSpotPriceHistory in {region} does not end for {}: {MAX_PAGES} pages were read",
                    self.span
                )));
            }
            Some(token) => Next::Token(token),
        };
        Ok(Some(page))
    }

    /// Where the pages came from, without secrets.
    pub(super) fn into_source_url(self) -> String {
        shown_url(self.endpoint.as_ref(), self.span)
    }
}
