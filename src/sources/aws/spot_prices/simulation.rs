//! Years of crawling in a moment: random outages, crashes, late rows and changes of configuration against a
//! model of the upstream, to hold the promise that no row is ever stored twice.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use proptest::prelude::*;

use super::carry_over::{Span, gap_before};
use super::{Options, RETENTION, Retry, plan};
use crate::base::Time;
use crate::base::clock::midnight;
use crate::base::units::Period;
use crate::lake::coverage::Coverage;
use crate::lake::grid::Grid;
use crate::lake::interval::Interval;
use crate::lake::key::{Key, Mark};
use crate::lake::slice::{Slice, Stream};
use crate::sources::aws::Regions;
use crate::sources::{Plan, PlanContext, Traffic};

/// A change: pool, moment, and how much later it can be seen. Pool and moment are its natural key.
type Change = (u8, Time, TimeDelta);
type Natural = (u8, Time);

/// One tick of a crawler.
#[derive(Debug, Clone)]
struct Tick {
    /// Hours since the tick before.
    pause: i64,
    /// Days of first fill that are configured by now.
    backfill: u64,
    /// How many slices are stored before the process dies.
    survives: usize,
    /// Minutes that each fetch takes.
    slowness: i64,
    /// Whether lost windows are marked before the process dies.
    marks: bool,
    /// Turns the order of the slices.
    order: usize,
}

fn ticks() -> impl Strategy<Value = Vec<Tick>> {
    let pause = prop_oneof![8 => 0_i64..30, 2 => 30_i64..400, 1 => 400_i64..3_000];
    let survives = prop_oneof![3 => 0_usize..40, 1 => Just(usize::MAX)];
    let backfill = prop::sample::select(vec![0_u64, 1, 3, 30, 89, 90, 200]);
    let tick = (pause, backfill, survives, 0_i64..20, any::<bool>(), any::<usize>());
    let tick = tick.prop_map(|(pause, backfill, survives, slowness, marks, order)| Tick {
        pause,
        backfill,
        survives,
        slowness,
        marks,
        order,
    });
    prop::collection::vec(tick, 1..12)
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let delay = prop_oneof![9 => Just(0_i64), 1 => 1_i64..7_000];
    let change = (0_u8..6, -12_000_000_i64..30_000_000, delay);
    prop::collection::vec(change, 0..200).prop_map(|changes| {
        let unique: BTreeMap<Natural, TimeDelta> = changes
            .into_iter()
            .map(|(pool, second, delay)| {
                ((pool, born() + TimeDelta::seconds(second)), TimeDelta::seconds(delay))
            })
            .collect();
        unique.into_iter().map(|((pool, at), delay)| (pool, at, delay)).collect()
    })
}

fn born() -> Time {
    "2026-11-21T20:10:00Z".parse().unwrap()
}

fn options(backfill: u64) -> Options {
    Options {
        regions: Regions::All,
        endpoint_url: None,
        settle: Period::seconds(600),
        backfill: Period::seconds(backfill * 86_400),
        audit: Period::seconds(6 * 3600),
        retry: Retry::default(),
    }
}

/// What the upstream lists for `span` at `now`: the changes in it and, for each pool, the last one before.
fn listing(changes: &[Change], span: Interval, now: Time) -> Vec<Natural> {
    let visible = changes.iter().filter(|(_, at, delay)| *at + *delay <= now);
    let mut before: BTreeMap<u8, Time> = BTreeMap::new();
    let mut rows = Vec::new();
    for (pool, at, _) in visible {
        if span.contains(*at) {
            rows.push((*pool, *at));
        } else if *at < span.from() {
            let last = before.entry(*pool).or_insert(*at);
            *last = (*last).max(*at);
        }
    }
    rows.extend(before);
    rows
}

struct World {
    grid: Grid,
    stream: Stream,
    coverage: Coverage,
    objects: BTreeMap<Key, Vec<Natural>>,
}

impl World {
    fn held(&self) -> impl Iterator<Item = Natural> {
        self.objects.values().flatten().copied()
    }

    /// One plan, carried out as far as the process lives. Gives back when that was.
    fn tick(&mut self, tick: &Tick, changes: &[Change], planned_at: Time) -> Time {
        let mut plan = Plan::default();
        let context = PlanContext {
            coverage: &self.coverage,
            expected: &self.coverage,
            now: planned_at,
            created_at: midnight(self.grid.created_day()),
            grid: self.grid,
            past: None,
            traffic: &Traffic::default(),
        };
        plan::slices(&self.stream, &context, &options(tick.backfill), &mut plan);
        let as_planned = self.coverage.clone();
        let (mut now, mut wanted) = (planned_at, plan.wanted);
        if !wanted.is_empty() {
            let turn = tick.order % wanted.len();
            wanted.rotate_left(turn);
        }
        for slice in wanted.into_iter().take(tick.survives) {
            let (span, keeps, held) = match &slice {
                Slice::Window { span, .. } => {
                    let gap = gap_before(as_planned.stream(&self.stream), *span, self.grid, planned_at);
                    (*span, Span::new(*span, gap), BTreeSet::new())
                }
                Slice::Audit { day, .. } => {
                    let whole = Interval::new(midnight(*day), midnight(day.succ_opt().unwrap())).unwrap();
                    (whole, Span::new(whole, None), self.held().collect())
                }
                other => panic!("{other} was never wanted"),
            };
            let forgotten = span.from() < now - RETENTION;
            let rows = listing(changes, span, now).into_iter();
            let rows = rows.filter(|(_, at)| keeps.keeps(*at)).filter(|row| !held.contains(row)).collect();
            let key = if forgotten { Key::mark(&slice, Mark::Lost) } else { Key::raw(&slice) };
            self.coverage.insert(&Key::parse(key.as_str()).unwrap().1);
            if !forgotten {
                assert!(self.objects.insert(key, rows).is_none(), "{slice} was fetched twice");
            }
            now += TimeDelta::minutes(tick.slowness);
        }
        if tick.marks {
            for slice in plan.lost {
                self.coverage.insert(&Key::parse(Key::mark(&slice, Mark::Lost).as_str()).unwrap().1);
            }
        }
        now
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_row_is_ever_stored_twice_and_none_in_a_proven_day_is_missing(
        ticks in ticks(),
        changes in changes(),
        step in prop::sample::select(vec![60_i64, 360, 1440]),
    ) {
        let mut world = World {
            grid: Grid::new(born().date_naive(), TimeDelta::minutes(step)).unwrap(),
            stream: Stream::new("aws_spot_prices", &[("region", "us-east-1")]).unwrap(),
            coverage: Coverage::default(),
            objects: BTreeMap::new(),
        };
        let mut now = born();
        for tick in &ticks {
            now = world.tick(tick, &changes, now + TimeDelta::hours(tick.pause));
        }

        let all: Vec<Natural> = world.held().collect();
        let unique: BTreeSet<Natural> = all.iter().copied().collect();
        prop_assert_eq!(all.len(), unique.len(), "a row is in two objects");

        let known = world.coverage.stream(&world.stream).cloned().unwrap_or_default();
        for (pool, at, delay) in &changes {
            let stored = known.windows.part_at(*at).is_some();
            let audit = Slice::Audit { stream: world.stream.clone(), day: at.date_naive() };
            let proven = world.objects.contains_key(&Key::raw(&audit));
            // A row that can be seen within the time that windows settle, or once its day was audited.
            if stored && (*delay <= TimeDelta::minutes(10) || proven) {
                prop_assert!(unique.contains(&(*pool, *at)), "pool {pool} at {at} is missing");
            }
        }
    }
}
