//! Tables that build themselves: after a tick that stored something, `contrail tables build` runs as a child process,
//! so that the crawler's memory stays its own, and whatever happens to a build stops no crawl.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;

use super::Context;
use super::tables::Line;
use crate::base::Date;
use crate::config::{Build, Config, LakeUrl};
use crate::crawler::{Observer, Shutdown};
use crate::lake::key::{Key, Parsed};
use crate::lake::run_log::{Attempt, Outcome};
use crate::lake::slice::Slice;
use crate::sources::Sentinel;
use crate::telemetry::metrics;

/// What has been stored and is in no table yet.
#[derive(Debug)]
pub(super) struct AfterCrawl {
    program: PathBuf,
    arguments: Vec<OsString>,
    /// The first day that something was stored for.
    since: Mutex<Option<Date>>,
    logged: Notify,
}

impl AfterCrawl {
    /// Builds the tables of the lake of `config`. `None` where that is not wanted, and when this program does not know
    /// where it is itself.
    pub(super) fn new(context: &Context, config: &Config) -> Option<Arc<Self>> {
        if config.tables.build == Build::Never {
            return None;
        }
        let program = std::env::current_exe()
            .inspect_err(
                |error| tracing::warn!(%error, "the tables will not be built: where is this program?"),
            )
            .ok()?;
        let mut arguments: Vec<OsString> = vec![];
        if let Some(path) = &context.global.config {
            arguments.extend(["--config".into(), path.into()]);
        }
        // A simulated cloud has a lake of its own, whatever the file says.
        let lake: OsString = match &config.lake.url {
            LakeUrl::Directory(path) => context.directory.join(path).into(),
            LakeUrl::Bucket { .. } => config.lake.url.to_string().into(),
        };
        arguments.extend(["--lake".into(), lake]);
        arguments.extend(["--quiet", "tables", "build", "--format", "json"].map(OsString::from));
        Some(Arc::new(Self { program, arguments, since: Mutex::default(), logged: Notify::new() }))
    }

    /// An observer that notes for `builds` what is stored, and tells `observer` everything.
    pub(super) fn watching(builds: Option<&Arc<Self>>, observer: Arc<dyn Observer>) -> Arc<dyn Observer> {
        match builds {
            Some(builds) => Arc::new(Watching { builds: Arc::clone(builds), observer }),
            None => observer,
        }
    }

    /// Builds after each run, once everything of it is in the lake, until the crawler stops.
    pub(super) async fn keep_building(self: Arc<Self>, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = self.logged.notified() => {}
                () = shutdown.stopping() => return,
            }
            self.build(&shutdown).await;
        }
    }

    /// Builds what has been stored since the last build; what it came to, by table. `None` when there was nothing to do,
    /// or it came to nothing, which was told.
    pub(super) async fn build(&self, shutdown: &Shutdown) -> Option<Vec<Line>> {
        let since = self.since().take()?;
        let built = tokio::select! {
            built = self.run(since) => built,
            // A build that is killed leaves nothing behind: each object is put whole or not at all.
            () = shutdown.stopping() => None,
        };
        match &built {
            Some(lines) => {
                let (objects, rows) = lines
                    .iter()
                    .fold((0, 0), |(objects, rows), line| (objects + line.built, rows + line.rows));
                tracing::info!(objects, rows, "built tables");
                for (dataset, count) in lines.iter().flat_map(|line| &line.leaps) {
                    (0..*count).for_each(|_| metrics::sentinel(dataset, Sentinel::Price.as_str()));
                }
            }
            // The next build makes up for it.
            None => self.note(since),
        }
        built
    }

    async fn run(&self, first: Date) -> Option<Vec<Line>> {
        // What was looked at today says something of the evening before.
        let since = first.pred_opt().unwrap_or(first);
        let spawned = Command::new(&self.program)
            .args(&self.arguments)
            .args(["--since", &since.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        match spawned {
            Ok(child) => finish(child).await,
            Err(error) => {
                tracing::warn!(%error, program = %self.program.display(), "failed to start building the tables");
                None
            }
        }
    }

    fn since(&self) -> std::sync::MutexGuard<'_, Option<Date>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, day: Date) {
        let mut since = self.since();
        *since = Some(since.map_or(day, |first| first.min(day)));
    }
}

/// Waits for the build, and tells what it has to say.
async fn finish(mut child: Child) -> Option<Vec<Line>> {
    let (mut stdout, stderr) = (child.stdout.take()?, child.stderr.take()?);
    let mut report = Vec::new();
    let mut said = BufReader::new(stderr).lines();
    let telling = async {
        while let Ok(Some(line)) = said.next_line().await {
            tracing::warn!("tables: {line}");
        }
    };
    let ((), read) = tokio::join!(telling, stdout.read_to_end(&mut report));
    match (read, child.wait().await) {
        (Ok(_), Ok(status)) => serde_json::from_slice(&report)
            .inspect_err(|_| tracing::warn!(%status, "the tables were not built"))
            .ok(),
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, "the tables were not built");
            None
        }
    }
}

#[derive(Debug)]
struct Watching {
    builds: Arc<AfterCrawl>,
    observer: Arc<dyn Observer>,
}

impl Observer for Watching {
    fn planned(&self, dataset: &str, wanted: usize) {
        self.observer.planned(dataset, wanted);
    }

    fn started(&self, slice: &Slice) {
        self.observer.started(slice);
    }

    fn attempted(&self, attempt: &Attempt) {
        let changes = matches!(
            attempt.outcome,
            Outcome::Stored | Outcome::Empty | Outcome::Suspect | Outcome::Unchanged | Outcome::Lost
        );
        if changes && let Some(day) = day_of(attempt) {
            self.builds.note(day);
        }
        self.observer.attempted(attempt);
    }

    fn logged(&self) {
        self.observer.logged();
        self.builds.logged.notify_one();
    }
}

/// The day of the tables that an attempt changes.
fn day_of(attempt: &Attempt) -> Option<Date> {
    match Key::parse(attempt.key.as_deref()?).ok()?.1 {
        Parsed::Raw(slice) | Parsed::Mark(slice, _) => Some(slice.day()),
        _ => None,
    }
}
