//! The price lists that were looked at, opened as far as somebody needs them: their facts and their states.

use super::describing::Describing;
use super::difference::Seen;
use super::feeds::Feed;
use super::state::{Shelf, State};
use crate::lake::key::Key;
use crate::tables::facts::Facts;
use crate::tables::timeline::{Look, Timeline};
use crate::tables::workshop::{MakeError, Workshop};

/// What was opened so far.
#[derive(Debug, Default)]
pub(super) struct Archive {
    /// What the lake says of the lists.
    pub(super) facts: Facts,
    shelf: Shelf,
}

impl Archive {
    /// Whether a list says something by what is not in it: it was complete and above suspicion, and could be read to its
    /// end.
    pub(super) fn is_sound(&self, look: &Look<'_>) -> bool {
        self.facts.is_sound(look) && self.shelf.get(&look.seen.key).is_none_or(State::is_whole)
    }

    /// Opens the lists that are `wanted`. Whether a list is sound is known for certain once it is open, and what is not
    /// sound makes others wanted: so it is asked again until nothing new is.
    pub(super) async fn open<'h>(
        &mut self,
        feed: &'static Feed,
        describing: &Describing<'_>,
        workshop: &Workshop,
        wanted: impl Fn(&Self) -> Vec<Look<'h>>,
    ) -> Result<(), MakeError> {
        let mut opened = Vec::new();
        loop {
            let looks = wanted(self);
            if looks == opened {
                return Ok(());
            }
            self.facts.learn(&looks, workshop).await?;
            self.shelf.fill(feed, describing, &looks, workshop).await?;
            opened = looks;
        }
    }

    /// The state of a list that is open.
    pub(super) fn state(&self, look: &Look<'_>) -> Result<&State, MakeError> {
        let key = &look.seen.key;
        self.shelf.get(key).ok_or_else(|| MakeError::Broken(format!("{key} was not opened")))
    }

    /// The lists of a window that are open, each once, at the place where it was seen last.
    pub(super) fn seen(
        &self,
        timeline: &Timeline<'_>,
        window: std::ops::Range<usize>,
    ) -> Result<Vec<Seen>, MakeError> {
        let mut all: Vec<(&Key, Seen)> = Vec::new();
        for place in window.rev() {
            let Some(look) = timeline.looks.get(place) else { continue };
            if all.iter().all(|(key, _)| **key != look.seen.key) {
                all.push((&look.seen.key, Seen { place, rates: self.state(look)?.rates.clone() }));
            }
        }
        Ok(all.into_iter().map(|(_, seen)| seen).collect())
    }

    /// Closes all lists but those that are `wanted`.
    pub(super) fn keep(&mut self, wanted: impl Fn(&Key) -> bool) {
        self.shelf.keep(wanted);
    }
}
