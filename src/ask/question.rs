//! What can be asked.

use crate::base::Time;

/// What a machine costs, or cost.
#[derive(Debug, Clone)]
pub struct Question {
    /// The machine, as its cloud writes it: `m5.large`, `Standard_D2s_v3`.
    pub instance_type: String,
    /// Where; empty for everywhere.
    pub regions: Vec<String>,
    /// The operating system: `Linux`, `Windows`, `RHEL`, `SUSE`, whatever case.
    pub operating_system: String,
    /// Only prices of this cloud: `aws` or `azure`.
    pub provider: Option<String>,
    /// Only prices in this currency.
    pub currency: Option<String>,
    /// When.
    pub when: When,
    /// The current moment.
    pub now: Time,
}

/// Which moment a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The last one that the lake knows. It differs from stream to stream, and each answer says which it was.
    Latest,
    /// This one.
    At {
        /// When the price applied.
        moment: Time,
        /// What the lake knew by then is all that counts; `None` for all that it knows.
        known_at: Option<Time>,
    },
}

impl Question {
    /// Whether prices of the region are asked for.
    pub(super) fn asks_for_region(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.iter().any(|asked| asked == region)
    }

    /// Whether prices of the cloud are asked for.
    pub(super) fn asks_for_provider(&self, provider: &str) -> bool {
        self.provider.as_deref().is_none_or(|asked| asked == provider)
    }

    /// Whether prices in the currency are asked for.
    pub(super) fn asks_for_currency(&self, currency: &str) -> bool {
        self.currency.as_deref().is_none_or(|asked| asked.eq_ignore_ascii_case(currency))
    }

    /// Whether prices of the operating system are asked for.
    pub(super) fn asks_for_system(&self, system: &str) -> bool {
        self.operating_system.eq_ignore_ascii_case(system)
    }

    /// The moment that is asked about, where it is one for all streams.
    pub(super) fn moment(&self) -> Option<Time> {
        match self.when {
            When::Latest => None,
            When::At { moment, .. } => Some(moment),
        }
    }

    /// What the lake knew by then is all that counts.
    pub(super) fn known_at(&self) -> Option<Time> {
        match self.when {
            When::Latest => None,
            When::At { known_at, .. } => known_at,
        }
    }
}
