//! How patiently upstreams are asked: who waits decides.

use std::time::Duration;

use crate::net;
use crate::sources::aws::spot_prices;
use crate::sources::azure::pipeline;

/// Who waits for the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// A crawler of the real clouds, which nobody watches.
    Crawler,
    /// A crawler of a simulated cloud, which is on this machine and forgives at once.
    Sandbox,
    /// A person: what does not answer soon is told.
    Person,
}

/// The waits between tries against a simulated cloud.
const SANDBOX_WAIT: Duration = Duration::from_millis(50);
const SANDBOX_LONGEST_WAIT: Duration = Duration::from_secs(2);
/// One more try, soon.
const PERSON_TRIES: u32 = 2;
const PERSON_WAIT: Duration = Duration::from_millis(500);

impl Patience {
    /// With EC2.
    pub(super) fn ec2(self) -> spot_prices::Retry {
        let retry = spot_prices::Retry::default();
        match self {
            Self::Crawler => retry,
            Self::Sandbox => spot_prices::Retry {
                initial_backoff: SANDBOX_WAIT,
                max_backoff: SANDBOX_LONGEST_WAIT,
                ..retry
            },
            Self::Person => spot_prices::Retry {
                attempts: PERSON_TRIES,
                initial_backoff: PERSON_WAIT,
                max_backoff: PERSON_WAIT,
            },
        }
    }

    /// With hosts of plain HTTP.
    pub(super) fn http(self) -> net::RetryTimes {
        let times = net::RetryTimes::default();
        match self {
            Self::Crawler => times,
            Self::Sandbox => {
                net::RetryTimes { initial: SANDBOX_WAIT, longest: SANDBOX_LONGEST_WAIT, ..times }
            }
            Self::Person => {
                net::RetryTimes { initial: PERSON_WAIT, longest: PERSON_WAIT, tries: PERSON_TRIES, ..times }
            }
        }
    }

    /// With hosts of Azure.
    pub(super) fn azure(self) -> pipeline::RetryTimes {
        let times = pipeline::RetryTimes::default();
        match self {
            Self::Crawler => times,
            Self::Sandbox => {
                pipeline::RetryTimes { initial: SANDBOX_WAIT, max: SANDBOX_LONGEST_WAIT, ..times }
            }
            Self::Person => pipeline::RetryTimes {
                initial: PERSON_WAIT,
                max: Duration::from_secs(1),
                total: Duration::from_secs(2),
            },
        }
    }
}
