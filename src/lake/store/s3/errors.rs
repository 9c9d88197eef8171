//! What S3 and the way to it can answer, told as one line and a hint. Answers to HEAD have no body, so status
//! and headers must do for them.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ConnectorError, ProvideErrorMetadata, SdkError};

use super::place::Place;
use crate::base::error::one_line;
use crate::base::policy::allow;
use crate::lake::store::{StoreError, StoreErrorKind};

/// The longest message of a server that is passed on, in characters.
const MESSAGE_CHARS: usize = 300;

/// What was asked of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Put,
    Get,
    Head,
    List,
}

impl Operation {
    fn verb(self) -> &'static str {
        match self {
            Self::Put => "write",
            Self::Get => "read",
            Self::Head => "look at",
            Self::List => "list",
        }
    }

    /// What to allow where it is refused.
    fn allowance(self, place: &Place) -> String {
        let (bucket, objects) = (place.bucket_arn(), place.objects_arn());
        match self {
            Self::Put => allow(&["s3:PutObject"], &[&objects]),
            Self::Get => allow(&["s3:GetObject"], &[&objects]),
            // Without s3:ListBucket, S3 answers 403 for an object that is not there.
            Self::Head => allow(&["s3:GetObject", "s3:ListBucket"], &[&objects, &bucket]),
            Self::List => allow(&["s3:ListBucket"], &[&bucket]),
        }
    }
}

/// Why a request did not succeed, after the SDK's retries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The server refused it.
    Refused {
        status: u16,
        /// S3's error code; empty where the answer had none.
        code: String,
        message: String,
        /// The region that the bucket is in, where the answer says so.
        region: Option<String>,
    },
    /// No complete answer came.
    Unreachable(String),
    /// There is nothing to sign with.
    NoCredentials(String),
    /// The request could not even be made.
    Unusable(String),
}

impl Trouble {
    pub(super) fn new<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(refusal) => {
                let (answer, error) = (refusal.raw(), refusal.err());
                let message = error.message().unwrap_or_default();
                let status = answer.status().as_u16();
                if answer.status().is_success() && error.code().is_none() {
                    return Self::Unreachable(format!(
                        "the answer ({status}) is not S3's: {}",
                        causes(error)
                    ));
                }
                Self::Refused {
                    status,
                    code: error.code().unwrap_or_default().to_owned(),
                    message: message.split_whitespace().collect::<Vec<_>>().join(" "),
                    region: answer
                        .headers()
                        .get("x-amz-bucket-region")
                        .or_else(|| expected_region(message))
                        .map(str::to_owned),
                }
            }
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(error) => Self::of_dispatch(error),
                None => Self::Unreachable(causes(error)),
            },
            SdkError::ConstructionFailure(_) => Self::Unusable(causes(error)),
            SdkError::TimeoutError(_) => Self::Unreachable("no answer in time".to_owned()),
            SdkError::ResponseError(answer) => {
                let status = answer.raw().status().as_u16();
                Self::Unreachable(format!("the answer ({status}) is not S3's: {}", causes(error)))
            }
            _ => Self::Unreachable(causes(error)),
        }
    }

    fn of_dispatch(error: &ConnectorError) -> Self {
        let text = one_line(error);
        if let Some(credentials) = find::<CredentialsError>(error) {
            return match credentials {
                CredentialsError::ProviderTimedOut(_) => Self::Unreachable(text),
                _ => Self::NoCredentials(text),
            };
        }
        let on_the_way = error.is_io() || error.is_timeout() || error.as_other().is_some();
        if on_the_way || find::<io::Error>(error).is_some() {
            Self::Unreachable(text)
        } else {
            Self::Unusable(text)
        }
    }

    /// The trouble that HEAD cannot tell.
    pub(super) fn no_bucket() -> Self {
        let message = "The specified bucket does not exist".to_owned();
        Self::Refused { status: 404, code: "NoSuchBucket".to_owned(), message, region: None }
    }

    fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            _ => "",
        }
    }

    /// The condition does not hold. A put met an object, somebody's or our own if an earlier answer was lost, or a
    /// read met another object. The code counts too, because S3 may find it out when it has already begun to answer 200.
    pub(super) fn is_broken_condition(&self) -> bool {
        self.status() == Some(412) || self.code() == "PreconditionFailed"
    }

    /// Another writer is busy with the same key.
    pub(super) fn is_conflict(&self) -> bool {
        match self.code() {
            "ConditionalRequestConflict" | "OperationAborted" => true,
            code => code.is_empty() && self.status() == Some(409),
        }
    }

    /// 404 to a HEAD: the object is missing, or the whole bucket.
    pub(super) fn is_absence(&self) -> bool {
        self.status() == Some(404)
    }

    pub(super) fn is_absent_object(&self) -> bool {
        self.code() == "NoSuchKey"
    }

    /// The object ends before the range begins.
    pub(super) fn is_out_of_range(&self) -> bool {
        self.status() == Some(416)
    }

    pub(super) fn is_absent_upload(&self) -> bool {
        self.code() == "NoSuchUpload"
    }

    pub(super) fn is_not_implemented(&self) -> bool {
        self.status() == Some(501)
    }

    /// The server may have stumbled over a checksum that it does not know; not over one that does not fit.
    pub(super) fn may_be_the_checksum(&self) -> bool {
        const UNKNOWN: [&str; 6] = [
            "InvalidArgument",
            "InvalidPart",
            "InvalidRequest",
            "MalformedXML",
            "NotImplemented",
            "UnsupportedArgument",
        ];
        self.is_not_implemented() || (self.status() == Some(400) && UNKNOWN.contains(&self.code()))
    }

    /// One line that says what failed on what, and what mends it.
    pub(super) fn explain(&self, operation: Operation, place: &Place, key: &str) -> StoreError {
        let (kind, hint) = self.advice(operation, place);
        let (verb, url) = (operation.verb(), place.url_of(key));
        let error = StoreError::new(kind, format!("cannot {verb} {url}: {}", self.text()));
        let error = if self.is_denial() { error.denied() } else { error };
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// A policy does not allow it: the credentials are good, and so are region and clock.
    pub(super) fn is_denial(&self) -> bool {
        self.code() == "AccessDenied" || (self.code().is_empty() && self.status() == Some(403))
    }

    fn text(&self) -> String {
        let text = match self {
            Self::Refused { status, code, message, .. } => match (code.as_str(), message.as_str()) {
                ("", "") => format!("the server answered {status} and no reason"),
                (code, "") => format!("{code} ({status})"),
                ("", message) => format!("the server answered {status}: {message}"),
                (code, message) => format!("{code}: {message}"),
            },
            Self::Unreachable(text) | Self::NoCredentials(text) | Self::Unusable(text) => text.clone(),
        };
        text.chars().take(MESSAGE_CHARS).collect()
    }

    fn advice(&self, operation: Operation, place: &Place) -> (StoreErrorKind, Option<String>) {
        use StoreErrorKind::{Away, Config};
        let (status, code, region) = match self {
            Self::Refused { status, code, region, .. } => (*status, code.as_str(), region),
            Self::Unreachable(_) => {
                return (
                    Away,
                    Some("check the network, and `endpoint_url` in [lake] if it is set".to_owned()),
                );
            }
            Self::NoCredentials(_) => return (Config, Some(NO_CREDENTIALS.to_owned())),
            Self::Unusable(_) => {
                return (Config, Some("check `url`, `region` and `endpoint_url` in [lake]".to_owned()));
            }
        };
        if let Some(advice) = advice_by_code(code, operation, place, region.as_deref()) {
            return advice;
        }
        match (status, region) {
            (301 | 307, region) => (Config, Some(set_region(region.as_deref()))),
            // A HEAD signed for another region gets 400 and no body.
            (400, Some(region)) if code.is_empty() => (Config, Some(set_region(Some(region)))),
            (403, _) => (Config, Some(operation.allowance(place))),
            (404, _) => (Config, Some(name_bucket(place))),
            (507, _) => (StoreErrorKind::Full, Some(QUOTA.to_owned())),
            (..400 | 408 | 429 | 500.., _) => (Away, Some("wait: it is tried again by itself".to_owned())),
            _ => (Config, Some("check [lake] in the configuration against what the server says".to_owned())),
        }
    }
}

const NO_CREDENTIALS: &str = "sign in (`aws sso login`), set AWS_PROFILE or AWS_ACCESS_KEY_ID and \
     AWS_SECRET_ACCESS_KEY, name a `profile` in [aws], or run with an instance or task role";
const QUOTA: &str = "free space on the server, or raise the quota";

/// What S3's own error codes call for; `None` for those that say no more than their status.
fn advice_by_code(
    code: &str,
    operation: Operation,
    place: &Place,
    region: Option<&str>,
) -> Option<(StoreErrorKind, Option<String>)> {
    use StoreErrorKind::{Away, Config, Foreign, Full, NotFound};
    let (kind, hint) = match code {
        "NoSuchKey" => return Some((NotFound, None)),
        "NoSuchBucket" => (Config, name_bucket(place)),
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            (Config, set_region(region))
        }
        "InvalidAccessKeyId"
        | "NotSignedUp"
        | "SignatureDoesNotMatch"
        | "InvalidToken"
        | "InvalidClientTokenId" => (
            Config,
            "check the credentials: the key is unknown to this server, or its secret is another".to_owned(),
        ),
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
            (Config, "the credentials have expired: renew them, for instance with `aws sso login`".to_owned())
        }
        "RequestTimeTooSkewed" | "RequestExpired" => {
            (Config, "set this machine's clock: S3 accepts a difference of 15 minutes".to_owned())
        }
        "InvalidObjectState" => (Foreign, "restore the object from its archive storage class".to_owned()),
        "InvalidStorageClass" => (Config, "set another `storage_class` in [lake]".to_owned()),
        "InvalidBucketName" => (Config, "check the bucket's name in `url` in [lake]".to_owned()),
        "QuotaExceeded" | "XMinioStorageFull" | "InsufficientCapacity" => (Full, QUOTA.to_owned()),
        "BadDigest"
        | "XAmzContentChecksumMismatch"
        | "XAmzContentSHA256Mismatch"
        | "RequestTimeout"
        | "SlowDown"
        | "IncompleteBody" => (Away, "wait: it is tried again by itself".to_owned()),
        _ if code.starts_with("KMS.") || code.starts_with("Kms") => {
            let hint =
                "check `kms_key_id` in [lake], and allow kms:GenerateDataKey and kms:Decrypt on the key";
            (Config, hint.to_owned())
        }
        "AccessDenied" => (Config, operation.allowance(place)),
        _ => return None,
    };
    Some((kind, Some(hint)))
}

fn name_bucket(place: &Place) -> String {
    format!("create the bucket {}, or set another `url` in [lake]", place.bucket)
}

pub(super) fn set_region(region: Option<&str>) -> String {
    match region {
        Some(region) => format!("the bucket is in another region: set `region = \"{region}\"` in [lake]"),
        None => "the bucket is in another region: set `region` in [lake]".to_owned(),
    }
}

/// `eu-west-1` from "… the region 'us-east-1' is wrong; expecting 'eu-west-1'".
fn expected_region(message: &str) -> Option<&str> {
    message.split_once("expecting '")?.1.split_once('\'').map(|(region, _)| region)
}

/// Everything below the SDK's own outermost text, which only says which step failed.
fn causes(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), one_line)
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut error = Some(error);
    while let Some(cause) = error {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        error = cause.source();
    }
    None
}
