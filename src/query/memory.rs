//! Who of a query's steps gets how much memory. Steps that can go on on disk share one half of it, evenly; the other half is
//! for those that cannot, such as merging what was sorted on disk. Without that a sort would fill all there is, spill, and
//! then have nothing left to merge with.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// A step that has nearly nothing may have this part of all memory, however many share it: a batch of rows must fit.
const LEAST_PART: usize = 16;

/// So many bytes for the steps of a query.
#[derive(Debug)]
pub(super) struct Shared {
    bytes: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// By steps that can go on on disk.
    spillable: usize,
    /// How many steps those are.
    spilling: usize,
    /// By the others.
    fixed: usize,
}

impl Taken {
    fn part(&mut self, consumer: &MemoryConsumer) -> &mut usize {
        if consumer.can_spill() { &mut self.spillable } else { &mut self.fixed }
    }
}

impl Shared {
    /// `bytes` of memory.
    pub(super) fn new(bytes: usize) -> Self {
        Self { bytes, taken: Mutex::default() }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much a step may have in all.
    fn most(&self, consumer: &MemoryConsumer, taken: &Taken) -> usize {
        if !consumer.can_spill() {
            return self.bytes;
        }
        let share = (self.bytes / 2) / taken.spilling.max(1);
        share.max(self.bytes / LEAST_PART)
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shared({} bytes)", self.bytes)
    }
}

impl MemoryPool for Shared {
    fn name(&self) -> &'static str {
        "shared"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            self.taken().spilling += 1;
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            let mut taken = self.taken();
            taken.spilling = taken.spilling.saturating_sub(1);
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        let mut taken = self.taken();
        let part = taken.part(reservation.consumer());
        *part = part.saturating_add(additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut taken = self.taken();
        let part = taken.part(reservation.consumer());
        *part = part.saturating_sub(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut taken = self.taken();
        let consumer = reservation.consumer();
        let wanted = reservation.size().saturating_add(additional);
        let all = taken.spillable.saturating_add(taken.fixed).saturating_add(additional);
        if wanted > self.most(consumer, &taken) || all > self.bytes {
            let name = consumer.name();
            let message = format!("{name} has {} bytes and wants {additional} more", reservation.size());
            return Err(DataFusionError::ResourcesExhausted(message));
        }
        *taken.part(consumer) += additional;
        Ok(())
    }

    fn reserved(&self) -> usize {
        let taken = self.taken();
        taken.spillable + taken.fixed
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_cannot_spill_finds_room_when_all_who_can_have_filled_theirs() {
        let pool: Arc<dyn MemoryPool> = Arc::new(Shared::new(1_600));
        let step =
            |name: &str, can_spill| MemoryConsumer::new(name).with_can_spill(can_spill).register(&pool);
        let (sort, other) = (step("sort", true), step("sort", true));
        sort.try_grow(400).unwrap();
        other.try_grow(400).unwrap();
        assert!(sort.try_grow(1).is_err(), "half of all is shared by two");
        let merge = step("merge", false);
        merge.try_grow(800).unwrap();
        let error = merge.try_grow(1).unwrap_err();
        assert!(error.to_string().contains("merge has 800 bytes and wants 1 more"), "{error}");

        drop(other);
        assert_eq!(pool.reserved(), 1_200);
        sort.try_grow(400).unwrap();
        drop((sort, merge));
        assert_eq!(pool.reserved(), 0);
    }

    #[test]
    fn among_many_each_has_room_for_a_batch() {
        let pool: Arc<dyn MemoryPool> = Arc::new(Shared::new(1_600));
        let steps: Vec<_> =
            (0..100).map(|_| MemoryConsumer::new("step").with_can_spill(true).register(&pool)).collect();
        steps[0].try_grow(100).unwrap();
        assert!(steps[0].try_grow(1).is_err());
        assert!(
            steps[1..].iter().filter(|step| step.try_grow(100).is_ok()).count() == 15,
            "and no more than there is"
        );
    }
}
