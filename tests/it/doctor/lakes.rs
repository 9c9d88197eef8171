//! The lake's place: buckets of servers that we did not write and of one that is told what to answer, and directories.

use axum::body::Body;
use axum::response::Response;

use super::{NOTHING, diagnosis, home, statement, with_credentials};
use crate::support::http::{Asked, Served};
use crate::support::program::Home;
use crate::support::servers;
use crate::support::skip::skipped;

const BUCKET: &str = "s3://prices/history";
const LINES: [&str; 7] = [
    "s3:ListBucket",
    "bucket region",
    "bucket versioning",
    "s3:PutObject",
    "conditional put",
    "s3:GetObject",
    "s3:AbortMultipartUpload",
];

fn in_bucket(url: &str, bucket: &str) -> Home {
    home("")
        .with("CONTRAIL_LAKE__URL", bucket)
        .with("CONTRAIL_LAKE__ENDPOINT_URL", url.trim_end_matches('/'))
        .with("CONTRAIL_LAKE__FORCE_PATH_STYLE", "true")
        .with("CONTRAIL_LAKE__REGION", "us-east-1")
}

fn with_keys(home: Home, access_key: &str, secret_key: &str) -> Home {
    home.with("AWS_ACCESS_KEY_ID", access_key).with("AWS_SECRET_ACCESS_KEY", secret_key)
}

/// S3's own errors.
fn refusal(status: u16, code: &str) -> Response {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>");
    Response::builder().status(status).body(Body::from(body)).unwrap()
}

fn ok(body: &'static str) -> Response {
    Response::builder().header("x-amz-bucket-region", "us-east-1").body(Body::from(body)).unwrap()
}

/// A bucket that is well and empty; the call to which `denied` points is not permitted.
fn bucket_without(denied: &'static str) -> impl Fn(&Asked) -> Response + Send + Sync + 'static {
    move |asked| {
        let query = asked.url.query().unwrap_or_default();
        let call = match asked.method.as_str() {
            "PUT" => "s3:PutObject",
            "DELETE" => "s3:AbortMultipartUpload",
            "GET" if query.contains("list-type") => "s3:ListBucket",
            "GET" if query.contains("versioning") => "s3:GetBucketVersioning",
            "GET" if asked.url.path().contains("_contrail") => "s3:GetObject",
            _ => "",
        };
        match call {
            call if call == denied => refusal(403, "AccessDenied"),
            "s3:PutObject" => refusal(412, "PreconditionFailed"),
            "s3:AbortMultipartUpload" => refusal(404, "NoSuchUpload"),
            "s3:ListBucket" => ok("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"),
            "s3:GetBucketVersioning" => {
                ok("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
            }
            "s3:GetObject" if asked.url.path().ends_with("lake.json") => refusal(404, "NoSuchKey"),
            _ => ok(""),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_permission_that_is_missing_is_named_with_its_statement() {
    for denied in ["s3:ListBucket", "s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"] {
        let server = Served::start(bucket_without(denied)).await;
        let abort = denied == "s3:AbortMultipartUpload";
        let found =
            diagnosis(&with_credentials(in_bucket(server.url.as_str(), BUCKET)), if abort { 0 } else { 3 });
        let line = found.is("lake", denied, if abort { "warning" } else { "failed" });
        let statement = statement(line);
        assert_eq!(statement["Action"], denied, "{line:#?}");
        let resource = if denied == "s3:ListBucket" { "" } else { "/history/*" };
        assert_eq!(statement["Resource"], format!("arn:aws:s3:::prices{resource}"));
        for other in LINES.into_iter().filter(|name| *name != denied) {
            let verdict =
                if other == "conditional put" && denied == "s3:PutObject" { "skipped" } else { "ok" };
            found.is("lake", other, verdict);
        }
        assert_eq!(found.line("lake", "bucket versioning").found, "on");
        assert_eq!(found.line("lake", "bucket region").found, "us-east-1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versioning_that_may_not_be_read_is_unknown_and_no_failure() {
    let server = Served::start(bucket_without("s3:GetBucketVersioning")).await;
    let found = diagnosis(&with_credentials(in_bucket(server.url.as_str(), BUCKET)), 0);
    let line = found.is("lake", "bucket versioning", "skipped");
    assert!(line.found.contains("s3:GetBucketVersioning is not permitted"), "{line:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_in_another_region_is_told_with_the_setting() {
    let server = Served::start(|_| {
        let mut answer = refusal(301, "PermanentRedirect");
        answer.headers_mut().insert("x-amz-bucket-region", "eu-west-1".parse().unwrap());
        answer
    })
    .await;
    let found = diagnosis(&with_credentials(in_bucket(server.url.as_str(), BUCKET)), 3);
    let mends = "set `region = \"eu-west-1\"` in [lake]";
    found.fails("lake", "s3:ListBucket", mends);
    found.fails("lake", "bucket region", mends);
    for name in &LINES[2..] {
        found.is("lake", name, "skipped");
    }
    found.is("lake", "lake.json", "skipped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_expired_and_clocks_that_are_wrong_are_told_apart() {
    for (code, hint) in
        [("ExpiredToken", "have expired: renew them"), ("RequestTimeTooSkewed", "set this machine's clock")]
    {
        let server = Served::start(move |_| refusal(403, code)).await;
        let found = diagnosis(&with_credentials(in_bucket(server.url.as_str(), BUCKET)), 3);
        found.fails("lake", "s3:ListBucket", hint);
        found.is("lake", "s3:PutObject", "skipped");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_credentials_for_the_lake_are_told() {
    let server = Served::start(bucket_without("")).await;
    let found = diagnosis(&in_bucket(server.url.as_str(), BUCKET), 3);
    found.fails("lake", "s3:ListBucket", "aws sso login");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_knows_us_is_well_and_one_that_does_not_is_told() {
    let server = servers::s3s().await;
    server.client().create_bucket().bucket("prices").send().await.unwrap();
    let found = diagnosis(&with_keys(in_bucket(server.url(), BUCKET), "test", "testtest"), 0);
    for name in ["s3:ListBucket", "s3:PutObject", "conditional put", "s3:GetObject", "lake.json"] {
        found.is("lake", name, "ok");
    }
    let found = diagnosis(&with_keys(in_bucket(server.url(), BUCKET), "stranger", "testtest"), 3);
    found.fails("lake", "s3:ListBucket", "check the credentials");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_of_moto_is_well_and_one_that_nobody_made_is_told() {
    let Some(server) = servers::moto() else { return };
    let client = server.client();
    client.create_bucket().bucket("doctor").send().await.unwrap();
    let found = diagnosis(&with_keys(in_bucket(server.url(), "s3://doctor/history"), "test", "testtest"), 0);
    for name in ["s3:ListBucket", "s3:PutObject", "conditional put", "s3:GetObject"] {
        found.is("lake", name, "ok");
    }
    let keys: Vec<_> =
        client.list_objects_v2().bucket("doctor").send().await.unwrap().contents.unwrap_or_default();
    let keys: Vec<_> = keys.iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys, ["history/_contrail/probe"], "nothing else is left behind");

    let found = diagnosis(&with_keys(in_bucket(server.url(), "s3://nobody-made-it"), "test", "testtest"), 3);
    found.fails("lake", "s3:ListBucket", "create the bucket nobody-made-it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ignores_the_condition_is_good_for_one_writer() {
    let Some(server) = servers::s3rver() else { return };
    server.client().create_bucket().bucket("doctor").send().await.unwrap();
    let found = diagnosis(&with_keys(in_bucket(server.url(), "s3://doctor/history"), "S3RVER", "S3RVER"), 0);
    let line = found.is("lake", "conditional put", "warning");
    assert!(line.hint.as_deref().unwrap().contains("only one crawler"), "{line:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_cannot_be_is_told() {
    let home = home("").with("CONTRAIL_LAKE__URL", "./file/lake");
    std::fs::write(home.path("file"), "mine").unwrap();
    let found = diagnosis(&home, 3);
    found.fails("lake", "write", "--lake");
    found.fails("spool", "write", "spool_dir");
    assert_eq!(std::fs::read_to_string(home.path("file")).unwrap(), "mine");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_is_closed_to_us_is_told() {
    let home = home("");
    let mode = |mode| {
        std::fs::set_permissions(home.path(""), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    mode(0o555);
    if std::fs::write(home.path("try"), "").is_ok() {
        mode(0o755);
        return skipped("root may write everywhere");
    }
    let found = diagnosis(&home, 3);
    mode(0o755);
    found.fails("lake", "write", "let this user write there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_of_simulated_prices_is_none_for_real_ones() {
    let home = Home::new();
    let crawl = ["crawler", "--once", "--sandbox", "--scale", "0.001", "--only", "azure_retail_prices"];
    tokio::task::block_in_place(|| home.run(&crawl)).with(0);
    let home = home.configured(NOTHING);
    let found = diagnosis(&home, 3);
    found.fails("lake", "lake.json", "--lake");
    found.is("lake", "write", "ok");
}
