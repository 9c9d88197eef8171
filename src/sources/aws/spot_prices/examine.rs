//! What `doctor` asks: whose credentials these are, and each of the three calls once, the history in every region.

use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;

use super::{AwsSpotPrices, DATASET, REGION, plan};
use crate::base::check::Check;
use crate::base::clock::{whole_second, within};
use crate::base::error::Hinted as _;
use crate::base::units::counted;
use crate::lake::coverage::Coverage;
use crate::lake::interval::Interval;
use crate::sources::aws::errors::Call;
use crate::sources::{FetchError, FetchErrorKind, Plan, Traffic};

/// How long one question may take, with all that the SDK does to get it answered.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many regions are told by name.
const NAMED: usize = 8;

impl AwsSpotPrices {
    /// A line for the credentials and one for each permission; more for regions that are not enabled.
    pub(super) async fn examine(&self) -> Vec<Check> {
        let (credentials, mut good) = self.examine_credentials().await;
        let mut checks = vec![credentials];
        let name = Call::Regions.permission();
        let mut regions = Vec::new();
        if good {
            let traffic = Traffic::default();
            match self.in_time(self.clients.home().regions(&traffic)).await {
                Ok(enabled) => {
                    checks.push(Check::ok(&name, format!("{} enabled", counted(enabled.len(), "region"))));
                    regions = self.wanted(&enabled, &mut checks);
                }
                Err(error) => {
                    // Only a refusal of this one call leaves the others a chance.
                    good = error.kind == FetchErrorKind::Refused;
                    checks.push(error.as_check(&name));
                    regions.extend(self.options.regions.named().map(ToString::to_string));
                }
            }
        } else {
            checks.push(unasked(Call::Regions));
        }
        if good {
            if regions.is_empty() {
                regions.push(self.clients.home().region().to_owned());
            }
            let (zones, history) = futures::join!(self.examine_zones(), self.examine_history(&regions));
            checks.extend([zones, history]);
        } else {
            checks.extend([unasked(Call::Zones), unasked(Call::SpotHistory)]);
        }
        checks
    }

    /// Also whether it makes sense to go on. STS may be out of reach where EC2 is not.
    async fn examine_credentials(&self) -> (Check, bool) {
        const NAME: &str = "credentials";
        match self.in_time(self.caller.ask()).await {
            Ok(caller) => (Check::ok(NAME, format!("account {} as {}", caller.account, caller.arn)), true),
            Err(error) if error.kind == FetchErrorKind::Config => (error.as_check(NAME), false),
            Err(error) => {
                let found = format!("whose they are cannot be told: {error}");
                let hint = error.hint().unwrap_or("objects are stored without the account; all else works");
                (Check::warning(NAME, found, hint), true)
            }
        }
    }

    /// The regions that will be crawled. Those that are not enabled get a line each.
    fn wanted(&self, enabled: &[String], checks: &mut Vec<Check>) -> Vec<String> {
        let mut plan = Plan::default();
        let streams =
            plan::streams(DATASET.id, enabled, &self.options.regions, &Coverage::default(), &mut plan);
        checks.extend(plan.closed.iter().map(|(stream, error)| {
            let region = stream.part(REGION).unwrap_or("region");
            let hint = error.hint().unwrap_or_default();
            Check::warning(region, error.to_string(), hint)
        }));
        let streams = streams.unwrap_or_default();
        streams.iter().filter_map(|stream| stream.part(REGION)).map(str::to_owned).collect()
    }

    async fn examine_zones(&self) -> Check {
        let name = Call::Zones.permission();
        let (home, traffic) = (self.clients.home(), Traffic::default());
        match self.in_time(home.zones(&traffic)).await {
            Ok(zones) => Check::ok(&name, format!("{} in {}", counted(zones.len(), "zone"), home.region())),
            Err(error) => error.as_check(&name),
        }
    }

    /// Asks for one row of the last hour in each region.
    async fn examine_history(&self, regions: &[String]) -> Check {
        let name = Call::SpotHistory.permission();
        let to = whole_second(self.clock.now());
        let Some(span) = Interval::new(to - TimeDelta::hours(1), to) else {
            return Check::skipped(&name, "there is no hour before this one");
        };
        let asked = regions.iter().map(|region| async move {
            let (client, traffic) = (self.clients.region(region), Traffic::default());
            (region.as_str(), self.in_time(client.try_history(span, &traffic)).await.err())
        });
        let answers = join_all(asked).await;
        let failed: Vec<_> =
            answers.iter().filter_map(|(region, error)| Some((*region, error.as_ref()?))).collect();
        let answered = answers.len() - failed.len();
        let refused = |error: &FetchError| error.kind == FetchErrorKind::Refused;
        // What is no refusal is told before refusals: a region that refuses us is left out, and all else works.
        let Some((_, first)) = failed.iter().min_by_key(|(_, error)| refused(error)) else {
            return Check::ok(&name, format!("answered in {}", counted(answered, "region")));
        };
        let check = first.as_check(&name);
        if failed.len() == 1 && answers.len() == 1 {
            return check;
        }
        let names = named(failed.iter().map(|(region, _)| *region));
        let found = format!("{first} (answered in {answered} of {} regions, not in {names})", answers.len());
        match &check.hint {
            Some(hint) if answered > 0 && refused(first) => Check::warning(&name, found, hint),
            _ => Check { found, ..check },
        }
    }

    /// Lets nothing take longer than it should.
    async fn in_time<T>(&self, asking: impl Future<Output = Result<T, FetchError>>) -> Result<T, FetchError> {
        within(self.clock.as_ref(), PATIENCE, asking).await.unwrap_or_else(|| {
            Err(FetchError::retry(format!("no answer within {} s", PATIENCE.as_secs()))
                .with_hint("check the network, the proxy and [aws] endpoint_url"))
        })
    }
}

fn unasked(call: Call) -> Check {
    Check::skipped(&call.permission(), "needs credentials that AWS accepts")
}

fn named<'a>(regions: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = regions.len().saturating_sub(NAMED);
    let shown = regions.take(NAMED).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
