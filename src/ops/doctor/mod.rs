//! `doctor`: whether a crawler could do its work here and now, and what mends it where it could not. Every part is
//! examined by itself: one that fails, hangs or panics stops no other.

mod clock;
mod lake;
mod spool;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use serde::Serialize;

use crate::base::Clock;
use crate::base::check::{Check, Verdict};
use crate::base::clock::within;
use crate::sources::Source;

pub use clock::{Witness, clock};
pub use lake::lake;
pub use spool::spool;

/// How long one part may take. Each question has a shorter limit of its own; this one is for what has none.
const PATIENCE: Duration = Duration::from_mins(1);

/// A part that is to be examined.
pub struct Examination {
    subject: String,
    checks: BoxFuture<'static, Vec<Check>>,
}

impl std::fmt::Debug for Examination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Examination").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl Examination {
    /// The part `subject`, of which `checks` tells.
    pub fn new(subject: &str, checks: impl Future<Output = Vec<Check>> + Send + 'static) -> Self {
        Self { subject: subject.to_owned(), checks: checks.boxed() }
    }

    /// A part of which all is known.
    pub fn known(subject: &str, checks: Vec<Check>) -> Self {
        Self::new(subject, std::future::ready(checks))
    }

    /// A source, by its own questions.
    pub fn source(source: Arc<dyn Source>) -> Self {
        Self::new(source.dataset().id, async move { source.check().await })
    }
}

/// One line of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examined {
    /// The part: `lake`, `clock`, a dataset.
    pub subject: String,
    /// What of it was checked, and what was found.
    #[serde(flatten)]
    pub check: Check,
}

/// Examines every part at once. The answer is in the order of the parts.
pub async fn examine(parts: Vec<Examination>, clock: Arc<dyn Clock>) -> Vec<Examined> {
    let examined = parts.into_iter().map(|Examination { subject, checks }| {
        let clock = Arc::clone(&clock);
        async move {
            let mut task = tokio::spawn(checks);
            let checks = match within(clock.as_ref(), PATIENCE, &mut task).await {
                Some(Ok(checks)) => checks,
                Some(Err(_)) => {
                    vec![Check::failed(
                        "answer",
                        "the check broke off",
                        "this is a fault in Contrail: please report it",
                    )]
                }
                None => {
                    task.abort();
                    let found = format!("no answer within {} s", PATIENCE.as_secs());
                    vec![Check::failed("answer", found, "check the network and the proxy ([http] proxy)")]
                }
            };
            checks.into_iter().map(move |check| Examined { subject: subject.clone(), check })
        }
    });
    join_all(examined).await.into_iter().flatten().collect()
}

/// Whether something will not work.
pub fn has_failed(examined: &[Examined]) -> bool {
    examined.iter().any(|examined| examined.check.verdict == Verdict::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SystemClock;

    /// Time that is up at once.
    #[derive(Debug)]
    struct Hasty;

    impl Clock for Hasty {
        fn now(&self) -> crate::base::Time {
            SystemClock.now()
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            tokio::task::yield_now().boxed()
        }
    }

    #[tokio::test]
    async fn a_part_that_hangs_or_panics_stops_no_other() {
        let parts = vec![
            Examination::new("hangs", std::future::pending()),
            Examination::new("panics", async { panic!("a fault") }),
            Examination::known("lake", vec![Check::ok("list", "fine")]),
        ];
        let examined = examine(parts, Arc::new(Hasty)).await;
        let told: Vec<_> = examined.iter().map(|line| (line.subject.as_str(), line.check.verdict)).collect();
        assert_eq!(told.len(), 3);
        assert_eq!(told[0], ("hangs", Verdict::Failed));
        assert_eq!(examined[0].check.found, "no answer within 60 s");
        assert_eq!(told[1].1, Verdict::Failed);
        assert!(has_failed(&examined));
    }
}
