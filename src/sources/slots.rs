//! Slots: what an upstream without a memory says, looked at while each of them lasts. Which one is open, which ones are
//! missing, and what the lake has of the one before. Never here: what an upstream says.

use std::io::Write;

use crate::base::Time;
use crate::base::units::Period;
use crate::lake::coverage::Held;
use crate::lake::key::Key;
use crate::lake::read_back::{ReadBackError, read_back};
use crate::lake::slice::{Format, Slice, Stream};
use crate::lake::store::StoreErrorKind;
use crate::sources::{Dataset, FetchContext, FetchError, FetchErrorKind, Plan, PlanContext};

/// How many slots may wait in the spool until older ones are not looked for.
const LOOK_BACK: usize = 7;

/// How a dataset cuts time: from midnight (UTC) on, each slot as long as the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots {
    /// The dataset.
    pub(super) dataset: &'static Dataset,
    /// How long a slot lasts: a divisor of a day.
    pub(super) interval: Period,
    /// What its objects are.
    pub(super) format: Format,
}

impl Slots {
    /// When the slot began that is open at `now`.
    pub(super) fn open_at(self, now: Time) -> Time {
        let length = self.interval.delta().num_seconds().max(1);
        let begun = now.timestamp().div_euclid(length) * length;
        Time::from_timestamp(begun, 0).unwrap_or(now)
    }

    /// The open slot of each stream where it is not there, and those before it that nobody looked at.
    ///
    /// # Errors
    ///
    /// A past was asked for, and there is none.
    pub(super) fn missing(self, streams: Vec<Stream>, context: &PlanContext<'_>) -> Result<Plan, FetchError> {
        if context.past.is_some() {
            let message = format!("{} has no past: its upstream tells the present only", self.dataset.id);
            return Err(FetchError::new(FetchErrorKind::Config, message)
                .with_hint("keep `contrail crawler` running: a slot that nobody fetched is lost"));
        }
        let now = self.open_at(context.now);
        let mut plan = Plan::default();
        for stream in &streams {
            let slot = |at| Slice::Slot { stream: stream.clone(), at, format: self.format };
            let first = context.coverage.stream(stream).and_then(|known| known.slots.keys().next().copied());
            let past = std::iter::successors(first, |at| at.checked_add_signed(self.interval.delta()));
            plan.lost.extend(
                past.take_while(|at| *at < now).map(slot).filter(|slice| !context.coverage.has(slice)),
            );
            plan.wanted.extend(Some(slot(now)).filter(|slice| !context.coverage.has(slice)));
        }
        plan.streams = streams;
        Ok(plan)
    }

    /// The stream of a slot and when that begins, if it is one of the dataset.
    pub(super) fn asked(self, slice: &Slice) -> Result<(&Stream, Time), FetchError> {
        match slice {
            Slice::Slot { stream, at, format }
                if *format == self.format && stream.dataset().as_str() == self.dataset.id =>
            {
                Ok((stream, *at))
            }
            _ => Err(FetchError::bug(format!("{} was asked for {slice}", self.dataset.id))),
        }
    }

    /// Fails when the slot that begins `at` is over, or yet to come. What is over the next plan gives up.
    pub(super) fn during(self, slice: &Slice, at: Time, now: Time) -> Result<(), FetchError> {
        if now < at {
            return Err(FetchError::retry(format!("{slice} is yet to come")));
        }
        if now >= at + self.interval.delta() {
            return Err(FetchError::retry(format!("{slice} is over"))
                .with_hint("its upstream tells the present only: this slot can no longer be fetched"));
        }
        Ok(())
    }
}

/// What the newest slot of `stream` before `at` has that is in the lake, read into a `sink`. `None` when there is no such
/// slot, or when it cannot be read: then nothing is compared with it.
pub(super) async fn newest_before<S: Write + Send + 'static>(
    at: Time,
    stream: &Stream,
    context: &FetchContext,
    sink: impl Fn() -> S,
) -> Option<S> {
    let slots = context.coverage.stream(stream).map(|known| &known.slots);
    let earlier = slots.into_iter().flat_map(|slots| slots.range(..at).rev());
    for (at, (_, format)) in earlier.filter(|(_, (held, _))| *held == Held::Stored).take(LOOK_BACK) {
        let key = Key::raw(&Slice::Slot { stream: stream.clone(), at: *at, format: *format });
        match read_back(context.store.as_ref(), &key, sink()).await {
            Ok(sink) => return Some(sink),
            // Still in the spool: the one before it is the newest that the lake has.
            Err(ReadBackError::Store(error)) if error.kind == StoreErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(%error, %key, "failed to read back the slot before: nothing is compared with it");
                return None;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::lake::coverage::Coverage;
    use crate::lake::grid::Grid;
    use crate::sources::Traffic;

    static DATASET: Dataset = Dataset {
        id: "slots",
        description: "slots",
        needs: "",
        permissions: &[],
        windows: false,
        publishes: false,
    };

    const SLOTS: Slots =
        Slots { dataset: &DATASET, interval: Period::seconds(6 * 3_600), format: Format::Json };

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn plan(keys: &[&str], now: &str) -> (Vec<String>, Vec<String>) {
        let mut coverage = Coverage::default();
        for key in keys {
            coverage.insert(&Key::parse(key).unwrap().1);
        }
        let now = time(now);
        let context = PlanContext {
            coverage: &coverage,
            expected: &coverage,
            now,
            created_at: now,
            grid: Grid::new(now.date_naive(), TimeDelta::hours(1)).unwrap(),
            past: None,
            traffic: &Traffic::default(),
        };
        let plan = SLOTS.missing(vec![Stream::new("slots", &[]).unwrap()], &context).unwrap();
        let shown = |slices: Vec<Slice>| slices.iter().map(ToString::to_string).collect();
        (shown(plan.wanted), shown(plan.lost))
    }

    #[test]
    fn a_slot_is_open_until_the_next_one_begins() {
        for (now, open) in [
            ("2026-11-21T00:00:00Z", "2026-11-21T00:00:00Z"),
            ("2026-11-21T05:59:59.999Z", "2026-11-21T00:00:00Z"),
            ("2026-11-21T06:00:00Z", "2026-11-21T06:00:00Z"),
            ("2026-11-21T23:30:00Z", "2026-11-21T18:00:00Z"),
            ("1969-12-31T23:00:00Z", "1969-12-31T18:00:00Z"),
        ] {
            assert_eq!(SLOTS.open_at(time(now)), time(open), "{now}");
        }
    }

    #[test]
    fn a_new_lake_wants_the_open_slot_and_has_lost_none() {
        let (wanted, lost) = plan(&[], "2026-11-21T23:59:59Z");
        assert_eq!((wanted, lost), (vec!["slots slot 2026-11-21T18:00:00Z".to_owned()], vec![]));
    }

    #[test]
    fn what_was_slept_through_is_lost_once() {
        let (wanted, lost) = plan(
            &[
                "raw/slots/dt=2026-11-20/20261120T060000Z.json.gz",
                "_contrail/marks/raw/slots/dt=2026-11-20/20261120T180000Z.json.gz.unchanged.json",
                "_contrail/marks/raw/slots/dt=2026-11-21/20261121T000000Z.json.gz.lost.json",
                "raw/slots/dt=2026-11-21/20261121T120000Z.json.gz",
            ],
            "2026-11-21T13:00:00Z",
        );
        assert!(wanted.is_empty(), "{wanted:?}");
        assert_eq!(lost, ["slots slot 2026-11-20T12:00:00Z", "slots slot 2026-11-21T06:00:00Z"]);
    }

    #[test]
    fn a_slot_is_fetched_while_it_lasts() {
        let at = time("2026-11-21T06:00:00Z");
        let slice = Slice::Slot { stream: Stream::new("slots", &[]).unwrap(), at, format: Format::Json };
        let during = |now: &str| SLOTS.during(&slice, at, time(now)).map_err(|error| error.to_string());
        for now in ["2026-11-21T06:00:00Z", "2026-11-21T11:59:59Z"] {
            assert_eq!(during(now), Ok(()), "{now}");
        }
        for (now, says) in [("2026-11-21T05:59:59Z", "yet to come"), ("2026-11-21T12:00:00Z", "is over")] {
            assert!(during(now).is_err_and(|error| error.contains(says)), "{now}");
        }
    }
}
