//! What the lake knows of each stream at a moment, and what it does not: the table `coverage`, read for a question.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::Days;

use super::error::AskError;
use super::question::{Question, When};
use crate::base::clock::midnight;
use crate::base::{Date, Time};
use crate::lake::interval::{Interval, IntervalSet};
use crate::lake::store::Store;
use crate::tables::definitions::COVERAGE;
use crate::tables::scan::{Part, Scan, Tally};

/// How many of the newest days are looked through for the last moment that is known.
const NEWEST_DAYS: usize = 8;

/// What is said of a stream of which there is nothing.
pub(super) const NOTHING: &str = "this lake has nothing of it";

/// Stretches of time of every stream, in the days that were read.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    streams: BTreeMap<(String, String), Vec<Stretch>>,
    /// The days of which the table says anything.
    days: Option<RangeInclusive<Date>>,
}

/// A stretch of time of one stream, and what the lake has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) from: Time,
    pub(super) to: Time,
    state: String,
}

/// What is known of a stream at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Somebody looked.
    Known,
    /// Nobody did, and why.
    Unknown(String),
    /// The lake has nothing of the stream in these days.
    Unheard,
}

impl Stretch {
    fn is_known(&self) -> bool {
        matches!(self.state.as_str(), "known" | "unchanged")
    }

    fn holds(&self, moment: Time) -> bool {
        self.from <= moment && moment < self.to
    }

    /// Why nothing is known in it.
    pub(super) fn why(&self) -> String {
        let (from, to) = (shown(self.from), shown(self.to));
        match self.state.as_str() {
            "lost" => format!("gap: {from}..{to} is lost for good"),
            "missing" => format!("gap: {from}..{to} is not fetched yet"),
            "refused" => format!("refused to this account since {from}"),
            other => format!("gap: {from}..{to} is {other}"),
        }
    }
}

impl Coverage {
    /// What the question needs: the newest days, or those around its moment.
    pub(super) async fn read(
        store: &dyn Store,
        question: &Question,
        tally: &Tally,
    ) -> Result<Self, AskError> {
        let scan = Scan::of(&COVERAGE, &["dataset", "stream", "from_time", "to_time", "state"]);
        let parts = scan.parts(store, tally).await?;
        let days = parts.first().and_then(Part::day).zip(parts.last().and_then(Part::day));
        let wanted: Vec<Part> = match question.when {
            When::Latest => {
                let past =
                    parts.into_iter().rev().filter(|part| part.day() <= Some(question.now.date_naive()));
                past.take(NEWEST_DAYS).collect()
            }
            // A gap is told whole, as far as it reaches into the days beside.
            When::At { moment, .. } => {
                let around = days_around(moment);
                parts.into_iter().filter(|part| part.day().is_some_and(|day| around.contains(&day))).collect()
            }
        };
        let found = scan.gather(store, &wanted, tally, |rows: &mut Vec<_>, row| {
            let key = row.text("dataset").zip(row.text("stream"));
            let span = row.moment("from_time").zip(row.moment("to_time"));
            if let Some((((dataset, stream), (from, to)), state)) = key.zip(span).zip(row.text("state")) {
                let stretch = Stretch { from, to, state: state.to_owned() };
                rows.push(((dataset.to_owned(), stream.to_owned()), stretch));
            }
        });
        let mut coverage = Self { streams: BTreeMap::new(), days: days.map(|(first, last)| first..=last) };
        for (stream, stretch) in found.await?.into_iter().flatten() {
            coverage.streams.entry(stream).or_default().push(stretch);
        }
        coverage.streams.values_mut().for_each(join);
        Ok(coverage)
    }

    /// The streams of a dataset, as keys write them.
    pub(super) fn streams(&self, dataset: &str) -> impl Iterator<Item = &str> {
        self.streams.keys().filter(move |(known, _)| known == dataset).map(|(_, stream)| stream.as_str())
    }

    /// What is known of a stream at a moment.
    pub(super) fn at(&self, dataset: &str, stream: &str, moment: Time) -> Standing {
        let stretches = self.stretches(dataset, stream);
        match stretches.iter().find(|stretch| stretch.holds(moment)) {
            Some(stretch) if stretch.is_known() => Standing::Known,
            Some(stretch) => Standing::Unknown(stretch.why()),
            None => self.beyond(stretches, moment).map_or(Standing::Unheard, Standing::Unknown),
        }
    }

    /// The last moment of a stream until which it is known without a break; `None` when it is not known in the days
    /// that were read.
    pub(super) fn latest(&self, dataset: &str, stream: &str, now: Time) -> Option<Time> {
        let known = self.stretches(dataset, stream).iter().rev().find(|it| it.is_known() && it.from < now)?;
        Some(known.to.min(now))
    }

    /// Why nothing of a stream is known in the newest days.
    pub(super) fn why_nothing(&self, dataset: &str, stream: &str) -> String {
        let last = self.stretches(dataset, stream).last();
        last.map_or_else(|| NOTHING.to_owned(), Stretch::why)
    }

    /// The time of a stream that is known.
    pub(super) fn known(&self, dataset: &str, stream: &str) -> IntervalSet {
        let known = self.stretches(dataset, stream).iter().filter(|it| it.is_known());
        known.filter_map(|it| Interval::new(it.from, it.to)).collect()
    }

    /// Why nothing at all is known of a moment; `None` when something is.
    pub(super) fn why_never(&self, moment: Time) -> Option<String> {
        self.beyond(&[], moment)
    }

    fn stretches(&self, dataset: &str, stream: &str) -> &[Stretch] {
        self.streams.get(&(dataset.to_owned(), stream.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// Why nothing is said of a moment.
    fn beyond(&self, stretches: &[Stretch], moment: Time) -> Option<String> {
        let ended = stretches.iter().rev().find(|stretch| stretch.to <= moment);
        let begins = stretches.iter().find(|stretch| moment < stretch.from);
        Some(match (&self.days, ended, begins) {
            (_, Some(ended), _) => format!("nobody looked after {}", shown(ended.to)),
            (_, None, Some(begins)) => format!("nothing is known before {}", shown(begins.from)),
            (Some(days), ..) if moment < midnight(*days.start()) => {
                format!("this lake knows nothing before {}", shown(midnight(*days.start())))
            }
            (Some(days), ..) if days.end().succ_opt().is_some_and(|after| midnight(after) <= moment) => {
                format!("nobody looked after {}", days.end())
            }
            _ => return None,
        })
    }
}

/// The day of a moment and those beside it.
fn days_around(moment: Time) -> RangeInclusive<Date> {
    let day = moment.date_naive();
    let (before, after) = (day.checked_sub_days(Days::new(1)), day.checked_add_days(Days::new(1)));
    before.unwrap_or(day)..=after.unwrap_or(day)
}

/// Puts stretches in order, and those together that only midnight parts.
fn join(stretches: &mut Vec<Stretch>) {
    stretches.sort_by_key(|stretch| stretch.from);
    stretches.dedup_by(|next, last| {
        let touches = last.to == next.from && last.state == next.state;
        if touches {
            last.to = next.to;
        }
        touches
    });
}

/// A moment as answers tell it, to the minute where that is exact.
pub(super) fn shown(moment: Time) -> String {
    let format = if moment.timestamp() % 60 == 0 { "%Y-%m-%dT%H:%MZ" } else { "%Y-%m-%dT%H:%M:%SZ" };
    moment.format(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn stretch(from: &str, to: &str, state: &str) -> Stretch {
        Stretch { from: time(from), to: time(to), state: state.to_owned() }
    }

    fn coverage() -> Coverage {
        let mut stretches = vec![
            stretch("2026-11-20T05:00:00Z", "2026-11-21T00:00:00Z", "known"),
            stretch("2026-11-20T00:00:00Z", "2026-11-20T02:00:00Z", "known"),
            stretch("2026-11-21T00:00:00Z", "2026-11-21T01:00:00Z", "known"),
            stretch("2026-11-20T02:00:00Z", "2026-11-20T05:00:00Z", "lost"),
            stretch("2026-11-21T01:00:00Z", "2026-11-21T03:00:00Z", "missing"),
        ];
        join(&mut stretches);
        let days = "2026-11-19".parse().unwrap()..="2026-11-21".parse().unwrap();
        Coverage {
            streams: BTreeMap::from([(("d".to_owned(), "s".to_owned()), stretches)]),
            days: Some(days),
        }
    }

    #[test]
    fn a_moment_is_known_or_the_reason_is_told() {
        let unknown = |why: &str| Standing::Unknown(why.to_owned());
        for (moment, standing) in [
            ("2026-11-20T00:00:00Z", Standing::Known),
            ("2026-11-20T02:00:00Z", unknown("gap: 2026-11-20T02:00Z..2026-11-20T05:00Z is lost for good")),
            ("2026-11-20T05:00:00Z", Standing::Known),
            ("2026-11-21T00:30:00Z", Standing::Known),
            ("2026-11-21T01:00:00Z", unknown("gap: 2026-11-21T01:00Z..2026-11-21T03:00Z is not fetched yet")),
            ("2026-11-21T03:00:00Z", unknown("nobody looked after 2026-11-21T03:00Z")),
            ("2026-11-19T23:00:00Z", unknown("nothing is known before 2026-11-20T00:00Z")),
        ] {
            assert_eq!(coverage().at("d", "s", time(moment)), standing, "{moment}");
        }
        for (moment, why) in [
            ("2026-11-18T00:00:00Z", "this lake knows nothing before 2026-11-19T00:00Z"),
            ("2026-11-22T00:00:00Z", "nobody looked after 2026-11-21"),
        ] {
            assert_eq!(coverage().at("d", "other", time(moment)), unknown(why), "{moment}");
        }
        assert_eq!(coverage().at("d", "other", time("2026-11-20T00:00:00Z")), Standing::Unheard);
    }

    #[test]
    fn the_latest_moment_is_the_end_of_what_is_known() {
        let latest = |now: &str| coverage().latest("d", "s", time(now));
        assert_eq!(latest("2026-11-22T00:00:00Z"), Some(time("2026-11-21T01:00:00Z")));
        assert_eq!(latest("2026-11-20T06:00:00Z"), Some(time("2026-11-20T06:00:00Z")));
        assert_eq!(latest("2026-11-20T04:00:00Z"), Some(time("2026-11-20T02:00:00Z")));
        assert_eq!(latest("2026-11-19T00:00:00Z"), None);
    }
}
