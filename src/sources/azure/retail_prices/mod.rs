//! Azure retail prices: every meter with its price, one stream for each currency and price type.
//!
//! The API keeps no history, so the dataset is a slot a day, lost once the day is over. Its listing is no
//! snapshot either: a long walk repeats and drops items. So it is walked at least twice and until a walk adds
//! nothing, and what is kept is the union. Items are kept verbatim; what is read of them only warns.

mod decimal;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod inspect;
mod item;
mod last_prices;
mod page;
mod union;
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures::future::join_all;
use url::Url;

use self::last_prices::LastPrices;
use self::union::Union;
use self::walk::Walker;
use super::pipeline::{AzurePipeline, RetryTimes};
use crate::base::check::Check;
use crate::base::redact::redacted;
use crate::base::units::Period;
use crate::base::{Clock, Name, Time};
use crate::lake::draft::Draft;
use crate::lake::slice::{Format, Slice, Stream};
use crate::net::HostLimits;
use crate::sources::slots::Slots;
use crate::sources::{
    Dataset, FetchContext, FetchError, FetchErrorKind, Fetched, Habits, Plan, PlanContext, Source,
};

pub(crate) use self::inspect::inspection;

/// How often a slot starts: at midnight, UTC.
pub const SLOT: Period = Period::seconds(24 * 60 * 60);
/// How long a walk over a listing lasts at most, by far.
const LONGEST_WALK: TimeDelta = TimeDelta::hours(1);
/// The version that lists savings plans with the meters.
const API_VERSION: &str = "2023-01-01-preview";

/// What is always true of the dataset.
pub static DATASET: Dataset = Dataset {
    id: "azure_retail_prices",
    description: "Azure retail prices: every meter, by currency and price type",
    needs: "",
    permissions: &[],
    windows: false,
    publishes: false,
};

const SLOTS: Slots = Slots { dataset: &DATASET, interval: SLOT, format: Format::Ndjson };

/// What to collect, and how thoroughly.
#[derive(Debug, Clone)]
pub struct Options {
    /// Currency codes as Azure writes them: `USD`.
    pub currencies: Vec<Name>,
    /// Price types as Azure writes them: `Consumption`, `Reservation`, `DevTestConsumption`.
    pub price_types: Vec<Name>,
    /// Where the API is: `https://prices.azure.com`.
    pub base_url: Url,
    /// How often a listing is walked at least; from 1.
    pub walks: u32,
    /// How often it is walked at most; from `walks` to 100.
    pub max_walks: u32,
    /// How patiently requests are repeated.
    pub retry: RetryTimes,
}

/// The source of the dataset `azure_retail_prices`.
#[derive(Debug)]
pub struct AzureRetailPrices {
    options: Options,
    pipeline: AzurePipeline,
}

impl AzureRetailPrices {
    /// The most walks that [`Options::max_walks`] can ask for.
    pub const MOST_WALKS: u32 = 100;

    /// The source over `client`, which must not follow redirects by itself and should have timeouts.
    /// Fails (`Config`) when the options contradict themselves.
    pub fn new(
        options: Options,
        client: reqwest::Client,
        limits: HostLimits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, FetchError> {
        let wrong = |what: String, hint: &str| {
            Err(FetchError::new(FetchErrorKind::Config, what)
                .with_hint(format!("in [sources.azure_retail_prices], {hint}")))
        };
        let Options { walks, max_walks, ref base_url, .. } = options;
        if !matches!(base_url.scheme(), "http" | "https") || !base_url.has_host() {
            return wrong(
                format!("base_url {} is no http or https address", redacted(base_url)),
                "set base_url to https://prices.azure.com",
            );
        }
        if !(1..=Self::MOST_WALKS).contains(&walks) || !(walks..=Self::MOST_WALKS).contains(&max_walks) {
            return wrong(
                format!("{walks} to {max_walks} walks are not possible"),
                "set walks from 1 and max_walks from walks to 100",
            );
        }
        let sound =
            |names: &[Name]| !names.is_empty() && names.iter().collect::<BTreeSet<_>>().len() == names.len();
        if !sound(&options.currencies) || !sound(&options.price_types) {
            return wrong(
                "currencies or price_types is empty or names a value twice".to_owned(),
                "name at least one of each, and each once",
            );
        }
        let pipeline = AzurePipeline::new(client, limits, clock, options.retry);
        Ok(Self { options, pipeline })
    }

    fn streams(&self) -> Result<Vec<Stream>, FetchError> {
        let streams = self.options.currencies.iter().flat_map(|currency| {
            self.options.price_types.iter().map(move |price_type| {
                let parts = [("currency", currency.as_str()), ("price_type", price_type.as_str())];
                Ok(Stream::new(DATASET.id, &parts)?)
            })
        });
        streams.collect()
    }

    /// The first page of a stream's listing. Without `$top`, which cuts the listing off at 1,000 items, and
    /// without `meterRegion`, which leaves out all but the primary meters.
    fn first_page(&self, currency: &str, price_type: &str) -> Url {
        let mut url = self.options.base_url.clone();
        // Only an address that cannot have a path refuses one, and `new` has refused those.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "retail", "prices"]);
        }
        // Both values are `Name`s: nothing in them can end the quotes.
        url.set_query(Some(&format!(
            "api-version={API_VERSION}&currencyCode='{currency}'&$filter=priceType eq '{price_type}'"
        )));
        url
    }
}

impl AzureRetailPrices {
    /// The slot of today where it is not there, and the days before it that nobody looked at.
    fn missing(&self, context: &PlanContext<'_>) -> Result<Plan, FetchError> {
        SLOTS.missing(self.streams()?, context)
    }

    /// How many items a page for one item holds.
    async fn one_item(&self, currency: &str, price_type: &str) -> Result<usize, FetchError> {
        let mut url = self.first_page(currency, price_type);
        url.set_query(Some(&format!("{}&$top=1", url.query().unwrap_or_default())));
        let body = self.pipeline.get(&url, &Arc::default()).await?.into_body()?;
        Ok(page::read(&body)?.items.len())
    }
}

#[async_trait]
impl Source for AzureRetailPrices {
    fn dataset(&self) -> &'static Dataset {
        &DATASET
    }

    async fn plan(&self, context: &PlanContext<'_>) -> Result<Plan, FetchError> {
        let plan = self.missing(context)?;
        // What is given up is given up by Azure's time. What is fetched hears it by itself.
        if let Some((currency, price_type, _)) = plan.lost.first().map(asked).transpose()? {
            self.one_item(currency, price_type).await?;
        }
        Ok(plan)
    }

    async fn fetch(
        &self,
        slice: &Slice,
        context: &FetchContext,
        draft: Draft,
    ) -> Result<Fetched, FetchError> {
        let (currency, price_type, at) = asked(slice)?;
        SLOTS.during(slice, at, context.clock.now())?;
        let first = self.first_page(currency, price_type);
        let walker = Walker { pipeline: &self.pipeline, first: &first, traffic: &context.traffic };
        let last_prices = LastPrices::before(at, slice.stream(), context).await;
        let mut union = Union::new(draft, currency, price_type, last_prices);
        let mut complete = false;
        for walk in 1..=self.options.max_walks {
            union = walker.walk(union).await?;
            if walk == 1 {
                // By now the clock is known to be right. A walk that begins before midnight may end after it.
                SLOTS
                    .during(slice, at, context.clock.now() - LONGEST_WALK)
                    .or_else(|_| SLOTS.during(slice, at, context.clock.now()))?;
            }
            let brought = union.end_walk();
            tracing::debug!(%slice, walk, added = brought.added, lacked = brought.lacked, "walked the listing");
            if walk > 1 && brought.added + brought.lacked > 0 {
                union.warnings.add(|| {
                    let (added, lacked) = (brought.added, brought.lacked);
                    format!("walk {walk} of the listing added {added} items and lacked {lacked}")
                });
            }
            complete = brought.added == 0;
            if complete && walk >= self.options.walks {
                break;
            }
        }
        let Union { draft, warnings, fields, page_rows, .. } = union;
        let habits = Habits { page_rows, things: Some(draft.rows()), fields };
        Ok(Fetched {
            draft,
            source_url: redacted(&first),
            etag: None,
            last_modified: None,
            account: None,
            complete: Some(complete),
            warnings,
            habits,
        })
    }

    /// A line for each listing, of which one item is asked for.
    async fn check(&self) -> Vec<Check> {
        let pairs = self.options.currencies.iter().flat_map(|currency| {
            self.options.price_types.iter().map(move |price_type| (currency.as_str(), price_type.as_str()))
        });
        join_all(pairs.map(|(currency, price_type)| async move {
            let name = format!("{currency} {price_type}");
            match self.one_item(currency, price_type).await {
                Ok(0) => Check::warning(
                    &name,
                    "the listing is empty",
                    "check currencies and price_types in [sources.azure_retail_prices]",
                ),
                Ok(_) => Check::ok(&name, "the listing answers"),
                Err(error) => error.as_check(&name),
            }
        }))
        .await
    }
}

/// Currency, price type and start of the slot, if it is one of this dataset.
fn asked(slice: &Slice) -> Result<(&str, &str, Time), FetchError> {
    let (stream, at) = SLOTS.asked(slice)?;
    match (stream.part("currency"), stream.part("price_type")) {
        (Some(currency), Some(price_type)) => Ok((currency, price_type, at)),
        _ => Err(FetchError::bug(format!("{} was asked for {slice}", DATASET.id))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SystemClock;
    use crate::base::error::Hinted as _;
    use crate::lake::coverage::Coverage;
    use crate::lake::grid::Grid;
    use crate::lake::key::Key;
    use crate::sources::Traffic;

    fn options() -> Options {
        let name = |text| Name::new("name", text).unwrap();
        Options {
            currencies: vec![name("USD"), name("EUR")],
            price_types: vec![name("Consumption"), name("Reservation")],
            base_url: Url::parse("https://prices.azure.com").unwrap(),
            walks: 2,
            max_walks: 5,
            retry: RetryTimes::default(),
        }
    }

    fn source(options: Options) -> Result<AzureRetailPrices, FetchError> {
        let limits = HostLimits::new(1, SystemClock::shared());
        AzureRetailPrices::new(options, reqwest::Client::new(), limits, SystemClock::shared())
    }

    fn plan(keys: &[&str], now: &str) -> (Vec<String>, Vec<String>) {
        let mut coverage = Coverage::default();
        for key in keys {
            coverage.insert(&Key::parse(key).unwrap().1);
        }
        let now: Time = now.parse().unwrap();
        let context = PlanContext {
            coverage: &coverage,
            expected: &coverage,
            now,
            created_at: now,
            grid: Grid::new(now.date_naive(), chrono::TimeDelta::hours(1)).unwrap(),
            past: None,
            traffic: &Traffic::default(),
        };
        let plan = source(options()).unwrap().missing(&context).unwrap();
        let shown = |slices: Vec<Slice>| {
            let name = |slice: &Slice| slice.to_string().replace("azure_retail_prices currency=", "");
            slices.iter().map(name).collect()
        };
        (shown(plan.wanted), shown(plan.lost))
    }

    #[test]
    fn a_new_lake_wants_todays_slot_of_every_stream() {
        let (wanted, lost) = plan(&[], "2026-11-21T23:59:59Z");
        assert_eq!(
            wanted,
            [
                "USD price_type=Consumption slot 2026-11-21T00:00:00Z",
                "USD price_type=Reservation slot 2026-11-21T00:00:00Z",
                "EUR price_type=Consumption slot 2026-11-21T00:00:00Z",
                "EUR price_type=Reservation slot 2026-11-21T00:00:00Z",
            ]
        );
        assert!(lost.is_empty());
    }

    #[test]
    fn what_was_slept_through_is_lost_once() {
        let usd = |day: u8, name: &str| {
            format!("raw/azure_retail_prices/dt=2026-11-{day}/currency=USD/price_type=Consumption/{name}")
        };
        let stored = usd(16, "20261116T000000Z.ndjson.gz");
        let unchanged = format!("_contrail/marks/{}.unchanged.json", usd(18, "20261118T000000Z.ndjson.gz"));
        let lost_before = format!("_contrail/marks/{}.lost.json", usd(19, "20261119T000000Z.ndjson.gz"));
        let today = usd(21, "20261121T000000Z.ndjson.gz");
        let (wanted, lost) = plan(&[&stored, &unchanged, &lost_before, &today], "2026-11-21T05:00:00Z");
        assert_eq!(wanted.len(), 3, "{wanted:?}");
        assert_eq!(
            lost,
            [
                "USD price_type=Consumption slot 2026-11-17T00:00:00Z",
                "USD price_type=Consumption slot 2026-11-20T00:00:00Z",
            ]
        );
    }

    #[test]
    fn the_first_page_is_asked_for_without_top_and_meter_region() {
        let source =
            |base: &str| source(Options { base_url: Url::parse(base).unwrap(), ..options() }).unwrap();
        let query = "api-version=2023-01-01-preview&currencyCode=%27USD%27&$filter=priceType%20eq%20%27Consumption%27";
        for (base, address) in [
            ("https://prices.azure.com", "https://prices.azure.com/api/retail/prices"),
            ("https://prices.azure.com:443/", "https://prices.azure.com/api/retail/prices"),
            ("http://gateway:8080/azure/", "http://gateway:8080/azure/api/retail/prices"),
        ] {
            let url = source(base).first_page("USD", "Consumption");
            assert_eq!(url.as_str(), format!("{address}?{query}"));
        }
    }

    #[test]
    fn options_that_contradict_themselves_are_refused_with_a_hint() {
        let base = |base: &str| Options { base_url: Url::parse(base).unwrap(), ..options() };
        for options in [
            Options { walks: 0, ..options() },
            Options { walks: 3, max_walks: 2, ..options() },
            Options { max_walks: 101, ..options() },
            Options { currencies: vec![], ..options() },
            Options { price_types: [options().price_types, options().price_types].concat(), ..options() },
            base("ftp://prices.azure.com"),
            base("mailto:prices@azure.com"),
        ] {
            let error = source(options).unwrap_err();
            assert_eq!(error.kind, FetchErrorKind::Config);
            assert!(error.hint().unwrap().contains("azure_retail_prices"));
        }
    }
}
