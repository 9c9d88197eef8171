//! One walk along a listing: from page to page, on one host, to its end. Knows links and pages, not items.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use url::Url;

use super::page;
use super::union::{Taken, Union};
use crate::lake::draft::fingerprint;
use crate::sources::azure::pipeline::AzurePipeline;
use crate::sources::azure::policies::authority;
use crate::sources::{FetchError, Traffic};

/// Ten times what the largest listing has had, in pages of 100.
const MAX_PAGES: usize = 60_000;

/// What a walk needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walker<'a> {
    pub(super) pipeline: &'a AzurePipeline,
    pub(super) first: &'a Url,
    pub(super) traffic: &'a Arc<Traffic>,
}

/// How we came to a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The upstream named it.
    Link,
    /// It was not named, but the page before it was a full one.
    Probe,
}

impl Walker<'_> {
    /// Walks from the first page to the last and gives every item to `union`.
    pub(super) async fn walk(&self, mut union: Union) -> Result<Union, FetchError> {
        let mut visited = HashSet::new();
        let (mut items, mut largest, mut probed) = (0, 0, false);
        let (mut url, mut step) = (self.first.clone(), Step::Link);
        loop {
            if !visited.insert(fingerprint(url.as_str().as_bytes())) {
                return Err(self.broken("leads back to a page that it had shown before"));
            }
            if visited.len() > MAX_PAGES {
                return Err(self.broken("does not end"));
            }
            let answer = self.pipeline.get(&url, self.traffic).await?;
            if step == Step::Probe && matches!(answer.status, 400 | 404) {
                // The upstream said that the page before was the last one, and stands by it.
                break;
            }
            let taken;
            (union, taken) = take(union, answer.into_body()?).await?;
            self.traffic.page();
            if step == Step::Probe {
                // A host that ignores `$skip` shows the same items for ever.
                if taken.fresh == 0 {
                    break;
                }
                if !std::mem::replace(&mut probed, true) {
                    union
                        .warnings
                        .add(|| format!("the listing names no next page after {items} items, but has one"));
                }
            }
            items += taken.items;
            largest = largest.max(taken.items);
            (url, step) = match taken.next {
                Some(link) => (follow(self.first, &link)?, Step::Link),
                // The page size has changed before and is told nowhere: a page is full when none was larger.
                None if taken.items > 0 && taken.items == largest => (skip(self.first, items), Step::Probe),
                None => break,
            };
        }
        Ok(union)
    }

    fn broken(&self, what: &str) -> FetchError {
        broken(self.first, what)
    }
}

/// The page that `link` names, on the host of the `first` page only. Raw spaces and quotes are encoded.
pub(super) fn follow(first: &Url, link: &str) -> Result<Url, FetchError> {
    let url = first.join(link).map_err(|_| broken(first, "names a next page that is no address"))?;
    // An origin knows the default ports, so that `https://host:443` is `https://host`.
    if url.origin() == first.origin() {
        return Ok(url);
    }
    let elsewhere = url.origin().ascii_serialization();
    Err(broken(first, &format!("continues on another host, {elsewhere}"))
        .with_hint("links are followed on the host of base_url only"))
}

/// The listing after its first `items` items.
fn skip(first: &Url, items: usize) -> Url {
    let mut url = first.clone();
    url.set_query(Some(&format!("{}&$skip={items}", first.query().unwrap_or_default())));
    url
}

fn broken(first: &Url, what: &str) -> FetchError {
    FetchError::upstream(format!("the listing of {} {what}", authority(first)))
}

/// Parsing and compressing cost CPU and touch the disk: off the async threads, with everything they need.
async fn take(mut union: Union, body: Bytes) -> Result<(Union, Taken), FetchError> {
    let work = move || page::read(&body).and_then(|page| union.take(page)).map(|taken| (union, taken));
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| FetchError::bug(format!("reading a page broke off: {error}")))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first() -> Url {
        Url::parse("https://prices.azure.com/api/retail/prices?currencyCode='USD'").unwrap()
    }

    #[test]
    fn a_link_with_the_default_port_and_raw_spaces_is_followed() {
        let link =
            "https://prices.azure.com:443/api/retail/prices?$filter=priceType eq 'Consumption'&$skip=1000";
        let followed = "https://prices.azure.com/api/retail/prices?$filter=priceType%20eq%20%27Consumption%27&$skip=1000";
        assert_eq!(follow(&first(), link).unwrap().as_str(), followed);
    }

    #[test]
    fn a_link_to_another_origin_is_refused_by_name() {
        for (link, named) in [
            ("https://prices.azure.example/api", "https://prices.azure.example"),
            ("https://prices.azure.com:8443/api", "https://prices.azure.com:8443"),
            ("http://prices.azure.com/api", "http://prices.azure.com"),
            ("//evil.example/api", "https://evil.example"),
            ("https://prices.azure.com@evil.example/", "https://evil.example"),
            ("file:///etc/passwd", "null"),
        ] {
            let error = follow(&first(), link).unwrap_err().to_string();
            assert!(error.ends_with(&format!("another host, {named}")), "{error}");
        }
        assert!(follow(&first(), "https://[").is_err());
    }

    #[test]
    fn a_probe_asks_for_the_same_listing_further_on() {
        let url = skip(&first(), 2_000);
        assert_eq!(url.query(), Some("currencyCode=%27USD%27&$skip=2000"));
    }
}
