//! What must never get out, and what must never get in.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use contrail::base::error::Hinted as _;
use contrail::base::{Chance, SystemClock};
use contrail::lake::slice::{Slice, Stream};
use contrail::net::{Client, HostLimits, HttpOptions, Proxying};
use contrail::sources::aws::spot_prices::AwsSpotPrices;
use contrail::sources::azure::pipeline::{AzurePipeline, RetryTimes};
use contrail::sources::{FetchErrorKind, Source as _};

use crate::spot::{options, sdk};
use crate::support::ec2::{Answer, Ec2};
use crate::support::http::{Served, client};
use crate::support::lake::Lake;
use crate::support::program::{Ended, Home, Running};
use crate::support::server::{Server, ok};

const SECRET_KEY: &str = "PlantedSecretAccessKey0123456789";
const SESSION_TOKEN: &str = "PlantedSessionTokenABCDEFG";
const PASSWORD: &str = "PlantedPassword";
const PLANTED: [&str; 3] = [SECRET_KEY, SESSION_TOKEN, PASSWORD];

/// Text in which nothing that was planted may be found, whatever it is coded in.
fn assert_clean(what: &str, text: &str) {
    use base64::Engine as _;
    for secret in PLANTED {
        let coded = base64::engine::general_purpose::STANDARD.encode(format!("planted:{secret}"));
        for form in [secret, coded.trim_end_matches('=')] {
            let line = text.lines().find(|line| line.contains(form));
            assert!(line.is_none(), "{what} shows {secret}: {}", line.unwrap_or_default());
        }
    }
}

fn assert_told_clean(what: &str, ended: &Ended) {
    assert_clean(&format!("stdout of {what}"), &ended.stdout);
    assert_clean(&format!("stderr of {what}"), &ended.stderr);
}

/// Every file below a directory, unpacked; how many there were.
fn assert_files_clean(directory: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += assert_files_clean(&path);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let mut text = Vec::new();
        if flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text).is_err() {
            text = bytes;
        }
        assert_clean(&path.display().to_string(), &String::from_utf8_lossy(&text));
        files += 1;
    }
    files
}

/// A home whose environment holds the secrets, and whose log tells all that it can.
fn planted(file: &str) -> Home {
    Home::new()
        .with("AWS_ACCESS_KEY_ID", "AKIDPLANTED")
        .with("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .with("AWS_SESSION_TOKEN", SESSION_TOKEN)
        .with("PLANTED_PROXY", format!("http://planted:{PASSWORD}@127.0.0.1:9"))
        .with("CONTRAIL_LOG", "trace")
        .with("CONTRAIL_SOURCES__AWS_SPOT_PRICES__BACKFILL", "1d")
        .configured(file)
}

/// A simulated cloud as a process of its own, and the configuration that it printed.
fn cloud(home: &Home) -> (Running, String) {
    let mut cloud = home.start(&["sandbox", "--seed", "7", "--scale", "0.001"]);
    cloud.hears(|line| line.contains("serving a simulated cloud").then_some(()));
    cloud.reads(|line| line.contains("[sources.azure_retail_prices]").then_some(()));
    cloud.reads(|line| (line.starts_with("base_url") && line.ends_with('"')).then_some(()));
    let config = cloud.printed();
    (cloud, config)
}

#[tokio::test]
async fn a_crawl_that_goes_well_shows_no_secret_at_trace_level() {
    let elsewhere = Home::new();
    let (_cloud, config) = cloud(&elsewhere);
    let config =
        config + "\n[http]\nproxy = { env = \"PLANTED_PROXY\" }\n\n[server]\nlisten = \"127.0.0.1:0\"\n";
    let home = planted(&config).with("NO_PROXY", "127.0.0.1");
    let mut running = home.start(&["crawler", "--log-format", "json", "-vvv"]);
    let address = running.hears(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let serving = line["message"].as_str()?.starts_with("serving /metrics");
        serving.then(|| line["address"].as_str().unwrap().to_owned())
    });
    for dataset in ["aws_spot_prices", "aws_price_list", "azure_retail_prices"] {
        running.hears(|line| (line.contains("tick over") && line.contains(dataset)).then_some(()));
    }
    for path in ["/metrics", "/healthz"] {
        let answer = client().get(format!("http://{address}{path}")).send().await.unwrap();
        assert_clean(path, &answer.text().await.unwrap());
    }
    running.signal("TERM");
    let ended = running.end().with(0);
    assert!(ended.stderr.contains("DEBUG") && ended.stderr.contains("aws_"), "the log tells all that it can");
    assert_told_clean("a crawl that goes well", &ended);
    fs::remove_file(home.path("contrail.toml")).unwrap();
    assert!(assert_files_clean(&home.path("")) > 20);
}

/// A proxy that wants to know who asks, until the test ends.
fn suspicious_proxy() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    port
}

#[tokio::test]
async fn a_crawl_that_fails_everywhere_shows_no_secret() {
    // As AWS does when a signature is wrong: it spells out what should have been signed.
    let ec2 = Ec2::start(|_| {
        let message = format!(
            "The signature does not match. The Canonical String for this request should have been \
             'POST / x-amz-security-token:{SESSION_TOKEN}'"
        );
        Answer::error(403, "SignatureDoesNotMatch", &message)
    })
    .await;
    let port = suspicious_proxy();
    let home = planted(&format!(
        "[lake]\nurl = \"file:./lake\"\n[aws]\nendpoint_url = \"{}\"\n[http]\nproxy = {{ file = \"proxy\" }}\n\
         [sources.aws_price_list]\nbase_url = \"http://prices.invalid\"\n\
         [sources.azure_retail_prices]\nbase_url = \"http://azure.invalid\"\n",
        ec2.url
    ));
    fs::write(home.path("proxy"), format!("http://planted:{PASSWORD}@127.0.0.1:{port}")).unwrap();
    let ended = tokio::task::spawn_blocking(move || (home.run(&["crawler", "--once"]), home)).await.unwrap();
    let (ended, home) = ended;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("SignatureDoesNotMatch") && ended.stderr.contains("407"),
        "{}",
        ended.stderr
    );
    assert_told_clean("a crawl that fails", &ended);
    fs::remove_file(home.path("proxy")).unwrap();
    assert!(assert_files_clean(&home.path("")) > 3);
}

#[test]
fn settings_are_shown_and_refused_without_their_secrets() {
    let literal = format!("http://planted:{PASSWORD}@127.0.0.1:9");
    let home = planted(&format!("[http]\nproxy = \"{literal}\"\n"));
    for arguments in [["config", "show"], ["config", "check"]] {
        let ended = home.run(&arguments).with(0);
        assert!(ended.stdout.contains("(hidden)") || ended.stderr.contains("is a secret"), "{ended:?}");
        assert_told_clean("config", &ended);
    }
    for (file, says) in [
        (format!("[http]\nproxy = \"ftp://planted:{PASSWORD}@host\"\n"), "http.proxy"),
        (format!("[http]\nproxy = \"http://planted:{PASSWORD}@[\"\n"), "http.proxy"),
        (format!("[http]\nproxy = \"http://planted:{PASSWORD}@host\n"), "contrail.toml:2"),
        (format!("[http]\nproxy = {{ env = 7, x = \"{PASSWORD}\" }}\n"), "http.proxy"),
        (format!("[aws]\nendpoint_url = \"https://planted:{PASSWORD}@host\"\n"), "aws.endpoint_url"),
        (
            format!("[sources.azure_retail_prices]\nbase_url = \"https://planted:{PASSWORD}@host\"\n"),
            "base_url",
        ),
        (format!("[lake]\nurl = \"https://planted:{PASSWORD}@host\"\n"), "lake.url"),
    ] {
        let ended = planted(&file).run(&["config", "check"]).with(2);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
        assert_told_clean(&file.replace(PASSWORD, "…"), &ended);
    }
}

fn product_client() -> Client {
    let options = HttpOptions {
        timeout: std::time::Duration::from_secs(30),
        connect_timeout: std::time::Duration::from_secs(5),
        max_connections_per_host: 4,
        user_agent: "contrail/test".to_owned(),
        proxy: Proxying::Direct,
    };
    Client::new(options, SystemClock::shared(), std::sync::Arc::new(Chance::seeded(1))).unwrap()
}

fn moved(location: String) -> impl Fn() -> axum::response::Response {
    move || (StatusCode::TEMPORARY_REDIRECT, [("location", location.clone())]).into_response()
}

const AT_ONCE: RetryTimes = RetryTimes {
    initial: std::time::Duration::ZERO,
    max: std::time::Duration::ZERO,
    total: std::time::Duration::ZERO,
};

/// `net` has a test of its own.
#[tokio::test]
async fn azure_leads_nobody_to_another_host() {
    let other = Server::start(|_, _| ok("evil")).await;
    let answer = moved(other.at("/x").to_string());
    let server = Served::start(move |_| answer()).await;
    let client = product_client();
    let pipeline = AzurePipeline::new(client.reqwest(), client.limits(), SystemClock::shared(), AT_ONCE);
    let error = pipeline.get(&server.url, &std::sync::Arc::default()).await.unwrap().into_body().unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Upstream);
    assert!(error.to_string().contains("redirect (307)"), "{error}");
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn ec2_leads_nobody_to_another_host() {
    let other = Server::start(|_, _| ok("evil")).await;
    let answer = moved(other.at("/x").to_string());
    let server = Served::start(move |_| answer()).await;
    let lake = Lake::new("2026-11-21T10:05:00Z", "2026-11-22T20:15:00Z");
    let limits = HostLimits::new(4, lake.clock());
    let source = AwsSpotPrices::new(options(server.url.as_str()), sdk(true), limits, lake.clock());
    source.fetch(&hour(), &lake.fetch_context(), lake.draft()).await.unwrap_err();
    assert!(other.asked().is_empty());
    assert_eq!(lake.leftovers(), 0);
}

fn hour() -> Slice {
    let [from, to] = ["2026-11-22T18:00:00Z", "2026-11-22T19:00:00Z"].map(|at| at.parse().unwrap());
    let span = contrail::lake::interval::Interval::new(from, to).unwrap();
    Slice::Window { stream: Stream::new("aws_spot_prices", &[("region", "us-east-1")]).unwrap(), span }
}

#[tokio::test]
async fn an_answer_without_end_is_refused_by_every_client() {
    const MANY: usize = 40 << 20;
    let endless = || axum::body::Body::from(vec![b' '; MANY]).into_response();
    let server = Served::start(move |_| endless()).await;
    let client = product_client();

    let error =
        client.get_bytes(&server.url, 1 << 20, &contrail::sources::Traffic::default()).await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");

    let pipeline = AzurePipeline::new(client.reqwest(), client.limits(), SystemClock::shared(), AT_ONCE);
    let error = pipeline.get(&server.url, &std::sync::Arc::default()).await.unwrap_err();
    assert!(error.to_string().contains("16 MiB"), "{error}");

    let lake = Lake::new("2026-11-21T10:05:00Z", "2026-11-22T20:15:00Z");
    let source = AwsSpotPrices::new(
        options(server.url.as_str()),
        sdk(true),
        HostLimits::new(4, lake.clock()),
        lake.clock(),
    );
    let error = source.fetch(&hour(), &lake.fetch_context(), lake.draft()).await.unwrap_err();
    assert_ne!(error.kind, FetchErrorKind::Bug, "{error}");
    assert!(error.hint().is_some());
    assert_eq!(lake.leftovers(), 0);
}

#[tokio::test]
async fn a_packed_answer_is_never_unpacked() {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b' '; 32 << 20]).unwrap();
    let bomb = bomb.finish().unwrap();
    // Without a date: that of this machine is not the time that the lake plays in.
    let packed = move || ([("content-encoding", "gzip"), ("date", "")], bomb.clone()).into_response();
    let server = Served::start(move |_| packed()).await;
    let client = product_client();
    let traffic = contrail::sources::Traffic::default();
    let (body, _) = client.get_bytes(&server.url, 1 << 20, &traffic).await.unwrap();
    assert!(body.starts_with(b"\x1f\x8b"), "as it came");

    let pipeline = AzurePipeline::new(client.reqwest(), client.limits(), SystemClock::shared(), AT_ONCE);
    let body = pipeline.get(&server.url, &std::sync::Arc::default()).await.unwrap().into_body().unwrap();
    assert!(body.starts_with(b"\x1f\x8b"), "as it came");

    let lake = Lake::new("2026-11-21T10:05:00Z", "2026-11-22T20:15:00Z");
    let source = AwsSpotPrices::new(
        options(server.url.as_str()),
        sdk(true),
        HostLimits::new(4, lake.clock()),
        lake.clock(),
    );
    let error = source.fetch(&hour(), &lake.fetch_context(), lake.draft()).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Upstream, "{error}");
}

#[tokio::test]
async fn what_an_upstream_says_cannot_talk_to_the_terminal() {
    let ec2 = Ec2::start(|_| Answer::new(200, "<\u{1b}]0;evil\u{7}/>")).await;
    let lake = Lake::new("2026-11-21T10:05:00Z", "2026-11-22T20:15:00Z");
    let source =
        AwsSpotPrices::new(options(&ec2.url), sdk(true), HostLimits::new(4, lake.clock()), lake.clock());
    let error = source.fetch(&hour(), &lake.fetch_context(), lake.draft()).await.unwrap_err();
    assert!(error.to_string().contains("evil"), "{error}");
    assert!(!error.to_string().contains(char::is_control), "{error:?}");
}
