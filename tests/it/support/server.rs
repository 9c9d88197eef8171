//! Scripted HTTP servers on loopback.

use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures::{StreamExt as _, stream};
use url::Url;

/// A server that answers as a test told it to, until it is dropped.
pub(crate) struct Server {
    url: Url,
    asked: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Answers each request by its path and by how often that path was asked for before.
    pub(crate) async fn start(answer: impl Fn(&str, usize) -> Response + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let answer = Arc::new(answer);
        let app = axum::Router::new().fallback(move |request: Request| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                let path = request.uri().path().to_owned();
                let before = {
                    let mut log = log.lock().unwrap();
                    let before = log.iter().filter(|asked| **asked == path).count();
                    log.push(path.clone());
                    before
                };
                answer(&path, before)
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, asked, task }
    }

    /// The server's address, without a path.
    pub(crate) fn url(&self) -> Url {
        self.url.clone()
    }

    /// The address of `path` on the server.
    pub(crate) fn at(&self, path: &str) -> Url {
        self.url.join(path).unwrap()
    }

    /// `name:port`.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.url.host_str().unwrap(), self.url.port().unwrap())
    }

    /// The path of every request so far, and forgets them.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// 200 with this body.
pub(crate) fn ok(body: impl Into<Bytes>) -> Response {
    body.into().into_response()
}

/// Another status, with a page that says nothing of use.
pub(crate) fn status(code: u16) -> Response {
    let page = "<html><body>No.</body></html>";
    (StatusCode::from_u16(code).unwrap(), page).into_response()
}

/// The answer with one header more.
pub(crate) fn with(mut response: Response, name: &'static str, value: &str) -> Response {
    response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    response
}

/// 200 with a body of chunks that breaks off after this part of it.
pub(crate) fn broken_off(part: impl Into<Bytes>) -> Response {
    body_and(part.into(), Err(std::io::Error::other("the server dies")))
}

/// 200 with a body that is shorter than its declared length.
pub(crate) fn too_short(body: impl Into<Bytes>, declared: usize) -> Response {
    let mut response = body_and(body.into(), Ok(Bytes::new()));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(declared));
    response
}

fn body_and(part: Bytes, then: std::io::Result<Bytes>) -> Response {
    let then = async {
        // The server writes when the body has nothing to give: now the part goes out.
        tokio::task::yield_now().await;
        then
    };
    Body::from_stream(stream::iter([Ok(part)]).chain(stream::once(then))).into_response()
}

/// No answer at all, ever: the body never begins, and neither does the head.
pub(crate) fn silence() -> Response {
    Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()).into_response()
}
