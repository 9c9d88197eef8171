//! What must never get out, and what must never get in.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use contrail::base::{Chance, SystemClock};
use contrail::config::{self, Inputs};
use contrail::lake::slice::{Slice, Stream};
use contrail::net::{Client, HostLimits, HttpOptions, Proxying};
use contrail::sources::aws::spot_prices::AwsSpotPrices;
use contrail::sources::azure::pipeline::{AzurePipeline, RetryTimes};
use contrail::sources::{FetchError, FetchErrorKind, Source as _};
use contrail::telemetry::log::{self, LogFormat, LogOptions, Stderr};

use crate::spot::{options, sdk};
use crate::support::ec2::{Answer, Ec2, item};
use crate::support::fake_source::{FakeSource, WINDOWS};
use crate::support::http::{Served, client};
use crate::support::lake::{Lake, lines};
use crate::support::program::{Ended, Home, Running};
use crate::support::rig::Rig;
use crate::support::server::{Server, ok};
use crate::support::simulation::simulate;

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
    for dataset in
        ["aws_spot_prices", "aws_price_list", "aws_savings_plans", "aws_spot_advisor", "azure_retail_prices"]
    {
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
         [sources.aws_savings_plans]\nbase_url = \"http://prices.invalid\"\n\
         [sources.aws_spot_advisor]\nbase_url = \"http://advisor.invalid\"\n\
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

/// No machine has room for such a stack, so that the runtime finds no thread to begin with.
#[test]
fn a_program_that_panics_shows_no_secret() {
    let home = planted("[http]\nproxy = { env = \"PLANTED_PROXY\" }\n")
        .with("RUST_MIN_STACK", (usize::MAX / 4).to_string())
        .with("RUST_BACKTRACE", "full");
    let ended = home.run(&["crawler", "--once", "-vvv"]).with(101);
    assert!(ended.stderr.contains("panicked at") && ended.stderr.contains("stack backtrace"), "{ended:?}");
    assert_told_clean("a program that panics", &ended);
}

/// Set for the process that is to panic.
const PANICS: &str = "PLANTED_PANIC";

/// The test starts itself, to hear what a panic says where nobody catches its output.
#[test]
fn a_source_that_panics_with_all_it_holds_shows_no_secret() {
    if std::env::var_os(PANICS).is_some() {
        return crawl_and_panic();
    }
    let home = planted("[http]\nproxy = { env = \"PLANTED_PROXY\" }\n")
        .with("ITSELF", std::env::current_exe().unwrap().to_str().unwrap())
        .with("RUST_BACKTRACE", "full")
        .with(PANICS, "yes");
    let test = "security::a_source_that_panics_with_all_it_holds_shows_no_secret";
    let script = format!("exec \"$ITSELF\" --exact {test} --nocapture");
    let ended = home.start_in(&[], &script, &[]).end().with(0);
    for said in
        ["panicked at", "told to panic with Inputs", "stack backtrace", "(hidden)", "Through([hidden])"]
    {
        assert!(ended.stderr.contains(said), "{said} is not in {}", ended.stderr);
    }
    assert!(ended.stderr.contains("the tick panicked"), "the log tells of it: {}", ended.stderr);
    assert!(ended.stdout.contains("the tick panicked"), "report and run log do too: {}", ended.stdout);
    assert_told_clean("a source that panics", &ended);
}

/// Crawls with a source that shows, in its panic, everything that secrets are given to.
#[expect(clippy::print_stdout, reason = "the test that started this process reads it")]
fn crawl_and_panic() {
    let (format, clock) = (LogFormat::Text, SystemClock::shared());
    log::init(&LogOptions {
        format,
        verbosity: 3,
        filter: None,
        color: false,
        clock,
        sink: Arc::new(Stderr),
    })
    .unwrap();
    let directory = std::env::current_dir().unwrap();
    let inputs = Inputs { environment: config::environment(), directory, ..Inputs::default() };
    let loaded = config::load(&inputs).unwrap();
    let proxy = loaded.config.http.proxy.as_ref().unwrap().expose();
    assert!(proxy.contains(PASSWORD));
    let http = http_options(Proxying::Through(proxy.to_owned()));
    let client = Client::new(http.clone(), SystemClock::shared(), Arc::new(Chance::seeded(1))).unwrap();
    let keys = Credentials::new("AKIDPLANTED", SECRET_KEY, Some(SESSION_TOKEN.to_owned()), None, "planted");
    let keys = SharedCredentialsProvider::new(keys);
    let sdk = sdk(false).into_builder().credentials_provider(keys).build();
    let spot = AwsSpotPrices::new(
        options("http://127.0.0.1:9"),
        sdk.clone(),
        client.limits(),
        SystemClock::shared(),
    );
    let held = format!("{inputs:?} {loaded:?} {http:?} {client:?} {sdk:?} {spot:?}");
    simulate(async {
        let rig = Rig::at("2026-11-21T03:15:00Z");
        let source = FakeSource::planned_by(&WINDOWS, move |_| panic!("told to panic with {held}"));
        let report = rig.once(&[&source]).await;
        println!("{report:?} {:?}", rig.logs().await);
    });
}

fn http_options(proxy: Proxying) -> HttpOptions {
    HttpOptions {
        timeout: std::time::Duration::from_secs(30),
        connect_timeout: std::time::Duration::from_secs(5),
        max_connections_per_host: 4,
        user_agent: "contrail/test".to_owned(),
        proxy,
    }
}

fn product_client() -> Client {
    Client::new(http_options(Proxying::Direct), SystemClock::shared(), Arc::new(Chance::seeded(1))).unwrap()
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
    let error = pipeline.get(&server.url, &Arc::default()).await.unwrap().into_body().unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Upstream);
    assert!(error.to_string().contains("redirect (307)"), "{error}");
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn ec2_leads_nobody_to_another_host() {
    let other = Server::start(|_, _| ok("evil")).await;
    let answer = moved(other.at("/x").to_string());
    let server = Served::start(move |_| answer()).await;
    fetch_spot(server.url.as_str()).await.unwrap_err();
    assert!(other.asked().is_empty());
}

fn hour() -> Slice {
    let [from, to] = ["2026-11-22T18:00:00Z", "2026-11-22T19:00:00Z"].map(|at| at.parse().unwrap());
    let span = contrail::lake::interval::Interval::new(from, to).unwrap();
    Slice::Window { stream: Stream::new("aws_spot_prices", &[("region", "us-east-1")]).unwrap(), span }
}

/// The rows of that hour, as the EC2 at `url` tells them.
async fn fetch_spot(url: &str) -> Result<Vec<String>, FetchError> {
    let lake = Lake::new("2026-11-21T10:05:00Z", "2026-11-22T20:15:00Z");
    let limits = HostLimits::new(4, lake.clock());
    let source = AwsSpotPrices::new(options(url), sdk(true), limits, lake.clock());
    let fetched = source.fetch(&hour(), &lake.fetch_context(), lake.draft()).await;
    if fetched.is_err() {
        assert_eq!(lake.leftovers(), 0);
    }
    fetched.map(|fetched| lines(fetched.draft))
}

/// A whole listing of one row of that hour, with so many bytes of nothing in it.
fn listing(nothing: usize) -> Vec<u8> {
    let row = item(&[
        ("availabilityZone", "us-east-1a"),
        ("availabilityZoneId", "use1-az1"),
        ("instanceType", "m5.large"),
        ("productDescription", "Linux/UNIX"),
        ("spotPrice", "0.0384"),
        ("timestamp", "2026-11-22T18:20:00.000Z"),
    ]);
    let set = format!("<spotPriceHistorySet>{row}{}</spotPriceHistorySet>", " ".repeat(nothing));
    format!("<DescribeSpotPriceHistoryResponse>{set}</DescribeSpotPriceHistoryResponse>").into_bytes()
}

/// Answers everything with `body`, and without a date: that of this machine is not the time that the lake plays in.
async fn serving(body: Vec<u8>, coding: &'static str) -> Served {
    let body = Bytes::from(body);
    Served::start(move |_| ([("content-encoding", coding), ("date", "")], body.clone()).into_response()).await
}

#[tokio::test]
async fn an_answer_without_end_is_refused_by_every_client() {
    // But for its length there is nothing wrong with it, so that nothing but a bound stops it.
    let server = serving(listing(40 << 20), "identity").await;
    let client = product_client();

    let error =
        client.get_bytes(&server.url, 1 << 20, &contrail::sources::Traffic::default()).await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");

    let pipeline = AzurePipeline::new(client.reqwest(), client.limits(), SystemClock::shared(), AT_ONCE);
    let error = pipeline.get(&server.url, &Arc::default()).await.unwrap_err();
    assert!(error.to_string().contains("16 MiB"), "{error}");

    let error = fetch_spot(server.url.as_str()).await.unwrap_err();
    assert!(error.to_string().contains("length limit exceeded"), "{error}");
    assert_eq!(error.kind, FetchErrorKind::Retry { after: None });
    let bearable = serving(listing(4 << 20), "identity").await;
    assert_eq!(fetch_spot(bearable.url.as_str()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_packed_answer_is_never_unpacked() {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&listing(32 << 20)).unwrap();
    let server = serving(bomb.finish().unwrap(), "gzip").await;
    let client = product_client();
    let traffic = contrail::sources::Traffic::default();
    let (body, _) = client.get_bytes(&server.url, 1 << 20, &traffic).await.unwrap();
    assert!(body.starts_with(b"\x1f\x8b"), "as it came");

    let pipeline = AzurePipeline::new(client.reqwest(), client.limits(), SystemClock::shared(), AT_ONCE);
    let body = pipeline.get(&server.url, &Arc::default()).await.unwrap().into_body().unwrap();
    assert!(body.starts_with(b"\x1f\x8b"), "as it came");

    // Unpacked it would be too long, or a listing.
    let error = fetch_spot(server.url.as_str()).await.unwrap_err();
    assert!(error.to_string().contains("does not start with an element"), "{error}");
    assert_eq!(error.kind, FetchErrorKind::Upstream, "{error}");
}

#[tokio::test]
async fn what_an_upstream_says_cannot_talk_to_the_terminal() {
    let ec2 = Ec2::start(|_| Answer::new(200, "<\u{1b}]0;evil\u{7}/>")).await;
    let error = fetch_spot(&ec2.url).await.unwrap_err();
    assert!(error.to_string().contains("evil"), "{error}");
    assert!(!error.to_string().contains(char::is_control), "{error:?}");
}
