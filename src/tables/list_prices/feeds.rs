//! The datasets that have price lists, and how each is read. A new one is one line here. Never here: what a list says.

use std::collections::BTreeSet;
use std::io;

use super::{aws, azure};
use crate::base::Name;
use crate::lake::slice::Slice;
use crate::sources::aws::{price_list, savings_plans};
use crate::sources::azure::retail_prices;
use crate::tables::packed::Packer;
use crate::tables::problems::Problems;
use crate::tables::sort::Sorter;
use crate::tables::workshop::Payload;

/// A decoder: pushes what a payload says as packed rates.
type ReadRates = fn(&Payload, &Slice, &mut Packer, &mut Sorter, &mut Problems) -> io::Result<()>;

/// A dataset that has price lists.
#[derive(Debug, Clone, Copy)]
pub(super) struct Feed {
    /// The dataset.
    pub(super) dataset: &'static str,
    /// Whose prices they are: the partition of the tables.
    pub(super) provider: &'static str,
    /// From how many lists in a row, complete and above suspicion, a rate must be absent until it counts as withdrawn.
    pub(super) patience: usize,
    /// Whether the crawler compares each list with the one before: then leaps of prices are told already.
    pub(super) is_watched: bool,
    /// Its decoder.
    pub(super) read_rates: ReadRates,
    /// The name of the service that all lists of a stream are of, where the stream tells.
    pub(super) service_part: Option<&'static str>,
    /// The dataset whose lists, of the same region, describe what its rates are for. Where the feed has one, that is read
    /// from there.
    pub(super) described_by: Option<&'static str>,
}

/// All of them.
pub(super) static FEEDS: [Feed; 3] = [
    // A version is a whole document.
    Feed {
        dataset: price_list::DATASET.id,
        provider: "aws",
        patience: 1,
        // That would be half a gigabyte to read again for each of them.
        is_watched: false,
        read_rates: aws::read_rates,
        service_part: Some("offer"),
        described_by: None,
    },
    // A listing is no snapshot, and Azure leaves things out for days (azure-rest-api-specs issue 13858).
    Feed {
        dataset: retail_prices::DATASET.id,
        provider: "azure",
        patience: 3,
        is_watched: true,
        read_rates: azure::read_rates,
        service_part: None,
        described_by: None,
    },
    // As price lists; a plan is good for things of several services.
    Feed {
        dataset: savings_plans::DATASET.id,
        provider: "aws",
        patience: 1,
        is_watched: false,
        read_rates: aws::read_plan_rates,
        service_part: None,
        described_by: Some(price_list::DATASET.id),
    },
];

/// The providers, as keys have them.
pub(super) fn providers() -> BTreeSet<Name> {
    FEEDS.iter().filter_map(|feed| Name::new("provider", feed.provider).ok()).collect()
}

/// The feeds of a provider.
pub(super) fn feeds_of(provider: &Name) -> impl Iterator<Item = &'static Feed> {
    FEEDS.iter().filter(move |feed| feed.provider == provider.as_str())
}
