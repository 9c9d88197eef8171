//! The datasets that have price lists, and how each is read. A new one is one line here. Never here: what a list says.

use std::io;

use super::{aws, azure};
use crate::base::Name;
use crate::lake::slice::Slice;
use crate::sources::aws::price_list;
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
}

/// All of them.
pub(super) static FEEDS: [Feed; 2] = [
    // A version is a whole document.
    Feed {
        dataset: price_list::DATASET.id,
        provider: "aws",
        patience: 1,
        // That would be half a gigabyte to read again for each of them.
        is_watched: false,
        read_rates: aws::read_rates,
        service_part: Some("offer"),
    },
    // A listing is no snapshot, and Azure leaves things out for days (azure-rest-api-specs issue 13858).
    Feed {
        dataset: retail_prices::DATASET.id,
        provider: "azure",
        patience: 3,
        is_watched: true,
        read_rates: azure::read_rates,
        service_part: None,
    },
];

impl Feed {
    /// The provider, as keys have it.
    pub(super) fn provider_name(&self) -> Option<Name> {
        Name::new("provider", self.provider).ok()
    }
}
