//! A status for people.

use std::fmt::Write as _;
use std::time::Duration;

use crate::base::Time;
use crate::base::units::{ByteSize, Period, counted, grouped};
use crate::cli::table::Table;
use crate::lake::account::Piece;
use crate::lake::store::Conditional;
use crate::ops::status::{Cost, DatasetStatus, Money, PRICE_LIST, Range, State, Status, StreamStatus};

const HEADINGS: [&str; 10] =
    ["stream", "state", "newest", "coverage", "oldest gap", "gaps", "lost", "proven", "stored", "raw"];

/// The whole text.
pub(super) fn render(status: &Status) -> String {
    let mut text = String::new();
    let created = moment(status.identity.created_at);
    let _ = writeln!(text, "{}: origin {}, made {created}", status.url, status.identity.origin);
    for dataset in &status.datasets {
        let _ = writeln!(text, "\n{}", dataset.dataset);
        if dataset.streams.is_empty() {
            let _ = writeln!(text, "  nothing is stored yet");
            continue;
        }
        let rows = dataset.streams.iter().map(|stream| row(stream, status.now)).collect();
        text.push_str(&Table { headings: HEADINGS, numbers: 5, rows }.render("  "));
    }
    let _ = writeln!(text, "\nCoverage:");
    for dataset in &status.datasets {
        let _ = writeln!(text, "  {}", coverage(dataset));
    }
    let _ = writeln!(text);
    write_troubles(&mut text, status);
    let _ = writeln!(text, "Spool: {}", spool(status));
    let _ = writeln!(text, "Conditional puts: {}", conditional(status.conditional));
    for (what, volume) in [("Stored", status.volume), ("Tables", status.tables)] {
        let _ = writeln!(text, "{what}: {}, {}", counted(volume.objects, "object"), ByteSize(volume.bytes));
    }
    let _ = writeln!(text, "Cost: {}", cost(&status.cost));
    text
}

fn row(stream: &StreamStatus, now: Time) -> [String; 10] {
    let parts: Vec<String> =
        stream.stream.parts().iter().map(|(part, value)| format!("{part}={value}")).collect();
    // The only stream of its dataset has no name of its own.
    let name = if parts.is_empty() { "all".to_owned() } else { parts.join(" ") };
    let unknown = || "unknown".to_owned();
    let known = stream.range.is_some();
    let count = |count: u64| if known { grouped(count) } else { unknown() };
    [
        name,
        if stream.is_refused() { "refused".to_owned() } else { stream.state.as_str().to_owned() },
        stream.newest.as_ref().map_or_else(unknown, |newest| newest.label.clone()),
        stream.range.map_or_else(unknown, |range| format!("{} of {}", stream.share, length(range))),
        oldest_gap(stream, now),
        count(stream.gaps),
        count(stream.lost),
        stream.proven.map_or_else(|| "-".to_owned(), |proven| format!("{}/{}", proven.days, proven.of)),
        ByteSize(stream.volume.bytes).to_string(),
        stream.raw.map_or_else(unknown, |raw| {
            let about = if raw.is_estimate { "~" } else { "" };
            format!("{about}{}", ByteSize(raw.bytes))
        }),
    ]
}

fn oldest_gap(stream: &StreamStatus, now: Time) -> String {
    let gap = match &stream.oldest_gap {
        None => return "-".to_owned(),
        Some(Piece::Span(span)) => moment(span.from()),
        Some(gap) => gap.to_string(),
    };
    match stream.expires {
        Some(expires) if expires > now => format!("{gap}, forgotten in {}", period(now, expires)),
        Some(_) => format!("{gap}, being forgotten"),
        None => gap,
    }
}

/// One line: how much of what is known.
fn coverage(dataset: &DatasetStatus) -> String {
    let DatasetStatus { dataset, share, streams, state } = dataset;
    if streams.is_empty() {
        return format!("{dataset}: unknown, nothing is stored yet ({})", state.as_str());
    }
    let whole = streams.iter().all(|stream| stream.range.is_some_and(|range| range.is_whole));
    let of = if whole { "of the last 90 days" } else { "since each stream began, 90 days at most" };
    let (gaps, lost) =
        streams.iter().fold((0, 0), |(gaps, lost), stream| (gaps + stream.gaps, lost + stream.lost));
    let mut text = format!(
        "{dataset}: {share} {of}, {}: {} missing, {} lost",
        counted(streams.len(), "stream"),
        grouped(gaps),
        grouped(lost)
    );
    for (state, word) in
        [(State::Stale, "stale"), (State::Unknown, "of unknown state"), (State::Off, "not crawled")]
    {
        let count = streams.iter().filter(|stream| stream.state == state && !stream.is_refused()).count();
        if count > 0 {
            let _ = write!(text, ", {count} {word}");
        }
    }
    let refused = streams.iter().filter(|stream| stream.is_refused()).count();
    if refused > 0 {
        let _ = write!(text, ", {refused} refused");
    }
    text
}

/// Why the streams that failed or were refused last did so.
fn write_troubles(text: &mut String, status: &Status) {
    const SHOWN: usize = 5;
    let streams = status.datasets.iter().flat_map(|dataset| &dataset.streams);
    let troubles: Vec<_> = streams
        .filter_map(|stream| {
            let last = stream.last_attempt.as_ref()?;
            (last.is_failure() || last.is_refusal()).then_some((stream, last))
        })
        .collect();
    if troubles.is_empty() {
        return;
    }
    let _ = writeln!(text, "What went wrong last:");
    for (stream, last) in troubles.iter().take(SHOWN) {
        let (at, outcome) = (moment(last.finished), last.outcome.as_str());
        let why = last.error.as_deref().unwrap_or("no reason was given");
        let _ = writeln!(text, "  {} {outcome} at {at}: {why}", stream.stream);
    }
    if let more @ 1.. = troubles.len().saturating_sub(SHOWN) {
        let _ = writeln!(text, "  … and {more} more");
    }
    let _ = writeln!(text);
}

fn spool(status: &Status) -> String {
    let place = status.spool.display();
    let Some(backlog) = status.backlog else {
        return format!("unknown, {place} cannot be read");
    };
    let Some(oldest) = backlog.oldest else { return format!("nothing waits in {place}") };
    let full = if backlog.bytes >= status.spool_limit { "; it is full, so crawling waits" } else { "" };
    format!(
        "{} of {} in {place}, {} at most, the oldest since {}{full}",
        counted(backlog.objects, "object"),
        ByteSize(backlog.bytes),
        ByteSize(status.spool_limit),
        moment(oldest)
    )
}

fn conditional(conditional: Option<Conditional>) -> &'static str {
    match conditional {
        Some(Conditional::Honoured) => "honoured, any number of crawlers may write",
        Some(Conditional::Ignored) => "ignored by this store, let only one crawler write",
        None => "unknown, no crawler of this release has probed the store",
    }
}

fn cost(cost: &Cost) -> String {
    let estimate = match cost {
        Cost::Free => return "nothing, it is a directory on this machine".to_owned(),
        Cost::Unknown { why } => return format!("unknown, {why}"),
        Cost::Estimate(estimate) => estimate,
    };
    let mut text = format!(
        "about {} a month: storage {} ({} of {} at {} for a GiB)",
        estimate.total(),
        estimate.storage,
        ByteSize(estimate.billed_bytes),
        estimate.storage_class,
        dollars(estimate.gib_month),
    );
    let _ = match (estimate.puts, estimate.requests) {
        (Some(puts), Some(requests)) => write!(
            text,
            ", PUT requests {requests} ({} at {} for 1,000)",
            grouped(puts),
            dollars(estimate.thousand_puts)
        ),
        _ => write!(text, ", PUT requests unknown (no day has passed yet)"),
    };
    let _ = write!(text, "\n  by the {PRICE_LIST}; without GET and LIST requests and traffic");
    text
}

fn dollars(money: Money) -> String {
    format!("USD {}", money.exact())
}

fn length(range: Range) -> String {
    period(range.from, range.to)
}

/// The time from one moment to another, in its two largest units.
fn period(from: Time, to: Time) -> String {
    let shown = Period(Duration::from_secs((to - from).num_seconds().unsigned_abs())).to_string();
    shown.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

fn moment(time: Time) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
