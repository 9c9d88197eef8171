//! The clock: whether this machine's time is that of the servers that it talks to.

use std::sync::Arc;

use chrono::TimeDelta;
use futures::future::join_all;
use url::Url;

use crate::base::Clock;
use crate::base::check::Check;
use crate::base::clock::skew;
use crate::base::units::Period;
use crate::net::Client;

const CLOCK: &str = "clock";
const HINT: &str = "set this machine's clock, for instance with `timedatectl set-ntp true`";

/// AWS refuses requests that were signed further away than this from its own time.
const REFUSED: TimeDelta = TimeDelta::minutes(5);
/// Every machine that keeps its time is nearer than this.
const SUSPICIOUS: TimeDelta = TimeDelta::minutes(1);

/// A server that tells the time with each answer.
#[derive(Debug, Clone)]
pub struct Witness {
    /// Where to ask.
    pub url: Url,
    /// Whether requests to it are signed with the time, so that it refuses those of a wrong clock.
    pub signed: bool,
}

/// Asks every witness for the time, and tells of the one that is furthest away.
pub async fn clock(client: Client, witnesses: Vec<Witness>, clock: Arc<dyn Clock>) -> Vec<Check> {
    let asked = witnesses.iter().map(async |witness| {
        let before = clock.now();
        let told = client.date(&witness.url).await.ok().flatten()?;
        Some((skew(before, clock.now(), told), witness))
    });
    let heard = join_all(asked).await.into_iter().flatten();
    // Only what refuses us can keep anything from working.
    let worst = heard.max_by_key(|(skew, witness)| (judged(*skew, witness.signed), skew.abs()));
    vec![match worst {
        Some((skew, witness)) => check(skew, witness),
        None => Check::skipped(CLOCK, "no server told its time"),
    }]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Judged {
    Fine,
    Suspicious,
    Refused,
}

fn judged(skew: TimeDelta, signed: bool) -> Judged {
    match skew.abs() {
        apart if apart > REFUSED && signed => Judged::Refused,
        apart if apart >= SUSPICIOUS => Judged::Suspicious,
        _ => Judged::Fine,
    }
}

fn check(skew: TimeDelta, witness: &Witness) -> Check {
    let apart = Period(skew.abs().to_std().unwrap_or_default());
    let apart = Period::seconds(apart.0.as_secs());
    let side = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
    let host = witness.url.host_str().unwrap_or_default();
    let told = format!("{apart} {side} {host}");
    match judged(skew, witness.signed) {
        Judged::Fine if apart.0.is_zero() => Check::ok(CLOCK, format!("in step with {host}")),
        Judged::Fine => Check::ok(CLOCK, told),
        Judged::Suspicious => Check::warning(CLOCK, told, HINT),
        Judged::Refused => Check::failed(CLOCK, format!("{told}: AWS refuses what is signed now"), HINT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::check::Verdict;

    #[test]
    fn five_minutes_fail_where_requests_are_signed() {
        let verdict = |seconds: i64, signed| {
            let url = Url::parse("https://sts.us-east-1.amazonaws.com").unwrap();
            check(TimeDelta::seconds(seconds), &Witness { url, signed })
        };
        for (seconds, signed, expected) in [
            (0, true, Verdict::Ok),
            (59, true, Verdict::Ok),
            (60, true, Verdict::Warning),
            (-300, true, Verdict::Warning),
            (-301, true, Verdict::Failed),
            (3_600, false, Verdict::Warning),
        ] {
            assert_eq!(verdict(seconds, signed).verdict, expected, "{seconds}");
        }
        let told = verdict(-720, true);
        assert_eq!(told.found, "12m behind sts.us-east-1.amazonaws.com: AWS refuses what is signed now");
        assert!(told.hint.unwrap().contains("timedatectl"));
    }
}
