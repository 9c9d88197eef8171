//! A machine on which a crawler lives, dies and lives again. Its tasks run one at a time, and between them it may
//! be killed: then its spool is as it was at that moment, whatever destructors do afterwards.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use chrono::TimeDelta;
use contrail::base::{Chance, Clock, Time};
use contrail::crawler::{
    Crawler, Heartbeat, LakeSetup, Options, Report, Schedule, Scheduled, Shutdown, Silent,
};
use contrail::lake::identity::{FORMAT, Identity, UPSTREAM};
use contrail::sources::Source;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::Sender;

use super::dice::Dice as _;
use super::store::{Bucket, ChancyStore};
use super::time::{MachineClock, Timeline};
use super::upstream::{self, Slots, Upstream, Versions, Windows};

/// What may be configured anew between two lives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) backfill: &'static str,
    pub(super) settle: &'static str,
    pub(super) audit: &'static str,
    pub(super) spot_window: &'static str,
    pub(super) spool_limit: u64,
    pub(super) concurrency: usize,
    pub(super) period: TimeDelta,
    pub(super) gzip_level: u32,
}

/// What came of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Something went on.
    Busy,
    /// Nothing can go on before time passes.
    Idle,
    /// The process is dead.
    Killed,
}

/// A machine, its clock and its disk.
pub(super) struct Machine {
    pub(super) name: &'static str,
    pub(super) clock: Arc<MachineClock>,
    pub(super) spool: PathBuf,
    pub(super) life: Option<Life>,
    /// After so many polls of tasks the process is killed.
    pub(super) dies_after: Option<u64>,
    bucket: Arc<Bucket>,
    upstream: Arc<Upstream>,
    chance: Chance,
}

/// A process.
pub(super) struct Life {
    // Before the runtime, which waits for its thread when it is dropped.
    gate: Option<Gate>,
    runtime: Runtime,
    heart: Sender<()>,
    shutdown: Shutdown,
    end: Arc<Mutex<Option<Result<Report, String>>>>,
}

/// Keeps the one thread for blocking work busy: what is queued behind it is done between two rounds, and never
/// beside a task. So a course of events is the same each time.
struct Gate {
    open: mpsc::Sender<()>,
    reached: mpsc::Receiver<()>,
}

impl Gate {
    fn behind(runtime: &Runtime) -> Self {
        let (open, opened) = mpsc::channel();
        let (reach, reached) = mpsc::channel();
        runtime.spawn_blocking(move || {
            let _ = reach.send(());
            let _ = opened.recv();
        });
        Self { open, reached }
    }
}

impl Machine {
    pub(super) fn new(
        name: &'static str,
        root: &Path,
        timeline: &Arc<Timeline>,
        bucket: &Arc<Bucket>,
        upstream: &Arc<Upstream>,
        chance: Chance,
    ) -> Self {
        Self {
            name,
            clock: MachineClock::right(timeline),
            spool: root.join(name),
            life: None,
            dies_after: None,
            bucket: Arc::clone(bucket),
            upstream: Arc::clone(upstream),
            chance,
        }
    }

    /// Starts a process.
    pub(super) fn start(&mut self, settings: Settings) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            // Main is polled between any two tasks, and what was woken from outside comes first.
            .event_interval(1)
            .global_queue_interval(1)
            .build()
            .unwrap();
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let setup = LakeSetup {
            store: Arc::new(ChancyStore { bucket: Arc::clone(&self.bucket), clock: Arc::clone(&clock) }),
            wanted: Identity {
                format: FORMAT,
                created_at: self.clock.now(),
                origin: UPSTREAM.to_owned(),
                spot_window: settings.spot_window.parse().unwrap(),
            },
            spool_root: self.spool.clone(),
            spool_limit: settings.spool_limit,
            gzip_level: settings.gzip_level,
        };
        let upstream = &self.upstream;
        let sources: [Arc<dyn Source>; 3] = [
            Arc::new(Windows {
                upstream: Arc::clone(upstream),
                options: upstream::options(settings.backfill, settings.settle, settings.audit),
                clock: Arc::clone(&clock),
            }),
            Arc::new(Versions { upstream: Arc::clone(upstream), clock: Arc::clone(&clock) }),
            Arc::new(Slots { upstream: Arc::clone(upstream), clock: Arc::clone(&clock) }),
        ];
        let schedule = Schedule::Every { period: settings.period, offset: TimeDelta::minutes(10) };
        let scheduled =
            |source| Scheduled { source, schedule: schedule.clone(), concurrency: settings.concurrency };
        let sources = sources.into_iter().map(scheduled).collect();
        let options = Options {
            grace: Duration::from_secs(20),
            drain: Duration::from_mins(10),
            jitter: Duration::from_mins(1),
            max_duration: None,
        };
        let (heart, heartbeat) = Heartbeat::by_hand();
        let (shutdown, end) = (Shutdown::default(), Arc::new(Mutex::new(None)));
        let chance = Arc::new(Chance::seeded(self.chance.next_u64()));
        let (stop, ended) = (shutdown.clone(), Arc::clone(&end));
        runtime.spawn(async move {
            let crawling = async {
                let silent = Arc::new(Silent);
                let crawler = Crawler::open(setup, sources, options, clock, chance, silent, stop).await;
                let crawler = crawler.map_err(|error| error.to_string())?;
                let report = crawler.run(heartbeat).await.map_err(|error| error.to_string());
                crawler.close().await;
                report
            };
            let outcome = crawling.await;
            *ended.lock().unwrap() = Some(outcome);
        });
        let gate = Gate::behind(&runtime);
        gate.reached.recv().unwrap();
        self.life = Some(Life { runtime, gate: Some(gate), heart, shutdown, end });
    }

    /// Lets the process look at its schedules.
    pub(super) fn beat(&self) {
        if let Some(life) = &self.life {
            // Who has not heard the last beat yet needs no other.
            let _ = life.heart.try_send(());
        }
    }

    /// Tells the process to stop.
    pub(super) fn stop(&self) {
        if let Some(life) = &self.life {
            life.shutdown.stop();
        }
    }

    /// How the process ended, if it did so by itself.
    pub(super) fn ended(&mut self) -> Option<Result<Report, String>> {
        let end = self.life.as_ref()?.end.lock().unwrap().take()?;
        self.bury();
        Some(end)
    }

    /// Lets every task run once that can.
    pub(super) fn turn(&mut self) -> Turn {
        let Some(life) = self.life.as_mut() else { return Turn::Idle };
        let mut left = self.dies_after;
        let polls = life.runtime.block_on(async {
            let last = Arc::new(AtomicBool::new(false));
            let mark = Arc::clone(&last);
            // Behind all that can run now.
            tokio::spawn(async move { mark.store(true, Ordering::Release) });
            let mut polls = 0_u64;
            while !last.load(Ordering::Acquire) {
                if left.is_some_and(|left| polls >= left) {
                    return None;
                }
                tokio::task::yield_now().await;
                polls += 1;
            }
            Some(polls)
        });
        let Some(polls) = polls else {
            self.kill();
            return Turn::Killed;
        };
        if let Some(left) = left.as_mut() {
            *left -= polls.min(*left);
        }
        self.dies_after = left;
        if polls > 1 {
            let next = Gate::behind(&life.runtime);
            if let Some(gate) = life.gate.take() {
                let _ = gate.open.send(());
            }
            next.reached.recv().unwrap();
            life.gate = Some(next);
            return Turn::Busy;
        }
        if life.runtime.metrics().global_queue_depth() > 0 { Turn::Busy } else { Turn::Idle }
    }

    /// Ends the process as SIGKILL does.
    pub(super) fn kill(&mut self) {
        self.dies_after = None;
        // What destructors want to remove is out of their reach.
        let aside = self.spool.with_extension("killed");
        let moved = std::fs::rename(&self.spool, &aside).is_ok();
        self.bury();
        let _ = std::fs::remove_dir_all(&self.spool);
        if moved {
            std::fs::rename(&aside, &self.spool).unwrap();
        }
    }

    fn bury(&mut self) {
        self.dies_after = None;
        if let Some(mut life) = self.life.take() {
            drop(life.gate.take());
            drop(life.runtime);
        }
    }

    /// Leaves the spool as it is when the kill came in the middle of a file: the last entry was not described yet, or
    /// only half, or the last line of a log is torn.
    pub(super) fn tear(&self, chance: &Chance) {
        let mut files = Vec::new();
        files_below(&self.spool, &mut files);
        if let Some(log) = files.iter().find(|path| path.to_string_lossy().ends_with(".run.ndjson"))
            && chance.one_in(2)
        {
            let torn = std::fs::OpenOptions::new().append(true).open(log);
            std::io::Write::write_all(&mut torn.unwrap(), b"{\"run\":\"3f").unwrap();
        }
        let newest = files.iter().rfind(|path| path.extension().is_some_and(|extension| extension == "json"));
        let Some(description) = newest.filter(|path| self.was_just_made(path)) else { return };
        match chance.below(3) {
            0 => std::fs::remove_file(description).unwrap(),
            1 => {
                let text = std::fs::read(description).unwrap();
                std::fs::remove_file(description).unwrap();
                std::fs::write(description.with_extension("json.tmp"), &text[..text.len() / 2]).unwrap();
            }
            _ => {}
        }
    }

    /// Whether nobody can have done anything about an entry yet.
    fn was_just_made(&self, description: &Path) -> bool {
        let entry: serde_json::Value = serde_json::from_slice(&std::fs::read(description).unwrap()).unwrap();
        let finished = entry["attempt"]["finished"].as_str().and_then(|text| text.parse::<Time>().ok());
        let key = entry["key"].as_str().unwrap();
        finished == Some(self.clock.now()) && !self.bucket.was_tried(key)
    }

    /// The disk dies.
    pub(super) fn lose_spool(&self) {
        assert!(self.life.is_none());
        let _ = std::fs::remove_dir_all(&self.spool);
    }

    /// Every file that is left in the spool.
    pub(super) fn spooled(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        files_below(&self.spool, &mut files);
        files
    }
}

fn files_below(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}
