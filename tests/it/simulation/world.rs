//! One course of events, all of it drawn from a seed: weeks in which everything fails, and then a calm in which
//! everything must come right.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use contrail::base::{Chance, Time};
use contrail::lake::store::StoreErrorKind;

use super::checker::{Evidence, check};
use super::dice::Dice as _;
use super::machine::{Machine, Settings, Turn};
use super::store::{Bucket, StoreWeather};
use super::time::Timeline;
use super::truth::Truth;
use super::upstream::{SLOTS, Upstream, VERSIONS, WINDOWS, Weather};

/// How often time moves to the next sleeper within a stride, before the rest of it passes at once.
const WAKINGS: u32 = 25;
/// More turns than anything needs that comes to an end.
const TURNS: u32 = 200_000;
/// The longest that a window waits to be fetched where nothing goes wrong.
const CALM_LAG: TimeDelta = TimeDelta::hours(20);

/// What a course came to.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Course {
    pub(super) days: i64,
    pub(super) deaths: u64,
    pub(super) objects: u64,
    pub(super) rows: u64,
}

impl std::ops::AddAssign for Course {
    fn add_assign(&mut self, other: Self) {
        self.days += other.days;
        self.deaths += other.deaths;
        self.objects += other.objects;
        self.rows += other.rows;
    }
}

struct World {
    timeline: Arc<Timeline>,
    bucket: Arc<Bucket>,
    upstream: Arc<Upstream>,
    machines: Vec<Machine>,
    settings: Settings,
    chance: Chance,
    begun: Time,
    end: Time,
    long_outage_at: Option<Time>,
    lost_spool: bool,
    deaths: u64,
    tells: bool,
}

/// Runs the course of `seed` with the spools below `root`. Panics when a promise is broken. `tells` prints what
/// happens.
pub(super) fn run(seed: u64, root: &Path, tells: bool) -> Course {
    let mut world = World::of(seed, root, tells);
    while world.timeline.now() < world.end {
        world.turmoil();
        if world.chance.one_in(60) {
            world.calm();
            world.check(false);
        }
    }
    world.calm();
    world.finish()
}

impl World {
    fn of(seed: u64, root: &Path, tells: bool) -> Self {
        let chance = Chance::seeded(seed);
        let fork = || Chance::seeded(chance.next_u64());
        let day: Time = "2026-02-20T00:00:00Z".parse().unwrap();
        let begun = day + TimeDelta::seconds(i64::try_from(chance.below(20 * 86_400)).unwrap());
        let long = chance.one_in(20);
        let weeks = TimeDelta::days(i64::try_from(4 + chance.below(8)).unwrap());
        let outage = TimeDelta::days(i64::try_from(if long { 60 + chance.below(60) } else { 0 }).unwrap());
        let end = begun + weeks + outage;
        let regions: &[&'static str] = if chance.one_in(5) { &["a", "b"] } else { &["a"] };
        let truth = Truth::draw(&fork(), regions, begun, end + TimeDelta::days(30));
        let timeline = Timeline::starting(begun);
        let upstream = Upstream::new(truth, regions.to_vec(), &timeline, fork());
        let bucket = Bucket::new(fork());
        let names: &[&'static str] = if chance.one_in(5) { &["one", "two"] } else { &["one"] };
        let machine = |name: &&'static str| Machine::new(name, root, &timeline, &bucket, &upstream, fork());
        let machines = names.iter().map(machine).collect();
        let settings = Settings {
            backfill: if chance.one_in(25) { "90d" } else { chance.pick(&["0s", "1d", "3d", "7d"]) },
            settle: "10m",
            audit: "6h",
            spot_window: if long {
                chance.pick(&["12h", "1d"])
            } else {
                chance.pick(&["6h", "6h", "12h", "1d"])
            },
            spool_limit: 1 << 20,
            concurrency: 4,
            period: TimeDelta::hours(6),
            gzip_level: 1,
        };
        let long_outage_at = long.then(|| begun + weeks / 2);
        let (lost_spool, deaths) = (false, 0);
        Self {
            timeline,
            bucket,
            upstream,
            machines,
            settings,
            chance,
            begun,
            end,
            long_outage_at,
            lost_spool,
            deaths,
            tells,
        }
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        if self.tells {
            super::say(&format!("{} {}", self.timeline.now().format("%F %T"), what()));
        }
    }

    /// One stride of a time in which everything may fail.
    fn turmoil(&mut self) {
        self.change_weather();
        for index in 0..self.machines.len() {
            self.happen_to(index);
        }
        let stride = match self.chance.below(12) {
            0 => self.chance.between(Duration::from_mins(1), Duration::from_mins(20)),
            1..=8 => self.chance.between(Duration::from_hours(2), Duration::from_hours(7)),
            _ => self.chance.between(Duration::from_hours(7), Duration::from_hours(40)),
        };
        let until = self.timeline.now() + stride;
        if self.long_outage_at.is_some_and(|at| until >= at) {
            self.long_outage_at = None;
            return self.long_outage();
        }
        self.pass(until, WAKINGS);
    }

    fn change_weather(&mut self) {
        if self.chance.one_in(4) {
            let weather = match self.chance.below(8) {
                0 | 1 => StoreWeather::Fine,
                2 | 3 => StoreWeather::Flaky(10),
                4 => StoreWeather::Flaky(50),
                5 | 6 => StoreWeather::Failing(StoreErrorKind::Away),
                _ => StoreWeather::Failing(self.chance.pick(&[StoreErrorKind::Config, StoreErrorKind::Full])),
            };
            self.tell(|| format!("the store is {weather:?}"));
            self.bucket.set_weather(weather);
        }
        for dataset in [WINDOWS.id, VERSIONS.id, SLOTS.id] {
            if self.chance.one_in(5) {
                let weather = self.chance.pick(&[
                    Weather::Fine,
                    Weather::Fine,
                    Weather::Flaky(10),
                    Weather::Flaky(40),
                    Weather::Away,
                ]);
                self.tell(|| format!("{dataset} is {weather:?}"));
                self.upstream.set_weather(dataset, weather);
            }
        }
    }

    /// What happens to one machine at the start of a stride.
    fn happen_to(&mut self, index: usize) {
        if self.chance.one_in(12) {
            let widest = match self.chance.below(4) {
                0 => TimeDelta::zero(),
                1 => TimeDelta::days(3),
                2 => TimeDelta::hours(4),
                _ => TimeDelta::minutes(5),
            };
            let range = u64::try_from(2 * widest.num_seconds() + 1).unwrap();
            let error = TimeDelta::seconds(i64::try_from(self.chance.below(range)).unwrap()) - widest;
            self.tell(|| {
                format!("the clock of {} jumps to {}s", self.machines[index].name, error.num_seconds())
            });
            self.machines[index].clock.jump_to(error);
        } else if self.chance.one_in(3) {
            // Somebody looks after it.
            self.machines[index].clock.jump_to(TimeDelta::zero());
        }
        if self.machines[index].life.is_none() {
            if self.chance.one_in(15) {
                self.tell(|| format!("{} loses its spool", self.machines[index].name));
                self.machines[index].lose_spool();
                self.lost_spool = true;
            }
            if self.chance.percent(75) {
                self.start(index);
            }
        } else {
            match self.chance.below(12) {
                0 => {
                    self.tell(|| format!("{} is stopped", self.machines[index].name));
                    self.machines[index].stop();
                }
                1 => self.die(index),
                _ => {}
            }
        }
        if self.chance.one_in(3) {
            // Soon most often: a stride has a few hundred polls.
            let limit = self.chance.pick(&[20, 200, 1_000]);
            self.machines[index].dies_after = Some(self.chance.below(limit));
        }
    }

    fn start(&mut self, index: usize) {
        if self.chance.one_in(3) {
            let chance = &self.chance;
            self.settings = Settings {
                backfill: if chance.one_in(20) { "30d" } else { chance.pick(&["0s", "2d", "4d", "9d"]) },
                settle: chance.pick(&["0s", "10m", "1h"]),
                audit: chance.pick(&["6h", "6h", "1h"]),
                // Of a lake that is there already it changes nothing.
                spot_window: if self.bucket.was_tried("_contrail/lake.json") {
                    chance.pick(&["1h", "6h", "12h"])
                } else {
                    self.settings.spot_window
                },
                spool_limit: chance.pick(&[1, 1_500, 1 << 20]),
                concurrency: usize::try_from(1 + chance.below(6)).unwrap(),
                period: chance.pick(&[TimeDelta::hours(3), TimeDelta::hours(6), TimeDelta::hours(8)]),
                gzip_level: chance.pick(&[1, 6]),
            };
        }
        self.tell(|| format!("{} starts: {:?}", self.machines[index].name, self.settings));
        self.machines[index].start(self.settings);
    }

    fn die(&mut self, index: usize) {
        self.machines[index].kill();
        self.after_death(index);
    }

    fn after_death(&mut self, index: usize) {
        self.deaths += 1;
        self.tell(|| format!("{} is killed", self.machines[index].name));
        self.machines[index].tear(&self.chance);
    }

    /// Months in which nobody crawls: nothing runs, or it runs and no upstream answers.
    fn long_outage(&mut self) {
        let until = self.end - (self.end - self.timeline.now()).min(TimeDelta::days(6));
        self.tell(|| format!("nothing happens until {until}"));
        if self.chance.one_in(2) {
            for index in 0..self.machines.len() {
                if self.machines[index].life.is_some() {
                    self.die(index);
                }
            }
        } else {
            for dataset in [WINDOWS.id, VERSIONS.id, SLOTS.id] {
                self.upstream.set_weather(dataset, Weather::Away);
            }
        }
        while self.timeline.now() < until {
            let next =
                self.timeline.now() + TimeDelta::days(i64::try_from(5 + self.chance.below(20)).unwrap());
            self.pass(next.min(until), 2);
        }
        for dataset in [WINDOWS.id, VERSIONS.id, SLOTS.id] {
            self.upstream.set_weather(dataset, Weather::Fine);
        }
    }

    /// Nothing fails for some days. Then nothing may be missing that could be had.
    fn calm(&mut self) {
        self.tell(|| "all is calm".to_owned());
        self.bucket.set_weather(StoreWeather::Fine);
        for dataset in [WINDOWS.id, VERSIONS.id, SLOTS.id] {
            self.upstream.set_weather(dataset, Weather::Fine);
        }
        for machine in &mut self.machines {
            machine.dies_after = None;
            machine.clock.jump_to(TimeDelta::zero());
        }
        for _ in 0..7 {
            for index in 0..self.machines.len() {
                if self.machines[index].life.is_none() {
                    self.start(index);
                }
            }
            self.pass(self.timeline.now() + TimeDelta::hours(4), 400);
        }
    }

    /// Lets time pass until then, with all that happens meanwhile.
    fn pass(&mut self, until: Time, wakings: u32) {
        self.machines.iter().for_each(Machine::beat);
        self.go_on();
        for _ in 0..wakings {
            match self.timeline.next_waking() {
                Some(at) if at < until => self.timeline.move_to(at),
                _ => break,
            }
            self.go_on();
        }
        self.timeline.move_to(until);
        self.machines.iter().for_each(Machine::beat);
        self.go_on();
    }

    /// Lets everything happen that needs no time, in some order.
    fn go_on(&mut self) {
        let mut busy: Vec<usize> = (0..self.machines.len()).collect();
        for _ in 0..TURNS {
            if busy.is_empty() {
                return;
            }
            let turn = usize::try_from(self.chance.below(busy.len() as u64)).unwrap();
            let index = busy[turn];
            match self.machines[index].turn() {
                Turn::Idle => {
                    busy.swap_remove(turn);
                }
                Turn::Busy => {}
                Turn::Killed => self.after_death(index),
            }
            if let Some(Err(error)) = self.machines[index].ended() {
                self.tell(|| format!("{} gives up: {error}", self.machines[index].name));
            }
        }
        panic!("it goes on and on, and no time passes");
    }

    /// The end: all stop well, and leave nothing behind.
    fn finish(&mut self) -> Course {
        // What is on its way arrives, and nothing new becomes due.
        while let Some(next) = self.timeline.next_waking() {
            self.timeline.move_to(next);
            self.go_on();
        }
        self.tell(|| "all are stopped".to_owned());
        self.machines.iter().for_each(Machine::stop);
        for _ in 0..100 {
            self.go_on();
            if self.machines.iter().all(|machine| machine.life.is_none()) {
                break;
            }
            let next = self.timeline.next_waking().expect("a machine does not stop");
            self.timeline.move_to(next);
        }
        assert!(self.machines.iter().all(|machine| machine.life.is_none()), "a machine does not stop");
        let left: Vec<PathBuf> = self.machines.iter().flat_map(Machine::spooled).collect();
        let described = left.iter().filter(|path| path.extension().is_some_and(|kind| kind == "json"));
        let texts: Vec<_> = described.map(|path| std::fs::read_to_string(path).unwrap()).collect();
        assert!(left.is_empty(), "left in the spool of a store that is well: {left:?} {texts:?}");
        let (objects, rows) = self.check(true);
        Course { days: (self.timeline.now() - self.begun).num_days(), deaths: self.deaths, objects, rows }
    }

    fn check(&self, all_is_up: bool) -> (u64, u64) {
        let evidence = Evidence {
            objects: self.bucket.objects(),
            told: self.upstream.told(),
            upstream: &self.upstream,
            now: self.timeline.now(),
            lag: CALM_LAG,
            given_up: self.upstream.given_up(),
            may_hold_what_was_given_up: self.machines.len() > 1,
            has_all_lines: all_is_up && !self.lost_spool,
        };
        let (faults, counted) = check(&evidence);
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults[..faults.len().min(12)].join("\n"));
        counted
    }
}
