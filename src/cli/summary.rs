//! What a single run came to, for people: what was stored, where, how large, and what to do next.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::tables::Line;
use super::typed::{Typed, is_plain, quoted};
use crate::base::units::{ByteSize, Period, counted, grouped};
use crate::crawler::{Interruption, Problem, Report, Tally, Waiting};
use crate::lake::run_log::Outcome;

/// Everything that the summary is made from.
#[derive(Debug)]
pub(super) struct Summary<'a> {
    /// What the run came to.
    pub(super) report: &'a Report,
    /// What the build of the tables came to, by table, if there was one.
    pub(super) tables: Option<&'a [Line]>,
    /// Where the lake is, as the store says it.
    pub(super) lake: &'a str,
    /// The lake's directory, if it is a local one.
    pub(super) directory: Option<&'a Path>,
    /// Whether the prices are simulated.
    pub(super) sandbox: bool,
    /// The command that does the same without end, if there is one.
    pub(super) endless: Option<String>,
    /// How long it took.
    pub(super) took: Duration,
    /// The command that was typed.
    pub(super) typed: &'a Typed,
}

/// Datasets of NDJSON, which DuckDB reads as they are; those of a flat row come first.
const LINES: [&str; 2] = ["aws_spot_prices", "azure_retail_prices"];
/// Datasets with prices of machines, and a machine that is sold nearly everywhere.
const MACHINES: [(&str, &str); 3] = [
    ("aws_price_list", "m5.large"),
    ("aws_spot_prices", "m5.large"),
    ("azure_retail_prices", "Standard_D2s_v3"),
];
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
            let _ =
                writeln!(text, "\n{}: {payload} of prices, gzipped to {stored}.", counted(new, "new object"));
        } else if !self.report.is_partial() {
            let _ = writeln!(text, "\nNothing new: the lake has everything that can be fetched now.");
        }
        let left = match self.report.total(|tally| tally.left) {
            0 => String::new(),
            left => format!(" with {} left", counted(left, "slice")),
        };
        let _ = match self.report.interrupted {
            None => Ok(()),
            Some(Interruption::Stopped) => {
                writeln!(text, "\nThe run was interrupted{left}; the next one goes on from there.")
            }
            Some(Interruption::OutOfTime) => {
                writeln!(text, "\nThe time of --max-duration is up{left}; the next run goes on from there.")
            }
        };
        self.write_tables(text);
        self.write_waiting(text);
    }

    /// What SQL can be asked of.
    fn write_tables(&self, text: &mut String) {
        let built = self.tables.unwrap_or_default().iter().filter(|line| line.built > 0);
        let rows: Vec<String> =
            built.map(|line| format!("{} ({})", line.table, counted(line.rows, "row"))).collect();
        if !rows.is_empty() {
            let _ = writeln!(text, "Tables built of it: {}.", rows.join(", "));
        }
    }

    /// What is finished and could not go up.
    fn write_waiting(&self, text: &mut String) {
        if self.report.undelivered == 0 {
            return;
        }
        let Waiting { spool, keys } = &self.report.waiting;
        let waiting = counted(self.report.undelivered, "finished object");
        let _ = writeln!(
            text,
            "\n{waiting} did not get into the lake yet. The next run brings them up from {}:",
            spool.display()
        );
        for key in keys {
            let _ = writeln!(text, "  - {key}");
        }
        write_more(text, self.report.undelivered.saturating_sub(keys.len() as u64), "");
    }

    fn write_problems(&self, text: &mut String) {
        let tallies = self.report.datasets.values();
        let problems: Vec<&Problem> = tallies
            .clone()
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
        write_more(text, tallies.map(|tally| tally.more_errors).sum(), "; the run log has each");
    }

    /// Commands to paste, each below a comment that says what it is for.
    fn write_next(&self, text: &mut String) {
        let _ = writeln!(text, "\nWhat next:");
        let mut step = |what: &str, command: &str| {
            let _ = writeln!(text, "  # {what}\n  {command}");
        };
        if let Some(directory) = self.directory.filter(|_| !self.report.is_fruitless()) {
            let directory = pasted(directory);
            step(
                "every object: gzip, under keys that sort as time does",
                &format!("find {} -name '*.gz' | sort", quoted(&format!("{directory}/raw"))),
            );
            let tally = |dataset: &&&str| self.report.datasets.get(**dataset);
            let readable = |dataset: &&&str| tally(dataset).is_some_and(Tally::has_objects);
            if let Some(dataset) = LINES.iter().find(readable).filter(|_| is_plain(&directory)) {
                step(
                    "what the upstreams said, as a table",
                    &format!("duckdb -c \"FROM '{directory}/raw/{dataset}/**/*.ndjson.gz' LIMIT 9\""),
                );
            }
        }
        let has = |dataset: &str| self.report.datasets.get(dataset).is_some_and(Tally::has_objects);
        let machine = MACHINES.iter().find(|(dataset, _)| has(dataset)).filter(|_| self.tables.is_some());
        if let Some((_, machine)) = machine {
            step(
                "what a machine costs, the cheapest place first",
                &self.typed.other(&format!("price {machine}")),
            );
        }
        step("how complete the lake is, and what is missing", &self.typed.other("status"));
        if self.sandbox {
            let program = self.typed.program();
            step(
                "a configuration for the real clouds, into a lake of their own",
                &format!("{program} config example"),
            );
        }
        if let Some(endless) = &self.endless {
            step("the same without end, until Ctrl-C", endless);
        }
    }
}

fn write_more(text: &mut String, more: u64, where_to_look: &str) {
    if more > 0 {
        let _ = writeln!(text, "  … and {} more{where_to_look}", grouped(more));
    }
}

/// The directory as commands take it: never for a flag.
fn pasted(directory: &Path) -> String {
    let shown = directory.display().to_string();
    if shown.starts_with('-') { format!("./{shown}") } else { shown }
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
        summary_with(report, None)
    }

    fn summary_with(report: &Report, tables: Option<&[Line]>) -> String {
        let words = ["contrail", "crawler", "--sandbox", "--once", "--lake", "my lake"];
        let typed = Typed::new(&words.map(Into::into));
        Summary {
            report,
            tables,
            lake: "file:///data/lake",
            directory: Some(Path::new("/data/lake")),
            sandbox: true,
            took: Duration::from_secs(14),
            endless: Some(typed.without(&["--once"], &[])),
            typed: &typed,
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
            "12 new objects: 5.0 MiB of prices, gzipped to 300.0 KiB.",
            "1,234",
            "  - ap-east-1 refuses us\n    hint: opt in\n",
            "  find /data/lake/raw -name '*.gz' | sort\n",
            "  duckdb -c \"FROM '/data/lake/raw/aws_spot_prices/**/*.ndjson.gz' LIMIT 9\"\n",
            "  contrail crawler --sandbox --lake 'my lake'\n",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
    }

    #[test]
    fn what_is_left_and_what_waits_is_said_with_its_reason() {
        let mut report = Report::default();
        let tally = report.datasets.entry("aws_spot_prices".to_owned()).or_default();
        tally.left = 1;
        for number in 0..7 {
            tally.problem(Problem { message: format!("error {number}"), hint: None });
        }
        report.undelivered = 3;
        report.waiting =
            Waiting { spool: "/spool".into(), keys: vec!["raw/one".to_owned(), "raw/two".to_owned()] };
        for (interruption, said) in [
            (Interruption::Stopped, "The run was interrupted with 1 slice left; "),
            (Interruption::OutOfTime, "The time of --max-duration is up with 1 slice left; "),
        ] {
            report.interrupted = Some(interruption);
            let text = summary(&report);
            for part in [
                said,
                "  - error 4\n  … and 2 more; the run log has each\n",
                "3 finished objects did not get into the lake yet. The next run brings them up from /spool:\n",
                "  - raw/one\n  - raw/two\n  … and 1 more\n",
            ] {
                assert!(text.contains(part), "{part:?} is not in:\n{text}");
            }
        }
    }

    #[test]
    fn only_a_dataset_that_has_objects_is_shown_as_a_table() {
        let mut report = Report::default();
        let spot = report.datasets.entry("aws_spot_prices".to_owned()).or_default();
        spot.left = 9;
        let azure = report.datasets.entry("azure_retail_prices".to_owned()).or_default();
        azure.outcomes.insert(Outcome::Stored, 3);
        assert!(summary(&report).contains("FROM '/data/lake/raw/azure_retail_prices/**"));
    }

    #[test]
    fn once_there_are_tables_a_person_is_told_how_to_ask_them() {
        let mut report = Report::default();
        let azure = report.datasets.entry("azure_retail_prices".to_owned()).or_default();
        azure.outcomes.insert(Outcome::Stored, 3);
        assert!(!summary(&report).contains("contrail price"), "there are none");
        let asked = |report: &Report, machine: &str| {
            let line = format!("\n  contrail price {machine} --lake 'my lake'\n");
            summary_with(report, Some(&[])).contains(&line)
        };
        assert!(asked(&report, "Standard_D2s_v3"));
        let lists = report.datasets.entry("aws_price_list".to_owned()).or_default();
        lists.outcomes.insert(Outcome::Stored, 1);
        assert!(asked(&report, "m5.large"));
    }

    #[test]
    fn a_run_that_found_nothing_new_says_so() {
        let mut report = Report::default();
        report.datasets.entry("aws_spot_prices".to_owned()).or_default().finished = true;
        assert!(summary(&report).contains("Nothing new: the lake has everything that can be fetched now."));
    }
}
