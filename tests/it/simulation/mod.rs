//! Never lose, never double: the real crawler, planner, spool and commit in simulated weeks in which processes are
//! killed between any two polls, stores and upstreams fail as they please, clocks jump and disks die.
//!
//! `CONTRAIL_SEEDS=20000` runs more courses, `CONTRAIL_SEED=42` runs one and tells what happens in it.

mod checker;
mod dice;
mod machine;
mod store;
mod time;
mod truth;
mod upstream;
mod world;

use std::any::Any;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use self::world::Course;

/// How many courses are run unless somebody wants more.
const SEEDS: u64 = 1_000;

#[test]
fn whatever_happens_nothing_is_lost_and_nothing_is_twice() {
    if let Some(seed) = number("CONTRAIL_SEED") {
        tracing_subscriber::fmt().without_time().with_target(false).with_writer(std::io::stdout).init();
        let course = course(seed, true).unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
        say(&format!("seed {seed}: {course:?}"));
        return;
    }
    let seeds = number("CONTRAIL_SEEDS").unwrap_or(SEEDS);
    let (next, failed, all) = (AtomicU64::new(0), Mutex::new(Vec::new()), Mutex::new(Course::default()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, NonZero::get) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || failed.lock().unwrap().len() >= 5 {
                        return;
                    }
                    match course(seed, false) {
                        Ok(course) => *all.lock().unwrap() += course,
                        Err(fault) => failed.lock().unwrap().push(format!(
                            "seed {seed} (again with CONTRAIL_SEED={seed} cargo test --test it simulation): {fault}"
                        )),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    let Course { days, deaths, objects, rows } = all.into_inner().unwrap();
    say(&format!(
        "{seeds} seeds: {days} days, {deaths} kills survived, {objects} objects and {rows} rows compared"
    ));
}

/// Runs one course in a directory of its own, in memory where the machine has such a place.
fn course(seed: u64, tells: bool) -> Result<Course, String> {
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let directory = directory.map_err(|error| error.to_string())?;
    let outcome = catch_unwind(AssertUnwindSafe(|| world::run(seed, directory.path(), tells)));
    outcome.map_err(|panic| said(panic.as_ref()))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var_os(variable)?;
    Some(
        value
            .to_str()
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| panic!("{variable} is no number")),
    )
}

#[expect(clippy::print_stdout, reason = "figures and courses are what people run this for")]
fn say(text: &str) {
    println!("{text}");
}
