//! What a user decides about a lake in S3.

/// Where the lake is and how its objects are written.
#[derive(Debug, Clone)]
pub struct S3Options {
    /// The bucket.
    pub bucket: String,
    /// The start of every key, without slashes at its ends; empty for the whole bucket.
    pub prefix: String,
    /// The bucket's region; `None` takes the one of the environment.
    pub region: Option<String>,
    /// An S3-compatible server; `None` is AWS, or what the environment names.
    pub endpoint_url: Option<String>,
    /// Name the bucket in the path instead of the host name, as most servers beside AWS need.
    pub force_path_style: bool,
    /// The storage class of new objects; `STANDARD` is not sent, for it is the default everywhere.
    pub storage_class: String,
    /// How the server encrypts new objects.
    pub sse: Sse,
    /// Files longer than this, in bytes, go up in parts; 64 MiB unless a test wants less.
    pub multipart_threshold: u64,
    /// The length of a part in bytes, at least 5 MiB; longer where a file would need over 10,000 parts.
    pub part_bytes: u64,
}

impl S3Options {
    /// The bucket and prefix, and a default for everything else.
    pub fn new(bucket: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: prefix.into(),
            region: None,
            endpoint_url: None,
            force_path_style: false,
            storage_class: "STANDARD".to_owned(),
            sse: Sse::None,
            multipart_threshold: 64 << 20,
            part_bytes: 16 << 20,
        }
    }
}

/// How the server encrypts objects at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sse {
    /// As the bucket says.
    None,
    /// With keys of S3.
    Aes256,
    /// With a key of KMS.
    Kms {
        /// The key's id, ARN or alias; `None` takes the account's own key for S3.
        key_id: Option<String>,
        /// Ask KMS once for each bucket and day instead of once for each object.
        bucket_key: bool,
    },
}
