//! The upstreams: credentials, permissions, regions, clocks and networks.

use axum::body::Body;
use axum::response::Response;
use contrail::base::SystemClock;
use contrail::sandbox::{Sandbox, SandboxOptions};

use super::{diagnosis, home, run, statement, with_credentials};
use crate::support::ec2::{ACCOUNT, Answer, Asked, Ec2, page, regions, zones};
use crate::support::http::Served;
use crate::support::program::Home;

const SPOT: &str = "aws_spot_prices";
const CALLS: [&str; 3] =
    ["ec2:DescribeRegions", "ec2:DescribeAvailabilityZones", "ec2:DescribeSpotPriceHistory"];

/// EC2 as it should be.
fn well(asked: &Asked) -> Answer {
    match asked.action() {
        "DescribeRegions" => regions(&[("us-east-1", "opt-in-not-required"), ("me-south-1", "opted-in")]),
        "DescribeAvailabilityZones" => zones(&[("us-east-1a", "use1-az6")]),
        _ => page(&[], None),
    }
}

fn asking(ec2: &Ec2) -> Home {
    home("")
        .with("CONTRAIL_AWS__ENDPOINT_URL", &ec2.url)
        .with("CONTRAIL_SOURCES__AWS_SPOT_PRICES__ENABLED", "true")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_and_a_directory_are_well() {
    let sandbox = Sandbox::start(SandboxOptions::new(SystemClock::shared())).await.unwrap();
    // As much as any disk has room for.
    let home = Home::new().configured(&sandbox.ready_config()).with("CONTRAIL_LAKE__SPOOL_LIMIT", "100 MiB");
    let home = with_credentials(home);
    let found = diagnosis(&home, 0);
    assert!(found.0.iter().all(|line| line.verdict == "ok"), "{found:#?}");
    let credentials = found.line(SPOT, "credentials");
    assert_eq!(credentials.found, "account 123456789012 as arn:aws:iam::123456789012:user/sandbox");
    for (subject, name) in [
        ("config", "file"),
        ("clock", "clock"),
        ("spool", "room"),
        ("lake", "lake.json"),
        ("aws_price_list", "AmazonEC2 in aws"),
        ("aws_savings_plans", "AWSComputeSavingsPlan in aws"),
        ("aws_spot_advisor", "feed"),
        ("azure_retail_prices", "USD Reservation"),
        (SPOT, CALLS[2]),
    ] {
        found.line(subject, name);
    }
    assert!(!home.path("contrail-sandbox-lake").exists(), "nothing is made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_credentials_are_told_and_nothing_is_asked() {
    let ec2 = Ec2::start(well).await;
    let found = diagnosis(&asking(&ec2), 3);
    let credentials = found.fails(SPOT, "credentials", "aws sso login");
    assert!(credentials.hint.as_deref().unwrap().contains("AWS_ACCESS_KEY_ID"), "{credentials:#?}");
    for call in CALLS {
        found.is(SPOT, call, "skipped");
    }
    assert!(ec2.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_have_expired_are_told_from_wrong_ones() {
    for (code, hint) in
        [("ExpiredToken", "have expired: renew them"), ("InvalidClientTokenId", "check the AWS credentials")]
    {
        let ec2 = Ec2::start_with_sts(well, sts_error(code)).await;
        let found = diagnosis(&with_credentials(asking(&ec2)), 3);
        assert!(found.fails(SPOT, "credentials", hint).found.contains(code));
        found.is(SPOT, CALLS[0], "skipped");
    }
}

fn sts_error(code: &str) -> Answer {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>no</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    );
    Answer::new(403, body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sts_that_is_closed_to_us_is_no_reason_not_to_crawl() {
    let ec2 = Ec2::start_with_sts(well, sts_error("AccessDenied")).await;
    let found = diagnosis(&with_credentials(asking(&ec2)), 0);
    let line = found.is(SPOT, "credentials", "warning");
    assert_eq!(statement(line)["Action"], "sts:GetCallerIdentity");
    found.is(SPOT, CALLS[2], "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_not_permitted_is_named_with_the_statement_that_allows_it() {
    for denied in CALLS {
        let action = denied.strip_prefix("ec2:").unwrap();
        let ec2 = Ec2::start(move |asked| match asked.action() {
            asked if asked == action => {
                Answer::error(403, "UnauthorizedOperation", "You are not authorized.")
            }
            _ => well(asked),
        })
        .await;
        let found = diagnosis(&with_credentials(asking(&ec2)), 3);
        let line = found.fails(SPOT, denied, denied);
        let statement = statement(line);
        assert_eq!((&statement["Effect"], &statement["Action"]), (&"Allow".into(), &denied.into()));
        for other in CALLS.into_iter().filter(|call| *call != denied) {
            found.is(SPOT, other, "ok");
        }
        assert!(found.is(SPOT, "credentials", "ok").found.contains(ACCOUNT));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_refuses_us_is_named_and_the_others_are_well() {
    let ec2 = Ec2::start(|asked| match (asked.action(), asked.region.as_str()) {
        ("DescribeSpotPriceHistory", "me-south-1") => Answer::error(401, "AuthFailure", "not validated"),
        _ => well(asked),
    })
    .await;
    let found = diagnosis(&with_credentials(asking(&ec2)), 0);
    let line = found.is(SPOT, CALLS[2], "warning");
    assert!(line.found.ends_with("(answered in 1 of 2 regions, not in me-south-1)"), "{line:#?}");
    assert!(line.hint.as_deref().unwrap().contains("opt in to me-south-1"), "{line:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_region_that_is_not_enabled_is_a_warning() {
    let ec2 = Ec2::start(well).await;
    let home = with_credentials(asking(&ec2)).with("CONTRAIL_AWS__REGIONS", "us-east-1,af-south-1");
    let found = diagnosis(&home, 0);
    let line = found.is(SPOT, "af-south-1", "warning");
    assert!(line.hint.as_deref().unwrap().contains("opt in to af-south-1"), "{line:#?}");
    assert!(found.is(SPOT, CALLS[2], "ok").found.contains("1 region"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong_is_told_from_the_answers_of_servers() {
    let yesterday = contrail::base::Clock::now(&SystemClock) - chrono::TimeDelta::seconds(86_370);
    let date = yesterday.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let server =
        Served::start(move |_| Response::builder().header("date", &date).body(Body::from("{}")).unwrap())
            .await;
    let url = server.url.as_str().trim_end_matches('/');

    let aws = with_credentials(home(""))
        .with("CONTRAIL_AWS__ENDPOINT_URL", url)
        .with("CONTRAIL_SOURCES__AWS_SPOT_PRICES__ENABLED", "true");
    let line = diagnosis(&aws, 3);
    let line = line.fails("clock", "clock", "timedatectl");
    assert!(
        line.found.starts_with("23h 59m ") && line.found.contains("ahead of 127.0.0.1: AWS refuses"),
        "{line:#?}"
    );

    let azure = home("")
        .with("CONTRAIL_SOURCES__AZURE_RETAIL_PRICES__BASE_URL", url)
        .with("CONTRAIL_SOURCES__AZURE_RETAIL_PRICES__ENABLED", "true");
    diagnosis(&azure, 3).is("clock", "clock", "warning");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signatures_that_are_refused_for_their_time_are_a_matter_of_the_clock() {
    let ec2 = Ec2::start_with_sts(well, sts_error("RequestExpired")).await;
    let found = diagnosis(&with_credentials(asking(&ec2)), 3);
    found.fails(SPOT, "credentials", "set this machine's clock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upstreams_that_are_not_there_or_never_answer_fail_soon() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // It takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let home = with_credentials(home("[http]\ntimeout = \"1s\"\n"))
        .with("CONTRAIL_SOURCES__AZURE_RETAIL_PRICES__ENABLED", "true")
        .with(
            "CONTRAIL_SOURCES__AZURE_RETAIL_PRICES__BASE_URL",
            format!("http://{}", silent.local_addr().unwrap()),
        )
        .with("CONTRAIL_SOURCES__AWS_PRICE_LIST__ENABLED", "true")
        .with("CONTRAIL_SOURCES__AWS_PRICE_LIST__BASE_URL", format!("http://{gone}"))
        .with("CONTRAIL_SOURCES__AWS_SAVINGS_PLANS__ENABLED", "true")
        .with("CONTRAIL_SOURCES__AWS_SAVINGS_PLANS__BASE_URL", format!("http://{gone}"))
        .with("CONTRAIL_SOURCES__AWS_SPOT_PRICES__ENABLED", "true")
        .with("CONTRAIL_AWS__ENDPOINT_URL", format!("http://{}", silent.local_addr().unwrap()));
    let clock = SystemClock;
    let started = contrail::base::Clock::now(&clock);
    let found = diagnosis(&home, 3);
    let took = contrail::base::Clock::now(&clock) - started;
    assert!(took < chrono::TimeDelta::seconds(45), "nobody waits for {took}");
    found.fails("azure_retail_prices", "USD Consumption", "timed out");
    found.fails("aws_price_list", "AmazonEC2 in aws", "network");
    found.fails("aws_savings_plans", "offer index of aws", "network");
    found.fails(SPOT, CALLS[0], "network");
    found.is("clock", "clock", "skipped");
    found.is("lake", "write", "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_answers_instead_is_told_as_such() {
    let server = Served::start(|_| Response::new(Body::from("<html>Please sign in</html>"))).await;
    let url = server.url.as_str().trim_end_matches('/');
    let home = home("")
        .with("CONTRAIL_SOURCES__AZURE_RETAIL_PRICES__ENABLED", "true")
        .with("CONTRAIL_SOURCES__AZURE_RETAIL_PRICES__BASE_URL", url)
        .with("CONTRAIL_SOURCES__AWS_PRICE_LIST__ENABLED", "true")
        .with("CONTRAIL_SOURCES__AWS_PRICE_LIST__BASE_URL", url)
        .with("CONTRAIL_SOURCES__AWS_SAVINGS_PLANS__ENABLED", "true")
        .with("CONTRAIL_SOURCES__AWS_SAVINGS_PLANS__BASE_URL", url)
        .with("CONTRAIL_SOURCES__AWS_SPOT_ADVISOR__ENABLED", "true")
        .with("CONTRAIL_SOURCES__AWS_SPOT_ADVISOR__BASE_URL", url);
    let found = diagnosis(&home, 3);
    found.fails("azure_retail_prices", "USD Consumption", "login page");
    found.fails("aws_price_list", "AmazonEC2 in aws", "login page");
    found.fails("aws_savings_plans", "offer index of aws", "login page");
    found.fails("aws_spot_advisor", "feed", "login page");
    let table = run(&home, &[]).with(3).stdout;
    assert!(table.contains("\n         hint: "), "{table}");
}
