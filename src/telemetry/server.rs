//! `/metrics` for Prometheus and `/healthz` for whoever restarts what is ill.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use super::metrics::Exporter;
use crate::base::error::Hinted;

/// Knows whether the process does its work. Asked at each request, so it must be quick.
pub trait Health: Send + Sync {
    /// Whether all is well, and the details that `/healthz` answers with. They hold no secrets.
    fn health(&self) -> (bool, serde_json::Value);
}

impl<F: Fn() -> (bool, serde_json::Value) + Send + Sync> Health for F {
    fn health(&self) -> (bool, serde_json::Value) {
        self()
    }
}

/// The server could not begin or go on.
#[derive(Debug, thiserror::Error)]
#[error("failed to serve metrics on {address}: {error}")]
pub struct ServerError {
    address: SocketAddr,
    error: io::Error,
}

impl Hinted for ServerError {
    fn hint(&self) -> Option<&str> {
        match self.error.kind() {
            io::ErrorKind::AddrInUse => Some(
                "another process listens there, perhaps another crawler: set [server] listen to a free port",
            ),
            io::ErrorKind::PermissionDenied => Some("set [server] listen to a port from 1024 on"),
            io::ErrorKind::AddrNotAvailable => Some("set [server] listen to an address of this machine"),
            _ => None,
        }
    }
}

/// A server that is bound to its address and does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Takes the address; port 0 takes a free one. Warns where other machines can reach it: there is no
    /// password.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let fail = |error| ServerError { address, error };
        let listener = TcpListener::bind(address).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        if address.ip().is_loopback() {
            tracing::info!(%address, "serving /metrics and /healthz");
        } else {
            tracing::warn!(%address, "serving /metrics and /healthz, without a password, beyond this machine");
        }
        Ok(Self { listener, address })
    }

    /// Where it listens, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` completes and requests under way are done. Dropping the future ends it at once.
    pub async fn run(
        self,
        exporter: Exporter,
        health: Arc<dyn Health>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServerError> {
        let routes = Router::new()
            .route("/metrics", get(metrics).with_state(exporter))
            .route("/healthz", get(healthz).with_state(health));
        axum::serve(self.listener, routes)
            .with_graceful_shutdown(shutdown)
            .await
            .map_err(|error| ServerError { address: self.address, error })
    }
}

async fn metrics(State(exporter): State<Exporter>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], exporter.render())
}

async fn healthz(State(health): State<Arc<dyn Health>>) -> impl IntoResponse {
    let (well, details) = health.health();
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CONTENT_TYPE, "application/json")], format!("{details}\n"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use serde_json::json;

    use super::*;

    const LOOPBACK: &str = "127.0.0.1:0";

    #[tokio::test]
    async fn metrics_and_health_are_answered_until_shutdown() {
        let server = Server::bind(LOOPBACK.parse().unwrap()).await.unwrap();
        let base = format!("http://{}", server.address());
        let well = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&well);
        let health: Arc<dyn Health> = Arc::new(move || (asked.load(Ordering::SeqCst), json!({ "spool": 3 })));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (recorder, exporter) = Exporter::recorder().unwrap();
        ::metrics::with_local_recorder(&recorder, || crate::telemetry::metrics::store_up(true));
        let running = tokio::spawn(server.run(exporter, health, async {
            let _ = stopped.await;
        }));

        // The first request of this process may find a proxy in the environment; loopback needs none.
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let get = async |path: &str| client.get(format!("{base}{path}")).send().await.unwrap();
        let metrics = get("/metrics").await;
        assert_eq!(metrics.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        assert!(metrics.text().await.unwrap().contains("contrail_store_up 1"));
        let healthy = get("/healthz").await;
        assert_eq!(
            (healthy.status().as_u16(), healthy.text().await.unwrap()),
            (200, "{\"spool\":3}\n".to_owned())
        );
        well.store(false, Ordering::SeqCst);
        assert_eq!(get("/healthz").await.status(), 503);
        assert_eq!(get("/").await.status(), 404);

        stop.send(()).unwrap();
        running.await.unwrap().unwrap();
        assert!(client.get(format!("{base}/healthz")).send().await.is_err());
    }

    #[tokio::test]
    async fn an_address_in_use_is_told_with_a_hint() {
        let first = Server::bind(LOOPBACK.parse().unwrap()).await.unwrap();
        let error = Server::bind(first.address()).await.unwrap_err();
        assert!(error.to_string().contains(&first.address().to_string()), "{error}");
        assert!(error.hint().unwrap().contains("[server] listen"));
    }
}
