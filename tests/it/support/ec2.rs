//! A server that speaks the EC2 query protocol and answers what a test tells it to. STS it answers by itself, and
//! does not count: those requests are none to EC2.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;

/// A request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The region that the request was signed for.
    pub(crate) region: String,
    /// The parameters of the form, `Action` among them.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Asked {
    pub(crate) fn action(&self) -> &str {
        &self.parameters["Action"]
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.parameters.get("NextToken").map(String::as_str)
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    body: String,
    breaks_off: bool,
    delay: Duration,
    date: &'static str,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), breaks_off: false, delay: Duration::ZERO, date: "" }
    }

    /// An error as EC2 tells it.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code>\
             <Message>{message}</Message></Error></Errors><RequestID>ea966190</RequestID></Response>"
        );
        Self::new(status, body)
    }

    /// The connection dies after the first half of the body.
    pub(crate) fn breaking_off(self) -> Self {
        Self { breaks_off: true, ..self }
    }

    pub(crate) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The server tells this time. Else it tells none: that of this machine is not the time that a test plays in.
    pub(crate) fn at(self, date: &'static str) -> Self {
        Self { date, ..self }
    }
}

/// A page of spot history around items made by [`item`].
pub(crate) fn page(items: &[String], next_token: Option<&str>) -> Answer {
    let token = next_token
        .map_or_else(|| "<nextToken/>".to_owned(), |token| format!("<nextToken>{token}</nextToken>"));
    Answer::new(
        200,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <DescribeSpotPriceHistoryResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n    \
             <requestId>59dbff89</requestId>\n    <spotPriceHistorySet>\n{}    </spotPriceHistorySet>\n    {token}\n\
             </DescribeSpotPriceHistoryResponse>",
            items.concat()
        ),
    )
}

/// An item of spot history from elements and their text.
pub(crate) fn item(fields: &[(&str, &str)]) -> String {
    let mut text = "        <item>\n".to_owned();
    for (name, value) in fields {
        let value = quick_xml::escape::escape(*value);
        writeln!(text, "            <{name}>{value}</{name}>").unwrap();
    }
    text + "        </item>\n"
}

/// The answer of `DescribeRegions`.
pub(crate) fn regions(regions: &[(&str, &str)]) -> Answer {
    let mut items = String::new();
    for (name, opt_in) in regions {
        let endpoint = format!("<regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint>");
        let opt_in = format!("<optInStatus>{opt_in}</optInStatus>");
        write!(items, "<item><regionName>{name}</regionName>{endpoint}{opt_in}</item>").unwrap();
    }
    Answer::new(
        200,
        format!(
            "<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><regionInfo>{items}</regionInfo></DescribeRegionsResponse>"
        ),
    )
}

/// The answer of `DescribeAvailabilityZones`.
pub(crate) fn zones(zones: &[(&str, &str)]) -> Answer {
    let mut items = String::new();
    for (name, id) in zones {
        write!(items, "<item><zoneName>{name}</zoneName><zoneId>{id}</zoneId></item>").unwrap();
    }
    Answer::new(
        200,
        format!(
            "<DescribeAvailabilityZonesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><availabilityZoneInfo>{items}</availabilityZoneInfo></DescribeAvailabilityZonesResponse>"
        ),
    )
}

/// The account of whoever asks.
pub(crate) const ACCOUNT: &str = "210987654321";

fn caller_identity() -> Answer {
    Answer::new(
        200,
        format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::{ACCOUNT}:user/crawler</Arn><UserId>AIDAEXAMPLE</UserId><Account>{ACCOUNT}</Account>\
             </GetCallerIdentityResult></GetCallerIdentityResponse>"
        ),
    )
}

/// The server; it stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Ec2 {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Ec2 {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ec2 {
    /// Serves what `script` answers to each request.
    pub(crate) async fn start(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with_sts(script, caller_identity()).await
    }

    /// The same, with another answer of STS.
    pub(crate) async fn start_with_sts(
        script: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
        sts: Answer,
    ) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, script) = (Arc::clone(&asked), Arc::new(script));
        let handler = move |headers: HeaderMap, body: Bytes| {
            let (log, script, sts) = (Arc::clone(&log), Arc::clone(&script), sts.clone());
            async move {
                // Somebody who only wants to know what time it is here.
                if body.is_empty() {
                    return Response::builder().status(403).body(Body::empty()).unwrap();
                }
                let request = read(&headers, &body);
                let answer = if request.action() == "GetCallerIdentity" {
                    sts
                } else {
                    let answer = script(&request);
                    log.lock().unwrap().push(request);
                    answer
                };
                if !answer.delay.is_zero() {
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "the server plays the time that an upstream takes"
                    )]
                    tokio::time::sleep(answer.delay).await;
                }
                respond(answer)
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(handler);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, asked, task }
    }

    /// The requests so far, in the order in which they came.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// `Credential=AKID/20261121/us-east-1/ec2/aws4_request` says which region a request is for.
fn read(headers: &HeaderMap, body: &[u8]) -> Asked {
    let authorization = headers["authorization"].to_str().unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 "), "the request is not signed: {authorization}");
    let region = authorization.split('/').nth(2).unwrap().to_owned();
    let parameters = url::form_urlencoded::parse(body).into_owned().collect();
    Asked { region, parameters }
}

fn respond(answer: Answer) -> Response {
    let body = if answer.breaks_off {
        let half = Bytes::copy_from_slice(&answer.body.as_bytes()[..answer.body.len() / 2]);
        Body::from_stream(futures::stream::iter([Ok(half), Err(std::io::Error::other("broken off"))]))
    } else {
        Body::from(answer.body)
    };
    let response = Response::builder().status(answer.status).header("date", answer.date);
    response.header("content-type", "text/xml").body(body).unwrap()
}
