//! A simulated cloud on loopback that speaks the wire formats of four upstreams well enough for their real
//! clients: EC2 Query (spot price history, regions, zones), the AWS price list, the feed of the Spot Instance Advisor and
//! Azure's Retail Prices.
//!
//! Every answer is a function of seed, scale and the clock that is handed in; prices are a pure function of
//! seed, thing and time. The one thing that depends on when one asks: a spot change in 500 shows only 1 to 3 hours
//! after its timestamp, as late rows do upstream. It is there to try Contrail, to rehearse an outage and for tests; it proves nothing about
//! the real upstreams. Nothing here knows how Contrail fetches or stores: this room imports `base` only.

mod answer;
mod azure;
mod ec2;
mod faults;
mod market;
mod price_list;
mod spot_advisor;
mod wire;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::base::Clock;
use market::Market;
use market::draw::Draw;

pub use faults::{Faults, FaultsError};

/// What kind of cloud to simulate.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Decides every price and every fault. The same seed gives the same cloud.
    pub seed: u64,
    /// The size of the market, relative to about the real one: more than 0, at most 4.
    pub scale: f64,
    /// What goes wrong.
    pub faults: Faults,
    /// Tells the cloud what time it is. Nothing that it answers lies after that.
    pub clock: Arc<dyn Clock>,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
}

impl SandboxOptions {
    /// The largest market that can be simulated.
    pub const MAX_SCALE: f64 = market::MAX_SCALE;

    /// Seed 1, scale 0.01, no faults, any free port of the loopback interface.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { seed: 1, scale: 0.01, faults: Faults::default(), clock, listen }
    }
}

/// Base URLs of the simulated upstreams, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// EC2 of every region: the region is read from the request's signature.
    pub ec2: String,
    /// The price list of the commercial partition.
    pub price_list: String,
    /// The price list of China.
    pub price_list_cn: String,
    /// The feed of the Spot Instance Advisor.
    pub spot_advisor: String,
    /// Azure's Retail Prices.
    pub azure: String,
}

/// A running sandbox. Dropping it stops it and cuts its connections.
#[derive(Debug)]
pub struct Sandbox {
    cloud: Arc<Cloud>,
    endpoints: Endpoints,
    origin: String,
    stop: CancellationToken,
    server: Option<JoinHandle<io::Result<()>>>,
}

impl Sandbox {
    /// Builds the market and starts to listen. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// `InvalidInput` when the scale is out of its range; else whatever kept the address from being bound.
    pub async fn start(options: SandboxOptions) -> io::Result<Self> {
        let SandboxOptions { seed, scale, faults, clock, listen } = options;
        if !(scale > 0.0 && scale <= market::MAX_SCALE) {
            let message =
                format!("sandbox scale {scale} is out of range (more than 0, at most {})", market::MAX_SCALE);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let inner = TcpListener::bind(listen).await?;
        let base = format!("http://{}", reachable(inner.local_addr()?));
        let cloud = Arc::new(Cloud {
            market: Market::new(seed, scale),
            clock,
            faults,
            seed: Draw::seeded(seed).text("service"),
            base: base.clone(),
            requests: AtomicU64::new(0),
            walks: std::array::from_fn(|_| AtomicU64::new(0)),
            lengths: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let app = routes(&cloud).into_make_service_with_connect_info::<wire::Scissors>();
        let listener = wire::Listener { inner, stop: stop.clone() };
        let serving =
            axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned()).into_future();
        let endpoints = Endpoints {
            ec2: base.clone(),
            price_list: base.clone(),
            price_list_cn: base.clone(),
            spot_advisor: base.clone(),
            azure: base,
        };
        let origin = format!("sandbox:{seed}:{scale}");
        Ok(Self { cloud, endpoints, origin, stop, server: Some(tokio::spawn(serving)) })
    }

    /// Where the simulated upstreams listen.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// What a lake filled from here calls its origin: `sandbox:<seed>:<scale>`.
    pub fn origin(&self) -> String {
        self.origin.clone()
    }

    /// How many requests have come in so far, those that met a fault included.
    pub fn requests(&self) -> u64 {
        self.cloud.requests.load(Ordering::Relaxed)
    }

    /// A configuration that crawls this sandbox, ready to paste. Any AWS credentials will do.
    pub fn ready_config(&self) -> String {
        let Endpoints { ec2, price_list, spot_advisor, azure, .. } = &self.endpoints;
        format!(
            r#"# The simulated cloud {origin}. It accepts any AWS credentials, for example
#   export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox

[lake]
# A lake of its own: simulated and real prices never share one.
url = "file:./contrail-sandbox-lake"
origin = "{origin}"

[aws]
endpoint_url = "{ec2}"
regions = ["all"]

[sources.aws_price_list]
base_url = "{price_list}"

[sources.aws_savings_plans]
base_url = "{price_list}"

[sources.aws_spot_advisor]
base_url = "{spot_advisor}"

[sources.azure_retail_prices]
base_url = "{azure}"
"#,
            origin = self.origin
        )
    }

    /// Stops, and returns when the last connection is closed.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            // The server has no errors of its own to tell: it ended because it was asked to.
            let _ = server.await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The address that reaches a listener: "every interface" is no address to connect to.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn routes(cloud: &Arc<Cloud>) -> Router {
    Router::new()
        .route("/", post(ec2::serve))
        .route("/offers/v1.0/{*path}", get(price_list::serve))
        .route("/savingsPlan/v1.0/{*path}", get(price_list::serve_plans))
        .route(spot_advisor::PATH, get(spot_advisor::serve))
        .route("/api/retail/prices", get(azure::serve))
        .with_state(Arc::clone(cloud))
        .layer(from_fn_with_state(Arc::clone(cloud), answer::pass))
}

/// How many listings have walk counters of their own.
const WALK_SLOTS: usize = 64;
/// How many lengths of offer files are remembered.
const LENGTHS: usize = 4_096;

/// What all requests share: the market, the clock, and a few counters that only faults look at.
#[derive(Debug)]
struct Cloud {
    market: Market,
    clock: Arc<dyn Clock>,
    faults: Faults,
    seed: Draw,
    base: String,
    requests: AtomicU64,
    walks: [AtomicU64; WALK_SLOTS],
    lengths: Mutex<HashMap<String, u64>>,
}

impl Cloud {
    /// The number of this request, from 0.
    fn count_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// An id for the answer.
    fn request_id(&self) -> String {
        self.seed.text("request").at(self.requests.load(Ordering::Relaxed)).uuid()
    }

    /// Which walk over `listing` this is, from 0; its first page starts a new one.
    fn walk(&self, listing: u64, first_page: bool) -> u64 {
        let slots = u64::try_from(WALK_SLOTS).unwrap_or(1);
        let counter = &self.walks[usize::try_from(listing % slots).unwrap_or(0)];
        let started = if first_page {
            counter.fetch_add(1, Ordering::Relaxed) + 1
        } else {
            counter.load(Ordering::Relaxed)
        };
        started.saturating_sub(1)
    }

    /// The length of an offer file that was measured before.
    fn known_length(&self, file: &str) -> Option<u64> {
        self.lengths.lock().unwrap_or_else(PoisonError::into_inner).get(file).copied()
    }

    fn remember_length(&self, file: String, length: u64) {
        let mut lengths = self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        if lengths.len() >= LENGTHS {
            lengths.clear();
        }
        lengths.insert(file, length);
    }
}
