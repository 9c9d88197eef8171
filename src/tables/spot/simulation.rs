//! Days of true prices, crawled with outages, crashes and changes of configuration by the rules of the source, and summed
//! up: whatever is called known must be true.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::covered::spans;
use super::summary::{Change, Summary, sum_up, walk};
use crate::base::clock::midnight;
use crate::base::units::Period;
use crate::base::{Date, Price, Time};
use crate::lake::coverage::Coverage;
use crate::lake::grid::Grid;
use crate::lake::interval::{Interval, IntervalSet};
use crate::lake::key::{Key, Mark};
use crate::lake::slice::{Slice, Stream};
use crate::sources::aws::Regions;
use crate::sources::aws::spot_prices::rules::{Span as Kept, gap_before, plan};
use crate::sources::aws::spot_prices::{Options, RETENTION, Retry};
use crate::sources::{Plan, PlanContext, Traffic};

const POOLS: usize = 5;

/// True prices: for each pool, since when it costs what. Every price is unlike all others of its pool.
type History = [BTreeMap<Time, Price>; POOLS];
/// A row of the lake.
type Row = (usize, Time);

fn born() -> Time {
    "2026-11-21T20:10:00Z".parse().unwrap()
}

fn histories() -> impl Strategy<Value = History> {
    let change = (0_usize..POOLS, -12_000_000_i64..14_000_000);
    prop::collection::vec(change, 0..400).prop_map(|changes| {
        let mut history = History::default();
        for (number, (pool, second)) in changes.into_iter().enumerate() {
            let price = Price::from_units(i128::try_from(number).unwrap() * 7 + 1).unwrap();
            history[pool].insert(born() + TimeDelta::seconds(second), price);
        }
        history
    })
}

/// One tick of a crawler.
#[derive(Debug, Clone)]
struct Tick {
    /// Hours since the tick before.
    pause: i64,
    /// Days of first fill that are configured by now.
    backfill: u64,
    /// How many slices are stored before the process dies.
    survives: usize,
    /// Whether lost windows are marked before the process dies.
    marks: bool,
    /// Turns the order of the slices.
    order: usize,
}

fn ticks() -> impl Strategy<Value = Vec<Tick>> {
    let pause = prop_oneof![8 => 0_i64..30, 2 => 30_i64..400, 2 => 2_000_i64..3_000];
    let survives = prop_oneof![3 => 0_usize..40, 2 => Just(usize::MAX)];
    let backfill = prop::sample::select(vec![0_u64, 1, 3, 30, 90]);
    let tick = (pause, backfill, survives, any::<bool>(), any::<usize>());
    let tick = tick.prop_map(|(pause, backfill, survives, marks, order)| Tick {
        pause,
        backfill,
        survives,
        marks,
        order,
    });
    prop::collection::vec(tick, 1..8)
}

struct World {
    grid: Grid,
    stream: Stream,
    coverage: Coverage,
    objects: BTreeMap<Key, (Slice, Vec<Row>)>,
}

impl World {
    /// One plan of the source, carried out as far as the process lives.
    fn tick(&mut self, tick: &Tick, history: &History, now: Time) {
        let mut planned = Plan::default();
        let context = PlanContext {
            coverage: &self.coverage,
            expected: &self.coverage,
            now,
            created_at: midnight(self.grid.created_day()),
            grid: self.grid,
            past: None,
            traffic: &Traffic::default(),
        };
        let options = Options {
            regions: Regions::All,
            endpoint_url: None,
            settle: Period::seconds(600),
            backfill: Period::seconds(tick.backfill * 86_400),
            audit: Period::seconds(6 * 3_600),
            retry: Retry::default(),
        };
        plan(&self.stream, &context, &options, &mut planned);
        let as_planned = self.coverage.clone();
        let mut wanted = planned.wanted;
        if !wanted.is_empty() {
            let turn = tick.order % wanted.len();
            wanted.rotate_left(turn);
        }
        for slice in wanted.into_iter().take(tick.survives) {
            let rows = match &slice {
                Slice::Window { span, .. } => {
                    let gap = gap_before(as_planned.stream(&self.stream), *span, self.grid, now);
                    let kept = Kept::new(*span, gap);
                    listing(history, *span).into_iter().filter(|(_, at)| kept.keeps(*at)).collect()
                }
                // Nothing is late here, so that an audit brings nothing.
                _ => Vec::new(),
            };
            let key = Key::raw(&slice);
            self.coverage.insert(&Key::parse(key.as_str()).unwrap().1);
            self.objects.insert(key, (slice, rows));
        }
        if tick.marks {
            for slice in planned.lost {
                self.coverage.insert(&Key::parse(Key::mark(&slice, Mark::Lost).as_str()).unwrap().1);
            }
        }
    }
}

/// What the upstream lists for `span`: the changes in it and, for each pool, the last one before.
fn listing(history: &History, span: Interval) -> Vec<Row> {
    let mut rows = Vec::new();
    for (pool, prices) in history.iter().enumerate() {
        rows.extend(prices.range(..span.from()).next_back().map(|(at, _)| (pool, *at)));
        rows.extend(prices.range(span.from()..span.to()).map(|(at, _)| (pool, *at)));
    }
    rows
}

/// What a day has: its windows and rows.
#[derive(Default)]
struct Raw {
    windows: IntervalSet,
    carried: Vec<Time>,
    rows: Vec<Row>,
}

fn days(world: &World) -> BTreeMap<Date, Raw> {
    let mut days: BTreeMap<Date, Raw> = BTreeMap::new();
    for (slice, rows) in world.objects.values() {
        let day = days.entry(slice.day()).or_default();
        day.rows.extend(rows);
        if let Slice::Window { span, .. } = slice {
            day.windows.insert(*span);
            if rows.iter().any(|(_, at)| *at < span.from()) {
                day.carried.push(span.from());
            }
        }
    }
    days
}

fn check(history: &History, world: &World) -> Result<(), TestCaseError> {
    let mut closes: [Option<Price>; POOLS] = Default::default();
    let mut before: Option<(Date, Option<Time>)> = None;
    for (day, raw) in days(world) {
        let ended = before.filter(|(last, _)| last.succ_opt() == Some(day));
        if ended.is_none() {
            closes = Default::default();
        }
        let spans = spans(&raw.windows, ended.and_then(|(_, end)| end), |from| raw.carried.contains(&from));
        for (pool, prices) in history.iter().enumerate() {
            let mut changes: Vec<Change> = raw
                .rows
                .iter()
                .filter(|(of, _)| *of == pool)
                .map(|(_, at)| (*at, Some(prices[at])))
                .collect();
            changes.sort_unstable();
            let mut known = IntervalSet::default();
            let (mut weighted, mut seconds, mut least, mut most) = (0_i128, 0_i64, None, None);
            walk(&spans, closes[pool], &changes, |price, from, to| {
                let truth = prices.range(..=from).next_back();
                assert_eq!(truth.map(|(_, price)| *price), Some(price), "pool {pool} at {from}");
                let next = prices.range(from..to).nth(usize::from(prices.contains_key(&from)));
                assert_eq!(next, None, "pool {pool} from {from} to {to} changed");
                known.insert(Interval::new(from, to).unwrap());
                weighted += price.units() * i128::from((to - from).num_seconds());
                seconds += (to - from).num_seconds();
                least = least.into_iter().chain([price]).min();
                most = most.into_iter().chain([price]).max();
            });
            // Where every change is known, so is the price after the first one.
            for span in &spans {
                if let Some((first, _)) = prices.range(span.from..span.to).next() {
                    prop_assert!(known.covers(Interval::new(*first, span.to).unwrap()));
                }
            }
            for part in known.parts() {
                prop_assert!(raw.windows.covers(*part), "nothing is known in a gap: {}", part);
            }
            let summary = sum_up(midnight(day), &spans, closes[pool], &changes);
            let doubled =
                (seconds > 0).then(|| (2 * weighted + i128::from(seconds)) / i128::from(2 * seconds));
            let expected = Summary {
                open: prices
                    .range(..=midnight(day))
                    .next_back()
                    .map(|(_, price)| *price)
                    .filter(|_| known.part_at(midnight(day)).is_some()),
                close: summary.close,
                min: least,
                max: most,
                average: doubled.and_then(Price::from_units),
                changes: i64::try_from(changes.iter().filter(|(at, _)| at.date_naive() == day).count())
                    .unwrap(),
                known_seconds: seconds,
            };
            prop_assert_eq!(summary, expected);
            if let (Some(close), Some(end)) = (summary.close, raw.windows.end()) {
                let truth = prices.range(..end).next_back().map(|(_, price)| *price);
                prop_assert_eq!(Some(close), truth, "the close of pool {} on {}", pool, day);
            }
            closes[pool] = summary.close;
        }
        before = Some((day, raw.windows.end()));
    }
    Ok(())
}

fn world(step: i64) -> World {
    World {
        grid: Grid::new(born().date_naive(), TimeDelta::minutes(step)).unwrap(),
        stream: Stream::new("aws_spot_prices", &[("region", "us-east-1")]).unwrap(),
        coverage: Coverage::default(),
        objects: BTreeMap::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_is_called_known_is_true(
        history in histories(),
        ticks in ticks(),
        step in prop::sample::select(vec![60_i64, 360, 1440]),
    ) {
        let mut world = world(step);
        let mut now = born();
        for tick in &ticks {
            now += TimeDelta::hours(tick.pause);
            world.tick(tick, &history, now);
            // Tables are built after every tick, and what is missing then may be healed or not.
            check(&history, &world)?;
        }
    }
}

#[test]
fn after_a_loss_the_pools_that_did_not_change_are_known_again() {
    let all = Tick { pause: 0, backfill: 3, survives: usize::MAX, marks: true, order: 0 };
    let mut history = History::default();
    let price = |units| Price::from_units(units).unwrap();
    for (pool, prices) in history.iter_mut().enumerate() {
        prices.insert(born() - TimeDelta::days(200), price(i128::try_from(pool).unwrap() + 1));
    }
    // The crawler stands still until its upstream has begun to forget, within a day.
    let lost = born() + TimeDelta::minutes(90);
    history[0].insert(lost, price(100));
    let mut world = world(60);
    world.tick(&all, &history, born());
    world.tick(&all, &history, born() + RETENTION + TimeDelta::hours(2));

    let days = days(&world);
    let day = &days[&born().date_naive()];
    let ended = Some(midnight(born().date_naive()));
    let spans = spans(&day.windows, ended, |from| day.carried.contains(&from));
    assert_eq!(spans.len(), 2, "{spans:?}");
    let close = |pool: usize| {
        let rows = day.rows.iter().filter(|(of, _)| *of == pool);
        let mut changes: Vec<Change> = rows.map(|(_, at)| (*at, Some(history[pool][at]))).collect();
        changes.sort_unstable();
        sum_up(
            midnight(born().date_naive()),
            &spans,
            Some(price(i128::try_from(pool).unwrap() + 1)),
            &changes,
        )
        .close
    };
    assert_eq!(close(0), Some(price(100)), "carried over");
    assert_eq!(close(1), Some(price(2)), "nothing was carried over, so it did not change");
}
