//! Whether this machine has the upstream's time, which each answer tells.

use contrail::base::error::Hinted as _;
use contrail::sources::{FetchErrorKind, Source as _};

use super::{change, failure, fetch, hour, lake, source};
use crate::support::ec2::{Ec2, page, regions};

#[tokio::test]
async fn with_a_wrong_clock_nothing_is_planned() {
    for (told, apart) in [
        ("Wed, 18 Nov 2026 20:15:00 GMT", "ahead of EC2 in us-east-1"),
        ("Sun, 22 Nov 2026 21:15:02 GMT", "behind EC2 in us-east-1"),
    ] {
        let ec2 = Ec2::start(move |_| regions(&[("us-east-1", "opt-in-not-required")]).at(told)).await;
        let lake = lake();
        let error = source(&ec2.url, &lake).plan(&lake.plan_context()).await.unwrap_err();
        assert_eq!(error.kind, FetchErrorKind::Config, "{error}");
        assert!(error.to_string().contains(apart), "{error}");
        assert!(error.hint().unwrap().contains("clock"), "{error:?}");
    }
}

#[tokio::test]
async fn a_window_that_is_not_over_for_the_upstream_is_not_kept() {
    let answer = || page(&[change("a", "2026-11-22T18:30:00.000Z", "0.1")], None);
    let ec2 = Ec2::start(move |_| answer().at("Sun, 22 Nov 2026 18:45:00 GMT")).await;
    let lake = lake();
    let error = failure(&ec2, &lake, &hour()).await;
    assert_eq!(error.kind, FetchErrorKind::Config, "{error}");

    let ec2 = Ec2::start(move |_| answer().at("Sun, 22 Nov 2026 20:14:58 GMT")).await;
    assert_eq!(fetch(&ec2, &lake, &hour()).await.unwrap().draft.rows(), 1);
}
