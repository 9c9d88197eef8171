//! What happens to a request on its way through: it is counted, delayed, refused, or its answer is cut.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_LENGTH, DATE};
use axum::http::{HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;

use super::ec2::Ec2Error;
use super::faults::Strike;
use super::wire::Scissors;
use super::{Cloud, azure, price_list, spot_advisor};

/// The layer around all routes.
pub(crate) async fn pass(
    State(cloud): State<Arc<Cloud>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
    next: Next,
) -> Response {
    let strike = cloud.faults.strike(cloud.seed, cloud.count_request());
    if let Some(slow) = cloud.faults.slow {
        cloud.clock.sleep(slow.0).await;
    }
    let mut response = match strike {
        Strike::None => next.run(request).await,
        Strike::Throttle => throttled(&cloud, request.uri()),
        Strike::Reset(None) => {
            scissors.reset();
            Response::default()
        }
        Strike::Reset(Some(permille)) => cut(next.run(request).await, permille, Some(scissors)),
        Strike::Truncate(permille) => cut(next.run(request).await, permille, None),
    };
    // A cloud tells its own time, whatever this machine shows.
    let date = cloud.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    response.headers_mut().extend(HeaderValue::try_from(date).map(|date| (DATE, date)));
    response
}

fn throttled(cloud: &Cloud, uri: &Uri) -> Response {
    match uri.path() {
        path if path.starts_with("/api/") => azure::throttled(),
        path if path.starts_with("/offers/") || path.starts_with("/savingsPlan/") => price_list::throttled(),
        spot_advisor::PATH => spot_advisor::throttled(),
        _ => Ec2Error::throttled().into_answer(&cloud.request_id()),
    }
}

/// The same answer with the same Content-Length, whose body ends early: after `permille` of it the connection is
/// closed, or reset with `scissors`.
fn cut(mut response: Response, permille: u64, scissors: Option<Scissors>) -> Response {
    let promised = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let Some(length) = response.body().size_hint().exact().or(promised) else { return response };
    if length == 0 || response.body().is_end_stream() {
        return response;
    }
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    let keep = length.saturating_mul(permille) / 1_000;
    response.map(|body| Body::from_stream(first_bytes(body, keep.min(length - 1), scissors)))
}

fn first_bytes(
    body: Body,
    keep: u64,
    scissors: Option<Scissors>,
) -> impl futures::Stream<Item = io::Result<Bytes>> {
    let state = (body.into_data_stream(), keep, scissors);
    futures::stream::unfold(state, |(mut body, left, scissors)| async move {
        if left > 0
            && let Some(Ok(mut chunk)) = body.next().await
        {
            chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            let left = left - u64::try_from(chunk.len()).unwrap_or(left);
            return Some((Ok(chunk), (body, left, scissors)));
        }
        // A moment of rest, in which what was written so far leaves for the client.
        tokio::task::yield_now().await;
        if let Some(scissors) = &scissors {
            scissors.reset();
        }
        Some((Err(io::ErrorKind::ConnectionAborted.into()), (body, 0, scissors)))
    })
}
