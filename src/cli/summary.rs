//! What a single run came to, for people: what was stored, where, how large, and what to do next.

use std::fmt::Write as _;
use std::time::Duration;

use crate::base::units::{ByteSize, Period, grouped};
use crate::crawler::{Problem, Report, Tally};
use crate::lake::run_log::Outcome;

/// Everything that the summary is made from.
#[derive(Debug)]
pub(super) struct Summary<'a> {
    /// What the run came to.
    pub(super) report: &'a Report,
    /// Where the lake is, as the store says it.
    pub(super) lake: &'a str,
    /// The lake's directory, if it is a local one.
    pub(super) directory: Option<&'a std::path::Path>,
    /// Whether the prices are simulated.
    pub(super) sandbox: bool,
    /// How long it took.
    pub(super) took: Duration,
}

const HEADINGS: [&str; 8] = ["dataset", "new", "known", "refused", "failed", "rows", "payload", "stored"];

impl Summary<'_> {
    /// The text, with a line break at its end.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        let what = if self.sandbox { "simulated prices" } else { "prices" };
        let took = Period(Duration::from_secs(self.took.as_secs().max(1)));
        let _ = writeln!(text, "Crawled {what} into {} in {took}.\n", self.lake);
        let rows: Vec<[String; 8]> =
            self.report.datasets.iter().map(|(dataset, tally)| table_row(dataset, tally)).collect();
        write_table(text, &rows);
        self.write_outcome(text);
        self.write_problems(text);
        self.write_next(text);
    }

    fn write_outcome(&self, text: &mut String) {
        let new = self.report.total(Tally::new_objects);
        let stored = ByteSize(self.report.total(|tally| tally.stored_bytes));
        let payload = ByteSize(self.report.total(|tally| tally.raw_bytes));
        if new > 0 {
            let _ = writeln!(text, "\n{} new objects: {payload} of payloads in {stored}.", grouped(new));
        } else if !self.report.is_partial() {
            let _ = writeln!(text, "\nNothing new: the lake has everything that can be fetched now.");
        }
        if self.report.undelivered > 0 {
            let _ = writeln!(
                text,
                "{} finished payloads wait in the spool and go up with the next run.",
                grouped(self.report.undelivered)
            );
        }
        let left = self.report.total(|tally| tally.left);
        if self.report.interrupted {
            let _ = writeln!(
                text,
                "The run was interrupted with {} slices left; the next one goes on.",
                grouped(left)
            );
        }
    }

    fn write_problems(&self, text: &mut String) {
        let problems: Vec<&Problem> = self
            .report
            .datasets
            .values()
            .flat_map(|tally| &tally.errors)
            .chain(self.report.store_problem.as_ref())
            .collect();
        if problems.is_empty() {
            return;
        }
        let _ = writeln!(text, "\nWhat went wrong:");
        for problem in problems {
            let _ = writeln!(text, "  - {}", problem.message);
            if let Some(hint) = &problem.hint {
                let _ = writeln!(text, "    hint: {hint}");
            }
        }
    }

    fn write_next(&self, text: &mut String) {
        let mut steps = Vec::new();
        if let Some(directory) = self.directory {
            let directory = directory.display();
            steps.push((
                format!("find {directory}/raw -name '*.gz'"),
                "every object, under keys that sort as time does",
            ));
            steps.push((
                "gunzip -c <object> | head -n 3".to_owned(),
                "what an upstream said, one change or item a line",
            ));
        }
        // A lake of simulated prices takes no real ones, so that its next run is a simulated one too.
        let crawler = if self.sandbox {
            steps.push((
                "contrail config example".to_owned(),
                "a configuration for the real clouds, into a lake of their own",
            ));
            "contrail crawler --sandbox"
        } else {
            "contrail crawler"
        };
        steps.push((crawler.to_owned(), "the same without --once: crawls until Ctrl-C"));
        let width = steps.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
        let _ = writeln!(text, "\nWhat next:");
        for (command, purpose) in steps {
            let _ = writeln!(text, "  {command:<width$}  {purpose}");
        }
    }
}

fn table_row(dataset: &str, tally: &Tally) -> [String; 8] {
    let known = tally.count(Outcome::Exists) + tally.count(Outcome::Unchanged);
    [
        dataset.to_owned(),
        grouped(tally.new_objects()),
        grouped(known),
        grouped(tally.count(Outcome::Refused)),
        grouped(tally.count(Outcome::Failed) + tally.count(Outcome::Lost)),
        grouped(tally.rows),
        ByteSize(tally.raw_bytes).to_string(),
        ByteSize(tally.stored_bytes).to_string(),
    ]
}

/// The first column is text and leans left, the others are numbers and lean right.
fn write_table(text: &mut String, rows: &[[String; 8]]) {
    let headings = HEADINGS.map(str::to_owned);
    let lines: Vec<&[String; 8]> = std::iter::once(&headings).chain(rows).collect();
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| lines.iter().filter_map(|line| line.get(column)).map(String::len).max().unwrap_or(0))
        .collect();
    for line in lines {
        let mut shown = String::from(" ");
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = if column == 0 {
                write!(shown, " {cell:<width$}")
            } else {
                write!(shown, "  {cell:>width$}")
            };
        }
        let _ = writeln!(text, "{}", shown.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(report: &Report) -> String {
        Summary {
            report,
            lake: "file:///data/lake",
            directory: Some(std::path::Path::new("/data/lake")),
            sandbox: true,
            took: Duration::from_secs(14),
        }
        .render()
    }

    #[test]
    fn a_person_learns_what_where_and_how_large() {
        let mut report = Report::default();
        let tally = report.datasets.entry("aws_spot_prices".to_owned()).or_default();
        tally.outcomes.insert(Outcome::Stored, 12);
        tally.outcomes.insert(Outcome::Refused, 1);
        (tally.rows, tally.raw_bytes, tally.stored_bytes) = (1_234, 5 << 20, 300 << 10);
        tally
            .problem(Problem { message: "ap-east-1 refuses us".to_owned(), hint: Some("opt in".to_owned()) });
        let text = summary(&report);
        for part in [
            "Crawled simulated prices into file:///data/lake in 14s.",
            "12 new objects: 5.0 MiB of payloads in 300.0 KiB.",
            "1,234",
            "  - ap-east-1 refuses us\n    hint: opt in\n",
            "find /data/lake/raw",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
    }

    #[test]
    fn what_comes_next_fits_the_lake_that_was_crawled() {
        let next = |sandbox| {
            let took = Duration::from_secs(1);
            let directory = Some(std::path::Path::new("./contrail-lake"));
            Summary { report: &Report::default(), lake: "file:///lake", directory, sandbox, took }.render()
        };
        // A crawler of real prices refuses a lake of simulated ones.
        assert!(next(true).contains("  contrail crawler --sandbox  "), "{}", next(true));
        assert!(next(false).contains("  contrail crawler  "), "{}", next(false));
        let starts: std::collections::BTreeSet<_> = next(true)
            .lines()
            .skip_while(|line| *line != "What next:")
            .skip(1)
            .map(|line| line.rfind("  ").unwrap())
            .collect();
        assert_eq!(starts.len(), 1, "the purposes stand in one column:\n{}", next(true));
    }

    #[test]
    fn a_run_that_found_nothing_new_says_so() {
        let mut report = Report::default();
        report.datasets.entry("aws_spot_prices".to_owned()).or_default();
        assert!(summary(&report).contains("Nothing new: the lake has everything that can be fetched now."));
    }
}
