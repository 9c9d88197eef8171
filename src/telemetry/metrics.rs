//! Metrics: every name in one place, and one function for each thing that is counted. Until [`Exporter::install`]
//! is called they go nowhere and cost next to nothing.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::base::Time;

const SLICES: &str = "contrail_slices_total";
const ROWS: &str = "contrail_rows_total";
const RAW_BYTES: &str = "contrail_raw_bytes_total";
const STORED_BYTES: &str = "contrail_stored_bytes_total";
const REQUESTS: &str = "contrail_upstream_requests_total";
const RETRIES: &str = "contrail_upstream_retries_total";
const WARNINGS: &str = "contrail_warnings_total";
const SENTINELS: &str = "contrail_sentinel_total";
const HOST_LIMIT: &str = "contrail_host_requests_limit";
const TICKS: &str = "contrail_ticks_total";
const TICK_DURATION: &str = "contrail_tick_duration_seconds";
const LAST_SUCCESS: &str = "contrail_last_success_timestamp_seconds";
const SPOOL_BYTES: &str = "contrail_spool_bytes";
const SPOOL_OBJECTS: &str = "contrail_spool_objects";
const SPOOL_WAITING: &str = "contrail_spool_waiting";
const STORE_UP: &str = "contrail_store_up";
const BUILD_INFO: &str = "contrail_build_info";

/// Upper bounds of the tick histogram, in seconds: from an idle tick to a first fill.
const TICK_BUCKETS: [f64; 10] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0];

/// How a tick ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TickResult {
    /// Everything that was planned was done, or known to be closed to us.
    Done,
    /// Something failed and is tried again at the next tick.
    Partial,
    /// Nothing could be planned.
    Failed,
}

impl TickResult {
    const ALL: [Self; 3] = [Self::Done, Self::Partial, Self::Failed];

    /// The value of the label `result`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }
}

/// What one slice added. Zeros are fine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SliceCounts {
    /// Rows of the payload.
    pub rows: u64,
    /// Bytes of the payload as the upstream sent it.
    pub raw_bytes: u64,
    /// Bytes of the object in the lake.
    pub stored_bytes: u64,
    /// Oddities that were kept as they came.
    pub warnings: u64,
}

/// Counts a slice that was attempted; `outcome` is the word that the run log has for it.
pub fn slice(dataset: &str, outcome: &str, counts: SliceCounts) {
    counter!(SLICES, "dataset" => dataset.to_owned(), "outcome" => outcome.to_owned()).increment(1);
    counter!(ROWS, "dataset" => dataset.to_owned()).increment(counts.rows);
    counter!(RAW_BYTES, "dataset" => dataset.to_owned()).increment(counts.raw_bytes);
    counter!(STORED_BYTES, "dataset" => dataset.to_owned()).increment(counts.stored_bytes);
    counter!(WARNINGS, "dataset" => dataset.to_owned()).increment(counts.warnings);
}

/// Counts a slice that shows a change of its upstream's habits; `kind` is the word that the run log has for it.
pub fn sentinel(dataset: &str, kind: &str) {
    counter!(SENTINELS, "dataset" => dataset.to_owned(), "kind" => kind.to_owned()).increment(1);
}

/// Counts requests to upstreams, repeated ones included, and how many of them were repeated.
pub fn upstream(dataset: &str, requests: u64, retries: u64) {
    counter!(REQUESTS, "dataset" => dataset.to_owned()).increment(requests);
    counter!(RETRIES, "dataset" => dataset.to_owned()).increment(retries);
}

/// Notes how many requests may be under way at an upstream's host now.
#[expect(clippy::cast_precision_loss, reason = "a gauge is for people to look at")]
pub fn host_limit(host: &str, at_once: usize) {
    gauge!(HOST_LIMIT, "host" => host.to_owned()).set(at_once as f64);
}

/// Counts a tick that ended, and how long it took.
pub fn tick(dataset: &str, result: TickResult, duration: Duration) {
    counter!(TICKS, "dataset" => dataset.to_owned(), "result" => result.as_str()).increment(1);
    histogram!(TICK_DURATION, "dataset" => dataset.to_owned()).record(duration.as_secs_f64());
}

/// Notes that a tick of the dataset ended well at `time`.
#[expect(clippy::cast_precision_loss, reason = "seconds of this age are exact in an f64")]
pub fn success(dataset: &str, time: Time) {
    gauge!(LAST_SUCCESS, "dataset" => dataset.to_owned()).set(time.timestamp() as f64);
}

/// Notes how full the spool is.
#[expect(clippy::cast_precision_loss, reason = "a gauge is for people to look at")]
pub fn spool(bytes: u64, objects: u64) {
    gauge!(SPOOL_BYTES).set(bytes as f64);
    gauge!(SPOOL_OBJECTS).set(objects as f64);
}

/// Notes whether crawling waits because the spool is full (back pressure).
pub fn spool_waiting(waiting: bool) {
    gauge!(SPOOL_WAITING).set(if waiting { 1.0 } else { 0.0 });
}

/// Notes whether the lake answers.
pub fn store_up(up: bool) {
    gauge!(STORE_UP).set(if up { 1.0 } else { 0.0 });
}

/// Makes the counters of a dataset visible at zero, so that their first increase is seen as one. `sentinels` are the
/// kinds that may be raised.
pub fn announce(dataset: &str, sentinels: &[&'static str]) {
    for kind in sentinels {
        counter!(SENTINELS, "dataset" => dataset.to_owned(), "kind" => *kind).increment(0);
    }
    for name in [ROWS, RAW_BYTES, STORED_BYTES, WARNINGS, REQUESTS, RETRIES] {
        counter!(name, "dataset" => dataset.to_owned()).increment(0);
    }
    for result in TickResult::ALL {
        counter!(TICKS, "dataset" => dataset.to_owned(), "result" => result.as_str()).increment(0);
    }
}

/// Gives what was counted to Prometheus.
#[derive(Clone)]
pub struct Exporter(PrometheusHandle);

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Exporter")
    }
}

/// The metrics could not be started.
#[derive(Debug, thiserror::Error)]
#[error("failed to start the metrics: {0}")]
pub struct ExporterError(String);

impl Exporter {
    /// Starts counting in this process. Once.
    pub fn install() -> Result<Self, ExporterError> {
        let (recorder, exporter) = Self::recorder()?;
        metrics::set_global_recorder(recorder).map_err(|error| ExporterError(error.to_string()))?;
        describe();
        Ok(exporter)
    }

    /// A recorder that is not installed, and its exporter. It needs no upkeep: the one histogram grows by a number
    /// a tick.
    pub(super) fn recorder() -> Result<(PrometheusRecorder, Self), ExporterError> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(TICK_DURATION.to_owned()), &TICK_BUCKETS)
            .map_err(|error| ExporterError(error.to_string()))?
            .build_recorder();
        let exporter = Self(recorder.handle());
        Ok((recorder, exporter))
    }

    /// Everything that was counted, in the text format of Prometheus.
    pub fn render(&self) -> String {
        self.0.render()
    }
}

fn describe() {
    describe_counter!(SLICES, "Slices attempted, by what came of them");
    describe_counter!(ROWS, "Rows of the payloads that were fetched");
    describe_counter!(RAW_BYTES, "Bytes of the payloads that were fetched, as the upstream sent them");
    describe_counter!(STORED_BYTES, "Bytes of the objects that were stored");
    describe_counter!(REQUESTS, "Requests to upstreams, repeated ones included");
    describe_counter!(RETRIES, "Requests to upstreams that were repeated");
    describe_counter!(WARNINGS, "Oddities of payloads that were kept as they came");
    describe_counter!(SENTINELS, "Slices that show a change of their upstream's habits, by what has changed");
    describe_gauge!(
        HOST_LIMIT,
        "Requests that may be under way at a host; fewer than configured while it throttles"
    );
    describe_counter!(TICKS, "Ticks that ended, by how");
    describe_histogram!(TICK_DURATION, "How long a tick took, in seconds");
    describe_gauge!(LAST_SUCCESS, "When the last tick ended well, in seconds since 1970");
    describe_gauge!(SPOOL_BYTES, "Bytes that wait in the spool for the lake");
    describe_gauge!(SPOOL_OBJECTS, "Objects that wait in the spool for the lake");
    describe_gauge!(SPOOL_WAITING, "1 while crawling waits because the spool is full");
    describe_gauge!(STORE_UP, "1 while the lake answers");
    describe_gauge!(BUILD_INFO, "Always 1; its label names the version that runs");
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Prometheus sees after `events`.
    fn rendered(events: impl FnOnce()) -> String {
        let (recorder, exporter) = Exporter::recorder().unwrap();
        metrics::with_local_recorder(&recorder, || {
            describe();
            events();
        });
        exporter.render()
    }

    fn assert_line(text: &str, line: &str) {
        assert!(text.lines().any(|found| found == line), "no line {line} in\n{text}");
    }

    #[test]
    fn every_metric_is_exported_under_its_name_with_a_description() {
        let text = rendered(|| {
            let counts = SliceCounts { rows: 3, raw_bytes: 100, stored_bytes: 40, warnings: 1 };
            slice("aws_spot_prices", "stored", counts);
            sentinel("aws_spot_prices", "price");
            host_limit("ec2.us-east-1", 4);
            upstream("aws_spot_prices", 5, 2);
            tick("aws_spot_prices", TickResult::Partial, Duration::from_secs(2));
            success("aws_spot_prices", "2026-11-21T20:00:00Z".parse().unwrap());
            spool(7, 1);
            spool_waiting(true);
            store_up(false);
        });
        for line in [
            r#"contrail_slices_total{dataset="aws_spot_prices",outcome="stored"} 1"#,
            r#"contrail_rows_total{dataset="aws_spot_prices"} 3"#,
            r#"contrail_raw_bytes_total{dataset="aws_spot_prices"} 100"#,
            r#"contrail_stored_bytes_total{dataset="aws_spot_prices"} 40"#,
            r#"contrail_warnings_total{dataset="aws_spot_prices"} 1"#,
            r#"contrail_sentinel_total{dataset="aws_spot_prices",kind="price"} 1"#,
            r#"contrail_host_requests_limit{host="ec2.us-east-1"} 4"#,
            r#"contrail_upstream_requests_total{dataset="aws_spot_prices"} 5"#,
            r#"contrail_upstream_retries_total{dataset="aws_spot_prices"} 2"#,
            r#"contrail_ticks_total{dataset="aws_spot_prices",result="partial"} 1"#,
            r#"contrail_tick_duration_seconds_bucket{dataset="aws_spot_prices",le="1"} 0"#,
            r#"contrail_tick_duration_seconds_bucket{dataset="aws_spot_prices",le="5"} 1"#,
            r#"contrail_last_success_timestamp_seconds{dataset="aws_spot_prices"} 1795291200"#,
            "contrail_spool_bytes 7",
            "contrail_spool_objects 1",
            "contrail_spool_waiting 1",
            "contrail_store_up 0",
            concat!(r#"contrail_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""} 1"#),
        ] {
            assert_line(&text, line);
        }
        let typed = text.lines().filter(|line| line.starts_with("# TYPE ")).count();
        let described = text.lines().filter(|line| line.starts_with("# HELP ")).count();
        assert_eq!((typed, described), (17, 17), "{text}");
    }

    #[test]
    fn announced_counters_start_at_zero() {
        let text = rendered(|| announce("aws_price_list", &["price"]));
        assert_line(&text, r#"contrail_sentinel_total{dataset="aws_price_list",kind="price"} 0"#);
        assert_line(&text, r#"contrail_rows_total{dataset="aws_price_list"} 0"#);
        assert_line(&text, r#"contrail_ticks_total{dataset="aws_price_list",result="failed"} 0"#);
    }
}
