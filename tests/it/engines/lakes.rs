//! The lakes that engines read.

use std::path::{Path, PathBuf};

use contrail::base::{Clock as _, SystemClock, Time};
use tokio::sync::OnceCell;
use url::Url;

use super::invented;
use crate::replay::recorded_lakes;
use crate::support::program::Home;

/// A lake in a directory, with its tables.
pub(super) struct Stage {
    pub(super) name: &'static str,
    pub(super) path: PathBuf,
    /// A moment in the middle of what it holds.
    pub(super) at: Time,
    /// Whether what examples ask for is in it.
    pub(super) has_examples: bool,
}

/// All of them, made once.
pub(super) async fn all() -> &'static [Stage] {
    static STAGES: OnceCell<Vec<Stage>> = OnceCell::const_new();
    let stages = || async {
        let mut stages = vec![of_invented_tables().await, of_sandbox()];
        stages.extend(of_recordings().await);
        stages
    };
    STAGES.get_or_init(stages).await
}

async fn of_invented_tables() -> Stage {
    let at = SystemClock.now() - chrono::TimeDelta::hours(20);
    Stage { name: "the invented lake", path: invented::make().await, at, has_examples: false }
}

/// The lake of somebody who has run `contrail crawler --sandbox --once`.
fn of_sandbox() -> Stage {
    let home = Home::shared("engines");
    home.run(&["crawler", "--sandbox", "--once"]).with(0);
    home.run(&["tables", "build"]).with(0);
    let at = SystemClock.now() - chrono::TimeDelta::hours(20);
    Stage { name: "the lake of the sandbox", path: home.lake(), at, has_examples: true }
}

/// Everything that was recorded, in one lake: one crawler each had its own time, so they could not share one. `None`
/// where there are no recordings.
async fn of_recordings() -> Option<Stage> {
    let lakes = recorded_lakes().await?;
    let home = Home::shared("engines-recorded");
    // The first says what the lake is.
    for lake in &lakes {
        let from = Url::parse(&lake.store.url()).unwrap().to_file_path().unwrap();
        copy(&from, &home.lake());
    }
    home.run(&["tables", "build"]).with(0);
    let at = "2019-02-26T06:00:00Z".parse().unwrap();
    Some(Stage { name: "the lake of recorded payloads", path: home.lake(), at, has_examples: false })
}

/// Copies the files below `from` that are not below `to` yet.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else if !to.exists() {
            std::fs::copy(&from, &to).unwrap();
        }
    }
}
