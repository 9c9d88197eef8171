//! What the fuzzer feeds, and what must hold of whatever it feeds. Built for `fuzz/` and for tests only; the corpus
//! of each target is replayed as an ordinary test here.

pub use crate::config::fuzzing::file as config;
pub use crate::sources::aws::bulk::fuzzing::{body as price_list_body, index as price_list_index};
pub use crate::sources::aws::spot_advisor::fuzzing::feed as spot_advisor_feed;
pub use crate::sources::aws::spot_prices::fuzzing::page as spot_page;
pub use crate::sources::azure::retail_prices::fuzzing::page as azure_page;

use chrono::Datelike as _;

use crate::base::{Name, Time};
use crate::lake::interval::Interval;
use crate::lake::key::{Key, Mark, Parsed, Prefix, TableObject};
use crate::lake::slice::{Format, Slice, Stream, Version};

/// Feeds a key, or a slice or part of a table that is to become one.
///
/// # Panics
///
/// When a key that was accepted is not canonical, or when a slice does not read back from its key.
pub fn key(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok((key, parsed)) = Key::parse(text) {
        assert_eq!(key.as_str(), text, "an accepted key is canonical");
        assert!(
            text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/=._-".contains(&b)),
            "{text:?} needs escaping"
        );
        assert!(
            !text.split('/').any(|segment| matches!(segment, "" | "." | "..")),
            "{text:?} leaves its directory"
        );
        match &parsed {
            Parsed::Raw(slice) | Parsed::Mark(slice, _) => check(slice),
            Parsed::Table(object) => {
                assert!(key.is_derived() && text.starts_with(Prefix::table(object.table()).as_str()));
            }
            Parsed::RunLog(..) | Parsed::Identity | Parsed::Probe => {}
        }
        assert_eq!(key.is_derived(), matches!(parsed, Parsed::Table(_)), "only tables may be replaced");
    }
    if let Some(object) = table_object(text) {
        let key = Key::table(&object);
        assert_eq!(
            Key::parse(key.as_str()),
            Ok((key.clone(), Parsed::Table(object))),
            "parse(format(object))"
        );
    }
    if let Some(slice) = slice(text) {
        check(&slice);
    }
}

fn check(slice: &Slice) {
    let raw = Key::raw(slice);
    assert_eq!(
        Key::parse(raw.as_str()),
        Ok((raw.clone(), Parsed::Raw(slice.clone()))),
        "parse(format(slice))"
    );
    for mark in [Mark::Lost, Mark::Unchanged] {
        let key = Key::mark(slice, mark);
        assert_eq!(Key::parse(key.as_str()), Ok((key.clone(), Parsed::Mark(slice.clone(), mark))));
    }
}

/// An object of a table out of words: a table, a day in seconds, and then a provider, and then a service instead of
/// the day.
fn table_object(text: &str) -> Option<TableObject> {
    let mut words = text.split(' ');
    let mut name = |word: &str| Name::new("name", word).ok();
    let table = name(words.next()?)?;
    let day = words.next()?.parse().ok().and_then(|second| Time::from_timestamp(second, 0))?.date_naive();
    // Keys write years with four digits.
    if !(0..=9_999).contains(&day.year()) {
        return None;
    }
    Some(match (words.next().and_then(&mut name), words.next().and_then(&mut name)) {
        (None, _) => TableObject::day(table, day),
        (Some(provider), None) => TableObject::provider_day(table, provider, day),
        (Some(provider), Some(service)) => TableObject::service(table, provider, service),
    })
}

/// A slice out of words: kind, two moments in seconds, dataset, and then parts and their values.
fn slice(text: &str) -> Option<Slice> {
    let mut words = text.split(' ');
    let kind = words.next()?;
    let mut moment = || words.next()?.parse().ok().and_then(|second| Time::from_timestamp(second, 0));
    let (at, other) = (moment()?, moment()?);
    // Keys write years with four digits, which last until the clock of the machine does not.
    if ![at, other].iter().all(|time| (0..9_999).contains(&time.year())) {
        return None;
    }
    let dataset = words.next()?;
    let parts: Vec<(&str, &str)> = words.map_while(|word| word.split_once('=')).collect();
    let stream = Stream::new(dataset, &parts).ok()?;
    Some(match kind {
        "window" => Slice::Window { stream, span: Interval::new(at, other)? },
        "audit" => Slice::Audit { stream, day: at.date_naive() },
        "version" => {
            Slice::Version { stream, version: Version::new(&at.format("%Y%m%d%H%M%S").to_string()).ok()? }
        }
        "json" => Slice::Slot { stream, at, format: Format::Json },
        _ => Slice::Slot { stream, at, format: Format::Ndjson },
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Feeds everything that `target` has met.
    fn replay(target: &str, feed: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let mut files = 0;
        for entry in std::fs::read_dir(&corpus).unwrap() {
            let path = entry.unwrap().path();
            let fine = std::panic::catch_unwind(|| feed(&std::fs::read(&path).unwrap()));
            assert!(fine.is_ok(), "{} does not hold", path.display());
            files += 1;
        }
        assert!(files >= 3, "{} holds only {files} files", corpus.display());
    }

    #[test]
    fn the_corpus_of_keys_holds() {
        replay("key", super::key);
    }

    #[test]
    fn the_corpus_of_spot_pages_holds() {
        replay("spot_page", super::spot_page);
    }

    #[test]
    fn the_corpus_of_azure_pages_holds() {
        replay("azure_page", super::azure_page);
    }

    #[test]
    fn the_corpus_of_price_list_indexes_holds() {
        replay("price_list_index", super::price_list_index);
    }

    #[test]
    fn the_corpus_of_price_lists_holds() {
        replay("price_list_body", super::price_list_body);
    }

    #[test]
    fn the_corpus_of_advisor_feeds_holds() {
        replay("spot_advisor_feed", super::spot_advisor_feed);
    }

    #[test]
    fn the_corpus_of_configurations_holds() {
        replay("config", super::config);
    }
}
