//! What must hold of every page of Azure's listing, whatever is in it. For the fuzzer and the replay of its corpus.

use url::Url;

use super::item::Item;
use super::last_prices::LastPrices;
use super::{page, walk};

/// Feeds a page of Azure's listing.
///
/// # Panics
///
/// When a page that was accepted cannot be kept as it should be.
pub fn page(body: &[u8]) {
    let Ok(page) = page::read(body) else { return };
    for raw in page.items {
        let line = page::one_line(raw.get());
        assert!(line.starts_with('{') && !line.contains(['\n', '\r']), "an item is an object on one line");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        assert_eq!(value(&line), value(raw.get()), "an item on one line means the same");
        assert_eq!(page::one_line(&line), line, "and stays as it is");
        let oddity = match Item::read(&line) {
            Ok(item) => {
                let last = LastPrices::of_lines(&line).unwrap_or_default();
                assert_eq!(last.leap_of(&item), None, "what costs what it cost does not leap");
                let told = item.price().map_or_else(String::new, |price| item.told_leap(price));
                assert!(told.chars().count() < 600, "a leap is told briefly");
                item.oddity("USD", "Consumption")
            }
            Err(oddity) => Some(oddity),
        };
        let told = oddity.map(|oddity| oddity.to_string());
        assert!(told.is_none_or(|told| told.chars().count() < 200), "an oddity is told briefly");
    }
    let first = Url::parse("https://prices.azure.com/api/retail/prices?currencyCode='USD'");
    if let (Ok(first), Some(link)) = (first, page.next) {
        let followed = walk::follow(&first, &link).ok();
        assert!(followed.is_none_or(|url| url.origin() == first.origin()), "a walk stays on its host");
    }
}
