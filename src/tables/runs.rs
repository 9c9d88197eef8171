//! `crawl_runs`: every line of the run log, as a row. A line that cannot be read is reported and skipped.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::definitions::CRAWL_RUNS;
use super::holdings::{Holdings, LogObject};
use super::inputs::Inputs;
use super::make::{Made, Maker};
use super::packed::Packer;
use super::problems::Problems;
use super::schema::Table;
use super::sort::{Merge, Sorter};
use super::workshop::{MakeError, Payload, Workshop};
use super::writer::TableWriter;
use crate::base::{Date, Name};
use crate::lake::attempts::read_attempts;
use crate::lake::key::{TableObject, TablePart};
use crate::lake::run_log::Attempt;

/// Makes the table: the logs of a `dt` are an object.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunsMaker;

#[async_trait]
impl Maker for RunsMaker {
    fn table(&self) -> &'static Table {
        &CRAWL_RUNS
    }

    fn parts(&mut self, holdings: &Holdings) -> Vec<TableObject> {
        let Ok(table) = Name::new("table", CRAWL_RUNS.name) else { return Vec::new() };
        let days: BTreeSet<Date> = holdings.logs.iter().map(|log| log.started.date_naive()).collect();
        days.into_iter().map(|day| TableObject::day(table.clone(), day)).collect()
    }

    fn inputs(&mut self, object: &TableObject, holdings: &Holdings) -> Inputs {
        let mut inputs = Inputs::default();
        if let TablePart::Day(day) = object.part() {
            holdings.logs_of(*day).iter().for_each(|log| inputs.add(&log.key, &log.etag));
        }
        inputs
    }

    async fn make(
        &mut self,
        object: &TableObject,
        holdings: &Holdings,
        workshop: &Workshop,
        mut rows: TableWriter,
    ) -> Result<(Made, TableWriter), MakeError> {
        let TablePart::Day(day) = *object.part() else { return Ok((Made::default(), rows)) };
        let logs = holdings.logs_of(day).to_vec();
        let decode = |log: &LogObject, payload: &Payload, sorter: &mut Sorter, problems: &mut Problems| {
            let mut packer = Packer::new(&CRAWL_RUNS);
            let key = log.key.as_str();
            read_attempts(payload.open()?, |line, attempt| match attempt {
                Ok(attempt) => sorter.push(pack(&mut packer, &attempt, key)),
                Err(error) => {
                    problems.note(format!("line {line}"), format!("is no attempt: {error}"));
                    Ok(())
                }
            })
        };
        let decoded = workshop.decode(logs, |log| log.key.clone(), decode).await?;
        let mut merge = Merge::of(&decoded.runs)?;
        while let Some(row) = merge.next()? {
            rows.push(row)?;
        }
        Ok((Made { problems: decoded.problems, ..Made::default() }, rows))
    }
}

/// A row of the table. A log may say anything: a length that the column cannot hold is unknown, and a count that it cannot
/// hold is the greatest.
fn pack<'a>(packer: &'a mut Packer, attempt: &Attempt, source: &str) -> &'a [u8] {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let length = |number: Option<u64>| number.and_then(|number| i64::try_from(number).ok());
    let sentinels = (!attempt.sentinels.is_empty()).then(|| attempt.sentinels.join(","));
    packer
        .begin()
        .put("started", attempt.started)
        .put("run", &attempt.run)
        .put("dataset", &attempt.dataset)
        .put_or_unknown("stream", attempt.stream.as_ref())
        .put_or_unknown("slice", attempt.slice.as_ref())
        .put("outcome", attempt.outcome.as_str())
        .put_or_unknown("key", attempt.key.as_ref())
        .put_or_unknown("rows", length(attempt.rows))
        .put_or_unknown("raw_bytes", length(attempt.raw_bytes))
        .put_or_unknown("stored_bytes", length(attempt.stored_bytes))
        .put_or_unknown("sha256", attempt.sha256.as_ref())
        .put("pages", count(attempt.pages))
        .put("requests", count(attempt.requests))
        .put("retries", count(attempt.retries))
        .put("warnings", count(attempt.warnings))
        .put_or_unknown("sentinels", sentinels.as_ref())
        .put_or_unknown("differs", attempt.differs)
        .put_or_unknown("url", attempt.url.as_ref())
        .put_or_unknown("etag", attempt.etag.as_ref())
        .put("finished", attempt.finished)
        .put_or_unknown("error_kind", attempt.error_kind.as_ref())
        .put_or_unknown("error", attempt.error.as_ref())
        .put("source_key", source);
    packer.row()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write as _;
    use std::sync::Arc;

    use arrow_array::cast::AsArray as _;
    use arrow_array::types::{Int64Type, TimestampMicrosecondType};
    use arrow_array::{Array as _, RecordBatch};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::base::Time;
    use crate::lake::key::Key;
    use crate::lake::meta::ObjectMeta;
    use crate::lake::run_log::Outcome;
    use crate::lake::store::MemoryStore;
    use crate::tables::scratch::Scratch;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn attempt(run: &Name, started: &str) -> Attempt {
        Attempt::at_dataset(run, "aws_spot_prices", time(started))
    }

    async fn log(store: &MemoryStore, started: &str, run: &Name, lines: &[String], cut: usize) {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for line in lines {
            writeln!(gzip, "{line}").unwrap();
        }
        let mut bytes = gzip.finish().unwrap();
        bytes.truncate(bytes.len() - cut);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let key = Key::run_log(time(started), run);
        crate::lake::store::Store::put_if_absent(store, &key, file.path(), &ObjectMeta::of_bytes(&bytes))
            .await
            .unwrap();
    }

    /// The rows of each part, and what could not be read.
    async fn build(store: &MemoryStore) -> (Vec<(TableObject, RecordBatch)>, Vec<Problems>) {
        let directory = tempfile::tempdir().unwrap();
        let scratch = Scratch::within(directory.path()).unwrap();
        let workshop = Workshop { store: Arc::new(store.clone()), scratch, memory: 1 << 20, threads: 2 };
        let holdings = Holdings::list(store, None, |_| false).await.unwrap();
        let (mut parts, mut problems) = (Vec::new(), Vec::new());
        for part in RunsMaker.parts(&holdings) {
            let path = directory.path().join("part");
            let rows = TableWriter::new(&CRAWL_RUNS, File::create(&path).unwrap()).unwrap();
            let (made, rows) = RunsMaker.make(&part, &holdings, &workshop, rows).await.unwrap();
            rows.finish().unwrap();
            problems.extend(made.problems);
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
            let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
            let [batch] = &batches[..] else { panic!("{} batches", batches.len()) };
            parts.push((part, batch.clone()));
        }
        (parts, problems)
    }

    fn json(attempt: &Attempt) -> String {
        serde_json::to_string(attempt).unwrap()
    }

    #[tokio::test]
    async fn a_line_is_a_row_of_the_day_on_which_its_run_began() {
        let (store, run, other) = (MemoryStore::new(), Name::hex(1), Name::hex(2));
        let full = Attempt {
            stream: Some("region=us-east-1".to_owned()),
            outcome: Outcome::Exists,
            rows: Some(0),
            raw_bytes: Some(u64::MAX),
            pages: 3,
            sentinels: vec!["page_size".to_owned(), "fewer".to_owned()],
            differs: Some(true),
            finished: time("2026-11-22T00:01:00.5Z"),
            ..attempt(&run, "2026-11-21T23:59:00Z")
        };
        let lines = [json(&full), json(&attempt(&run, "2026-11-21T23:58:00Z"))];
        log(&store, "2026-11-21T23:50:00Z", &run, &lines, 0).await;
        log(&store, "2026-11-22T00:50:00Z", &other, &[json(&attempt(&other, "2026-11-22T00:51:00Z"))], 0)
            .await;

        let (parts, problems) = build(&store).await;
        assert!(problems.is_empty(), "{problems:?}");
        let days: Vec<_> = parts.iter().map(|(part, _)| Key::table(part).to_string()).collect();
        assert_eq!(
            days,
            [
                "tables/crawl_runs/dt=2026-11-21/crawl_runs.parquet",
                "tables/crawl_runs/dt=2026-11-22/crawl_runs.parquet"
            ]
        );
        let batch = &parts[0].1;
        assert_eq!(batch.num_rows(), 2, "in the order in which they began");
        let text = |column: &str| batch.column_by_name(column).unwrap().as_string::<i32>().clone();
        let number = |column: &str| batch.column_by_name(column).unwrap().as_primitive::<Int64Type>().clone();
        assert_eq!(text("outcome").iter().collect::<Vec<_>>(), [Some("failed"), Some("exists")]);
        assert_eq!(text("stream").iter().collect::<Vec<_>>(), [None, Some("region=us-east-1")]);
        assert_eq!(text("sentinels").iter().collect::<Vec<_>>(), [None, Some("page_size,fewer")]);
        assert_eq!(number("rows").iter().collect::<Vec<_>>(), [None, Some(0)], "none is not unknown");
        assert!(number("raw_bytes").is_null(1), "no payload is that long");
        assert_eq!(number("pages").value(1), 3);
        assert!(batch.column_by_name("differs").unwrap().as_boolean().value(1));
        let finished =
            batch.column_by_name("finished").unwrap().as_primitive::<TimestampMicrosecondType>().value(1);
        assert_eq!(finished, full.finished.timestamp_micros());
        assert_eq!(text("source_key").value(0), Key::run_log(time("2026-11-21T23:50:00Z"), &run).as_str());
    }

    #[tokio::test]
    async fn a_line_that_cannot_be_read_is_told_and_the_others_stand() {
        let (store, run, other) = (MemoryStore::new(), Name::hex(1), Name::hex(2));
        let good = json(&attempt(&run, "2026-11-21T20:00:00Z"));
        let lines = [good.clone(), "{\"run\": 7}".to_owned(), good.clone()];
        log(&store, "2026-11-21T20:00:00Z", &run, &lines, 0).await;
        // The end of this one is missing.
        log(&store, "2026-11-21T21:00:00Z", &other, &[good], 6).await;
        let (parts, problems) = build(&store).await;
        assert!(parts[0].1.num_rows() >= 2);
        let told: Vec<_> = problems.iter().flat_map(Problems::told).map(ToString::to_string).collect();
        let [line, payload] = &told[..] else { panic!("{told:?}") };
        assert!(line.contains("/20261121T200000Z-") && line.contains(", line 2: is no attempt"), "{line}");
        assert!(
            payload.contains("/20261121T210000Z-") && payload.contains("payload: is damaged"),
            "{payload}"
        );
    }

    #[tokio::test]
    async fn another_log_is_another_input_of_its_day() {
        let (store, run) = (MemoryStore::new(), Name::hex(1));
        let line = json(&attempt(&run, "2026-11-21T20:00:00Z"));
        let mut digests = Vec::new();
        for hour in [20, 21] {
            log(&store, &format!("2026-11-21T{hour}:00:00Z"), &run, std::slice::from_ref(&line), 0).await;
            let holdings = Holdings::list(&store, None, |_| false).await.unwrap();
            let [part] = &RunsMaker.parts(&holdings)[..] else { panic!() };
            digests.push(RunsMaker.inputs(part, &holdings).digest(&CRAWL_RUNS));
        }
        assert_ne!(digests[0], digests[1]);
    }
}
