//! What is known of an object beside its bytes: S3 user metadata, or a sidecar in a local lake.
//! The names are a contract with users; values are ASCII on one line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::draft::hex;
use crate::base::Time;

/// The facts that travel with an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectMeta {
    /// sha256 of the payload before gzip, in lower-case hex.
    pub sha256: String,
    /// Length of the payload before gzip, in bytes.
    pub bytes: u64,
    /// Lines of an NDJSON payload; products of a price list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// A fingerprint of the set of rows, whatever their order: 32 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_hash: Option<String>,
    /// Where it was fetched, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
    /// When it was fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<Time>,
    /// The upstream's own entity tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The upstream's own modification time, as it wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// The account that asked, where the answer depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Whether the last walk of a listing that is no snapshot added nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
    /// Whether the payload looks too small to be the whole truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspect: Option<bool>,
    /// The release of Contrail that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The run that fetched it, as in the run log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

impl ObjectMeta {
    /// The facts of a small object that is kept as it is.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { sha256: hex(&Sha256::digest(bytes)), bytes: bytes.len() as u64, ..Self::default() }
    }

    /// The facts as S3 user metadata, without the `x-amz-meta-` that the wire adds.
    pub fn to_pairs(&self) -> BTreeMap<String, String> {
        let text = |value: &Option<String>| value.as_deref().map(ascii);
        let optional = [
            ("contrail-rows", self.rows.map(|rows| rows.to_string())),
            ("contrail-rows-hash", text(&self.rows_hash)),
            ("contrail-source-url", text(&self.source_url)),
            (
                "contrail-fetched-at",
                self.fetched_at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
            ),
            ("contrail-etag", text(&self.etag)),
            ("contrail-last-modified", text(&self.last_modified)),
            ("contrail-account", text(&self.account)),
            ("contrail-complete", self.complete.map(|complete| complete.to_string())),
            ("contrail-suspect", self.suspect.map(|suspect| suspect.to_string())),
            ("contrail-version", text(&self.version)),
            ("contrail-run", text(&self.run)),
        ];
        let required = [
            ("contrail-sha256", Some(self.sha256.clone())),
            ("contrail-bytes", Some(self.bytes.to_string())),
        ];
        required
            .into_iter()
            .chain(optional)
            .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)))
            .collect()
    }

    /// Reads what [`to_pairs`](Self::to_pairs) wrote; `None` when the two facts that every object has are not
    /// there, as for an object that somebody else put.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let pairs: BTreeMap<String, &str> =
            pairs.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let text = |name: &str| pairs.get(name).map(|value| (*value).to_owned());
        Some(Self {
            sha256: text("contrail-sha256")?,
            bytes: text("contrail-bytes")?.parse().ok()?,
            rows: text("contrail-rows").and_then(|rows| rows.parse().ok()),
            rows_hash: text("contrail-rows-hash"),
            source_url: text("contrail-source-url"),
            fetched_at: text("contrail-fetched-at").and_then(|at| at.parse().ok()),
            etag: text("contrail-etag"),
            last_modified: text("contrail-last-modified"),
            account: text("contrail-account"),
            complete: text("contrail-complete").and_then(|complete| complete.parse().ok()),
            suspect: text("contrail-suspect").and_then(|suspect| suspect.parse().ok()),
            version: text("contrail-version"),
            run: text("contrail-run"),
        })
    }
}

/// Metadata travels in HTTP headers: printable ASCII, and within S3's 2 KB for all of it.
fn ascii(value: &str) -> String {
    value.chars().take(512).map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_reads_back() {
        let meta = ObjectMeta {
            sha256: "ab".repeat(32),
            bytes: 7,
            rows: Some(2),
            rows_hash: Some("cd".repeat(16)),
            source_url: Some("https://prices.azure.com/api/retail/prices?currencyCode=USD".to_owned()),
            fetched_at: Some("2026-11-21T20:10:00Z".parse().unwrap()),
            etag: Some("\"x\"".to_owned()),
            last_modified: None,
            account: None,
            complete: Some(true),
            suspect: Some(false),
            version: Some("0.1.0".to_owned()),
            run: Some("3f9a1c2b".to_owned()),
        };
        let pairs = meta.to_pairs();
        assert_eq!(pairs["contrail-fetched-at"], "2026-11-21T20:10:00Z");
        let read = ObjectMeta::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        assert_eq!(read, Some(meta));
        assert_eq!(ObjectMeta::from_pairs([("owner", "me")]), None);
    }
}
