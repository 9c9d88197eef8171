//! Checksums of what is about to be sent, computed before it is: the server refuses what was damaged on the
//! way. Reads files in small pieces, on blocking threads.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;

use base64::Engine as _;
use crc_fast::{CrcAlgorithm, Digest as Crc};
use sha2::{Digest as _, Sha256};

/// S3's limits: the shortest part that is not the last, and the most parts of an object.
const MIN_PART_BYTES: u64 = 5 << 20;
const MAX_PARTS: u64 = 10_000;
const BUFFER_BYTES: usize = 64 << 10;

/// Which checksums go along with a multipart upload, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checksums {
    /// One for each part and one for the whole object. AWS; few others know it.
    WholeCrc64Nvme,
    /// One for each part.
    PartCrc32,
    /// None: the server knows neither.
    None,
}

impl Checksums {
    pub(super) fn weaker(self) -> Option<Self> {
        match self {
            Self::WholeCrc64Nvme => Some(Self::PartCrc32),
            Self::PartCrc32 => Some(Self::None),
            Self::None => None,
        }
    }
}

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// From 1.
    pub(super) number: i32,
    pub(super) offset: u64,
    pub(super) bytes: u64,
    /// In the form that [`Cut::checksums`] says; `None` with [`Checksums::None`].
    pub(super) checksum: Option<String>,
}

/// How a file is cut.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) checksums: Checksums,
    pub(super) parts: Vec<Part>,
    /// The checksum of the whole file, with [`Checksums::WholeCrc64Nvme`].
    pub(super) whole: Option<String>,
    pub(super) bytes: u64,
}

impl Cut {
    /// Cuts the first `length` bytes of `file` into parts of about `part_bytes`, within S3's limits.
    pub(super) async fn read(
        file: &Path,
        length: u64,
        part_bytes: u64,
        checksums: Checksums,
    ) -> io::Result<Self> {
        let file = file.to_owned();
        blocking(move || {
            let mut file = File::open(file)?;
            let mut parts = cut(length, part_bytes);
            let mut whole = Crc::new(CrcAlgorithm::Crc64Nvme);
            for part in &mut parts {
                part.checksum = match checksums {
                    Checksums::WholeCrc64Nvme => {
                        let crc = crc(&mut file, part, CrcAlgorithm::Crc64Nvme)?;
                        whole.combine(&crc);
                        Some(base64(&crc.finalize().to_be_bytes()))
                    }
                    Checksums::PartCrc32 => {
                        let crc = crc(&mut file, part, CrcAlgorithm::Crc32IsoHdlc)?.finalize();
                        let crc = u32::try_from(crc).map_err(io::Error::other)?;
                        Some(base64(&crc.to_be_bytes()))
                    }
                    Checksums::None => None,
                };
            }
            let whole =
                (checksums == Checksums::WholeCrc64Nvme).then(|| base64(&whole.finalize().to_be_bytes()));
            Ok(Self { checksums, parts, whole, bytes: length })
        })
        .await
    }
}

/// The sha256 of a file, as S3 writes it.
pub(super) async fn sha256(file: &Path) -> io::Result<String> {
    let file = file.to_owned();
    blocking(move || {
        let mut sha256 = Sha256::new();
        each_piece(&mut File::open(file)?, |piece| sha256.update(piece))?;
        Ok(base64(&sha256.finalize()))
    })
    .await
}

pub(super) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn cut(length: u64, part_bytes: u64) -> Vec<Part> {
    let part_bytes = part_bytes.max(MIN_PART_BYTES).max(length.div_ceil(MAX_PARTS));
    (1..)
        .zip((0..length).step_by(usize::try_from(part_bytes).unwrap_or(usize::MAX)))
        .map(|(number, offset)| Part {
            number,
            offset,
            bytes: part_bytes.min(length - offset),
            checksum: None,
        })
        .collect()
}

fn crc(file: &mut File, part: &Part, algorithm: CrcAlgorithm) -> io::Result<Crc> {
    let mut crc = Crc::new(algorithm);
    file.seek(io::SeekFrom::Start(part.offset))?;
    each_piece(&mut file.take(part.bytes), |piece| crc.update(piece))?;
    if crc.get_amount() == part.bytes {
        Ok(crc)
    } else {
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was read"))
    }
}

fn each_piece(source: &mut impl Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => take(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_file_within_the_limits() {
        const TIB: u64 = 1 << 40;
        for length in [1, MIN_PART_BYTES, MIN_PART_BYTES + 1, 100 << 20, 5 * TIB] {
            let parts = cut(length, 8 << 20);
            assert!(parts.len() as u64 <= MAX_PARTS);
            let mut end = 0;
            for (index, part) in parts.iter().enumerate() {
                assert_eq!((part.number, part.offset), (i32::try_from(index).unwrap() + 1, end));
                assert!(part.bytes >= MIN_PART_BYTES || index + 1 == parts.len());
                end += part.bytes;
            }
            assert_eq!(end, length);
        }
    }

    #[tokio::test]
    async fn checksums_are_the_published_ones() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, b"123456789").unwrap();
        assert_eq!(sha256(&file).await.unwrap(), "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=");
        // The check values of the CRC catalogue: 0xcbf43926 and 0xae8b14860a799888.
        let cut = Cut::read(&file, 9, 0, Checksums::PartCrc32).await.unwrap();
        assert_eq!(cut.parts[0].checksum.as_deref(), Some("y/Q5Jg=="));
        assert_eq!(cut.whole, None);
        let cut = Cut::read(&file, 9, 0, Checksums::WholeCrc64Nvme).await.unwrap();
        assert_eq!(cut.whole.as_deref(), Some("rosUhgp5mIg="));
        assert_eq!(cut.parts[0].checksum, cut.whole);
    }

    #[tokio::test]
    async fn the_checksum_of_the_whole_is_joined_from_the_parts() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        let bytes: Vec<u8> = (0..=250_u8).cycle().take(11 << 20).collect();
        std::fs::write(&file, &bytes).unwrap();
        let cut = Cut::read(&file, bytes.len() as u64, 0, Checksums::WholeCrc64Nvme).await.unwrap();
        assert_eq!(cut.parts.len(), 3);
        assert_eq!(cut.whole, Some(base64(&crc_fast::crc64_nvme(&bytes).to_be_bytes())));
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, b"short").unwrap();
        assert!(Cut::read(&file, 9, 0, Checksums::PartCrc32).await.is_err());
    }
}
