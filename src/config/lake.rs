//! `[lake]`: where prices are kept.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::check::{Checked, anything, between, name, plain};
use super::error::{did_you_mean, quoted};
use super::lake_url::LakeUrl;
use super::section::Section;
use super::setting::{must_be, textual};
use crate::base::units::ByteSize;

/// The origin of a lake of real prices.
const UPSTREAM: &str = "upstream";

/// Storage classes of S3 that new objects can be given.
const STORAGE_CLASSES: [&str; 8] = [
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "REDUCED_REDUNDANCY",
    "EXPRESS_ONEZONE",
    "OUTPOSTS",
];

/// Storage classes whose objects must be restored before anybody can read them.
const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

/// `[lake]`
#[derive(Debug, Clone, PartialEq)]
pub struct Lake {
    /// Where the lake is.
    pub url: LakeUrl,
    /// Where the lake's prices come from: `upstream`, or `sandbox:<seed>:<scale>`.
    pub origin: String,
    /// The region of the bucket; unset: as the AWS environment says.
    pub region: Option<String>,
    /// The address of a server that speaks S3; unset: AWS.
    pub endpoint_url: Option<String>,
    /// Whether the bucket is part of the path and not of the host's name.
    pub force_path_style: bool,
    /// The S3 storage class of new objects.
    pub storage_class: String,
    /// How S3 encrypts new objects.
    pub sse: Sse,
    /// The KMS key; unset: the account's own for S3. Only with [`Sse::Kms`].
    pub kms_key_id: Option<String>,
    /// Whether one data key serves the bucket, which costs fewer KMS requests. Only with [`Sse::Kms`].
    pub bucket_key: bool,
    /// Where drafts wait; unset: see [`Lake::spool`].
    pub spool_dir: Option<PathBuf>,
    /// How much may wait there before crawling waits too.
    pub spool_limit: ByteSize,
    /// How hard gzip tries, 0 to 9.
    pub gzip_level: u32,
}

/// How S3 encrypts new objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sse {
    /// As the bucket itself is set up.
    #[default]
    None,
    /// `AES256`: with keys that S3 manages.
    Aes256,
    /// `aws:kms`: with a key of KMS.
    Kms,
}

/// The text names no way to encrypt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not none, AES256 or aws:kms")]
pub struct SseError;

impl FromStr for Sse {
    type Err = SseError;

    fn from_str(text: &str) -> Result<Self, SseError> {
        match text {
            "none" => Ok(Self::None),
            "AES256" => Ok(Self::Aes256),
            "aws:kms" => Ok(Self::Kms),
            _ => Err(SseError),
        }
    }
}

impl fmt::Display for Sse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Aes256 => "AES256",
            Self::Kms => "aws:kms",
        })
    }
}

textual!(Sse, "one of none, AES256, aws:kms");

/// The real clouds, or a simulated one as `contrail sandbox` calls itself.
fn origin(value: &String) -> Checked {
    let simulated = value.strip_prefix("sandbox:").and_then(|cloud| cloud.split_once(':'));
    let known =
        simulated.is_some_and(|(seed, scale)| seed.parse::<u64>().is_ok() && scale.parse::<f64>().is_ok());
    if value == UPSTREAM || known {
        return Ok(());
    }
    Err(must_be("\"upstream\", or \"sandbox:SEED:SCALE\" as a sandbox prints it", quoted(value)))
}

impl Default for Lake {
    fn default() -> Self {
        Self {
            url: LakeUrl::Directory("./contrail-lake".into()),
            origin: UPSTREAM.to_owned(),
            region: None,
            endpoint_url: None,
            force_path_style: false,
            storage_class: "STANDARD".to_owned(),
            sse: Sse::None,
            kms_key_id: None,
            bucket_key: true,
            spool_dir: None,
            spool_limit: ByteSize(10 << 30),
            gzip_level: 6,
        }
    }
}

impl Lake {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let default = Self::default();
        let lake = Self {
            url: section.value("url", default.url, anything),
            origin: section.value("origin", default.origin, origin),
            region: section.optional("region", name),
            endpoint_url: section.address("endpoint_url"),
            force_path_style: section.flag("force_path_style", default.force_path_style),
            storage_class: section.value("storage_class", default.storage_class, name),
            sse: section.value("sse", default.sse, anything),
            kms_key_id: section.optional("kms_key_id", plain),
            bucket_key: section.flag("bucket_key", default.bucket_key),
            spool_dir: section.optional("spool_dir", plain).map(PathBuf::from),
            // The largest draft has to fit; and nobody has an exbibyte.
            spool_limit: section.value(
                "spool_limit",
                default.spool_limit,
                between(ByteSize(16 << 20), ByteSize(1 << 50)),
            ),
            gzip_level: section.number("gzip_level", default.gzip_level, 0, 9),
        };
        if lake.kms_key_id.is_some() && lake.sse != Sse::Kms {
            let predicate = format!("needs sse = \"aws:kms\", not \"{}\"", lake.sse);
            let hint = "set lake.sse to \"aws:kms\", or leave kms_key_id out";
            section.at_odds("kms_key_id", "sse", &predicate, hint);
        }
        lake.look_at_storage_class(section);
        lake
    }

    /// Servers that speak S3 have classes of their own, so an unknown one may be right.
    fn look_at_storage_class(&self, section: &mut Section<'_, '_>) {
        let class = self.storage_class.as_str();
        if ARCHIVES.contains(&class) {
            let predicate = format!("is {class}: its objects cannot be read before they are restored");
            section.warn("storage_class", &predicate, "for rarely read prices use GLACIER_IR");
        } else if !STORAGE_CLASSES.contains(&class) {
            let predicate = format!("is \"{class}\", which is no storage class of S3 itself");
            section.warn("storage_class", &predicate, &did_you_mean(class, &STORAGE_CLASSES));
        }
    }

    /// Where drafts wait: `spool_dir`; else inside a local lake; else in the user's state directory (which
    /// `environment` names), one directory for each bucket and prefix, so that no draft strays into another
    /// lake. `None` when the user has no such directory.
    pub fn spool(&self, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
        if let Some(spool) = &self.spool_dir {
            return Some(spool.clone());
        }
        let (bucket, prefix) = match &self.url {
            LakeUrl::Directory(lake) => return Some(lake.join("_contrail").join("spool")),
            LakeUrl::Bucket { bucket, prefix } => (bucket, prefix),
        };
        let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let home = || variable("HOME").map(|home| Path::new(home).join(".local").join("state"));
        let state = variable("XDG_STATE_HOME").map(PathBuf::from).or_else(home)?;
        // None of the parts can hold a plus, so different lakes have different directories.
        let endpoint =
            self.endpoint_url.as_deref().map(|url| url.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
        let parts = [endpoint.as_deref().unwrap_or_default(), bucket, &prefix.replace('/', "+")].join("+");
        Some(state.join("contrail").join("spool").join(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_lakes_have_different_spools() {
        let environment = BTreeMap::from([("HOME".to_owned(), "/home/me".to_owned())]);
        let spool = |url: &str, endpoint: Option<&str>| {
            let endpoint_url = endpoint.map(str::to_owned);
            let lake = Lake { url: url.parse().unwrap(), endpoint_url, ..Lake::default() };
            lake.spool(&environment).unwrap()
        };
        assert_eq!(spool("/lake", None), Path::new("/lake/_contrail/spool"));
        let ours = spool("s3://bucket/a/b", None);
        assert_eq!(ours, Path::new("/home/me/.local/state/contrail/spool/+bucket+a+b"));
        for (url, endpoint) in [("s3://bucket/a", None), ("s3://bucket/a/b", Some("http://127.0.0.1:9000"))] {
            assert_ne!(spool(url, endpoint), ours);
        }
        assert_eq!(
            Lake { url: "s3://bucket".parse().unwrap(), ..Lake::default() }.spool(&BTreeMap::new()),
            None
        );
    }
}
