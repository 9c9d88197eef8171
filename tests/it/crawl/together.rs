//! Several crawlers on one lake.

use std::collections::BTreeMap;

use contrail::lake::run_log::Outcome;

use super::{lake, once};
use crate::support::program::Home;

#[test]
fn two_crawlers_at_once_make_one_lake() {
    let home = Home::new();
    // Slow enough that both are at it at the same time.
    let arguments = once(&["--faults", "slow=50ms"]);
    let (one, other) = (home.start(&arguments), home.start(&arguments));
    let ends = [one.end().with(0), other.end().with(0)];
    let lake = lake(&home);

    // Each object was stored by exactly one of them; whoever came second found it.
    let mut outcomes: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
    for attempt in lake.attempts() {
        outcomes.entry(attempt.key.unwrap()).or_default().push(attempt.outcome);
    }
    let objects = lake.all_raw();
    assert!(objects.keys().all(|key| outcomes.contains_key(*key)));
    for (key, outcomes) in &outcomes {
        let made = outcomes.iter().filter(|outcome| **outcome != Outcome::Exists).count();
        assert_eq!(made, 1, "{key}: {outcomes:?}");
    }
    let twice = outcomes.values().filter(|outcomes| outcomes.len() > 1).count();
    assert!(twice > 0, "they never met:\n{}\n{}", ends[0].stderr, ends[1].stderr);
}
