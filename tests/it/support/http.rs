//! A scripted HTTP server on loopback.

use std::sync::Arc;
use std::sync::Mutex;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::response::Response;
use tokio::task::JoinHandle;
use url::Url;

/// A server that answers as it is told, and remembers what it was asked. Gone when dropped.
pub(crate) struct Served {
    pub(crate) url: Url,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Which request it is, from 0.
    pub(crate) number: usize,
    pub(crate) method: String,
    /// The whole address as the client sees it.
    pub(crate) url: Url,
    pub(crate) user_agent: Option<String>,
}

impl Asked {
    /// The decoded value of a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

impl Served {
    /// Serves `answer` for every path and method.
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (base, log, answer) = (url.clone(), Arc::clone(&asked), Arc::new(answer));
        let handler = move |request: Request| {
            let url = base.join(&request.uri().to_string()).unwrap();
            let method = request.method().to_string();
            let user_agent = request.headers().get("user-agent");
            let user_agent = user_agent.map(|value| value.to_str().unwrap().to_owned());
            let asked = {
                let mut log = log.lock().unwrap();
                let asked = Asked { number: log.len(), method, url, user_agent };
                log.push(asked.clone());
                asked
            };
            let answer = Arc::clone(&answer);
            async move {
                let mut response = answer(&asked);
                // Without a time of its own: that of this machine is not the time that a test plays in.
                response.headers_mut().entry("date").or_insert(HeaderValue::from_static(""));
                response
            }
        };
        let router = Router::new().fallback(handler);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, asked, task }
    }

    /// Every request so far, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client as the product uses it: no redirects. And no proxy, because the servers are on loopback.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent("contrail-test")
        .build()
        .unwrap()
}
