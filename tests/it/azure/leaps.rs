//! Prices that leap from one day to the next: they are kept as they came, and told.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use contrail::base::Clock as _;
use contrail::crawler::Tally;
use contrail::lake::coverage::Coverage;
use contrail::lake::key::{Key, Mark, Parsed};
use contrail::lake::meta::ObjectMeta;
use contrail::lake::run_log::Outcome;
use contrail::lake::store::{MemoryStore, Store, StoreErrorKind};
use contrail::net::HostLimits;
use contrail::sources::azure::retail_prices::AzureRetailPrices;
use contrail::sources::{FetchContext, Sentinel};

use super::{Brought, fetch_in, item, items, listing, noon, options, page, skipped, slot};
use crate::support::context::fetch_context;
use crate::support::crawl::Crawl;
use crate::support::faulty_store::FaultyStore;
use crate::support::http::Served;
use crate::support::place::Place;

/// The item at ten thousand times its price.
fn dear(number: usize) -> String {
    item(number).replace(&format!("0.{number:04}10,"), &format!("{number}.10,"))
}

/// The item with names and a region.
fn named(item: &str, meter: &str) -> String {
    item.replace('}', &format!(r#","meterName":"{meter}","productName":"Dv3","armRegionName":"eastus"}}"#))
}

#[tokio::test]
async fn a_price_that_leaps_overnight_is_kept_and_told_once_in_the_run_log() {
    let [calm, other] = [3, 7].map(|number| named(&item(number), "D2/DS2"));
    let [leapt, new] = [7, 40].map(|number| named(&dear(number), "D2 v3"));
    let days = [vec![calm.clone(), other], vec![leapt.clone(), calm.clone(), new], vec![leapt, calm]];
    let listed = Arc::new(Mutex::new(Vec::new()));
    let today = Arc::clone(&listed);
    let server = Served::start(move |asked| {
        page(if skipped(asked) == 0 { today.lock().unwrap().clone() } else { Vec::new() }.as_slice(), None)
    })
    .await;
    for place in Place::everywhere("leaping-retail-prices").await {
        listed.lock().unwrap().clone_from(&days[0]);
        let crawl = Crawl::new(&place, "2026-11-18T12:00:00Z");
        let tick = async |day: u8| -> Tally {
            crawl.set_time(&format!("2026-11-{day}T12:00:00Z"));
            let client = crawl.client();
            let source =
                AzureRetailPrices::new(options(&server), client.reqwest(), client.limits(), crawl.clock());
            crawl.once(Arc::new(source.unwrap())).await
        };
        assert_eq!(tick(18).await.count(Outcome::Stored), 1);
        assert_eq!(tick(19).await.count(Outcome::Unchanged), 1);
        listed.lock().unwrap().clone_from(&days[1]);
        assert_eq!(tick(20).await.count(Outcome::Stored), 1);
        listed.lock().unwrap().clone_from(&days[2]);
        assert_eq!(tick(21).await.count(Outcome::Suspect), 1);

        let lake = place.lake().await;
        let kept = lake.raw("azure_retail_prices")[Key::raw(&slot(20)).as_str()];
        assert_eq!(kept.lines(), days[1], "in {}", place.name);
        let mut attempts = lake.attempts();
        attempts.retain(|attempt| attempt.sentinels.iter().any(|sentinel| sentinel == "price"));
        assert_eq!(attempts.len(), 1, "{attempts:?}");
        assert_eq!(attempts[0].key.as_deref(), Some(Key::raw(&slot(20)).as_str()));
        assert_eq!(attempts[0].warnings, 1);
        assert_eq!(
            attempts[0].warning_samples,
            [r#"the price of "D2 v3" ("Dv3") in "eastus" leaps from 0.00071 to 7.1: meter "m-7", SKU "s/7""#],
        );
    }
}

/// A lake whose coverage says what was stored and marked on which day of November 2026.
struct Lake {
    store: Arc<FaultyStore>,
    coverage: Coverage,
}

impl Lake {
    fn new() -> Self {
        Self { store: Arc::new(FaultyStore::over(MemoryStore::new(), noon())), coverage: Coverage::default() }
    }

    /// Something that the coverage knows.
    fn known(mut self, parsed: &Parsed) -> Self {
        self.coverage.insert(parsed);
        self
    }

    /// The slot of a day, whose object is `bytes`.
    async fn with_object(self, day: u8, bytes: &[u8]) -> Self {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let key = Key::raw(&slot(day));
        self.store.put_if_absent(&key, file.path(), &ObjectMeta::default()).await.unwrap();
        self.known(&Parsed::Raw(slot(day)))
    }

    /// The slot of a day, with these items.
    async fn with(self, day: u8, items: &[String]) -> Self {
        self.with_object(day, &gzip(&(items.join("\n") + "\n"))).await
    }

    fn context(&self) -> FetchContext {
        let clock = noon();
        FetchContext {
            coverage: Arc::new(self.coverage.clone()),
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            ..fetch_context(clock.clone(), clock.now())
        }
    }

    /// Fetches the slot of the 21st, in which items 1 to 29 cost what they do. Tells the sentinels, and what was read.
    async fn fetch(&self) -> (Vec<Sentinel>, Vec<String>) {
        let server = Served::start(listing(vec![items(1..30)], 10)).await;
        self.store.forget_tries();
        let limits = HostLimits::new(4, noon());
        let Brought { rows, warnings, .. } =
            fetch_in(&self.context(), limits, options(&server)).await.unwrap();
        assert_eq!(rows, items(1..30), "the payload is kept whatever the lake says");
        (
            warnings.sentinels.into_iter().collect(),
            self.store.tries().into_iter().map(|(_, call)| call).collect(),
        )
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn read(day: u8) -> String {
    format!("read {}", Key::raw(&slot(day)))
}

#[tokio::test]
async fn the_newest_earlier_slot_is_read_once_and_no_other() {
    let lake =
        Lake::new().with(15, &items(1..30)).await.with(17, &[dear(7)]).await.with(22, &items(1..30)).await;
    let lake =
        lake.known(&Parsed::Mark(slot(18), Mark::Unchanged)).known(&Parsed::Mark(slot(19), Mark::Lost));
    assert_eq!(lake.fetch().await, (vec![Sentinel::Price], vec![read(17)]));
    let lake = Lake::new().with(19, &[dear(7)]).await.with(20, &items(1..30)).await;
    assert_eq!(lake.fetch().await, (vec![], vec![read(20)]), "it has leapt already");
}

#[tokio::test]
async fn what_waits_in_the_spool_is_passed_over() {
    let lake = Lake::new().with(17, &items(1..30)).await.known(&Parsed::Raw(slot(20)));
    assert_eq!(lake.fetch().await, (vec![], vec![read(20), read(17)]));
}

#[tokio::test]
async fn without_an_earlier_slot_nothing_is_read() {
    assert_eq!(Lake::new().fetch().await, (vec![], vec![]));
    let lake = Lake::new().known(&Parsed::Mark(slot(20), Mark::Lost));
    assert_eq!(lake.fetch().await, (vec![], vec![]));
}

#[tokio::test]
async fn an_earlier_slot_that_cannot_be_read_raises_nothing() {
    let object = gzip(&(dear(7) + "\n"));
    for damaged in [&object[..object.len() - 1], b"no gzip at all", b"", &gzip(&dear(7)), &gzip("")] {
        let lake = Lake::new().with(17, &items(1..30)).await.with_object(20, damaged).await;
        assert_eq!(lake.fetch().await, (vec![], vec![read(20)]));
    }
    for kind in [StoreErrorKind::Away, StoreErrorKind::Config, StoreErrorKind::Foreign] {
        let lake = Lake::new().with_object(20, &object).await;
        lake.store.fail(kind);
        assert_eq!(lake.fetch().await, (vec![], vec![read(20)]), "{kind:?}");
        lake.store.mend();
        assert_eq!(lake.fetch().await, (vec![Sentinel::Price], vec![read(20)]));
    }
}
