//! A proxy that damages payloads on their way, to prove that their checksums travel with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;

/// Passes requests on to a server, with one bit of each PUT's body turned over.
pub(crate) struct Tamper {
    url: String,
    damaged: Arc<AtomicUsize>,
}

impl Tamper {
    pub(crate) async fn start(server: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let damaged = Arc::new(AtomicUsize::new(0));
        let (server, count) = (server.to_owned(), Arc::clone(&damaged));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let pass = async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let mut bytes = body.to_vec();
            if method == Method::PUT
                && let Some(byte) = bytes.first_mut()
            {
                *byte ^= 1;
                count.fetch_add(1, Ordering::Relaxed);
            }
            let answer = client.request(method, format!("{server}{uri}")).headers(headers).body(bytes);
            let answer = answer.send().await.unwrap();
            let mut response = Response::builder().status(answer.status());
            *response.headers_mut().unwrap() = answer.headers().clone();
            response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
        };
        let app = axum::Router::new().fallback(pass).layer(DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, damaged }
    }

    /// Where the proxy listens.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// How many payloads it damaged.
    pub(crate) fn damaged(&self) -> usize {
        self.damaged.load(Ordering::Relaxed)
    }
}
