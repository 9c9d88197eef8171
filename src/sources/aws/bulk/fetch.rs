//! Fetching one version: the body streams into the draft while it is judged, and is fetched again from its
//! beginning when it breaks off.

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use url::Url;

use super::BulkLists;
use super::body::{self, BodyError, Promise, Told};
use super::json::Fault;
use super::site::Partition;
use crate::base::Name;
use crate::base::redact::redacted;
use crate::base::thread::own_thread;
use crate::lake::draft::Draft;
use crate::lake::slice::{Slice, Stream, Version};
use crate::net::{Download, Meter, NetError, NetErrorKind, Validators};
use crate::sources::{FetchContext, FetchError, FetchErrorKind, Fetched, Habits, Sentinel, Warnings};

/// Smaller chunks, as TLS brings them, are joined up to this: the hand-over and the judging have a cost for each
/// piece. A chunk of `hyper` has at most some 400 KB.
const PIECE_BYTES: usize = 128 << 10;
/// How many pieces may wait for gzip.
const WAITING_PIECES: usize = 2;

/// One version of one price list.
struct Wanted<'a> {
    stream: &'a Stream,
    version: &'a Version,
    name: Name,
    region: Name,
    url: Url,
}

/// What is known of a price list that came whole and as promised.
struct Kept {
    validators: Validators,
    told: Told,
}

impl BulkLists {
    /// Fetches the version that `slice` names.
    pub(super) async fn fetch_version(
        &self,
        slice: &Slice,
        context: &FetchContext,
        mut draft: Draft,
    ) -> Result<Fetched, FetchError> {
        let wanted = self.wanted(slice)?;
        let meter: &dyn Meter = &*context.traffic;
        let mut retry = self.client.retry();
        let kept = loop {
            let attempt;
            (draft, attempt) = self.attempt(&wanted, draft, meter).await?;
            match attempt {
                Ok(kept) => break kept,
                Err(error) => retry.after(error, meter).await.map_err(|error| self.spent(&wanted, error))?,
            }
        };
        let source_url = redacted(&wanted.url);
        let mut warnings = Warnings::default();
        if kept.told.products.is_none() {
            warnings.add(|| format!("{source_url} has no products"));
        }
        if let Some(tomorrow) = context.clock.now().date_naive().succ_opt()
            && wanted.version.published() > tomorrow
        {
            warnings.raise(Sentinel::Future, || format!("version {} lies in the future", wanted.version));
        }
        let Told { products, fields } = kept.told;
        Ok(Fetched {
            draft,
            source_url,
            etag: kept.validators.etag,
            last_modified: kept.validators.last_modified,
            account: None,
            complete: None,
            warnings,
            habits: Habits { page_rows: None, things: products, fields },
        })
    }

    fn wanted<'a>(&self, slice: &'a Slice) -> Result<Wanted<'a>, FetchError> {
        let stream = slice.stream();
        let part = self.kind.part;
        let (Slice::Version { version, .. }, Some(name), Some(region)) =
            (slice, stream.part(part), stream.part("region"))
        else {
            return Err(FetchError::bug(format!("{slice} is no version of a price list")));
        };
        let (name, region) = (Name::new(part, name)?, Name::new("region", region)?);
        let url = self.site(Partition::of_region(&region))?.list(&name, version, &region);
        Ok(Wanted { stream, version, name, region, url })
    }

    /// Downloads once. An error within is the network's and may pass; one outside is final.
    async fn attempt(
        &self,
        wanted: &Wanted<'_>,
        mut draft: Draft,
        meter: &dyn Meter,
    ) -> Result<(Draft, Result<Kept, NetError>), FetchError> {
        let download = match self.client.get(&wanted.url, meter).await {
            Ok(download) => download,
            Err(error) => return Ok((draft, Err(error))),
        };
        let validators = download.validators().clone();
        let promise = Promise::new(self.kind, &wanted.name, wanted.version, &wanted.region);
        let (sender, receiver) = mpsc::channel(WAITING_PIECES);
        // It lasts as long as the download.
        let writing = own_thread("price-list", move || {
            let judged = body::write(&mut draft, receiver, promise);
            (draft, judged)
        })?;
        let sent = send(download, sender).await;
        let (draft, judged) =
            writing.await.map_err(|error| FetchError::bug(format!("writing a price list: {error}")))?;
        let kept = match (sent, judged) {
            (_, Err(BodyError::Write(error))) => return Err(error.into()),
            (Err(error), Ok(_) | Err(BodyError::Fault(Fault::Cut(_)))) => Err(error),
            (Ok(()), Ok(told)) => Ok(Kept { validators, told }),
            (Ok(()), Err(BodyError::Fault(fault @ Fault::Cut(_)))) => {
                Err(NetError::cut(&wanted.url, &fault.to_string()))
            }
            (_, Err(BodyError::Fault(fault))) => {
                let url = redacted(&wanted.url);
                return Err(FetchError::upstream(format!("{url} is not what its index promised: {fault}"))
                    .with_hint("check that no proxy or login page answers in the place of the price list"));
            }
        };
        Ok((draft, kept))
    }

    /// What it means that the last try ended in `error`.
    fn spent(&self, wanted: &Wanted<'_>, error: NetError) -> FetchError {
        match error.kind {
            NetErrorKind::NotFound if self.may_come(wanted.stream, wanted.version) => {
                FetchError::retry(format!("{error}: the index names it, but it is not there yet"))
            }
            NetErrorKind::NotFound => {
                FetchError::new(FetchErrorKind::Gone, format!("{error}: the version is no longer kept there"))
            }
            NetErrorKind::Refused => FetchError::from(error).with_hint(format!(
                "the bulk API also refuses under load: lower [sources.{}] concurrency",
                self.kind.dataset.id
            )),
            _ => error.into(),
        }
    }
}

/// Hands the body on, piece by piece, until its end or until nobody takes it any more.
async fn send(mut download: Download, sender: mpsc::Sender<Bytes>) -> Result<(), NetError> {
    let mut piece = BytesMut::new();
    while let Some(chunk) = download.chunk().await? {
        let ready = if piece.is_empty() && chunk.len() >= PIECE_BYTES {
            chunk
        } else {
            piece.extend_from_slice(&chunk);
            if piece.len() < PIECE_BYTES {
                continue;
            }
            piece.split().freeze()
        };
        if sender.send(ready).await.is_err() {
            return Ok(());
        }
    }
    if !piece.is_empty() {
        // Whoever takes it no more says why.
        let _ = sender.send(piece.freeze()).await;
    }
    Ok(())
}
