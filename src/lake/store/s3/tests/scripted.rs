//! A server that answers as it is told and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, SharedCredentialsProvider};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use futures::StreamExt as _;

use super::{Clock, Hasty, ObjectMeta, S3Options, S3Store};

/// What the server was asked.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The method and what the query says about a multipart upload.
    pub(super) fn step(&self) -> &'static str {
        match self.method.as_str() {
            "POST" if self.query.contains("uploads") => "create",
            "POST" => "complete",
            "PUT" if self.query.contains("partNumber") => "part",
            "PUT" => "put",
            "DELETE" => "abort",
            "HEAD" => "head",
            _ => "get",
        }
    }
}

type Answer = dyn Fn(usize, &Seen) -> Response + Send + Sync;

#[derive(Clone)]
pub(super) struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<Mutex<Arc<Answer>>>,
}

impl Server {
    /// Answers by the number of requests before.
    pub(super) async fn start(answer: impl Fn(usize) -> Response + Send + Sync + 'static) -> Self {
        Self::start_with(move |before, _| answer(before)).await
    }

    pub(super) async fn start_with(
        answer: impl Fn(usize, &Seen) -> Response + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, seen: Arc::default(), answer: Arc::new(Mutex::new(Arc::new(answer))) };
        let state = server.clone();
        let app = axum::Router::new().fallback(
            async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
                let asked = Seen {
                    method: method.to_string(),
                    path: uri.path().to_owned(),
                    query: uri.query().unwrap_or_default().to_owned(),
                    headers,
                    body: body.to_vec(),
                };
                let before = {
                    let mut seen = state.seen.lock().unwrap();
                    seen.push(asked.clone());
                    seen.len() - 1
                };
                let answer = Arc::clone(&state.answer.lock().unwrap());
                answer(before, &asked)
            },
        );
        let app = app.layer(axum::extract::DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, app).await });
        server
    }

    /// Another answer from now on.
    pub(super) fn answer(&self, answer: impl Fn(usize) -> Response + Send + Sync + 'static) {
        self.answer_with(move |before, _| answer(before));
    }

    /// Another answer from now on, which may look at the request.
    pub(super) fn answer_with(&self, answer: impl Fn(usize, &Seen) -> Response + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Arc::new(answer);
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn steps(&self) -> Vec<&'static str> {
        self.seen().iter().map(Seen::step).collect()
    }

    pub(super) fn store(&self) -> S3Store {
        self.store_with(|_| {})
    }

    pub(super) fn store_with(&self, change: impl FnOnce(&mut S3Options)) -> S3Store {
        self.store_on(Arc::new(Hasty::default()), change)
    }

    pub(super) fn store_on(&self, clock: Arc<dyn Clock>, change: impl FnOnce(&mut S3Options)) -> S3Store {
        let mut options = S3Options::new("lake", "some/where");
        options.endpoint_url = Some(self.url.clone());
        options.region = Some("us-east-1".to_owned());
        options.force_path_style = true;
        change(&mut options);
        S3Store::new(&config(), options, clock)
    }
}

pub(super) fn config() -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
        .build()
}

pub(super) fn ok(body: &str) -> Response {
    answer(200, body.to_owned())
}

/// What a server says of an object of seven bytes that was put with `meta`.
pub(super) fn object(etag: &str, meta: &ObjectMeta) -> Response {
    let mut answer = Response::builder().header("etag", format!("\"{etag}\"")).header("content-length", "7");
    for (name, value) in meta.to_pairs() {
        answer = answer.header(format!("x-amz-meta-{name}"), value);
    }
    answer.body(Body::from("payload")).unwrap()
}

pub(super) fn refusal(status: u16, code: &str, message: &str) -> Response {
    let body = if code.is_empty() {
        String::new()
    } else {
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>")
    };
    answer(status, body)
}

/// Promises ten bytes and sends five.
pub(super) fn broken() -> Response {
    let pieces = futures::stream::iter([Ok(Bytes::from_static(b"short")), Err(std::io::Error::other("cut"))]);
    // After a pause, or the head of the answer would not be sent either.
    let pieces = pieces.then(async |piece| {
        tokio::task::yield_now().await;
        piece
    });
    let body = Body::from_stream(pieces);
    Response::builder().header("content-length", "10").body(body).unwrap()
}

fn answer(status: u16, body: String) -> Response {
    Response::builder().status(status).header("etag", "\"e\"").body(Body::from(body)).unwrap()
}
