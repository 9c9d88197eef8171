//! What `doctor` asks of a bucket: each permission that a lake needs, and what the bucket is like. Nothing is changed
//! but [`Key::probe`], which a crawler puts as well.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::BucketVersioningStatus;
use futures::TryStreamExt as _;

use super::errors::{Operation, Trouble, set_region};
use super::{Bucket, Conditional, Key, Prefix, S3Store, Store as _, StoreErrorKind};
use crate::base::check::Check;
use crate::base::policy::allow;

const LIST: &str = "s3:ListBucket";
const PUT: &str = "s3:PutObject";
const GET: &str = "s3:GetObject";
const ABORT: &str = "s3:AbortMultipartUpload";
const REGION: &str = "bucket region";
const VERSIONING: &str = "bucket versioning";
const CONDITIONAL: &str = "conditional put";

/// An upload that nobody started: who may not abort uploads is refused before anybody looks for it.
const NO_UPLOAD: &str = "contrail-doctor";

const ONE_WRITER: &str =
    "let only one crawler write to this lake, or keep it on a server that honours If-None-Match";

/// One line for each permission and each quality of the bucket, side by side where they do not build on each other.
pub(super) async fn examine(store: &S3Store) -> Vec<Check> {
    let bucket = store.bucket.as_ref();
    let (listed, region) = futures::join!(list(store), bucket.check_region());
    let (list, goes_on) = listed;
    if !goes_on {
        let others = [VERSIONING, PUT, CONDITIONAL, GET, ABORT];
        let skipped = others.map(|name| Check::skipped(name, "the bucket must answer first"));
        return [list, region].into_iter().chain(skipped).collect();
    }
    let (versioning, objects, abort) =
        futures::join!(bucket.check_versioning(), put_and_get(store), bucket.check_abort());
    let [put, conditional, get] = objects;
    vec![list, region, versioning, put, conditional, get, abort]
}

/// Also whether other questions make sense: a bucket that only keeps its listing from us may answer them.
async fn list(store: &S3Store) -> (Check, bool) {
    match store.list(&Prefix::all_raw()).try_next().await {
        Ok(first) => {
            let found =
                if first.is_some() { "the lake's objects can be listed" } else { "nothing is there yet" };
            (Check::ok(LIST, found), true)
        }
        Err(error) => (Check::of(LIST, &error), error.is_denied()),
    }
}

async fn put_and_get(store: &S3Store) -> [Check; 3] {
    let (put, conditional) = match store.probe().await {
        Ok(Conditional::Honoured) => {
            (Check::ok(PUT, "objects can be added"), Check::ok(CONDITIONAL, "If-None-Match is honoured"))
        }
        Ok(Conditional::Ignored) => (
            Check::ok(PUT, "objects can be added"),
            Check::warning(
                CONDITIONAL,
                "the server ignores If-None-Match: two crawlers could write the same object",
                ONE_WRITER,
            ),
        ),
        Err(error) => {
            let why = "an object must be added for it";
            (Check::of(PUT, &error), Check::skipped(CONDITIONAL, why))
        }
    };
    let get = match store.read(&Key::probe()).await {
        Ok(_) => Check::ok(GET, "objects can be read"),
        Err(error) if error.kind == StoreErrorKind::NotFound => {
            Check::skipped(GET, "there is no object yet that could be read")
        }
        Err(error) => Check::of(GET, &error),
    };
    [put, conditional, get]
}

impl Bucket {
    /// The region is told even to those who may not look at the bucket.
    async fn check_region(&self) -> Check {
        let answer = self.client.head_bucket().bucket(&self.place.bucket).send().await;
        let told = match &answer {
            Ok(output) => output.bucket_region().map(str::to_owned),
            Err(error) => match Trouble::new(error) {
                Trouble::Refused { region, .. } => region,
                _ => None,
            },
        };
        let ours = self.client.config().region().map_or("", AsRef::as_ref);
        match told {
            Some(region) if region == ours => Check::ok(REGION, region),
            Some(region) => {
                let found = format!("the bucket is in {region}, and requests are signed for {ours:?}");
                Check::failed(REGION, found, set_region(Some(&region)))
            }
            None => Check::skipped(REGION, "the server does not tell it"),
        }
    }

    async fn check_versioning(&self) -> Check {
        match self.client.get_bucket_versioning().bucket(&self.place.bucket).send().await {
            Ok(output) => Check::ok(
                VERSIONING,
                match output.status() {
                    Some(BucketVersioningStatus::Enabled) => "on",
                    Some(BucketVersioningStatus::Suspended) => "suspended",
                    _ => "off",
                },
            ),
            Err(error) => Check::skipped(
                VERSIONING,
                format!("unknown, and not needed: {}", told("s3:GetBucketVersioning", &error)),
            ),
        }
    }

    async fn check_abort(&self) -> Check {
        let place = &self.place;
        let upload = self.client.abort_multipart_upload().bucket(&place.bucket).upload_id(NO_UPLOAD);
        let Err(error) = upload.key(place.full_key(Key::probe().as_str())).send().await else {
            return Check::ok(ABORT, "uploads can be given up");
        };
        match Trouble::new(&error) {
            trouble if trouble.is_absent_upload() => Check::ok(ABORT, "uploads can be given up"),
            trouble if trouble.is_denial() => Check::warning(
                ABORT,
                "not permitted: the parts of an upload that is given up stay, and cost money",
                allow(&[ABORT], &[&place.objects_arn()]),
            ),
            trouble => {
                let said = trouble.explain(Operation::Put, place, Key::probe().as_str());
                Check::skipped(ABORT, format!("the server does not tell: {said}"))
            }
        }
    }
}

/// Why the server does not answer a question that it need not answer.
fn told<E>(permission: &str, error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match Trouble::new(error) {
        trouble if trouble.is_denial() => format!("{permission} is not permitted"),
        _ => "the server does not tell".to_owned(),
    }
}
