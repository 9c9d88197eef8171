//! Where a lake is, as people write it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

use super::setting::textual;

/// Where the lake is. Shown as a URL that reads back as the same place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LakeUrl {
    /// A local directory, absolute or relative to the working directory.
    Directory(PathBuf),
    /// A bucket of S3 or of a server that speaks its protocol.
    Bucket {
        /// The name of the bucket.
        bucket: String,
        /// What all keys start with, without a slash at either end; empty for the whole bucket.
        prefix: String,
    },
}

/// The text names no lake. It is not repeated: an address may carry a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the address of a lake")]
pub struct LakeUrlError;

impl FromStr for LakeUrl {
    type Err = LakeUrlError;

    fn from_str(text: &str) -> Result<Self, LakeUrlError> {
        if let Some(place) = text.strip_prefix("s3://") {
            return bucket(place);
        }
        if text.starts_with("file:/") {
            let url = Url::parse(text).map_err(|_| LakeUrlError)?;
            // A relative path after `//` would be taken for a host.
            if url.query().is_some() || url.fragment().is_some() {
                return Err(LakeUrlError);
            }
            return url.to_file_path().map(Self::Directory).map_err(|()| LakeUrlError);
        }
        let path = text.strip_prefix("file:").unwrap_or(text);
        // `s3:bucket` is a bucket with a slip, not a directory.
        if path.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("s3:")) {
            return Err(LakeUrlError);
        }
        // A shell would have expanded the tilde; a directory of that name is nobody's wish.
        if path.trim().is_empty()
            || path.contains("://")
            || path.starts_with('~')
            || path.contains(char::is_control)
        {
            return Err(LakeUrlError);
        }
        Ok(Self::Directory(path.into()))
    }
}

fn bucket(place: &str) -> Result<LakeUrl, LakeUrlError> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    let named = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
    // Keys hold nothing that needs encoding in a URL, and S3 does not resolve `..`.
    let plain = |segment: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'=');
        !matches!(segment, "" | "." | "..") && segment.bytes().all(fits)
    };
    if !named || !(prefix.is_empty() || prefix.split('/').all(plain)) || prefix.len() > 512 {
        return Err(LakeUrlError);
    }
    Ok(LakeUrl::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
}

impl fmt::Display for LakeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Directory(path) => match Url::from_file_path(path) {
                Ok(url) => f.write_str(url.as_str()),
                Err(()) => write!(f, "file:{}", dotted(path).display()),
            },
        }
    }
}

/// A relative path that shows that it is one.
fn dotted(path: &Path) -> PathBuf {
    if path.starts_with(".") || path.starts_with("..") { path.to_owned() } else { Path::new(".").join(path) }
}

textual!(LakeUrl, "s3://bucket/prefix, file:///an/absolute/directory, file:./a/relative/one or a path");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<LakeUrl> {
        text.parse().ok()
    }

    #[test]
    fn directories_are_urls_or_paths() {
        for (text, path, shown) in [
            ("file:///var/lib/contrail", "/var/lib/contrail", "file:///var/lib/contrail"),
            ("/var/lib/contrail", "/var/lib/contrail", "file:///var/lib/contrail"),
            ("file:///with%20space", "/with space", "file:///with%20space"),
            ("file:./contrail-lake", "./contrail-lake", "file:./contrail-lake"),
            ("contrail-lake", "contrail-lake", "file:./contrail-lake"),
            ("../lake", "../lake", "file:../lake"),
        ] {
            let url = read(text).unwrap();
            assert_eq!(url, LakeUrl::Directory(path.into()), "{text}");
            assert_eq!(url.to_string(), shown);
        }
    }

    #[test]
    fn buckets_have_a_prefix_or_none() {
        let url = |bucket: &str, prefix: &str| {
            Some(LakeUrl::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
        };
        assert_eq!(read("s3://my-bucket"), url("my-bucket", ""));
        assert_eq!(read("s3://my-bucket/"), url("my-bucket", ""));
        assert_eq!(read("s3://my-bucket/a/b_c/"), url("my-bucket", "a/b_c"));
    }

    #[test]
    fn what_is_no_lake_is_refused() {
        for text in [
            "",
            " ",
            "s3://",
            "s3://My_Bucket",
            "s3://me:secret@bucket",
            "s3://bucket/../x",
            "s3://bucket//x",
            "s3:bucket",
            "s3:/bucket",
            "S3://bucket",
            "s3://bucket/a b",
            "gs://bucket",
            "https://host/",
            "file://host/x",
            "file://./x",
            "file:",
            "~/lake",
            "a\0b",
            "file:///x?y",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_place_reads_back_as_it_is_shown(text in "(s3://|file:///|file:\\./|/|)[a-z0-9./ %-]{0,40}") {
            if let Some(url) = read(&text) {
                let again = read(&url.to_string()).unwrap();
                prop_assert_eq!(again.to_string(), url.to_string());
            }
        }
    }
}
