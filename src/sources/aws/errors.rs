//! What an error of the AWS SDK means to the crawler, and what a person can do about it.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::error::{ConnectorError, ProvideErrorMetadata, SdkError};

use crate::base::error::one_line;
use crate::base::policy::allow;
use crate::sources::aws::clock::CLOCK_HINT;
use crate::sources::{FetchError, FetchErrorKind};

const CREDENTIALS_HINT: &str =
    "check the AWS credentials: environment, shared profile, SSO session or instance role";
const NO_CREDENTIALS_HINT: &str = "there are no AWS credentials: sign in (`aws sso login`), set AWS_PROFILE or \
     AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run with an instance or task role";
const EXPIRED_HINT: &str = "the AWS credentials have expired: renew them (with SSO: run `aws sso login`)";
const NETWORK_HINT: &str = "check the network, the proxy and [aws] endpoint_url";

/// The longest message of an upstream that is passed on, in characters.
const MAX_MESSAGE: usize = 300;

/// What was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Regions,
    Zones,
    SpotHistory,
    CallerIdentity,
}

impl Call {
    /// The API action.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Regions => "DescribeRegions",
            Self::Zones => "DescribeAvailabilityZones",
            Self::SpotHistory => "DescribeSpotPriceHistory",
            Self::CallerIdentity => "GetCallerIdentity",
        }
    }

    /// The IAM action.
    pub(super) fn permission(self) -> String {
        let service = if self == Self::CallerIdentity { "sts" } else { "ec2" };
        format!("{service}:{}", self.action())
    }
}

/// The error as the crawler needs it. `sent` says whether any request left this machine.
pub(super) fn fetch_error<E>(call: Call, region: &str, sent: bool, error: &SdkError<E>) -> FetchError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let failed = format!("{} in {region} failed", call.action());
    match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            match context.err().code() {
                Some(code) => {
                    refusal(call, region, status, code, context.err().message().unwrap_or_default())
                }
                None => answered_oddly(&failed, status),
            }
        }
        SdkError::DispatchFailure(failure) => {
            let source = failure.as_connector_error().and_then(ConnectorError::source);
            no_answer(&failed, sent, source, &causes(error))
        }
        SdkError::TimeoutError(_) => {
            FetchError::retry(format!("{failed}: no answer in time")).with_hint(NETWORK_HINT)
        }
        SdkError::ResponseError(_) => {
            FetchError::retry(format!("{failed}: the answer broke off: {}", causes(error)))
        }
        other => FetchError::bug(format!("{failed}: {}", causes(other))),
    }
}

/// AWS answered with an error of its own.
fn refusal(call: Call, region: &str, status: u16, code: &str, message: &str) -> FetchError {
    use FetchErrorKind::{Config, Refused, Retry, Upstream};
    let action = call.action();
    let opt_in = || format!("opt in to {region} in the account's settings, or take it out of [aws] regions");
    let (kind, hint) = match code {
        "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" => {
            (Refused, Some(allow(&[&call.permission()], &["*"])))
        }
        // The keys are wrong everywhere, or right and the region is not enabled. The first call of all tells.
        "AuthFailure" if call != Call::SpotHistory && call != Call::Zones => {
            (Config, Some(CREDENTIALS_HINT.to_owned()))
        }
        "AuthFailure" | "OptInRequired" => (Refused, Some(opt_in())),
        "Blocked" | "PendingVerification" => {
            (Refused, Some("ask AWS Support what holds the account back".to_owned()))
        }
        "ExpiredToken" | "ExpiredTokenException" => (Config, Some(EXPIRED_HINT.to_owned())),
        // EC2 says this of old credentials as well as of a clock that is behind.
        "RequestExpired" => (Config, Some(format!("{EXPIRED_HINT}; if they are new: {CLOCK_HINT}"))),
        "RequestTimeTooSkewed" | "RequestInTheFuture" => (Config, Some(CLOCK_HINT.to_owned())),
        "SignatureDoesNotMatch" | "InvalidSignatureException" if speaks_of_time(message) => {
            (Config, Some(CLOCK_HINT.to_owned()))
        }
        "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "InvalidSecurity"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "UnrecognizedClientException" => (Config, Some(CREDENTIALS_HINT.to_owned())),
        code if status >= 500 || status == 429 || is_transient(code) => (Retry { after: None }, None),
        _ => (Upstream, None),
    };
    let error = FetchError::new(kind, format!("{action} in {region} failed: {code}: {}", brief(message)));
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Something answered, but not as AWS does: a proxy, a load balancer, a login page.
fn answered_oddly(failed: &str, status: u16) -> FetchError {
    let text = format!("{failed}: status {status} without an error code of AWS");
    match status {
        429 | 500.. => FetchError::retry(text),
        _ => FetchError::upstream(text).with_hint(NETWORK_HINT),
    }
}

/// AWS did not answer, or was not even asked.
fn no_answer(failed: &str, sent: bool, source: Option<&(dyn Error + 'static)>, cause: &str) -> FetchError {
    let text = format!("{failed}: {cause}");
    let credentials = std::iter::successors(source, |error| Error::source(*error))
        .find_map(|error| error.downcast_ref::<CredentialsError>());
    match credentials {
        Some(CredentialsError::ProviderTimedOut(_)) => FetchError::retry(text).with_hint(CREDENTIALS_HINT),
        Some(CredentialsError::CredentialsNotLoaded(_)) => {
            FetchError::new(FetchErrorKind::Config, text).with_hint(NO_CREDENTIALS_HINT)
        }
        Some(_) if cause.contains("expired") => {
            FetchError::new(FetchErrorKind::Config, text).with_hint(EXPIRED_HINT)
        }
        Some(_) => FetchError::new(FetchErrorKind::Config, text).with_hint(CREDENTIALS_HINT),
        None if sent => FetchError::retry(text).with_hint(NETWORK_HINT),
        // No credentials at all, or an endpoint that is no address.
        None => FetchError::new(FetchErrorKind::Config, text)
            .with_hint("check the AWS credentials, the region and [aws] endpoint_url"),
    }
}

/// What lies behind an error of the SDK, which says little itself.
fn causes(error: &dyn Error) -> String {
    brief(&error.source().map_or_else(|| error.to_string(), one_line))
}

/// Whether an answer says that there are too many requests. EC2 says so with 503 and `RequestLimitExceeded`, other
/// services of AWS with 400 or 429; every server may say 503 when it has too much to do.
pub(super) fn is_throttling(status: u16, body: &[u8]) -> bool {
    let code = || {
        let body = std::str::from_utf8(body).ok()?;
        body.split_once("<Code>")?.1.split_once("</Code>").map(|(code, _)| code)
    };
    matches!(status, 429 | 503) || code().is_some_and(is_throttle)
}

/// Codes that stand for too many requests, whatever status they come with.
fn is_throttle(code: &str) -> bool {
    matches!(code, "RequestLimitExceeded" | "EC2ThrottledException" | "SlowDown")
        || code.starts_with("Throttling")
}

/// Codes that stand for a passing state, whatever status they come with.
fn is_transient(code: &str) -> bool {
    is_throttle(code) || code == "RequestTimeout"
}

fn speaks_of_time(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["signature expired", "not yet current", "clock", "skew"].iter().any(|words| message.contains(words))
}

/// The start of an upstream's message: without the encoded policy or the canonical request, which spells out
/// the signed headers, that AWS appends to some.
fn brief(message: &str) -> String {
    let appended = ["Encoded authorization failure", "The Canonical String", "The String-to-Sign"];
    let end = appended.iter().filter_map(|words| message.find(words)).min().unwrap_or(message.len());
    let message = message.get(..end).unwrap_or(message).trim();
    let shown: String = message.chars().take(MAX_MESSAGE).collect();
    if shown.len() < message.len() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_and_hint(call: Call, status: u16, code: &str, message: &str) -> (FetchErrorKind, String) {
        use crate::base::error::Hinted as _;
        let error = refusal(call, "eu-west-1", status, code, message);
        (error.kind, error.hint().unwrap_or_default().to_owned())
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        use FetchErrorKind::{Config, Refused, Retry, Upstream};
        let retry = Retry { after: None };
        for (call, status, code, message, kind, hint) in [
            (Call::SpotHistory, 403, "UnauthorizedOperation", "", Refused, "ec2:DescribeSpotPriceHistory"),
            (Call::Zones, 403, "UnauthorizedOperation", "", Refused, "ec2:DescribeAvailabilityZones"),
            (Call::SpotHistory, 401, "AuthFailure", "not able to validate", Refused, "opt in to eu-west-1"),
            (Call::Regions, 401, "AuthFailure", "not able to validate", Config, "check the AWS credentials"),
            (Call::SpotHistory, 401, "OptInRequired", "", Refused, "opt in"),
            (Call::SpotHistory, 401, "Blocked", "", Refused, "Support"),
            (Call::SpotHistory, 400, "ExpiredToken", "", Config, "renew"),
            (
                Call::SpotHistory,
                400,
                "RequestExpired",
                "Request has expired.",
                Config,
                "credentials have expired",
            ),
            (Call::SpotHistory, 403, "RequestTimeTooSkewed", "", Config, "clock"),
            (Call::SpotHistory, 403, "SignatureDoesNotMatch", "Signature expired: 2026", Config, "clock"),
            (Call::SpotHistory, 403, "SignatureDoesNotMatch", "Check your key", Config, "credentials"),
            (Call::SpotHistory, 403, "InvalidClientTokenId", "", Config, "credentials"),
            (Call::SpotHistory, 503, "RequestLimitExceeded", "", retry, ""),
            (Call::SpotHistory, 500, "InternalError", "", retry, ""),
            (Call::SpotHistory, 503, "SomethingNew", "", retry, ""),
            (Call::SpotHistory, 400, "InvalidNextToken", "", Upstream, ""),
            (Call::SpotHistory, 400, "InvalidParameterValue", "", Upstream, ""),
        ] {
            let (got, text) = kind_and_hint(call, status, code, message);
            assert_eq!(got, kind, "{code}");
            assert!(text.contains(hint), "{code}: {text:?} does not say {hint:?}");
        }
    }

    #[test]
    fn too_many_requests_are_told_from_other_refusals() {
        let error =
            |code: &str| format!("<Response><Errors><Error><Code>{code}</Code></Error></Errors></Response>");
        for (status, code, throttling) in [
            (503, "RequestLimitExceeded", true),
            (400, "RequestLimitExceeded", true),
            (400, "Throttling", true),
            (400, "ThrottlingException", true),
            (429, "", true),
            (503, "Unavailable", true),
            (500, "InternalError", false),
            (403, "UnauthorizedOperation", false),
            (400, "InvalidNextToken", false),
        ] {
            assert_eq!(is_throttling(status, error(code).as_bytes()), throttling, "{status} {code}");
        }
        assert!(!is_throttling(400, b"\xff<Code>"));
    }

    #[test]
    fn what_aws_appends_is_not_passed_on() {
        let message = "The signature does not match.\n\nThe Canonical String for this request should have been\n\
                       'POST\n/\n\nx-amz-security-token:SECRET'";
        assert_eq!(brief(message), "The signature does not match.");
        assert_eq!(brief("Not allowed. Encoded authorization failure message: AbC"), "Not allowed.");
        assert_eq!(brief(&"é".repeat(400)).chars().count(), MAX_MESSAGE + 1);
    }

    #[test]
    fn a_page_of_a_proxy_is_no_refusal() {
        assert_eq!(answered_oddly("x failed", 502).kind, FetchErrorKind::Retry { after: None });
        assert_eq!(answered_oddly("x failed", 403).kind, FetchErrorKind::Upstream);
    }
}
