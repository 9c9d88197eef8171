//! What is known of all machines at one moment, and what a look changes of it. Held in memory: the feed of all regions has
//! some 25,000 pieces of advice, and a document is bounded. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::Time;
use crate::tables::packed::Packer;

/// What advice is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Machine {
    pub(super) instance_type: String,
    pub(super) region: String,
    pub(super) operating_system: String,
}

/// What is said of a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// How often it is interrupted, where that is known.
    pub(super) band: Option<Arc<Band>>,
    /// What it costs less than on demand, in percent, where that is known.
    pub(super) savings: Option<i64>,
}

/// A band of interruption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Band {
    pub(super) index: i64,
    pub(super) label: String,
    /// From and to how many percent it reaches.
    pub(super) bounds: (Option<i64>, Option<i64>),
}

/// What is said of all machines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State(BTreeMap<Machine, Said>);

/// What a look changes of what is said of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    New,
    Changed,
    Withdrawn,
}

impl Change {
    /// The word in the table.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl State {
    /// Takes in what is said of a machine. `false` when something was said of it already; the first one stands.
    pub(super) fn insert(&mut self, machine: Machine, said: Said) -> bool {
        let free = !self.0.contains_key(&machine);
        if free {
            self.0.insert(machine, said);
        }
        free
    }

    /// Hands `take` what a look changes that saw `now`; a machine that it does not name is withdrawn if the look `is_sound`.
    /// What is withdrawn is told as it was.
    pub(super) fn changes<E>(
        &self,
        now: &Self,
        is_sound: bool,
        mut take: impl FnMut(Change, &Machine, &Said) -> Result<(), E>,
    ) -> Result<(), E> {
        for (machine, said) in &now.0 {
            match self.0.get(machine) {
                None => take(Change::New, machine, said)?,
                Some(before) if before != said => take(Change::Changed, machine, said)?,
                Some(_) => {}
            }
        }
        let gone = self.0.iter().filter(|(machine, _)| is_sound && !now.0.contains_key(*machine));
        gone.into_iter().try_for_each(|(machine, said)| take(Change::Withdrawn, machine, said))
    }

    /// What is known once a look saw `now`: a look that is not sound says nothing of what it does not name.
    pub(super) fn after(&mut self, now: Self, is_sound: bool) {
        if is_sound {
            *self = now;
        } else {
            self.0.extend(now.0);
        }
    }
}

/// A row of the table: `change` was seen at `observed_at`, and `source` says so.
pub(super) fn pack<'p>(
    packer: &'p mut Packer,
    provider: &str,
    (change, machine, said): (Change, &Machine, &Said),
    observed_at: Time,
    source: &str,
) -> &'p [u8] {
    let band = said.band.as_deref();
    let (least, most) = band.map(|band| band.bounds).unwrap_or_default();
    packer
        .begin()
        .put("instance_type", &machine.instance_type)
        .put("region_id", &machine.region)
        .put("operating_system", &machine.operating_system)
        .put("observed_at", observed_at)
        .put("provider_name", provider)
        .put_or_unknown("interruption_band", band.map(|band| band.index))
        .put_or_unknown("interruption_label", band.map(|band| band.label.as_str()))
        .put_or_unknown("interrupted_min_percent", least)
        .put_or_unknown("interrupted_max_percent", most)
        .put_or_unknown("savings_percent", said.savings)
        .put("change", change.as_str())
        .put("source_key", source);
    packer.row()
}
