//! Where in S3 the lake is, and what its objects are written with.

use aws_sdk_s3::types::{ServerSideEncryption, StorageClass};

use super::options::{S3Options, Sse};
use crate::base::policy::partition_of;

/// The bucket, the prefix, and what every new object gets.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) bucket: String,
    /// Empty, or ends in `/`.
    prefix: String,
    pub(super) storage_class: Option<StorageClass>,
    pub(super) encryption: Option<ServerSideEncryption>,
    pub(super) kms_key_id: Option<String>,
    pub(super) bucket_key: Option<bool>,
    partition: &'static str,
}

impl Place {
    /// As `options` have it, in `region`.
    pub(super) fn new(options: S3Options, region: &str) -> Self {
        let prefix = match options.prefix.trim_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let storage_class = match options.storage_class.as_str() {
            "" | "STANDARD" => None,
            class => Some(StorageClass::from(class)),
        };
        let (encryption, kms_key_id, bucket_key) = match options.sse {
            Sse::None => (None, None, None),
            Sse::Aes256 => (Some(ServerSideEncryption::Aes256), None, None),
            Sse::Kms { key_id, bucket_key } => (Some(ServerSideEncryption::AwsKms), key_id, Some(bucket_key)),
        };
        let partition = partition_of(region);
        Self { bucket: options.bucket, prefix, storage_class, encryption, kms_key_id, bucket_key, partition }
    }

    /// The key in the bucket.
    pub(super) fn full_key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// The key in the lake; `None` for what is not in it.
    pub(super) fn relative_key<'a>(&self, full_key: &'a str) -> Option<&'a str> {
        full_key.strip_prefix(&self.prefix)
    }

    pub(super) fn url(&self) -> String {
        self.url_of("").trim_end_matches('/').to_owned()
    }

    pub(super) fn url_of(&self, key: &str) -> String {
        format!("s3://{}/{}{key}", self.bucket, self.prefix)
    }

    /// The bucket as a policy names it.
    pub(super) fn bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.partition, self.bucket)
    }

    /// The lake's objects as a policy names them.
    pub(super) fn objects_arn(&self) -> String {
        format!("{}/{}*", self.bucket_arn(), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: &str = "us-east-1";

    #[test]
    fn a_policy_names_the_bucket_in_its_own_partition() {
        let place = Place::new(S3Options::new("b", "a"), "cn-northwest-1");
        assert_eq!(place.bucket_arn(), "arn:aws-cn:s3:::b");
        assert_eq!(place.objects_arn(), "arn:aws-cn:s3:::b/a/*");
    }

    #[test]
    fn a_prefix_may_be_empty_or_deep_and_slashes_at_its_ends_do_not_count() {
        for (prefix, full, url) in [
            ("", "raw/x", "s3://b"),
            ("/", "raw/x", "s3://b"),
            ("a/b", "a/b/raw/x", "s3://b/a/b"),
            ("/a/b/", "a/b/raw/x", "s3://b/a/b"),
        ] {
            let place = Place::new(S3Options::new("b", prefix), REGION);
            assert_eq!(place.full_key("raw/x"), full);
            assert_eq!(place.relative_key(full), Some("raw/x"));
            assert_eq!(place.url(), url);
        }
        assert_eq!(Place::new(S3Options::new("b", "a"), REGION).relative_key("ab/raw/x"), None);
    }

    #[test]
    fn the_default_storage_class_is_not_sent() {
        let mut options = S3Options::new("b", "");
        assert_eq!(Place::new(options.clone(), REGION).storage_class, None);
        options.storage_class = "GLACIER_IR".to_owned();
        assert_eq!(Place::new(options, REGION).storage_class, Some(StorageClass::GlacierIr));
    }
}
