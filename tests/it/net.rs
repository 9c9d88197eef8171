//! The HTTP client against servers that misbehave.

use std::sync::Arc;
use std::time::Duration;

use contrail::base::error::Hinted as _;
use contrail::base::{Chance, Clock};
use contrail::net::{Client, HttpOptions, NetError, NetErrorKind, RetryTimes};
use contrail::sources::Traffic;

use crate::support::clock::TestClock;
use crate::support::server::{Server, broken_off, ok, silence, status, too_short, with};

const LIMIT: usize = 1 << 20;

fn options() -> HttpOptions {
    HttpOptions {
        timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(5),
        max_connections_per_host: 4,
        user_agent: "contrail/test".to_owned(),
        proxy: contrail::net::Proxying::Direct,
    }
}

fn clock() -> Arc<TestClock> {
    Arc::new(TestClock::at("2026-11-21T08:00:00Z"))
}

fn client(clock: &Arc<TestClock>) -> Client {
    Client::new(options(), Arc::clone(clock) as Arc<dyn Clock>, Arc::new(Chance::seeded(1))).unwrap()
}

/// What getting `/x` brings, what it cost (requests, retries) and how long each wait was.
async fn get(server: &Server) -> (Result<Vec<u8>, NetError>, (u64, u64), Vec<Duration>) {
    let (clock, traffic) = (clock(), Traffic::default());
    let got = client(&clock).get_bytes(&server.at("/x"), LIMIT, &traffic).await;
    let (requests, retries, _) = traffic.counted();
    (got.map(|(bytes, _)| bytes.to_vec()), (requests, retries), clock.slept())
}

#[tokio::test]
async fn a_document_comes_with_its_validators() {
    let server = Server::start(|_, _| {
        with(with(ok("body"), "etag", "\"v1\""), "last-modified", "Sat, 21 Nov 2026 07:00:00 GMT")
    })
    .await;
    let traffic = Traffic::default();
    let (body, validators) = client(&clock()).get_bytes(&server.at("/x"), LIMIT, &traffic).await.unwrap();
    assert_eq!(body, "body");
    assert_eq!(validators.etag.as_deref(), Some("\"v1\""));
    assert_eq!(validators.last_modified.as_deref(), Some("Sat, 21 Nov 2026 07:00:00 GMT"));
    assert_eq!(traffic.counted(), (1, 0, 0));
}

#[tokio::test]
async fn a_busy_server_is_left_alone_for_as_long_as_it_asks() {
    let server = Server::start(|_, before| match before {
        0 => with(status(429), "retry-after", "7"),
        // By then it is 08:00:07.
        1 => with(status(503), "retry-after", "Sat, 21 Nov 2026 08:01:07 GMT"),
        _ => ok("body"),
    })
    .await;
    let (got, cost, slept) = get(&server).await;
    assert_eq!(got.unwrap(), b"body");
    assert_eq!(cost, (3, 2));
    assert_eq!(slept, [Duration::from_secs(7), Duration::from_mins(1)]);
}

#[tokio::test]
async fn who_asks_for_too_much_patience_gets_none_and_the_caller_learns_of_it() {
    let server = Server::start(|_, _| with(status(503), "retry-after", "3600")).await;
    let (got, cost, slept) = get(&server).await;
    assert_eq!(got.unwrap_err().kind, NetErrorKind::Away { after: Some(Duration::from_hours(1)) });
    assert_eq!((cost, slept.len()), ((1, 0), 0));
}

#[tokio::test]
async fn patience_ends_after_six_tries_with_growing_jittered_waits() {
    for code in [408, 429, 500, 502, 503, 504] {
        let server = Server::start(move |_, _| status(code)).await;
        let (got, cost, slept) = get(&server).await;
        let error = got.unwrap_err();
        assert_eq!(error.kind, NetErrorKind::Away { after: None });
        assert!(error.to_string().contains(&format!("/x answered {code}")), "{error}");
        assert_eq!(cost, (6, 5));
        for (wait, bound) in slept.iter().zip([1, 2, 4, 8, 16]) {
            assert!(*wait < Duration::from_secs(bound), "{slept:?}");
        }
        assert!(slept.windows(2).any(|pair| pair[0] != pair[1]), "no jitter in {slept:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_fetched_again() {
    let server = Server::start(|_, before| match before {
        0 => broken_off("bo"),
        1 => too_short("bo", 4),
        _ => ok("body"),
    })
    .await;
    let (got, cost, _) = get(&server).await;
    assert_eq!(got.unwrap(), b"body");
    assert_eq!(cost, (3, 2));
}

#[tokio::test]
async fn a_body_that_is_always_cut_off_is_an_error_that_can_pass() {
    let server = Server::start(|_, _| too_short("bo", 4)).await;
    let error = get(&server).await.0.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Away { after: None });
    assert!(error.to_string().contains("was cut off"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_away() {
    let server = Server::start(|_, _| ok("")).await;
    let url = server.at("/x?sig=secret");
    drop(server);
    let (clock, traffic) = (clock(), Traffic::default());
    let times = RetryTimes { tries: 2, ..RetryTimes::default() };
    // The listener is closed when its task has ended, which may be after a last connection.
    let client = client(&clock).with_retry_times(times);
    let error = client.get_bytes(&url, LIMIT, &traffic).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Away { after: None });
    assert!(error.to_string().contains("sig=REDACTED"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert!(error.hint().is_some());
    assert_eq!(traffic.counted(), (2, 1, 0));
}

#[tokio::test]
async fn a_silent_server_is_away() {
    let server = Server::start(|_, _| silence()).await;
    let options = HttpOptions { timeout: Duration::from_millis(50), ..options() };
    let times = RetryTimes { tries: 2, ..RetryTimes::default() };
    let client = Client::new(options, clock(), Arc::new(Chance::seeded(1))).unwrap().with_retry_times(times);
    let error = client.get_bytes(&server.at("/x"), LIMIT, &Traffic::default()).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Away { after: None });
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn what_cannot_pass_is_not_tried_again() {
    for (code, kind) in [
        (404, NetErrorKind::NotFound),
        (410, NetErrorKind::NotFound),
        (400, NetErrorKind::Refused),
        (401, NetErrorKind::Refused),
        (403, NetErrorKind::Refused),
        (407, NetErrorKind::Config),
        (204, NetErrorKind::Protocol),
        (304, NetErrorKind::Protocol),
    ] {
        let server = Server::start(move |_, _| status(code)).await;
        let (got, cost, slept) = get(&server).await;
        assert_eq!(got.unwrap_err().kind, kind, "{code}");
        assert_eq!((cost, slept.len()), ((1, 0), 0), "{code}");
    }
}

#[tokio::test]
async fn refusals_are_tried_again_where_that_was_asked_for() {
    let server = Server::start(|_, before| if before < 2 { status(403) } else { ok("body") }).await;
    let (clock, traffic) = (clock(), Traffic::default());
    let patient =
        |refusals| client(&clock).with_retry_times(RetryTimes { refusals, ..RetryTimes::default() });
    let error = patient(2).get_bytes(&server.at("/x"), LIMIT, &traffic).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Refused);
    assert_eq!(patient(1).get_bytes(&server.at("/x"), LIMIT, &traffic).await.unwrap().0, "body");
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let other = Server::start(|_, _| ok("evil")).await;
    let target = other.at("/x").to_string();
    let server = Server::start(move |_, _| with(status(302), "location", &target)).await;
    let error = get(&server).await.0.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::Protocol);
    assert!(error.hint().is_some());
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn redirects_on_the_same_host_are_followed_but_not_for_ever() {
    let server = Server::start(|path, _| match path {
        "/x" => with(status(302), "location", "/y"),
        _ => ok("body"),
    })
    .await;
    assert_eq!(get(&server).await.0.unwrap(), b"body");

    let circle = Server::start(|_, _| with(status(302), "location", "/x")).await;
    assert_eq!(get(&circle).await.0.unwrap_err().kind, NetErrorKind::Protocol);
    assert_eq!(circle.asked().len(), 6);
}

#[tokio::test]
async fn a_document_larger_than_agreed_is_refused() {
    let server = Server::start(|_, _| ok("12345")).await;
    let (client, traffic) = (client(&clock()), Traffic::default());
    assert_eq!(client.get_bytes(&server.at("/x"), 5, &traffic).await.unwrap().0, "12345");
    let error = client.get_bytes(&server.at("/x"), 4, &traffic).await.unwrap_err();
    assert_eq!(error.kind, NetErrorKind::TooLarge);
}

#[tokio::test]
async fn a_coded_body_is_kept_as_it_is() {
    let server = Server::start(|_, _| with(ok(&b"\x1f\x8b\x08"[..]), "content-encoding", "gzip")).await;
    assert_eq!(get(&server).await.0.unwrap(), b"\x1f\x8b\x08");
}

#[tokio::test]
async fn a_host_has_no_room_until_the_body_is_read() {
    let server = Server::start(|_, _| ok("body")).await;
    let options = HttpOptions { max_connections_per_host: 1, ..options() };
    let client = Client::new(options, clock(), Arc::new(Chance::seeded(1))).unwrap();
    let (limits, host) = (client.limits(), server.authority());
    let has_room = || futures::FutureExt::now_or_never(limits.acquire(&host)).is_some();

    let traffic = Traffic::default();
    let mut download = client.get(&server.at("/x"), &traffic).await.unwrap();
    assert!(!has_room());
    assert_eq!(download.chunk().await.unwrap().unwrap(), "body");
    assert!(!has_room());
    drop(download);
    assert!(has_room());
}
