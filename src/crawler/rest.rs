//! Which streams are left alone, for the rest of a tick or until a moment, and what is worth saying about it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;

use crate::base::Time;
use crate::lake::slice::{Slice, Stream};
use crate::sources::FetchErrorKind;

/// After this many payloads of a stream in a row were not what they claimed, the stream rests.
const BAD_PAYLOADS: u32 = 3;

/// What a tick does not try any more.
#[derive(Debug, Default)]
pub(super) struct Rest {
    streams: BTreeSet<Stream>,
    /// Nothing is tried twice in one tick.
    attempted: BTreeSet<Slice>,
    bad_payloads: BTreeMap<Stream, u32>,
    blocked: bool,
}

impl Rest {
    /// Whether the slice may still be fetched in this tick.
    pub(super) fn allows(&self, slice: &Slice) -> bool {
        !self.blocked && !self.streams.contains(slice.stream()) && !self.attempted.contains(slice)
    }

    /// Whether nothing more of the source can be done in this tick: a person must act first.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Leaves a stream alone; answers whether that is new.
    pub(super) fn close(&mut self, stream: &Stream) -> bool {
        self.streams.insert(stream.clone())
    }

    /// Notes that a slice is being fetched.
    pub(super) fn attempt(&mut self, slice: &Slice) {
        self.attempted.insert(slice.clone());
    }

    /// Notes that a fetch brought what it should.
    pub(super) fn went_well(&mut self, stream: &Stream) {
        self.bad_payloads.remove(stream);
    }

    /// Draws the consequence of a failed fetch. Answers whether it says anything new: many slices of a stream
    /// may be on their way when the first of them fails.
    pub(super) fn failed(&mut self, stream: &Stream, kind: FetchErrorKind) -> bool {
        match kind {
            FetchErrorKind::Config | FetchErrorKind::Local => !std::mem::replace(&mut self.blocked, true),
            FetchErrorKind::Upstream => {
                let bad = self.bad_payloads.entry(stream.clone()).or_default();
                *bad += 1;
                if *bad >= BAD_PAYLOADS { self.close(stream) } else { !self.streams.contains(stream) }
            }
            FetchErrorKind::Retry { .. } | FetchErrorKind::Refused | FetchErrorKind::Bug => {
                self.close(stream)
            }
            // It will never be asked for again, and says nothing about its stream.
            FetchErrorKind::Gone => true,
        }
    }
}

/// Which upstreams asked to be left alone, whatever tick comes.
#[derive(Debug, Default)]
pub(super) struct Waits {
    // When it was asked, and until when.
    streams: BTreeMap<Stream, (Time, Time)>,
}

impl Waits {
    /// Notes what an upstream asked for.
    pub(super) fn note(&mut self, stream: &Stream, now: Time, wait: Duration) {
        // A wait that time itself cannot hold is a fault of the upstream: it is asked again at the next tick.
        let until = TimeDelta::from_std(wait).ok().and_then(|wait| now.checked_add_signed(wait));
        if let Some(until) = until {
            self.streams.insert(stream.clone(), (now, until));
        }
    }

    /// Whether the stream is to be left alone still. A clock that was put back to before the wait began does not
    /// make it longer.
    pub(super) fn hold(&self, stream: &Stream, now: Time) -> bool {
        self.streams.get(stream).is_some_and(|(asked, until)| (asked..until).contains(&&now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::slice::Format;

    fn slot(region: &str, hour: u32) -> Slice {
        let at = format!("2026-11-21T{hour:02}:00:00Z").parse().unwrap();
        let stream = Stream::new("slots", &[("region", region)]).unwrap();
        Slice::Slot { stream, at, format: Format::Ndjson }
    }

    #[test]
    fn nothing_is_tried_twice() {
        let mut rest = Rest::default();
        rest.attempt(&slot("a", 1));
        assert!(!rest.allows(&slot("a", 1)));
        assert!(rest.allows(&slot("a", 2)));
    }

    #[test]
    fn an_upstream_that_is_away_closes_its_stream_and_is_told_once() {
        let mut rest = Rest::default();
        let (a, retry) = (slot("a", 1), FetchErrorKind::Retry { after: None });
        assert!(rest.failed(a.stream(), retry));
        assert!(!rest.failed(a.stream(), retry));
        assert!(!rest.allows(&a) && rest.allows(&slot("b", 1)));
    }

    #[test]
    fn three_bad_payloads_in_a_row_close_a_stream() {
        let mut rest = Rest::default();
        let a = slot("a", 1);
        for _ in 0..2 {
            assert!(rest.failed(a.stream(), FetchErrorKind::Upstream));
        }
        rest.went_well(a.stream());
        for _ in 0..2 {
            assert!(rest.failed(a.stream(), FetchErrorKind::Upstream));
            assert!(rest.allows(&a));
        }
        assert!(rest.failed(a.stream(), FetchErrorKind::Upstream));
        assert!(!rest.allows(&a));
        assert!(!rest.failed(a.stream(), FetchErrorKind::Upstream), "one that was on its way");
    }

    #[test]
    fn a_clock_that_is_put_back_makes_no_wait_longer() {
        let mut waits = Waits::default();
        let (slot, at) = (slot("a", 1), |text: &str| text.parse::<Time>().unwrap());
        waits.note(slot.stream(), at("2027-01-01T00:00:00Z"), Duration::from_hours(1));
        assert!(waits.hold(slot.stream(), at("2027-01-01T00:59:59Z")));
        assert!(!waits.hold(slot.stream(), at("2027-01-01T01:00:00Z")));
        assert!(!waits.hold(slot.stream(), at("2026-11-21T20:00:00Z")));
        waits.note(slot.stream(), at("2027-01-01T00:00:00Z"), Duration::MAX);
        assert!(!waits.hold(slot.stream(), at("2027-01-01T01:00:00Z")), "longer than time is");
    }

    #[test]
    fn what_a_person_must_mend_blocks_the_source_and_is_told_once() {
        let mut rest = Rest::default();
        assert!(rest.failed(slot("a", 1).stream(), FetchErrorKind::Config));
        assert!(!rest.failed(slot("b", 1).stream(), FetchErrorKind::Config));
        assert!(rest.is_blocked() && !rest.allows(&slot("c", 1)));
    }
}
