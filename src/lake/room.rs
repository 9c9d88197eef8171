//! The room that the drafts of a spool have, so that an upstream that never stops cannot fill the disk. The spool's
//! own budget counts what is finished; this counts what is on its way.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The room that all drafts of a spool share.
#[derive(Debug)]
pub(super) struct Room {
    /// The longest payload, before gzip.
    payload: u64,
    /// What all drafts together may take on the disk.
    disk: u64,
    taken: AtomicU64,
}

impl Room {
    /// Twenty times the largest price list of a region in 2026.
    const LARGEST_PAYLOAD: u64 = 8 << 30;

    /// What drafts may take at least: a spool may be small, price lists are not.
    const LEAST_DISK: u64 = 1 << 30;

    /// The room beside a spool of `limit` bytes: as much again.
    pub(super) fn beside(limit: u64) -> Arc<Self> {
        Self::of(Self::LARGEST_PAYLOAD, limit.max(Self::LEAST_DISK))
    }

    fn of(payload: u64, disk: u64) -> Arc<Self> {
        Arc::new(Self { payload, disk, taken: AtomicU64::new(0) })
    }

    /// Fails when a payload of `length` bytes may not become `more` bytes longer.
    pub(super) fn check(&self, length: u64, more: usize) -> io::Result<()> {
        if length.saturating_add(more as u64) <= self.payload {
            return Ok(());
        }
        let message = format!("the payload is longer than {} bytes", self.payload);
        Err(io::Error::new(io::ErrorKind::FileTooLarge, message))
    }

    /// `file`, which takes its bytes out of this room from now on.
    pub(super) fn meter(self: &Arc<Self>, file: File) -> Metered {
        Metered { file, room: Arc::clone(self), taken: 0 }
    }
}

/// A file that takes its bytes out of the room, and gives them back when it is dropped.
#[derive(Debug)]
pub(super) struct Metered {
    file: File,
    room: Arc<Room>,
    taken: u64,
}

impl Metered {
    /// Sees what was written onto the disk.
    pub(super) fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// How long the file is.
    pub(super) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

impl Write for Metered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let wanted = bytes.len() as u64;
        let before = self.room.taken.fetch_add(wanted, Ordering::Relaxed);
        self.taken += wanted;
        if before.saturating_add(wanted) > self.room.disk {
            let message =
                format!("the payloads that are on their way take more than {} bytes", self.room.disk);
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, message));
        }
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::draft::Draft;
    use super::*;

    fn write_until_refused(draft: &mut Draft) -> io::Error {
        // What gzip cannot make smaller.
        let chance = crate::base::Chance::seeded(7);
        loop {
            let noise = std::iter::repeat_with(|| chance.next_u64().to_be_bytes()).take(1_000);
            if let Err(error) = draft.write_all(&noise.flatten().collect::<Vec<u8>>()) {
                return error;
            }
        }
    }

    #[test]
    fn a_payload_without_end_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let mut endless = Draft::create(directory.path().join("a"), &Room::of(1 << 20, 1 << 30), 6).unwrap();
        assert_eq!(write_until_refused(&mut endless).kind(), io::ErrorKind::FileTooLarge);
        endless.restart().unwrap();
        endless.row(b"{}").unwrap();
    }

    #[test]
    fn drafts_share_their_room_on_the_disk_and_give_it_back() {
        let directory = tempfile::tempdir().unwrap();
        let room = Room::of(u64::MAX, 1 << 20);
        let draft = |name: &str| Draft::create(directory.path().join(name), &room, 6).unwrap();
        let (mut one, mut two) = (draft("one"), draft("two"));
        assert_eq!(write_until_refused(&mut one).kind(), io::ErrorKind::QuotaExceeded);
        let lengths =
            std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
        let on_disk: u64 = lengths.sum();
        assert!(on_disk <= 1 << 20, "{on_disk} bytes");
        assert_eq!(write_until_refused(&mut two).kind(), io::ErrorKind::QuotaExceeded);
        drop((one, two));
        let mut three = draft("three");
        three.row(b"{}").unwrap();
        three.finish().unwrap();
        assert_eq!(room.taken.load(Ordering::Relaxed), 0);
    }
}
