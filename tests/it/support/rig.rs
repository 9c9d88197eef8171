//! A crawler on a simulated machine: its clock, its store, its spool, and what can be read of them.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use contrail::base::{Chance, Clock};
use contrail::crawler::{
    Crawler, CrawlerError, Heartbeat, LakeSetup, Observer, Options, Planned, Report, Schedule, Scheduled,
    Shutdown, dry_run,
};
use contrail::lake::identity::{FORMAT, Identity, UPSTREAM};
use contrail::lake::key::{Key, Parsed, Prefix};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::run_log::{Attempt, Outcome};
use contrail::lake::store::{MemoryStore, Store};
use futures::TryStreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::fake_source::{FakeSource, SETTLE};
use super::faulty_store::FaultyStore;
use super::simulation::SimulatedClock;

/// Keeps the line of every attempt.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    attempts: Mutex<Vec<Attempt>>,
}

impl Observer for Watcher {
    fn attempted(&self, attempt: &Attempt) {
        self.attempts.lock().unwrap().push(attempt.clone());
    }
}

/// One machine: what outlives a crawler that runs on it.
pub(crate) struct Rig {
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) memory: MemoryStore,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) spool: tempfile::TempDir,
    pub(crate) shutdown: Mutex<Shutdown>,
    pub(crate) watcher: Arc<Watcher>,
    pub(crate) options: Options,
    pub(crate) concurrency: usize,
    pub(crate) spool_limit: u64,
    pub(crate) wanted: Identity,
    pub(crate) chance: Arc<Chance>,
}

impl Rig {
    /// A machine at a moment, and an empty lake.
    pub(crate) fn at(now: &str) -> Self {
        Self::on(&MemoryStore::new(), &Arc::new(SimulatedClock::at(now)), now, Chance::seeded(7))
    }

    /// Another machine with the same lake, at the same time.
    pub(crate) fn beside(&self) -> Self {
        let now = self.clock.now().to_rfc3339();
        Self::on(&self.memory, &self.clock, &now, Chance::seeded(8))
    }

    fn on(memory: &MemoryStore, clock: &Arc<SimulatedClock>, now: &str, chance: Chance) -> Self {
        let clock = Arc::clone(clock);
        Self {
            store: Arc::new(FaultyStore::over(memory.clone(), Arc::clone(&clock) as Arc<dyn Clock>)),
            memory: memory.clone(),
            spool: tempfile::tempdir().unwrap(),
            shutdown: Mutex::default(),
            watcher: Arc::default(),
            options: Options {
                grace: Duration::from_secs(20),
                drain: Duration::from_mins(10),
                jitter: Duration::ZERO,
                max_duration: None,
            },
            concurrency: 1,
            spool_limit: 1 << 30,
            wanted: Identity {
                format: FORMAT,
                created_at: now.parse().unwrap(),
                origin: UPSTREAM.to_owned(),
                spot_window: "1h".parse().unwrap(),
            },
            chance: Arc::new(chance),
            clock,
        }
    }

    pub(crate) fn setup(&self) -> LakeSetup {
        LakeSetup {
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            wanted: self.wanted.clone(),
            spool_root: self.spool.path().to_owned(),
            spool_limit: self.spool_limit,
            gzip_level: 6,
        }
    }

    /// Hourly, when the upstream has settled.
    fn scheduled(&self, source: &Arc<FakeSource>) -> Scheduled {
        let source = Arc::clone(source) as _;
        let schedule = Schedule::Every { period: TimeDelta::hours(1), offset: SETTLE };
        Scheduled { source, schedule, concurrency: self.concurrency }
    }

    /// Starts a crawler.
    pub(crate) async fn open(&self, sources: &[&Arc<FakeSource>]) -> Result<Crawler, CrawlerError> {
        let shutdown = Shutdown::default();
        *self.shutdown.lock().unwrap() = shutdown.clone();
        let sources = sources.iter().map(|source| self.scheduled(source)).collect();
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let (chance, watcher) = (Arc::clone(&self.chance), Arc::clone(&self.watcher) as _);
        let opening = Crawler::open(self.setup(), sources, self.options, clock, chance, watcher, shutdown);
        self.clock.finish(opening).await
    }

    /// A single run, from start to end.
    pub(crate) async fn once(&self, sources: &[&Arc<FakeSource>]) -> Report {
        let crawler = self.open(sources).await.unwrap();
        let report = self.clock.finish(crawler.once()).await;
        self.clock.finish(crawler.close()).await;
        report
    }

    /// Starts a single run, which goes on in the background.
    pub(crate) async fn start_once(&self, sources: &[&Arc<FakeSource>]) -> Started<Report> {
        let crawler = Arc::new(self.open(sources).await.unwrap());
        let running = Arc::clone(&crawler);
        Started { crawler, outcome: tokio::spawn(async move { running.once().await }) }
    }

    /// Waits for the end of a single run.
    pub(crate) async fn end(&self, run: Started<Report>) -> Report {
        let report = self.clock.finish(run.outcome).await.unwrap();
        self.close(run.crawler).await;
        report
    }

    /// Starts a crawler that crawls by its schedules.
    pub(crate) async fn daemon(&self, sources: &[&Arc<FakeSource>]) -> Daemon<'_> {
        let crawler = Arc::new(self.open(sources).await.unwrap());
        let (heart, heartbeat) = Heartbeat::by_hand();
        let running = Arc::clone(&crawler);
        let outcome = tokio::spawn(async move { running.run(heartbeat).await });
        Daemon { rig: self, crawler, heart, outcome }
    }

    async fn close(&self, crawler: Arc<Crawler>) {
        let crawler = Arc::into_inner(crawler).expect("nobody else holds the crawler");
        self.clock.finish(crawler.close()).await;
    }

    /// Removes the payload of the entry that is next to go up.
    pub(crate) fn lose_first_body(&self) {
        let mut files = self.spool_files();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "body"));
        std::fs::remove_file(files.first().unwrap()).unwrap();
    }

    pub(crate) async fn dry_run(&self, sources: &[&Arc<FakeSource>]) -> Vec<Planned> {
        let sources: Vec<Scheduled> = sources.iter().map(|source| self.scheduled(source)).collect();
        dry_run(&self.setup(), &sources, self.clock.as_ref()).await.unwrap()
    }

    pub(crate) fn stop(&self) {
        self.shutdown.lock().unwrap().stop();
    }

    pub(crate) fn abort(&self) {
        self.shutdown.lock().unwrap().abort();
    }

    /// The keys below `prefix` that are in the lake, in order.
    pub(crate) async fn keys(&self, prefix: &Prefix) -> Vec<String> {
        self.memory.list(prefix).map_ok(|listed| listed.key).try_collect().await.unwrap()
    }

    /// The labels of the slices whose objects are in the lake, in order.
    pub(crate) async fn stored(&self) -> Vec<String> {
        let keys = self.keys(&Prefix::all_raw()).await;
        keys.iter().map(|key| slice_label(key)).collect()
    }

    pub(crate) async fn meta(&self, key: &str) -> ObjectMeta {
        self.memory.head(&Key::parse(key).unwrap().0).await.unwrap().unwrap()
    }

    /// The payload of an object.
    pub(crate) async fn text(&self, key: &str) -> String {
        let body = self.memory.read(&Key::parse(key).unwrap().0).await.unwrap();
        let bytes: Vec<u8> = body.map_ok(|chunk| chunk.to_vec()).try_concat().await.unwrap();
        let mut text = String::new();
        if key.rsplit('.').next() == Some("gz") {
            flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
        } else {
            text = String::from_utf8(bytes).unwrap();
        }
        text
    }

    /// The lines of every run log in the lake, log by log.
    pub(crate) async fn logs(&self) -> Vec<Vec<Attempt>> {
        let mut logs = Vec::new();
        for key in self.keys(&Prefix::runs()).await {
            let text = self.text(&key).await;
            logs.push(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect());
        }
        logs
    }

    /// Every line of every run log, as slice and outcome.
    pub(crate) async fn lines(&self) -> Vec<(String, Outcome)> {
        let logs = self.logs().await;
        logs.into_iter().flatten().map(|line| (line_label(&line), line.outcome)).collect()
    }

    /// The names of the files and empty directories that are left in the spool.
    pub(crate) fn spooled(&self) -> Vec<String> {
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        self.spool_files().into_iter().map(name).collect()
    }

    fn spool_files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut directories = vec![self.spool.path().to_owned()];
        while let Some(directory) = directories.pop() {
            let Ok(entries) = std::fs::read_dir(&directory) else { continue };
            let entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
            if entries.is_empty() && directory != self.spool.path() {
                found.push(directory);
            }
            let (below, files): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
            directories.extend(below);
            found.extend(files);
        }
        found.sort();
        found
    }

    /// Everything that happened so far, as slice and outcome.
    pub(crate) fn happened(&self) -> Vec<(String, Outcome)> {
        let attempts = self.watcher.attempts.lock().unwrap();
        attempts.iter().map(|line| (line_label(line), line.outcome)).collect()
    }
}

/// A crawler that is at work in the background.
pub(crate) struct Started<T> {
    pub(crate) crawler: Arc<Crawler>,
    outcome: JoinHandle<T>,
}

/// A crawler that crawls by its schedules, in the background.
pub(crate) struct Daemon<'a> {
    rig: &'a Rig,
    pub(crate) crawler: Arc<Crawler>,
    heart: mpsc::Sender<()>,
    outcome: JoinHandle<Result<Report, CrawlerError>>,
}

impl Daemon<'_> {
    /// Has it look at its schedules, and do what needs no time.
    pub(crate) async fn beat(&self) {
        self.heart.send(()).await.unwrap();
        self.rig.clock.settle().await;
    }

    /// Stops it with a signal.
    pub(crate) async fn end(self) -> Report {
        self.rig.stop();
        let report = self.rig.clock.finish(self.outcome).await.unwrap().unwrap();
        self.rig.close(self.crawler).await;
        report
    }

    /// Waits for its end without a heartbeat.
    pub(crate) async fn lose_heart(self) -> Result<Report, CrawlerError> {
        drop(self.heart);
        let outcome = self.rig.clock.finish(self.outcome).await.unwrap();
        self.rig.close(self.crawler).await;
        outcome
    }
}

/// `a 08:00` for the key of a window.
pub(crate) fn slice_label(key: &str) -> String {
    match Key::parse(key).unwrap().1 {
        Parsed::Raw(slice) => super::fake_source::short(&slice),
        Parsed::Mark(slice, mark) => format!("{} {}", super::fake_source::short(&slice), mark.as_str()),
        other => panic!("{other:?} is no slice"),
    }
}

fn line_label(line: &Attempt) -> String {
    match (&line.key, &line.stream) {
        (Some(key), _) => slice_label(key),
        (None, Some(stream)) => stream.trim_start_matches("region=").to_owned(),
        (None, None) => line.dataset.clone(),
    }
}
