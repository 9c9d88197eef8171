//! Which bytes a file holds, told without reading them. No file is written in place here, so a file that is another
//! has another inode, another time or another length.

use std::fs::Metadata;
use std::io;
use std::time::UNIX_EPOCH;

use crate::lake::store::ETag;

/// From the length, the time of the last change in nanoseconds since 1970, and the inode where there are inodes.
pub(super) fn etag(metadata: &Metadata) -> io::Result<ETag> {
    let modified = metadata.modified()?;
    // A file may be older than 1970: an archive can bring it back like that.
    let since = modified.duration_since(UNIX_EPOCH).map_or_else(
        |before| format!("-{:x}", before.duration().as_nanos()),
        |after| format!("{:x}", after.as_nanos()),
    );
    Ok(ETag(format!("{:x}-{since}-{:x}", metadata.len(), inode(metadata))))
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}
