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
    /// sha256 of the payload before gzip, in lower-case hex. An object that is not gzipped is its own payload.
    pub sha256: String,
    /// Length of the payload before gzip, in bytes.
    pub bytes: u64,
    /// Lines of an NDJSON payload; products of a price list; pieces of advice of the Spot Instance Advisor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// A fingerprint of the set of rows, or of what a slot's document says, whatever the order: 32 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_hash: Option<String>,
    /// How many things the upstream told of, where that is steady: items, products, pools of a region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub things: Option<u64>,
    /// Rows on a full page of the upstream's listing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_rows: Option<u64>,
    /// The fields that the upstream's rows had, parted by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<String>,
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
    /// Of an object of a table: sha256 over the sorted list of what it was built from, in lower-case hex. The same
    /// inputs give the same object, so where this is equal there is nothing to build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// Of a day of a table that carries prices over: a hash of the prices at its end, on which the next day is built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<String>,
}

impl ObjectMeta {
    /// The facts of a small object that is kept as it is.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { sha256: hex(&Sha256::digest(bytes)), bytes: bytes.len() as u64, ..Self::default() }
    }

    /// The facts as S3 user metadata, without the `x-amz-meta-` that the wire adds.
    pub fn to_pairs(&self) -> BTreeMap<String, String> {
        let number = |value: Option<u64>| value.map(|number| number.to_string());
        let text = |value: &Option<String>, longest| value.as_deref().map(|text| ascii(text, longest));
        let optional = [
            ("contrail-rows", number(self.rows)),
            ("contrail-rows-hash", text(&self.rows_hash, 32)),
            ("contrail-things", number(self.things)),
            ("contrail-page-rows", number(self.page_rows)),
            ("contrail-fields", text(&self.fields, 512)),
            ("contrail-source-url", text(&self.source_url, 512)),
            (
                "contrail-fetched-at",
                self.fetched_at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
            ),
            ("contrail-etag", text(&self.etag, 128)),
            ("contrail-last-modified", text(&self.last_modified, 64)),
            ("contrail-account", text(&self.account, 64)),
            ("contrail-complete", self.complete.map(|complete| complete.to_string())),
            ("contrail-suspect", self.suspect.map(|suspect| suspect.to_string())),
            ("contrail-version", text(&self.version, 32)),
            ("contrail-run", text(&self.run, 32)),
            ("contrail-inputs", text(&self.inputs, 64)),
            ("contrail-closes", text(&self.closes, 64)),
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
        let number = |name: &str| pairs.get(name).and_then(|number| number.parse().ok());
        Some(Self {
            sha256: text("contrail-sha256")?,
            bytes: text("contrail-bytes")?.parse().ok()?,
            rows: number("contrail-rows"),
            rows_hash: text("contrail-rows-hash"),
            things: number("contrail-things"),
            page_rows: number("contrail-page-rows"),
            fields: text("contrail-fields"),
            source_url: text("contrail-source-url"),
            fetched_at: text("contrail-fetched-at").and_then(|at| at.parse().ok()),
            etag: text("contrail-etag"),
            last_modified: text("contrail-last-modified"),
            account: text("contrail-account"),
            complete: text("contrail-complete").and_then(|complete| complete.parse().ok()),
            suspect: text("contrail-suspect").and_then(|suspect| suspect.parse().ok()),
            version: text("contrail-version"),
            run: text("contrail-run"),
            inputs: text("contrail-inputs"),
            closes: text("contrail-closes"),
        })
    }
}

/// Metadata travels in HTTP headers: printable ASCII, and within S3's 2 KB for all of it.
fn ascii(value: &str, longest: usize) -> String {
    value.chars().take(longest).map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
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
            things: Some(2),
            page_rows: Some(1_000),
            fields: Some("meterId,retailPrice".to_owned()),
            source_url: Some("https://prices.azure.com/api/retail/prices?currencyCode=USD".to_owned()),
            fetched_at: Some("2026-11-21T20:10:00Z".parse().unwrap()),
            etag: Some("\"x\"".to_owned()),
            last_modified: None,
            account: None,
            complete: Some(true),
            suspect: Some(false),
            version: Some("0.1.0".to_owned()),
            run: Some("3f9a1c2b".to_owned()),
            inputs: Some("ef".repeat(32)),
            closes: Some("01".repeat(32)),
        };
        let pairs = meta.to_pairs();
        assert_eq!(pairs["contrail-fetched-at"], "2026-11-21T20:10:00Z");
        let read = ObjectMeta::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        assert_eq!(read, Some(meta));
        assert_eq!(ObjectMeta::from_pairs([("owner", "me")]), None);
    }

    #[test]
    fn whatever_an_upstream_says_the_metadata_stays_within_what_s3_allows() {
        let long = || Some("é".repeat(10_000));
        let meta = ObjectMeta {
            sha256: "ab".repeat(32),
            bytes: u64::MAX,
            rows: Some(u64::MAX),
            rows_hash: Some("cd".repeat(16)),
            things: Some(u64::MAX),
            page_rows: Some(u64::MAX),
            fields: long(),
            source_url: long(),
            fetched_at: Some("2026-11-21T20:10:00Z".parse().unwrap()),
            etag: long(),
            last_modified: long(),
            account: long(),
            complete: Some(false),
            suspect: Some(false),
            version: long(),
            run: long(),
            inputs: long(),
            closes: long(),
        };
        let length: usize = meta.to_pairs().iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(length <= 2_048, "{length} bytes");
    }
}
