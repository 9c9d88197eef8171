//! Marks: whether what they say goes with the objects that there are.

use super::findings::Findings;
use crate::lake::coverage::{Coverage, Held};
use crate::lake::key::{Key, Mark};
use crate::lake::slice::Slice;

/// Judges the mark about `slice` by the objects that there are.
pub(super) fn judge(slice: &Slice, mark: Mark, objects: &Coverage, findings: &Findings) {
    let key = Key::mark(slice, mark);
    if objects.has(slice) {
        let what = match mark {
            Mark::Lost => "it is marked as lost, and its object is there",
            Mark::Unchanged => "it is marked as unchanged, and an object of its own is there",
        };
        findings.note(key.as_str(), what, "nothing needs to be done: the object counts");
        return;
    }
    if mark == Mark::Unchanged && !has_predecessor(slice, objects) {
        findings.fault(
            key.as_str(),
            "it is marked as unchanged, and there is no earlier object that it could be the same as",
            "restore the earlier object from a backup, or remove this mark: then its time is missing",
        );
    }
}

/// Whether an earlier slot of the stream is stored.
fn has_predecessor(slice: &Slice, objects: &Coverage) -> bool {
    let Slice::Slot { stream, at, .. } = slice else { return false };
    let slots = objects.stream(stream).map(|stream| &stream.slots);
    slots.is_some_and(|slots| slots.range(..*at).any(|(_, (held, _))| *held == Held::Stored))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::key::Parsed;

    fn found(objects: &[&str], mark: &str) -> Vec<(&'static str, String)> {
        let mut coverage = Coverage::default();
        for key in objects {
            coverage.insert(&Key::parse(key).unwrap().1);
        }
        let Parsed::Mark(slice, mark) = Key::parse(mark).unwrap().1 else { panic!("{mark} is no mark") };
        let findings = Findings::default();
        judge(&slice, mark, &coverage, &findings);
        findings.told().into_iter().map(|found| (found.severity.as_str(), found.found)).collect()
    }

    #[test]
    fn an_unchanged_slot_has_an_earlier_one() {
        let day = |day| {
            format!("raw/a/dt=2026-11-{day}/20261121T000000Z.ndjson.gz")
                .replace("1121T", &format!("11{day}T"))
        };
        let mark = format!("_contrail/marks/{}.unchanged.json", day(21));
        assert!(found(&[&day(20)], &mark).is_empty());
        assert_eq!(found(&[], &mark)[0].0, "fault");
        assert_eq!(found(&[&day(22)], &mark)[0].0, "fault", "a later one is no predecessor");
        assert_eq!(found(&[&day(20), &day(21)], &mark)[0].0, "note");
    }

    #[test]
    fn a_loss_that_was_healed_is_a_note() {
        let window = "raw/a/dt=2026-11-21/20261121T000000Z-20261121T010000Z.ndjson.gz";
        let mark = format!("_contrail/marks/{window}.lost.json");
        assert!(found(&[], &mark).is_empty());
        assert_eq!(found(&[window], &mark)[0].0, "note");
    }
}
