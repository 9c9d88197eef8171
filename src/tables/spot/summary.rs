//! What a pool cost on a day: exact arithmetic over the time for which its price is known. Pure.

use super::covered::{Before, Span};
use crate::base::{Price, Time};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A change of the pool's price: when, and to what; `None` for a price that could not be read.
pub(super) type Change = (Time, Option<Price>);

/// What a pool cost on a day. What is not known is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// The price when the day began.
    pub(super) open: Option<Price>,
    /// The price when the last stretch of time ended that is covered.
    pub(super) close: Option<Price>,
    /// The lowest price.
    pub(super) min: Option<Price>,
    /// The highest price.
    pub(super) max: Option<Price>,
    /// The mean over the time that is known, rounded once, halves away from zero.
    pub(super) average: Option<Price>,
    /// How many changes there were.
    pub(super) changes: i64,
    /// For how many whole seconds the price is known.
    pub(super) known_seconds: i64,
}

impl Summary {
    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.changes == 0 && self.average.is_none() && self.close.is_none()
    }
}

/// Sums up the day that starts at `midnight`: what is covered of it, what the pool cost when the day before ended, and
/// its `changes` in order of time, with those that were carried over.
pub(super) fn sum_up(midnight: Time, spans: &[Span], closed: Option<Price>, changes: &[Change]) -> Summary {
    let mut sum = Sum::default();
    let close = walk(spans, closed, changes, |price, from, to| sum.add(price, from, to));
    let day = changes.iter().filter(|(at, _)| midnight.date_naive() == at.date_naive()).count();
    Summary {
        open: sum.first.filter(|(at, _)| *at == midnight).map(|(_, price)| price),
        close,
        min: sum.min,
        max: sum.max,
        average: sum.average(),
        changes: i64::try_from(day).unwrap_or(i64::MAX),
        known_seconds: sum.micros / MICROS_PER_SECOND,
    }
}

/// Tells `known` each price that is known, since when and until when it applied; gives back the price that applies when
/// the last span ends.
pub(super) fn walk(
    spans: &[Span],
    closed: Option<Price>,
    changes: &[Change],
    mut known: impl FnMut(Price, Time, Time),
) -> Option<Price> {
    let mut price = closed.filter(|_| !spans.is_empty());
    let mut rest = changes.iter().copied().peekable();
    for span in spans {
        let since = match span.before {
            Before::Covered => Some(span.from),
            Before::Gap { since, is_bridged } => {
                price = price.filter(|_| is_bridged);
                since
            }
        };
        while let Some((at, changed)) = rest.next_if(|(at, _)| *at < span.from) {
            // What is older than the gap was known before, or has been replaced since.
            if since.is_none_or(|since| since <= at) {
                price = changed;
            }
        }
        let mut from = span.from;
        while let Some((at, changed)) = rest.next_if(|(at, _)| *at < span.to) {
            if let Some(price) = price.filter(|_| from < at) {
                known(price, from, at);
            }
            (price, from) = (changed, at);
        }
        if let Some(price) = price {
            known(price, from, span.to);
        }
    }
    price
}

/// The prices so far, weighted by the time for which they applied.
#[derive(Debug, Default)]
struct Sum {
    first: Option<(Time, Price)>,
    min: Option<Price>,
    max: Option<Price>,
    micros: i64,
    // Prices have 20 digits and days 11: far from the end of the type.
    weighted: i128,
}

impl Sum {
    fn add(&mut self, price: Price, from: Time, to: Time) {
        let micros = to.timestamp_micros() - from.timestamp_micros();
        self.first.get_or_insert((from, price));
        self.min = Some(self.min.map_or(price, |min| min.min(price)));
        self.max = Some(self.max.map_or(price, |max| max.max(price)));
        self.micros += micros;
        self.weighted += price.units() * i128::from(micros);
    }

    fn average(&self) -> Option<Price> {
        let micros = Some(i128::from(self.micros)).filter(|micros| *micros > 0)?;
        let nearest = (self.weighted.abs() + micros / 2) / micros;
        Price::from_units(nearest * self.weighted.signum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        format!("2026-11-{text}Z").parse().unwrap()
    }

    fn price(text: &str) -> Option<Price> {
        Price::read(text)
    }

    fn span(from: &str, to: &str, before: Before) -> Span {
        Span { from: at(from), to: at(to), before }
    }

    fn whole_day() -> [Span; 1] {
        [span("21T00:00:00", "22T00:00:00", Before::Covered)]
    }

    fn sum(spans: &[Span], closed: Option<Price>, changes: &[(&str, &str)]) -> Summary {
        let changes: Vec<_> = changes.iter().map(|(time, text)| (at(time), Price::read(text))).collect();
        sum_up(at("21T00:00:00"), spans, closed, &changes)
    }

    #[test]
    fn a_pool_that_does_not_change_costs_what_it_did() {
        let one = price("0.035");
        let expected = Summary {
            open: one,
            close: one,
            min: one,
            max: one,
            average: one,
            changes: 0,
            known_seconds: 86_400,
        };
        assert_eq!(sum(&whole_day(), one, &[]), expected);
    }

    #[test]
    fn prices_weigh_as_long_as_they_apply() {
        let changes = [("21T06:00:00", "0.2"), ("21T18:00:00", "0.3"), ("21T23:59:59.5", "9")];
        let day = sum(&whole_day(), price("0.1"), &changes);
        // (0.1 × 21600 + 0.2 × 43200 + 0.3 × 21599.5 + 9 × 0.5) / 86400
        assert_eq!(day.average, price("0.2000503472"));
        assert_eq!(
            (day.open, day.close, day.min, day.max),
            (price("0.1"), price("9"), price("0.1"), price("9"))
        );
        assert_eq!((day.changes, day.known_seconds), (3, 86_400));
    }

    #[test]
    fn a_price_is_known_from_its_first_change() {
        let day = sum(&whole_day(), None, &[("21T12:00:00", "0.2")]);
        assert_eq!((day.open, day.close, day.known_seconds), (None, price("0.2"), 43_200));
        let day = sum(&whole_day(), price("0.1"), &[("21T00:00:00", "0.2")]);
        assert_eq!(
            (day.open, day.min, day.changes),
            (price("0.2"), price("0.2"), 1),
            "it never cost 0.1 that day"
        );
    }

    #[test]
    fn what_cannot_be_read_is_unknown_and_free_is_a_price() {
        let day = sum(&whole_day(), price("0"), &[("21T12:00:00", "N/A")]);
        assert_eq!((day.open, day.close, day.average), (price("0"), None, price("0")));
        assert_eq!((day.known_seconds, day.changes), (43_200, 1));
    }

    #[test]
    fn a_gap_that_is_not_bridged_ends_what_is_known() {
        let gap = |is_bridged| {
            let since = Some(at("21T06:00:00"));
            [
                span("21T00:00:00", "21T06:00:00", Before::Covered),
                span("21T12:00:00", "21T18:00:00", Before::Gap { since, is_bridged }),
            ]
        };
        let closed = price("0.1");
        let known = |day: Summary| (day.known_seconds / 3_600, day.close);
        assert_eq!(known(sum(&gap(false), closed, &[])), (6, None));
        assert_eq!(
            known(sum(&gap(true), closed, &[])),
            (12, closed),
            "others changed in it, this one did not"
        );
        let carried = [("21T09:00:00", "0.3")];
        assert_eq!(known(sum(&gap(true), closed, &carried)), (12, price("0.3")));
        assert_eq!(sum(&gap(true), closed, &carried).average, price("0.2"), "in the gap nothing is known");
        assert_eq!(known(sum(&gap(false), closed, &[("21T15:00:00", "0.3")])), (9, price("0.3")));
    }

    #[test]
    fn a_row_from_before_the_gap_says_nothing_new() {
        let since = Some(at("20T22:00:00"));
        let spans = [span("21T00:00:00", "22T00:00:00", Before::Gap { since, is_bridged: true })];
        let close = |time: &str| sum(&spans, price("0.1"), &[(time, "0.5")]).close;
        assert_eq!(close("20T21:59:59"), price("0.1"));
        assert_eq!(close("20T22:00:00"), price("0.5"));
        let beginning = [span("21T00:00:00", "22T00:00:00", Before::Gap { since: None, is_bridged: true })];
        let day = sum(&beginning, None, &[("01T00:00:00", "0.5")]);
        assert_eq!((day.open, day.changes, day.known_seconds), (price("0.5"), 0, 86_400));
    }

    #[test]
    fn means_are_rounded_once_and_halves_away_from_zero() {
        let spans = [span("21T00:00:00", "21T00:00:02", Before::Covered)];
        let mean = |first: &str, second: &str| sum(&spans, price(first), &[("21T00:00:01", second)]).average;
        assert_eq!(mean("0.0000000001", "0.0000000002"), price("0.0000000002"));
        assert_eq!(mean("-0.0000000001", "-0.0000000002"), price("-0.0000000002"));
        assert_eq!(mean("9999999999.9999999999", "9999999999.9999999999"), price("9999999999.9999999999"));
    }

    #[test]
    fn where_nothing_is_covered_nothing_is_known() {
        let day = sum(&[], price("0.1"), &[("21T12:00:00", "0.2")]);
        assert_eq!(day, Summary { changes: 1, ..Summary::default() });
        assert!(sum(&[], price("0.1"), &[]).is_empty());
    }
}
