use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_sdk_s3::config::{ProvideCredentials, SharedCredentialsProvider};
use axum::response::Response;

use super::scripted::{Server, config, refusal};
use super::*;
use crate::base::error::Hinted as _;
use crate::base::policy::allow;

fn in_region(mut answer: Response, region: &'static str) -> Response {
    answer.headers_mut().insert("x-amz-bucket-region", axum::http::HeaderValue::from_static(region));
    answer
}

async fn list(store: &S3Store) -> StoreError {
    store.list(&Prefix::all_raw()).try_collect::<Vec<_>>().await.unwrap_err()
}

async fn head(store: &S3Store) -> StoreError {
    store.head(&key()).await.unwrap_err()
}

async fn read(store: &S3Store) -> StoreError {
    match store.read(&key()).await {
        Ok(_) => panic!("an error was expected"),
        Err(error) => error,
    }
}

async fn written(store: &S3Store) -> StoreError {
    put(store, b"x").await.unwrap_err()
}

#[tokio::test]
async fn each_refusal_is_one_line_and_a_hint() {
    use StoreErrorKind::{Away, Config, Foreign, Full};
    let cases = [
        (404, "NoSuchBucket", "The specified bucket does not exist", Config, "create the bucket lake"),
        (
            403,
            "AccessDenied",
            "Access Denied",
            Config,
            r#"{"Action":"s3:PutObject","Effect":"Allow","Resource":"arn:aws:s3:::lake/some/where/*"}"#,
        ),
        (403, "InvalidAccessKeyId", "no such key", Config, "check the credentials"),
        (403, "SignatureDoesNotMatch", "not our signature", Config, "check the credentials"),
        (400, "ExpiredToken", "The provided token has expired.", Config, "renew them"),
        (403, "RequestTimeTooSkewed", "too far apart", Config, "set this machine's clock"),
        (400, "KMS.NotFoundException", "no such key", Config, "check `kms_key_id` in [lake]"),
        (
            400,
            "AuthorizationHeaderMalformed",
            "the region 'us-east-1' is wrong; expecting 'eu-west-1'",
            Config,
            "set `region = \"eu-west-1\"` in [lake]",
        ),
        (301, "PermanentRedirect", "use another endpoint", Config, "set `region` in [lake]"),
        (403, "InvalidObjectState", "in Glacier", Foreign, "restore the object"),
        (507, "XMinioStorageFull", "no space", Full, "raise the quota"),
        (400, "BadDigest", "the checksum does not fit", Away, "tried again"),
        (503, "SlowDown", "Please reduce your request rate.", Away, "tried again"),
        (503, "", "", Away, "tried again"),
        (500, "InternalError", "We encountered an internal error.", Away, "tried again"),
        (429, "TooManyRequests", "slow down", Away, "tried again"),
        (400, "InvalidRequest", "something else", Config, "check [lake]"),
    ];
    for (status, code, message, kind, hint) in cases {
        let server = Server::start(move |_| refusal(status, code, message)).await;
        let error = written(&server.store()).await;
        let text = error.to_string();
        assert_eq!(error.kind, kind, "{text}");
        assert!(error.hint().unwrap().contains(hint), "{text}: {:?}", error.hint());
        assert!(text.starts_with(&format!("cannot write s3://lake/some/where/{KEY}: ")), "{text}");
        assert!(text.contains(code) && text.contains(message) && !text.contains('\n'), "{text}");
    }
}

#[tokio::test]
async fn what_is_worth_it_is_retried_by_the_sdk_and_the_rest_is_not() {
    for (status, code, requests) in
        [(503, "SlowDown", 3), (500, "InternalError", 3), (403, "AccessDenied", 1)]
    {
        let server = Server::start(move |_| refusal(status, code, "no")).await;
        written(&server.store()).await;
        assert_eq!(server.seen().len(), requests, "{code}");
    }
}

#[tokio::test]
async fn a_listing_and_a_read_name_their_own_permission() {
    let server = Server::start(|_| refusal(403, "AccessDenied", "Access Denied")).await;
    let error = list(&server.store()).await;
    assert_eq!(error.to_string(), "cannot list s3://lake/some/where/raw/: AccessDenied: Access Denied");
    assert_eq!(error.hint(), Some(allow(&["s3:ListBucket"], &["arn:aws:s3:::lake"]).as_str()));
    assert!(error.is_denied());
    let error = read(&server.store()).await;
    let objects = "arn:aws:s3:::lake/some/where/*";
    assert_eq!(error.hint(), Some(allow(&["s3:GetObject"], &[objects]).as_str()));
}

#[tokio::test]
async fn an_answer_to_head_is_told_by_status_and_headers() {
    let server = Server::start(|_| refusal(403, "", "")).await;
    let error = head(&server.store()).await;
    assert_eq!(error.kind, StoreErrorKind::Config);
    assert!(error.hint().unwrap().starts_with("allow s3:GetObject"), "{:?}", error.hint());
    assert!(error.to_string().ends_with("the server answered 403 and no reason"), "{error}");

    for status in [301, 400] {
        server.answer(move |_| in_region(refusal(status, "", ""), "eu-west-1"));
        let error = head(&server.store()).await;
        assert_eq!(error.kind, StoreErrorKind::Config);
        assert!(error.hint().unwrap().contains("set `region = \"eu-west-1\"`"), "{:?}", error.hint());
    }
}

#[tokio::test]
async fn a_missing_object_and_a_missing_bucket_are_told_apart() {
    let server = Server::start(|_| refusal(404, "", "")).await;
    let error = head(&server.store()).await;
    assert!(error.to_string().contains("NoSuchBucket"), "{error}");

    let server = Server::start_with(|_, request| match request.path.as_str() {
        "/lake" | "/lake/" => scripted::ok(""),
        _ => refusal(404, "", ""),
    })
    .await;
    let store = server.store();
    assert_eq!(store.head(&key()).await.unwrap(), None);
    assert_eq!(store.head(&key()).await.unwrap(), None);
    assert_eq!(server.seen().len(), 3, "the bucket is looked at once");

    server.answer(|_| refusal(404, "NoSuchKey", "The specified key does not exist."));
    assert_eq!(read(&store).await.kind, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_away() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let server = Server::start(|_| ok("")).await;
    let error = written(&server.store_with(|options| options.endpoint_url = Some(url))).await;
    assert_eq!(error.kind, StoreErrorKind::Away);
    assert!(error.hint().unwrap().contains("endpoint_url"), "{:?}", error.hint());
}

#[tokio::test]
async fn an_answer_that_is_not_s3_is_away() {
    let server = Server::start(|_| ok("<html>a proxy's welcome page")).await;
    let error = list(&server.store()).await;
    assert_eq!(error.kind, StoreErrorKind::Away);
    assert!(error.to_string().contains("is not S3's"), "{error}");
}

#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::ready(Err(CredentialsError::not_loaded("no providers in chain provided credentials")))
    }
}

#[tokio::test]
async fn missing_credentials_are_said_to_be_missing() {
    let config = config()
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(Nobody))
        .region(Region::new("us-east-1"))
        .build();
    let store = S3Store::new(&config, S3Options::new("lake", ""), Arc::new(Hasty::default()));
    let error = written(&store).await;
    assert_eq!(error.kind, StoreErrorKind::Config, "{error}");
    assert!(error.hint().unwrap().contains("aws sso login"), "{:?}", error.hint());
}

#[tokio::test]
async fn a_missing_region_is_a_matter_of_configuration() {
    let store = S3Store::new(&config(), S3Options::new("lake", ""), Arc::new(Hasty::default()));
    let error = written(&store).await;
    assert_eq!(error.kind, StoreErrorKind::Config, "{error}");
    assert!(error.hint().unwrap().contains("`region`"), "{:?}", error.hint());
}
