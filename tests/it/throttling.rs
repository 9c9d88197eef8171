//! Hosts that say that there are too many requests: they are asked less, and only they.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use contrail::base::{Chance, Clock};
use contrail::lake::slice::{Slice, Stream};
use contrail::net::{Client, HostLimits, HttpOptions, Proxying};
use contrail::sources::aws::spot_prices::AwsSpotPrices;
use contrail::sources::azure::pipeline::{AzurePipeline, RetryTimes};
use contrail::sources::{Source as _, Traffic};
use futures::future::join_all;

use crate::spot::{options, sdk};
use crate::support::clock::TestClock;
use crate::support::ec2::{Answer, Ec2, page};
use crate::support::http::{Served, client};
use crate::support::lake::Lake;
use crate::support::server::{Server, ok, status};
use crate::support::simulation::{SimulatedClock, simulate};

const NOW: &str = "2026-11-22T20:15:00Z";

fn clock() -> Arc<dyn Clock> {
    Arc::new(TestClock::at(NOW))
}

#[tokio::test]
async fn a_region_that_exceeds_its_request_limit_is_asked_less_and_the_others_as_before() {
    let refusals = AtomicUsize::new(0);
    let ec2 = Ec2::start(move |asked| {
        let refused = asked.region == "us-east-1" && refusals.fetch_add(1, Ordering::Relaxed) < 2;
        if refused { Answer::error(503, "RequestLimitExceeded", "Slow down.") } else { page(&[], None) }
    })
    .await;
    let lake = Lake::new("2026-11-21T10:05:00Z", NOW);
    let limits = HostLimits::new(8, clock());
    let source = AwsSpotPrices::new(options(&ec2.url), sdk(true), limits.clone(), lake.clock());
    let fetch = async |region: &str| {
        let stream = Stream::new("aws_spot_prices", &[("region", region)]).unwrap();
        let hour = ["2026-11-22T18:00:00Z", "2026-11-22T19:00:00Z"].map(|at| at.parse().unwrap());
        let span = contrail::lake::interval::Interval::new(hour[0], hour[1]).unwrap();
        source.fetch(&Slice::Window { stream, span }, &lake.fetch_context(), lake.draft()).await.unwrap();
    };
    fetch("us-east-1").await;
    fetch("eu-west-1").await;
    assert_eq!(lake.traffic.counted(), (4, 2, 2), "the SDK repeats, and nobody else");
    assert_eq!(limits.slowed(), [("ec2.us-east-1".to_owned(), 2)]);
    for _ in 0..40 {
        fetch("us-east-1").await;
    }
    assert_eq!(limits.slowed(), []);
}

#[tokio::test]
async fn a_host_of_price_lists_that_answers_429_is_asked_less_until_it_answers_again() {
    let busy = Server::start(|_, before| if before == 0 { status(429) } else { ok("body") }).await;
    let idle = Server::start(|_, _| ok("body")).await;
    let http = HttpOptions {
        timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(5),
        max_connections_per_host: 4,
        user_agent: "contrail/test".to_owned(),
        proxy: Proxying::Direct,
    };
    let client = Client::new(http, clock(), Arc::new(Chance::seeded(1))).unwrap();
    let traffic = Traffic::default();
    for server in [&idle, &busy] {
        client.get_bytes(&server.at("/x"), 1_000, &traffic).await.unwrap();
    }
    assert_eq!(client.limits().slowed(), [(busy.authority(), 2)]);
    for _ in 0..20 {
        client.get_bytes(&busy.at("/x"), 1_000, &traffic).await.unwrap();
    }
    assert_eq!(client.limits().slowed(), []);
}

#[tokio::test]
async fn azure_is_asked_less_when_its_header_says_that_it_throttles() {
    const EAGER: RetryTimes =
        RetryTimes { initial: Duration::ZERO, max: Duration::ZERO, total: Duration::from_secs(30) };
    let server = Served::start(|asked| match asked.number {
        0 => (StatusCode::TOO_MANY_REQUESTS, [("x-ms-ratelimit-retailPrices-retry-after", "0")])
            .into_response(),
        _ => "{}".into_response(),
    })
    .await;
    let limits = HostLimits::new(4, clock());
    let pipeline = AzurePipeline::new(client(), limits.clone(), clock(), EAGER);
    pipeline.get(&server.url, &Arc::default()).await.unwrap().into_body().unwrap();
    let slowed = limits.slowed();
    assert_eq!(slowed.iter().map(|(_, at_once)| *at_once).collect::<Vec<_>>(), [2]);
    for _ in 0..20 {
        pipeline.get(&server.url, &Arc::default()).await.unwrap();
    }
    assert_eq!(limits.slowed(), []);
}

/// A host that answers so many requests at once, in a second each, and refuses the others at once.
struct Host<'a> {
    limits: &'a HostLimits,
    clock: &'a SimulatedClock,
    capacity: Cell<usize>,
    under_way: Cell<usize>,
    most: Cell<usize>,
    throttled: Cell<usize>,
}

impl<'a> Host<'a> {
    fn new(limits: &'a HostLimits, clock: &'a SimulatedClock, capacity: usize) -> Self {
        let [under_way, most, throttled] = [const { Cell::new(0) }; 3];
        Self { limits, clock, capacity: Cell::new(capacity), under_way, most, throttled }
    }

    /// Asks until it was answered so often.
    async fn ask(&self, name: &str, answers: usize) {
        let mut answered = 0;
        while answered < answers {
            let permit = self.limits.acquire(name).await;
            if self.under_way.get() == self.capacity.get() {
                self.clock.sleep(Duration::from_millis(20)).await;
                permit.throttled();
                self.throttled.update(|n| n + 1);
                continue;
            }
            self.under_way.update(|n| n + 1);
            self.most.set(self.most.get().max(self.under_way.get()));
            self.clock.sleep(Duration::from_secs(1)).await;
            self.under_way.update(|n| n - 1);
            permit.succeeded();
            answered += 1;
        }
    }
}

#[test]
fn a_host_with_little_room_gets_what_it_can_take_and_more_when_it_can_take_more() {
    simulate(async {
        let clock = Arc::new(SimulatedClock::at(NOW));
        let limits = HostLimits::new(16, Arc::clone(&clock) as Arc<dyn Clock>);
        let (narrow, wide) = (Host::new(&limits, &clock, 3), Host::new(&limits, &clock, 16));
        let began = clock.now();
        let narrow_ends = async {
            join_all((0..16).map(|_| narrow.ask("narrow", 25))).await;
            clock.now()
        };
        let wide_ends = async {
            join_all((0..16).map(|_| wide.ask("wide", 25))).await;
            clock.now()
        };
        let (narrow_end, wide_end) = clock.finish(async { tokio::join!(narrow_ends, wide_ends) }).await;
        assert_eq!((wide_end - began).num_seconds(), 25, "the other host is asked at full speed");
        assert_eq!((wide.throttled.get(), wide.most.get()), (0, 16));
        // 400 answers, three at a time, take 133 seconds at best.
        let seconds = (narrow_end - began).num_seconds();
        assert!((133..266).contains(&seconds), "{seconds} s");
        assert!(narrow.throttled.get() < 120, "{} of 400 were throttled", narrow.throttled.get());

        narrow.capacity.set(16);
        narrow.most.set(0);
        clock.finish(join_all((0..16).map(|_| narrow.ask("narrow", 25)))).await;
        assert_eq!(narrow.most.get(), 16);
        assert_eq!(limits.slowed(), []);
    });
}

#[test]
fn a_host_that_throttles_for_an_hour_is_asked_about_once_a_minute_and_forgiven_afterwards() {
    simulate(async {
        let clock = Arc::new(SimulatedClock::at(NOW));
        let limits = HostLimits::new(16, Arc::clone(&clock) as Arc<dyn Clock>);
        let host = Host::new(&limits, &clock, 0);
        let asking = join_all((0..16).map(|_| host.ask("a", 10)));
        let hour = async {
            clock.sleep(Duration::from_hours(1)).await;
            host.capacity.set(16);
            host.throttled.get()
        };
        let (_, throttled) = clock.finish(async { tokio::join!(asking, hour) }).await;
        assert!((50..110).contains(&throttled), "{throttled} requests in the hour");
        assert_eq!(limits.slowed(), []);
    });
}
