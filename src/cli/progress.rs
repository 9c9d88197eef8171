//! Progress on a terminal: one bar for each dataset. Where there is no terminal, the log has a line for each
//! slice instead.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::base::units::{ByteSize, grouped};
use crate::crawler::Observer;
use crate::lake::run_log::{Attempt, Outcome};
use crate::lake::slice::Slice;

/// Draws the bars.
#[derive(Debug)]
pub(super) struct Bars {
    screen: MultiProgress,
    datasets: Mutex<BTreeMap<String, Bar>>,
}

#[derive(Debug)]
struct Bar {
    drawn: ProgressBar,
    rows: u64,
    stored_bytes: u64,
    failed: u64,
}

impl Bars {
    /// Bars on `screen`, which the log shares so that its lines appear above them.
    pub(super) fn new(screen: MultiProgress) -> Self {
        Self { screen, datasets: Mutex::default() }
    }

    fn with<T>(&self, dataset: &str, change: impl FnOnce(&mut Bar) -> T) -> T {
        let mut datasets = self.datasets.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = datasets.entry(dataset.to_owned()).or_insert_with(|| {
            let bar = self.screen.add(ProgressBar::new(0));
            if let Ok(style) =
                ProgressStyle::with_template("{prefix:20} {wide_bar:.cyan/blue} {pos:>5}/{len:<5} {msg}")
            {
                bar.set_style(style);
            }
            bar.set_prefix(dataset.to_owned());
            Bar { drawn: bar, rows: 0, stored_bytes: 0, failed: 0 }
        });
        change(bar)
    }
}

impl Observer for Bars {
    fn planned(&self, dataset: &str, wanted: usize) {
        // A later plan of the same tick replaces what the first one still had to do.
        self.with(dataset, |bar| bar.drawn.set_length(bar.drawn.position() + wanted as u64));
    }

    fn started(&self, slice: &Slice) {
        self.with(slice.stream().dataset().as_str(), |bar| bar.drawn.tick());
    }

    fn attempted(&self, attempt: &Attempt) {
        self.with(&attempt.dataset, |bar| {
            bar.failed += u64::from(attempt.outcome == Outcome::Failed);
            if !matches!(attempt.outcome, Outcome::Exists | Outcome::Unchanged) {
                bar.rows += attempt.rows.unwrap_or_default();
                bar.stored_bytes += attempt.stored_bytes.unwrap_or_default();
            }
            if attempt.slice.is_some() {
                bar.drawn.inc(1);
            }
            let failed =
                if bar.failed > 0 { format!(", {} failed", grouped(bar.failed)) } else { String::new() };
            bar.drawn.set_message(format!(
                "{} rows, {}{failed}",
                grouped(bar.rows),
                ByteSize(bar.stored_bytes)
            ));
        });
    }
}

/// The last state stays on the screen. Not at the end of a tick: what it fetched may go up later.
impl Drop for Bars {
    fn drop(&mut self) {
        for bar in self.datasets.lock().unwrap_or_else(PoisonError::into_inner).values() {
            bar.drawn.abandon();
        }
    }
}
