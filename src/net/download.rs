//! An answer whose body has not been read yet.

use bytes::{Bytes, BytesMut};
use chrono::TimeDelta;
use reqwest::Response;
use reqwest::header::{ETAG, HeaderMap, HeaderName, LAST_MODIFIED};
use url::Url;

use super::limits::HostPermit;
use super::{NetError, NetErrorKind};
use crate::base::error::one_line;
use crate::base::redact::redacted;

/// What a server says about the state of a document (RFC 9110 §8.8), as it wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// The entity tag.
    pub etag: Option<String>,
    /// The modification time.
    pub last_modified: Option<String>,
}

/// A body that streams in. The host's permit is held until this is dropped.
#[derive(Debug)]
pub struct Download {
    url: Url,
    response: Response,
    validators: Validators,
    skew: Option<TimeDelta>,
    _permit: HostPermit,
}

impl Download {
    pub(super) fn new(url: Url, response: Response, skew: Option<TimeDelta>, permit: HostPermit) -> Self {
        let text = |name| header(response.headers(), &name).map(str::to_owned);
        let validators = Validators { etag: text(ETAG), last_modified: text(LAST_MODIFIED) };
        Self { url, response, validators, skew, _permit: permit }
    }

    /// What the server says about the state of the document.
    pub fn validators(&self) -> &Validators {
        &self.validators
    }

    /// How far this machine's clock is ahead of the server's; `None` when the server does not tell its time.
    pub fn skew(&self) -> Option<TimeDelta> {
        self.skew
    }

    /// The next piece of the body; `None` at its end. A body that stops short of its declared length, or a
    /// connection that breaks, is an error that can pass.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, NetError> {
        self.response.chunk().await.map_err(|error| NetError::cut(&self.url, &one_line(&error.without_url())))
    }

    /// The whole body, which must not be larger than `limit` bytes.
    pub async fn bytes(mut self, limit: usize) -> Result<Bytes, NetError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > limit {
                let url = redacted(&self.url);
                let message = format!("the body of {url} is larger than {limit} bytes");
                return Err(NetError::new(NetErrorKind::TooLarge, message));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
