//! Which versions of a stream are missing: arithmetic over what the indexes name and the lake holds. Pure.

use std::collections::BTreeSet;

use crate::base::Time;
use crate::lake::coverage::{Held, StreamCoverage};
use crate::lake::slice::Version;
use crate::sources::Past;

/// The versions of a stream that should be fetched: the current one, and those published since the lake was made
/// (or since the newest one that the lake holds from before).
///
/// A version that failed once stays missing even when a newer one is stored meanwhile. Versions newer than the
/// region's current one are not there for this region yet: the region index will name them.
pub(super) fn missing(
    held: Option<&StreamCoverage>,
    current: &Version,
    published: &BTreeSet<Version>,
    created_at: Time,
) -> BTreeSet<Version> {
    let created = published_at(created_at);
    let holds = |version: &Version| held.is_some_and(|held| held.versions.contains_key(version));
    let before = held.and_then(|held| {
        let stored = held.versions.iter().filter(|(_, held)| **held == Held::Stored);
        stored.map(|(version, _)| version).rfind(|version| Some(*version) < created.as_ref())
    });
    let since = before.or(created.as_ref());
    let between = published.iter().filter(|version| since.is_none_or(|since| *version >= since));
    between
        .filter(|version| *version < current)
        .chain([current])
        .filter(|version| !holds(version))
        .cloned()
        .collect()
}

/// The versions of a stream that were published in a stretch of the past and are not there.
///
/// A stream of which nothing is stored begins with its current version: what lies between that and the past would
/// be missing from the next plan otherwise.
pub(super) fn missing_in(
    held: Option<&StreamCoverage>,
    current: &Version,
    published: &BTreeSet<Version>,
    past: Past,
) -> BTreeSet<Version> {
    let (since, until) = (past.since.and_then(published_at), published_at(past.until));
    let asked = |version: &&Version| {
        since.as_ref().is_none_or(|since| *version >= since)
            && until.as_ref().is_none_or(|until| *version < until)
    };
    let begins = held.and_then(StreamCoverage::newest_version).is_none();
    let asked = published.iter().filter(|version| *version < current).chain([current]).filter(asked);
    asked
        .chain(begins.then_some(current))
        .filter(|version| !held.is_some_and(|held| held.versions.contains_key(*version)))
        .cloned()
        .collect()
}

/// The version that the upstream would give to what it publishes at `time`.
fn published_at(time: Time) -> Option<Version> {
    Version::new(&time.format("%Y%m%d%H%M%S").to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Name;
    use crate::lake::coverage::Coverage;
    use crate::lake::key::{Key, Mark, Parsed};
    use crate::lake::slice::Slice;
    use crate::sources::aws::price_list::KIND;

    fn version(text: &str) -> Version {
        Version::new(text).unwrap()
    }

    fn wanted(stored: &[&str], lost: &[&str], current: &str, published: &[&str]) -> Vec<String> {
        let name = |text| Name::new("name", text).unwrap();
        let stream = KIND.stream(&name("AmazonEC2"), &name("us-east-1")).unwrap();
        let slice = |text: &&str| Slice::Version { stream: stream.clone(), version: version(text) };
        let mut coverage = Coverage::default();
        for text in stored {
            coverage.insert(&Key::parse(Key::raw(&slice(text)).as_str()).unwrap().1);
        }
        for text in lost {
            coverage.insert(&Parsed::Mark(slice(text), Mark::Lost));
        }
        let published = published.iter().map(|text| version(text)).collect();
        let created_at = "2026-03-10T12:00:00Z".parse().unwrap();
        let missing = missing(coverage.stream(&stream), &version(current), &published, created_at);
        missing.iter().map(ToString::to_string).collect()
    }

    const V1: &str = "20260301000000";
    const V2: &str = "20260305000000";
    const V3: &str = "20260315000000";
    const V4: &str = "20260320000000";
    const ALL: [&str; 4] = [V1, V2, V3, V4];

    fn asked_for(stored: &[&str], since: Option<&str>, until: &str) -> Vec<String> {
        let mut held = StreamCoverage::default();
        held.versions.extend(stored.iter().map(|text| (version(text), Held::Stored)));
        let past = Past { since: since.map(|text| text.parse().unwrap()), until: until.parse().unwrap() };
        let missing = missing_in(Some(&held), &version(V4), &ALL.map(version).into(), past);
        missing.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_past_wants_what_was_published_in_it_and_is_not_there() {
        let since = Some("2026-03-05T00:00:00Z");
        assert_eq!(asked_for(&[V4], since, "2026-03-15T00:00:00Z"), [V2], "since is within, until is not");
        assert_eq!(asked_for(&[V4], since, "2026-03-15T00:00:01Z"), [V2, V3]);
        assert_eq!(asked_for(&[V2, V4], since, "2026-04-01T00:00:00Z"), [V3]);
        assert_eq!(asked_for(&[V2], since, "2026-04-01T00:00:00Z"), [V3, V4]);
        assert_eq!(asked_for(&[V4], None, "2026-04-01T00:00:00Z"), [V1, V2, V3]);
    }

    #[test]
    fn a_stream_that_is_filled_from_its_past_begins_with_the_present() {
        assert_eq!(asked_for(&[], None, "2026-03-02T00:00:00Z"), [V1, V4]);
        assert_eq!(wanted(&[V1, V4], &[], V4, &ALL), [V2, V3], "what came after a backfill is healed");
        assert_eq!(wanted(&["20200101000000", V2], &[], V2, &ALL), Vec::<String>::new());
    }

    #[test]
    fn a_new_lake_wants_the_current_version_only() {
        assert_eq!(wanted(&[], &[], V2, &[V1, V2]), [V2]);
        assert_eq!(wanted(&[V2], &[], V2, &[V1, V2]), Vec::<String>::new());
    }

    #[test]
    fn versions_published_since_the_lake_was_made_are_missing() {
        assert_eq!(wanted(&[], &[], V4, &ALL), [V3, V4]);
        assert_eq!(wanted(&[V2], &[], V4, &ALL), [V3, V4]);
        assert_eq!(wanted(&[V1], &[], V4, &ALL), [V2, V3, V4], "since the newest from before the lake");
    }

    #[test]
    fn a_version_that_failed_is_still_missing_when_a_newer_one_is_stored() {
        assert_eq!(wanted(&[V2, V4], &[], V4, &ALL), [V3]);
    }

    #[test]
    fn what_is_lost_is_not_asked_for_again() {
        assert_eq!(wanted(&[V2], &[V3], V4, &ALL), [V4]);
    }

    #[test]
    fn old_versions_are_left_to_a_backfill() {
        assert_eq!(wanted(&["20200101000000", V2], &[], V2, &ALL), Vec::<String>::new());
    }

    #[test]
    fn a_version_that_the_region_does_not_have_yet_is_not_asked_for() {
        assert_eq!(wanted(&[V2], &[], V3, &ALL), [V3]);
    }
}
