//! Sorting more rows than memory holds: what fits is sorted, written down as a run, and all runs are merged in the end.
//! Rows are bytes and sort as bytes do ([`super::packed`]); rows that are equal are kept, all of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

use super::run::{Run, RunReader, RunWriter};
use super::scratch::Scratch;

/// What an entry costs beside its bytes.
const ENTRY_BYTES: usize = size_of::<Entry>();

/// Takes rows in any order.
#[derive(Debug)]
pub struct Sorter {
    scratch: Scratch,
    budget: usize,
    rows: Vec<u8>,
    entries: Vec<Entry>,
    runs: Vec<Run>,
}

/// Where a row lies, and its first bytes: most comparisons need no more.
#[derive(Debug, Clone, Copy)]
struct Entry {
    start: u32,
    length: u32,
    head: u64,
}

impl Sorter {
    /// A sorter that holds about `budget` bytes in memory, and writes into `scratch` what is beyond.
    pub fn new(scratch: &Scratch, budget: usize) -> Self {
        // Where a row lies is told in 32 bits.
        let budget = budget.min(u32::MAX as usize / 2);
        Self { scratch: scratch.clone(), budget, rows: Vec::new(), entries: Vec::new(), runs: Vec::new() }
    }

    /// Takes one row.
    pub fn push(&mut self, row: &[u8]) -> io::Result<()> {
        let held = self.rows.len() + self.entries.len() * ENTRY_BYTES;
        if held + row.len() > self.budget && !self.entries.is_empty() {
            self.spill()?;
        }
        let narrow = |length: usize| u32::try_from(length).map_err(io::Error::other);
        let entry = Entry { start: narrow(self.rows.len())?, length: narrow(row.len())?, head: head(row) };
        self.rows.extend_from_slice(row);
        self.entries.push(entry);
        Ok(())
    }

    /// All rows, in order, as runs to be merged.
    pub fn finish(mut self) -> io::Result<Vec<Run>> {
        if !self.entries.is_empty() {
            self.spill()?;
        }
        Ok(self.runs)
    }

    /// All rows, in order, as one run, which may be read again and again.
    pub fn into_run(self) -> io::Result<Run> {
        let scratch = self.scratch.clone();
        let runs = self.finish()?;
        if let [run] = runs.as_slice() {
            return Ok(run.clone());
        }
        let mut merge = Merge::of(&runs)?;
        let mut all = RunWriter::new(&scratch)?;
        while let Some(row) = merge.next()? {
            all.push(row)?;
        }
        all.finish()
    }

    fn spill(&mut self) -> io::Result<()> {
        let rows = &self.rows;
        let row = |entry: &Entry| {
            let start = entry.start as usize;
            rows.get(start..start + entry.length as usize).unwrap_or_default()
        };
        self.entries
            .sort_unstable_by(|one, other| one.head.cmp(&other.head).then_with(|| row(one).cmp(row(other))));
        let mut run = RunWriter::new(&self.scratch)?;
        for entry in &self.entries {
            run.push(row(entry))?;
        }
        self.runs.push(run.finish()?);
        self.rows.clear();
        self.entries.clear();
        Ok(())
    }
}

fn head(row: &[u8]) -> u64 {
    let mut head = [0; 8];
    for (to, from) in head.iter_mut().zip(row) {
        *to = *from;
    }
    u64::from_be_bytes(head)
}

/// Several runs as one.
#[derive(Debug)]
pub struct Merge {
    heap: BinaryHeap<Reverse<Cursor>>,
    // The row that was handed out last lies in its cursor; it is moved on with the next call.
    is_spent: bool,
}

/// A run and the row that it stands at.
#[derive(Debug)]
struct Cursor {
    reader: RunReader,
    // Tells runs apart, so that equal rows come in the order of their runs.
    index: usize,
}

impl Merge {
    /// The rows of all `runs`, in order.
    pub fn of(runs: &[Run]) -> io::Result<Self> {
        let mut heap = BinaryHeap::with_capacity(runs.len());
        for (index, run) in runs.iter().enumerate() {
            let mut reader = run.rows()?;
            if reader.advance()? {
                heap.push(Reverse(Cursor { reader, index }));
            }
        }
        Ok(Self { heap, is_spent: false })
    }

    /// The next row, and nothing after the last one.
    #[expect(clippy::should_implement_trait, reason = "a row is lent, which an iterator cannot do")]
    pub fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.is_spent
            && let Some(mut first) = self.heap.peek_mut()
            && !first.0.reader.advance()?
        {
            std::collections::binary_heap::PeekMut::pop(first);
        }
        self.is_spent = true;
        Ok(self.heap.peek().map(|first| first.0.reader.row()))
    }

    /// The run, by its place among those that are merged, that the row which was handed out last came from.
    pub fn run(&self) -> Option<usize> {
        self.heap.peek().map(|first| first.0.index)
    }
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Cursor {}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cursor {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.reader.row().cmp(other.reader.row()).then_with(|| self.index.cmp(&other.index))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(rows: &[Vec<u8>], budget: usize) -> (Vec<Vec<u8>>, usize) {
        let directory = tempfile::tempdir().unwrap();
        let scratch = Scratch::within(directory.path()).unwrap();
        let mut sorter = Sorter::new(&scratch, budget);
        for row in rows {
            sorter.push(row).unwrap();
        }
        let runs = sorter.finish().unwrap();
        let mut merge = Merge::of(&runs).unwrap();
        let mut all = Vec::new();
        while let Some(row) = merge.next().unwrap() {
            all.push(row.to_vec());
        }
        (all, runs.len())
    }

    proptest! {
        #[test]
        fn rows_come_out_in_order_whatever_fits_into_memory(
            rows in prop::collection::vec(prop::collection::vec(0_u8..4, 0..20), 0..60),
            budget in 1_usize..400,
        ) {
            let mut expected = rows.clone();
            expected.sort();
            prop_assert_eq!(sorted(&rows, budget).0, expected);
        }
    }

    #[test]
    fn what_fits_is_one_run_and_what_does_not_is_several() {
        let rows: Vec<Vec<u8>> = (0..100_u8).rev().map(|number| vec![number; 10]).collect();
        assert_eq!(sorted(&rows, 1 << 20).1, 1);
        assert_eq!(sorted(&rows, 260).1, 10);
    }

    #[test]
    fn one_run_of_many_reads_again_and_again() {
        let directory = tempfile::tempdir().unwrap();
        let scratch = Scratch::within(directory.path()).unwrap();
        let mut sorter = Sorter::new(&scratch, 64);
        for number in (0..50_u8).rev() {
            sorter.push(&[number, number]).unwrap();
        }
        let run = sorter.into_run().unwrap();
        for _ in 0..2 {
            let mut merge = Merge::of(std::slice::from_ref(&run)).unwrap();
            for number in 0..50_u8 {
                assert_eq!(merge.next().unwrap(), Some(&[number, number][..]));
            }
            assert_eq!(merge.next().unwrap(), None);
            assert_eq!(merge.next().unwrap(), None);
        }
    }
}
