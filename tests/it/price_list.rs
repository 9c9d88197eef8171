//! The price lists of AWS, from scripted servers and from recorded answers of the real one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use contrail::base::error::Hinted as _;
use contrail::lake::draft::hex;
use contrail::lake::key::{Key, Mark};
use contrail::lake::slice::Slice;
use contrail::sources::aws::Regions;
use contrail::sources::aws::price_list::{Options, Partition};
use contrail::sources::{FetchError, FetchErrorKind, Plan, Sentinel};
use sha2::{Digest as _, Sha256};

use crate::support::payloads::payload;
use crate::support::price_list::{Crawl, Site, V1, V2, V3, name, offer_file, path, slice, unpacked};
use crate::support::server::{Server, broken_off, ok, status, too_short, with};

fn closed<'a>(plan: &'a Plan, region: &str) -> &'a FetchError {
    let found = plan.closed.iter().find(|(stream, _)| stream.part("region") == Some(region));
    &found.unwrap_or_else(|| panic!("{region} is open: {plan:?}")).1
}

fn quiet(plan: &Plan) -> bool {
    plan.lost.is_empty() && plan.closed.is_empty() && plan.failures.is_empty() && plan.warnings.is_empty()
}

#[tokio::test]
async fn each_version_is_fetched_once_and_byte_for_byte() {
    let site = Site::default();
    site.regions("AmazonEC2", &[("ap-northeast-1", V1)]);
    site.versions("AmazonEC2", &[V1]);
    let body = site.list("AmazonEC2", V1, "ap-northeast-1");
    let server = site.serve().await;
    let mut crawl = Crawl::new(&server);

    let plan = crawl.plan().await;
    assert!(quiet(&plan), "{plan:?}");
    assert_eq!(plan.wanted, [slice("AmazonEC2", V1, "ap-northeast-1")]);
    let draft = crawl.fetch(&plan.wanted[0]).await;
    assert_eq!(unpacked(&draft), body.as_bytes());
    assert_eq!((draft.rows, draft.bytes), (3, body.len() as u64));

    // A second version: one slice more, and only its bytes are downloaded.
    site.regions("AmazonEC2", &[("ap-northeast-1", V2)]);
    site.versions("AmazonEC2", &[V1, V2]);
    site.list("AmazonEC2", V2, "ap-northeast-1");
    server.asked();
    let plan = crawl.plan().await;
    assert_eq!(plan.wanted, [slice("AmazonEC2", V2, "ap-northeast-1")]);
    crawl.fetch(&plan.wanted[0]).await;
    let lists =
        |asked: Vec<String>| asked.into_iter().filter(|path| path.contains("/2026")).collect::<Vec<_>>();
    assert_eq!(lists(server.asked()), [path("AmazonEC2", V2, "ap-northeast-1")]);

    assert_eq!(crawl.plan().await.wanted, []);
    assert_eq!(lists(server.asked()), Vec::<String>::new());
}

#[tokio::test]
async fn the_facts_of_the_upstream_come_along() {
    let server = Server::start(|_, _| {
        with(with(ok(offer_file("AmazonEC2", V1, 0)), "etag", "\"e\""), "last-modified", "then")
    })
    .await;
    let slice = slice("AmazonEC2", V1, "us-east-1");
    let fetched = Crawl::new(&server).try_fetch(&slice).await.0.unwrap();
    assert_eq!(fetched.etag.as_deref(), Some("\"e\""));
    assert_eq!(fetched.last_modified.as_deref(), Some("then"));
    assert_eq!(fetched.source_url, server.at(&path("AmazonEC2", V1, "us-east-1")).as_str());
    assert_eq!(fetched.warnings.count, 0);
}

#[tokio::test]
async fn versions_between_two_ticks_are_not_left_out() {
    let site = Site::default();
    site.regions("AmazonEC2", &[("us-east-1", V3), ("us-west-2", V3)]);
    site.versions("AmazonEC2", &[V3, V1, V2, "20200101000000"]);
    let server = site.serve().await;
    let mut crawl = Crawl::new(&server);
    crawl.hold(&slice("AmazonEC2", V1, "us-east-1"));
    crawl.hold(&slice("AmazonEC2", V3, "us-west-2"));
    let plan = crawl.plan().await;
    assert_eq!(
        plan.wanted,
        [
            slice("AmazonEC2", V2, "us-east-1"),
            slice("AmazonEC2", V3, "us-east-1"),
            slice("AmazonEC2", V2, "us-west-2"),
        ]
    );
}

#[tokio::test]
async fn the_newest_version_may_come_later_but_an_older_one_is_gone() {
    let site = Site::default();
    site.regions("AmazonEC2", &[("us-east-1", V2)]);
    site.versions("AmazonEC2", &[V1, V2]);
    let server = site.serve().await;
    let mut crawl = Crawl::new(&server);

    // Nothing is known of the stream yet.
    let (error, _) = crawl.fail(&slice("AmazonEC2", V1, "us-east-1")).await;
    assert_eq!(error.kind, FetchErrorKind::Retry { after: None });

    crawl.plan().await;
    let (error, cost) = crawl.fail(&slice("AmazonEC2", V2, "us-east-1")).await;
    assert_eq!(error.kind, FetchErrorKind::Retry { after: None });
    assert!(error.to_string().contains("not there yet"), "{error}");
    assert_eq!(cost, (1, 0), "it is looked for at the next tick, not at once");

    let old = slice("AmazonEC2", V1, "us-east-1");
    assert_eq!(crawl.fail(&old).await.0.kind, FetchErrorKind::Gone);
    crawl.coverage.insert(&Key::parse(Key::mark(&old, Mark::Lost).as_str()).unwrap().1);
    assert_eq!(crawl.plan().await.wanted, [slice("AmazonEC2", V2, "us-east-1")]);
}

#[tokio::test]
async fn china_has_its_own_path() {
    let site = Site::default();
    site.regions("AmazonEC2", &[("cn-northwest-1", V1)]);
    site.regions("AmazonEC2", &[("us-east-1", V1)]);
    let body = site.list("AmazonEC2", V1, "cn-northwest-1");
    let server = site.serve().await;
    let mut crawl =
        Crawl::with(&server, |options| options.partitions = vec![Partition::AwsCn, Partition::Aws]);
    let plan = crawl.plan().await;
    assert_eq!(plan.wanted, [slice("AmazonEC2", V1, "us-east-1"), slice("AmazonEC2", V1, "cn-northwest-1")]);
    server.asked();
    assert_eq!(unpacked(&crawl.fetch(&plan.wanted[1]).await), body.as_bytes());
    assert_eq!(server.asked(), [format!("/offers/v1.0/cn/AmazonEC2/{V1}/cn-northwest-1/index.json")]);
}

#[tokio::test]
async fn a_base_address_may_have_a_path() {
    let site = Site::default();
    site.regions("AmazonEC2", &[("us-east-1", V1)]);
    site.list("AmazonEC2", V1, "us-east-1");
    let server =
        Server::start(move |path, _| site.answer(path.strip_prefix("/mirror").unwrap_or_default())).await;
    let mut crawl = Crawl::with(&server, |options| options.base_url = Some(server.at("/mirror/")));
    let plan = crawl.plan().await;
    crawl.fetch(&plan.wanted[0]).await;
}

#[tokio::test]
async fn bad_entries_of_an_index_are_never_fetched_and_the_others_go_on() {
    let evil = Server::start(|_, _| ok("evil")).await;
    let site = Site::default();
    let entry = |region: &str, url: &str| serde_json::json!({"regionCode": region, "currentVersionUrl": url});
    let there = path("AmazonEC2", V1, "us-west-2");
    let index = serde_json::json!({"regions": {
        "us-east-1": entry("us-east-1", &path("AmazonEC2", V1, "us-east-1")),
        "../../x": entry("../../x", "/offers/v1.0/aws/AmazonEC2/20260301000000/../../x/index.json"),
        "us-west-1": entry("us-west-1", evil.at(&path("AmazonEC2", V1, "us-west-1")).as_str()),
        "us-west-2": entry("us-east-1", &there),
        "eu-west-1": entry("eu-west-1", "/offers/v1.0/aws/AmazonEC2/current/default/empty.json"),
    }});
    site.put("/offers/v1.0/aws/AmazonEC2/current/region_index.json", index.to_string());
    site.versions("AmazonEC2", &[V1]);
    site.list("AmazonEC2", V1, "us-east-1");
    let server = site.serve().await;
    let mut crawl = Crawl::new(&server);
    let plan = crawl.plan().await;
    assert_eq!(plan.wanted, [slice("AmazonEC2", V1, "us-east-1")]);
    for (region, says) in
        [("us-west-1", "another host"), ("us-west-2", "regionCode"), ("eu-west-1", "is not the address")]
    {
        let error = closed(&plan, region);
        assert_eq!(error.kind, FetchErrorKind::Upstream);
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(plan.closed.len(), 3);
    assert_eq!((plan.warnings.len(), plan.failures.len()), (0, 1));
    assert!(plan.failures[0].to_string().contains("../../x"), "{:?}", plan.failures);
    crawl.fetch(&plan.wanted[0]).await;
    assert!(evil.asked().is_empty());
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn an_index_that_is_none_closes_its_own_offer_only() {
    for bad in ["<html>Bad gateway</html>", "{\"regions\": {\"us-east-1\"", "{\"message\": \"no\"}"] {
        let site = Site::default();
        site.put("/offers/v1.0/aws/AmazonS3/current/region_index.json", bad);
        site.regions("AmazonEC2", &[("us-east-1", V1)]);
        site.versions("AmazonEC2", &[V1]);
        let offers = |options: &mut Options| options.offers = vec![name("AmazonS3"), name("AmazonEC2")];
        let server = site.serve().await;
        let mut crawl = Crawl::with(&server, offers);

        let plan = crawl.plan().await;
        assert_eq!(plan.wanted, [slice("AmazonEC2", V1, "us-east-1")]);
        assert_eq!(plan.failures.len(), 1, "no stream of it is known");
        assert_eq!(plan.failures[0].kind, FetchErrorKind::Upstream);

        crawl.hold(&slice("AmazonS3", V1, "eu-west-1"));
        let plan = crawl.plan().await;
        assert_eq!(plan.failures.len(), 0);
        assert_eq!(plan.closed.len(), 1);
        assert_eq!(closed(&plan, "eu-west-1").kind, FetchErrorKind::Upstream);
        assert_eq!(plan.wanted, [slice("AmazonEC2", V1, "us-east-1")]);
    }
}

#[tokio::test]
async fn an_offer_that_does_not_exist_is_told_from_the_nearest_that_does() {
    let site = Site::default();
    site.put(
        "/offers/v1.0/aws/index.json",
        r#"{"offers": {"AmazonEC2": {}, "AmazonS3": {}, "comprehend": {}}}"#,
    );
    let server = site.serve().await;
    let plan = Crawl::with(&server, |options| options.offers = vec![name("AmazonEc")]).plan().await;
    let error = &plan.failures[0];
    assert_eq!(error.kind, FetchErrorKind::Config);
    assert_eq!(error.to_string(), "partition aws has no offer AmazonEc");
    assert!(error.hint().unwrap().contains("AmazonEC2"), "{:?}", error.hint());

    // An offer that exists but has no regions is another matter.
    let error = &Crawl::new(&server).plan().await.failures[0];
    assert_eq!(error.kind, FetchErrorKind::Upstream);
    // And so is a site that is none.
    site.remove("/offers/v1.0/aws/index.json");
    let error = &Crawl::new(&server).plan().await.failures[0];
    assert_eq!(error.kind, FetchErrorKind::Config);
    assert!(error.hint().unwrap().contains("base_url"), "{:?}", error.hint());
}

#[tokio::test]
async fn without_a_version_index_the_current_versions_are_fetched() {
    let site = Site::default();
    site.regions("AmazonEC2", &[("us-east-1", V1)]);
    let server = site.serve().await;
    let plan = Crawl::new(&server).plan().await;
    assert_eq!(plan.wanted, [slice("AmazonEC2", V1, "us-east-1")]);
    assert_eq!(plan.warnings.len(), 1);
    assert!(plan.closed.is_empty() && plan.failures.is_empty());
}

#[tokio::test]
async fn a_version_index_that_fails_leaves_no_version_out() {
    let site = Site::default();
    site.regions("AmazonEC2", &[("us-east-1", V3)]);
    let server =
        Server::start(
            move |path, _| {
                if path.ends_with("AmazonEC2/index.json") { status(503) } else { site.answer(path) }
            },
        )
        .await;
    let mut crawl = Crawl::new(&server);
    crawl.hold(&slice("AmazonEC2", V1, "us-east-1"));
    let plan = crawl.plan().await;
    assert_eq!(plan.wanted, []);
    assert_eq!(closed(&plan, "us-east-1").kind, FetchErrorKind::Retry { after: None });
}

#[tokio::test]
async fn a_region_that_the_offer_does_not_have_is_closed_with_the_nearest() {
    let site = Site::default();
    site.regions("AmazonEC2", &[("us-east-1", V1), ("eu-west-1", V1)]);
    site.versions("AmazonEC2", &[V1]);
    let regions = Regions::These([name("us-est-1"), name("eu-west-1"), name("cn-north-1")].into());
    let server = site.serve().await;
    let plan = Crawl::with(&server, |options| options.regions = regions).plan().await;
    assert_eq!(plan.wanted, [slice("AmazonEC2", V1, "eu-west-1")]);
    let error = closed(&plan, "us-est-1");
    assert_eq!(error.kind, FetchErrorKind::Refused);
    assert!(error.hint().unwrap().ends_with("us-east-1"), "{:?}", error.hint());
    assert_eq!(plan.closed.len(), 1);
    assert!(plan.warnings[0].contains("cn-north-1"), "{:?}", plan.warnings);
}

#[tokio::test]
async fn a_body_that_is_not_what_was_promised_is_not_kept() {
    let good = offer_file("AmazonEC2", V1, 3);
    let gzip = [b"\x1f\x8b\x08\x00".as_slice(), &[7; 5_000]].concat();
    let bodies: [(Vec<u8>, &str); 9] = [
        (b"<!DOCTYPE html><html>Sign in</html>".to_vec(), "HTML"),
        (b"<?xml version=\"1.0\"?><Error><Code>SlowDown</Code></Error>".to_vec(), "HTML or XML"),
        (br#"{"message": "Internal error"}"#.to_vec(), "no offerCode"),
        (gzip, "byte 0x1f"),
        (offer_file("AmazonEC2", V2, 3).into_bytes(), V2),
        (offer_file("AmazonS3", V1, 3).into_bytes(), "AmazonS3"),
        (format!("{good}{good}").into_bytes(), "more data follows"),
        (good.replace("\"SKU1\":", "\"SKU1\"").into_bytes(), "broken JSON"),
        (b"[1, 2]".to_vec(), "no JSON object"),
    ];
    for (body, says) in bodies {
        let body = Bytes::from(body);
        let server = Server::start(move |_, _| ok(body.clone())).await;
        let crawl = Crawl::new(&server);
        let (error, cost) = crawl.fail(&slice("AmazonEC2", V1, "us-east-1")).await;
        assert_eq!(error.kind, FetchErrorKind::Upstream, "{error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
        assert!(error.hint().is_some());
        assert_eq!(cost, (1, 0), "{error}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_starts_again_from_its_beginning() {
    let body = offer_file("AmazonEC2", V1, 20_000);
    let (whole, half) =
        (Bytes::from(body.clone()), Bytes::copy_from_slice(&body.as_bytes()[..body.len() / 2]));
    let server = Server::start(move |_, before| match before {
        0 => broken_off(half.clone()),
        1 => too_short(half.clone(), whole.len()),
        // A length that is right for half a document: only the JSON tells.
        2 => ok(half.clone()),
        3 => with(status(503), "retry-after", "9"),
        _ => ok(whole.clone()),
    })
    .await;
    let crawl = Crawl::new(&server);
    let (fetched, cost) = crawl.try_fetch(&slice("AmazonEC2", V1, "us-east-1")).await;
    let draft = fetched.unwrap().draft.finish().unwrap();
    assert!(unpacked(&draft) == body.as_bytes(), "the bytes differ");
    assert_eq!(draft.rows, 20_000);
    assert_eq!(cost, (5, 4));
    assert_eq!(crawl.clock.slept()[3], Duration::from_secs(9));
}

#[tokio::test]
async fn a_body_that_never_comes_whole_is_left_for_the_next_tick() {
    let whole = offer_file("AmazonEC2", V1, 500);
    let half = Bytes::copy_from_slice(&whole.as_bytes()[..whole.len() / 2]);
    for kind in 0..4 {
        let half = half.clone();
        let server = Server::start(move |_, _| match kind {
            0 => broken_off(half.clone()),
            1 => too_short(half.clone(), 1 << 20),
            2 => ok(half.clone()),
            _ => ok(""),
        })
        .await;
        let (error, cost) = Crawl::new(&server).fail(&slice("AmazonEC2", V1, "us-east-1")).await;
        assert_eq!(error.kind, FetchErrorKind::Retry { after: None }, "{error}");
        assert_eq!(cost, (6, 5));
    }
}

#[tokio::test]
async fn a_whole_document_that_is_shorter_than_declared_is_not_trusted() {
    let body = offer_file("AmazonEC2", V1, 3);
    let longer = body.len() + 10;
    let server = Server::start(move |_, _| too_short(body.clone(), longer)).await;
    let (error, _) = Crawl::new(&server).fail(&slice("AmazonEC2", V1, "us-east-1")).await;
    assert_eq!(error.kind, FetchErrorKind::Retry { after: None });
}

#[tokio::test]
async fn a_spool_that_fails_is_the_fault_of_this_machine() {
    let spool = Arc::new(Mutex::new(PathBuf::new()));
    let vanishing = Arc::clone(&spool);
    let server = Server::start(move |_, before| {
        if before > 0 {
            std::fs::remove_dir_all(&*vanishing.lock().unwrap()).unwrap();
        }
        // Enough of a beginning to be written, so that it has to be taken back.
        broken_off(format!("{{{}", " ".repeat(1 << 20)))
    })
    .await;
    let crawl = Crawl::new(&server);
    *spool.lock().unwrap() = crawl.directory.path().to_owned();
    let (fetched, cost) = crawl.try_fetch(&slice("AmazonEC2", V1, "us-east-1")).await;
    let error = fetched.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Local);
    assert!(error.hint().unwrap().contains("spool"), "{:?}", error.hint());
    assert_eq!(cost, (2, 1));
}

#[tokio::test]
async fn a_403_under_load_passes_and_one_that_stays_closes_the_stream() {
    let slice = slice("AmazonEC2", V1, "us-east-1");
    let busy = |_: &str, before| if before < 2 { status(403) } else { ok(offer_file("AmazonEC2", V1, 1)) };
    let server = Server::start(busy).await;
    let (fetched, cost) = Crawl::new(&server).try_fetch(&slice).await;
    assert!(fetched.is_ok());
    assert_eq!(cost, (3, 2));

    let server = Server::start(|_, _| status(403)).await;
    let (error, cost) = Crawl::new(&server).fail(&slice).await;
    assert_eq!(error.kind, FetchErrorKind::Refused);
    assert!(error.hint().unwrap().contains("concurrency"), "{:?}", error.hint());
    assert_eq!(cost, (3, 2));
}

#[tokio::test]
async fn a_list_without_products_is_kept_with_a_warning() {
    let body = format!(r#"{{"offerCode": "AmazonEC2", "version": "{V1}"}}"#);
    let server = Server::start(move |_, _| ok(body.clone())).await;
    let slice = slice("AmazonEC2", V1, "us-east-1");
    let fetched = Crawl::new(&server).try_fetch(&slice).await.0.unwrap();
    assert_eq!((fetched.draft.rows(), fetched.warnings.count), (0, 1));
}

#[tokio::test]
async fn the_real_region_indexes_name_their_regions() {
    let Some(ec2) = payload("aws-price-list/AmazonEC2_region_index_20250523232744.json") else { return };
    let Some(comprehend) = payload("aws-price-list/2026/service-comprehend-region_index.json") else {
        return;
    };
    let Some(versions) = payload("aws-price-list/AmazonEC2_version_index_20170803.json") else { return };
    let site = Site::default();
    site.put("/offers/v1.0/aws/AmazonEC2/current/region_index.json", ec2);
    site.put("/offers/v1.0/aws/AmazonEC2/index.json", versions);
    site.put("/offers/v1.0/aws/comprehend/current/region_index.json", comprehend);
    let offers = |options: &mut Options| options.offers = vec![name("AmazonEC2"), name("comprehend")];
    let server = site.serve().await;
    let plan = Crawl::with(&server, offers).plan().await;
    let regions = |offer: &str| {
        let of = |slice: &&Slice| slice.stream().part("offer") == Some(offer);
        plan.wanted.iter().filter(of).map(|slice| slice.stream().part("region").unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(regions("AmazonEC2").len(), 101);
    for region in ["us-west-2-lax-1", "us-east-1-wl1", "us-gov-west-1", "ca-west-1"] {
        assert!(regions("AmazonEC2").contains(&region), "{region}");
    }
    assert!(plan.wanted.contains(&slice("comprehend", "20260116160258", "ap-south-1")));
    assert!(plan.closed.is_empty() && plan.failures.is_empty(), "{plan:?}");
    assert_eq!(plan.warnings.len(), 1, "comprehend has no version index here: {:?}", plan.warnings);
}

#[tokio::test]
async fn the_real_offer_files_come_through_byte_for_byte() {
    let recorded = [
        (
            "AmazonEC2_20190124191230_ap-northeast-1_index.json.gz",
            slice("AmazonEC2", "20190124191230", "ap-northeast-1"),
            7_726,
        ),
        (
            "AmazonEC2_20190208030956_ap-northeast-1_index.json.gz",
            slice("AmazonEC2", "20190208030956", "ap-northeast-1"),
            7_727,
        ),
        (
            "AmazonEC2_20190215225445_eu-west-2_index.json.gz",
            slice("AmazonEC2", "20190215225445", "eu-west-2"),
            5_066,
        ),
        (
            "AmazonEC2_limited_20190329040654_ap-northeast-1.json",
            slice("AmazonEC2", "20190329040654", "ap-northeast-1"),
            1,
        ),
        (
            "AmazonEC2_limited_20230314154740_cn-northwest-1.json",
            slice("AmazonEC2", "20230314154740", "cn-northwest-1"),
            1,
        ),
        ("2015-2016/AmazonS3_offer-index.json", slice("AmazonS3", "20160107021538", "us-east-1"), 381),
        (
            "2015-2016/AmazonElastiCache_offer-index.json.gz",
            slice("AmazonElastiCache", "20160107020254", "us-east-1"),
            410,
        ),
    ];
    let site = Site::default();
    let server = site.serve().await;
    let mut crawl = Crawl::new(&server);
    for (file, slice, products) in recorded {
        let Some(body) = payload(&format!("aws-price-list/{file}")) else { return };
        let sha256 = hex(&Sha256::digest(&body));
        let (stream, Slice::Version { version, .. }) = (slice.stream(), &slice) else { panic!("{slice}") };
        let path = path(stream.part("offer").unwrap(), version.as_str(), stream.part("region").unwrap());
        site.put(&path, body);
        let draft = crawl.fetch(&slice).await;
        site.remove(&path);
        assert_eq!((draft.sha256.as_str(), draft.rows), (sha256.as_str(), products), "{file}");
        assert_eq!(hex(&Sha256::digest(unpacked(&draft))), sha256, "{file}");
    }
}

#[tokio::test]
async fn a_price_list_shows_its_products_and_its_members() {
    let list = offer_file("AmazonEC2", V1, 3).replacen('{', r#"{"terms":{"OnDemand":{},"Reserved":{}},"#, 1);
    let server = Server::start(move |_, _| ok(list.clone())).await;
    let fetched = Crawl::new(&server).try_fetch(&slice("AmazonEC2", V1, "us-east-1")).await.0.unwrap();
    assert_eq!(fetched.habits.things, Some(3));
    let fields = "formatVersion,offerCode,products,terms,terms.OnDemand,terms.Reserved,version";
    assert_eq!(fetched.habits.fields.to_text().as_deref(), Some(fields));
}

#[tokio::test]
async fn a_version_from_the_future_is_told_and_kept() {
    let version = "20991231000000";
    let server = Server::start(move |_, _| ok(offer_file("AmazonEC2", version, 1))).await;
    let fetched = Crawl::new(&server).try_fetch(&slice("AmazonEC2", version, "us-east-1")).await.0.unwrap();
    assert_eq!(fetched.warnings.samples, ["version 20991231000000 lies in the future"]);
    assert!(fetched.warnings.sentinels.contains(&Sentinel::Future));
}

#[tokio::test]
async fn a_region_or_an_offer_that_the_lake_holds_and_the_index_names_no_more_has_vanished() {
    let site = Site::default();
    site.regions("AmazonEC2", &[("us-east-1", V1)]);
    site.versions("AmazonEC2", &[V1]);
    let server = site.serve().await;
    let mut crawl = Crawl::with(&server, |options| options.offers.push(name("AmazonOld")));
    crawl.hold(&slice("AmazonEC2", V1, "eu-west-1"));
    crawl.hold(&slice("AmazonOld", V1, "us-east-1"));
    crawl.hold(&slice("AmazonUnwanted", V1, "us-east-1"));
    let plan = crawl.plan().await;
    let vanished: Vec<_> =
        plan.closed.iter().map(|(stream, error)| (stream.to_string(), error.sentinel)).collect();
    let gone = |stream: &str| (stream.to_owned(), Some(Sentinel::StreamVanished));
    assert_eq!(
        vanished,
        [
            gone("aws_price_list offer=AmazonEC2 region=eu-west-1"),
            gone("aws_price_list offer=AmazonOld region=us-east-1")
        ]
    );
}
