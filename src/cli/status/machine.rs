//! A status for machines: JSON with everything, CSV with one line for each stream. What is unknown is null, or an
//! empty field. A percentage is text, cut to two decimals, so that nobody's float makes everything of almost.

use serde_json::{Value, json};

use crate::base::Time;
use crate::cli::table::Table;
use crate::lake::account::Share;
use crate::lake::store::Conditional;
use crate::ops::status::{Cost, DatasetStatus, Money, PRICE_LIST, Status, StreamStatus};

const COLUMNS: [&str; 21] = [
    "dataset",
    "stream",
    "state",
    "refused",
    "newest",
    "newest_to",
    "from",
    "to",
    "coverage_percent",
    "gaps",
    "oldest_gap",
    "oldest_gap_expires_at",
    "lost",
    "days_proven",
    "days_ended",
    "objects",
    "stored_bytes",
    "raw_bytes",
    "raw_bytes_estimated",
    "last_attempt_at",
    "last_outcome",
];

/// Everything.
pub(super) fn json(status: &Status) -> Value {
    let identity = &status.identity;
    json!({
        "lake": {
            "url": status.url,
            "origin": identity.origin,
            "format": identity.format,
            "created_at": moment(identity.created_at),
            "conditional_puts": status.conditional.map(|conditional| match conditional {
                Conditional::Honoured => "honoured",
                Conditional::Ignored => "ignored",
            }),
            "objects": status.volume.objects,
            "stored_bytes": status.volume.bytes,
        },
        "tables": {
            "objects": status.tables.objects,
            "stored_bytes": status.tables.bytes,
        },
        "at": moment(status.now),
        "stale": status.is_stale(),
        "refused": status.is_refused(),
        "datasets": status.datasets.iter().map(dataset).collect::<Vec<_>>(),
        "spool": {
            "directory": status.spool.display().to_string(),
            "objects": status.backlog.map(|backlog| backlog.objects),
            "bytes": status.backlog.map(|backlog| backlog.bytes),
            "oldest_at": status.backlog.and_then(|backlog| backlog.oldest).map(moment),
            "limit_bytes": status.spool_limit,
        },
        "cost_per_month": cost(&status.cost),
    })
}

fn dataset(dataset: &DatasetStatus) -> Value {
    json!({
        "dataset": dataset.dataset,
        "state": dataset.state.as_str(),
        "coverage_percent": percent(dataset.share),
        "streams": dataset.streams.iter().map(stream).collect::<Vec<_>>(),
    })
}

fn stream(stream: &StreamStatus) -> Value {
    let parts: serde_json::Map<String, Value> =
        stream.stream.parts().iter().map(|(part, value)| (part.to_string(), json!(value.as_str()))).collect();
    // Of a stream without a range nothing is known, not even that it has no gaps.
    let known = |count: u64| stream.range.map(|_| count);
    json!({
        "stream": parts,
        "state": stream.state.as_str(),
        "refused": stream.is_refused(),
        "newest": stream.newest.as_ref().map(|newest| &newest.label),
        "newest_to": stream.newest.as_ref().map(|newest| moment(newest.to)),
        "from": stream.range.map(|range| moment(range.from)),
        "to": stream.range.map(|range| moment(range.to)),
        "is_last_90_days": stream.range.map(|range| range.is_whole),
        "coverage_percent": percent(stream.share),
        "gaps": known(stream.gaps),
        "oldest_gap": stream.oldest_gap.as_ref().map(ToString::to_string),
        "oldest_gap_expires_at": stream.expires.map(moment),
        "lost": known(stream.lost),
        "days_proven": stream.proven.map(|proven| proven.days),
        "days_ended": stream.proven.map(|proven| proven.of),
        "objects": stream.volume.objects,
        "stored_bytes": stream.volume.bytes,
        "raw_bytes": stream.raw.map(|raw| raw.bytes),
        "raw_bytes_estimated": stream.raw.map(|raw| raw.is_estimate),
        "last_attempt": stream.last_attempt.as_ref().map(|last| json!({
            "at": moment(last.finished),
            "outcome": last.outcome.as_str(),
            "error": last.error,
        })),
    })
}

fn cost(cost: &Cost) -> Value {
    let estimate = match cost {
        Cost::Free => {
            return json!({ "currency": "USD", "total": "0", "because": "a directory on this machine" });
        }
        Cost::Unknown { why } => return json!({ "currency": "USD", "total": null, "because": why }),
        Cost::Estimate(estimate) => estimate,
    };
    json!({
        "currency": "USD",
        "total": estimate.total().exact(),
        "storage": estimate.storage.exact(),
        "put_requests": estimate.requests.map(Money::exact),
        "assumed": {
            "price_list": PRICE_LIST,
            "storage_class": estimate.storage_class,
            "gib_month": estimate.gib_month.exact(),
            "thousand_puts": estimate.thousand_puts.exact(),
            "billed_bytes": estimate.billed_bytes,
            "puts": estimate.puts,
        },
    })
}

/// One line for each stream.
pub(super) fn csv(status: &Status) -> String {
    let streams = status.datasets.iter().flat_map(|dataset| &dataset.streams);
    Table { headings: COLUMNS, numbers: 0, rows: streams.map(row).collect() }.csv()
}

fn row(stream: &StreamStatus) -> [String; 21] {
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    let time = |time: Option<Time>| time.map_or_else(String::new, moment);
    let parts: Vec<String> =
        stream.stream.parts().iter().map(|(part, value)| format!("{part}={value}")).collect();
    let newest = stream.newest.as_ref();
    let last = stream.last_attempt.as_ref();
    let known = |count: u64| stream.range.map(|_| count);
    [
        stream.stream.dataset().to_string(),
        parts.join("/"),
        stream.state.as_str().to_owned(),
        stream.is_refused().to_string(),
        newest.map_or_else(String::new, |newest| newest.label.clone()),
        time(newest.map(|newest| newest.to)),
        time(stream.range.map(|range| range.from)),
        time(stream.range.map(|range| range.to)),
        percent(stream.share).unwrap_or_default(),
        number(known(stream.gaps)),
        stream.oldest_gap.as_ref().map_or_else(String::new, ToString::to_string),
        time(stream.expires),
        number(known(stream.lost)),
        number(stream.proven.map(|proven| proven.days)),
        number(stream.proven.map(|proven| proven.of)),
        number(Some(stream.volume.objects)),
        number(Some(stream.volume.bytes)),
        number(stream.raw.map(|raw| raw.bytes)),
        stream.raw.map_or_else(String::new, |raw| raw.is_estimate.to_string()),
        time(last.map(|last| last.finished)),
        last.map_or_else(String::new, |last| last.outcome.as_str().to_owned()),
    ]
}

fn percent(share: Share) -> Option<String> {
    share.basis_points().map(|points| format!("{}.{:02}", points / 100, points % 100))
}

fn moment(time: Time) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
