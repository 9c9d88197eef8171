//! Questions about a small lake: a region of spot prices with a gap, and price lists of both clouds.

use std::collections::BTreeSet;

use chrono::Timelike as _;

use super::*;
use crate::base::error::Hinted as _;
use crate::base::{Price, Time};
use crate::tables::definitions::{
    COVERAGE, LIST_PRICES, LIST_PRICES_CURRENT, SPOT_PRICES, SPOT_PRICES_DAILY,
};
use crate::tables::packed::Value;
use crate::tables::scan::Tally;
use crate::tables::test_lake::{TestLake, day_object, row, service_object};

const SPOT: &str = "aws_spot_prices";
const REGION: &str = "region=us-east-1";
const LIST: &str = "offer=AmazonEC2/region=us-east-1";
const VERSION: &str =
    "raw/aws_price_list/dt=2026-11-10/offer=AmazonEC2/region=us-east-1/20261110080000.json.gz";

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

fn day_of(moment: &str) -> &str {
    moment.split_once('T').unwrap().0
}

fn money(text: &str) -> Value<'static> {
    Price::read(text).unwrap().into()
}

fn window(hour: u32) -> String {
    format!(
        "raw/aws_spot_prices/dt=2026-11-20/region=us-east-1/20261120T{hour:02}0000Z-20261120T{:02}0000Z.ndjson.gz",
        hour + 1
    )
}

struct Lake(TestLake);

impl Lake {
    fn cover(&mut self, (dataset, stream): (&str, &str), from: &str, to: &str, state: &str) {
        let (start, end) = (time(from), time(to));
        let values = [
            ("dataset", dataset.into()),
            ("stream", stream.into()),
            ("from_time", start.into()),
            ("to_time", end.into()),
            ("state", state.into()),
        ];
        self.0.add(&COVERAGE, day_object(&COVERAGE, "", day_of(from)), &row(&COVERAGE, &values));
    }

    fn pool<'a>(zone: &'a str, more: &[(&'a str, Value<'a>)]) -> Vec<(&'a str, Value<'a>)> {
        let name = [
            ("instance_type", "m5.large".into()),
            ("region_id", "us-east-1".into()),
            ("availability_zone_id", zone.into()),
            ("product_description", "Linux/UNIX".into()),
            ("provider_name", "aws".into()),
            ("operating_system", "Linux".into()),
            ("currency", "USD".into()),
        ];
        name.into_iter().chain(more.iter().copied()).collect()
    }

    /// A change of a pool, in the table's day of its moment, from the window of its hour or from `source`.
    fn change(&mut self, zone: &str, at: &str, price: Option<&str>, source: Option<&str>) {
        let moment = time(at);
        let hour = moment.hour();
        let source = source.map_or_else(|| window(hour), str::to_owned);
        let mut more = vec![("effective_from", moment.into()), ("source_key", (&source).into())];
        more.extend(price.map(|price| ("unit_price", money(price))));
        let values = Self::pool(zone, &more);
        self.0.add(&SPOT_PRICES, day_object(&SPOT_PRICES, "", day_of(at)), &row(&SPOT_PRICES, &values));
    }

    fn day(&mut self, zone: &str, day: &str, prices: [Option<&str>; 2], (changes, hours): (i64, i64)) {
        let mut more = vec![("changes", changes.into()), ("known_seconds", (hours * 3_600).into())];
        for (column, price) in ["open_price", "close_price"].into_iter().zip(prices) {
            more.extend(price.map(|price| (column, money(price))));
        }
        if let Some(price) = prices[1] {
            more.extend(["min_price", "max_price", "time_weighted_avg"].map(|column| (column, money(price))));
        }
        let values = Self::pool(zone, &more);
        self.0.add(
            &SPOT_PRICES_DAILY,
            day_object(&SPOT_PRICES_DAILY, "", day),
            &row(&SPOT_PRICES_DAILY, &values),
        );
    }

    /// A rate of AWS: in both tables, as seen on the tenth.
    fn rate(&mut self, price_id: &str, more: &[(&str, Value<'_>)]) {
        let name = [
            ("provider_name", "aws".into()),
            ("service_name", "AmazonEC2".into()),
            ("region_id", "us-east-1".into()),
            ("sku_id", "SKU".into()),
            ("sku_price_id", price_id.into()),
            ("instance_type", "m5.large".into()),
            ("operating_system", "Linux".into()),
            ("tenancy", "Shared".into()),
            ("meter", "BoxUsage:m5.large/RunInstances".into()),
            ("currency", "USD".into()),
            ("effective_from", time("2026-11-01T00:00:00Z").into()),
            ("observed_at", time("2026-11-10T09:00:00Z").into()),
            ("source_key", VERSION.into()),
        ];
        // What is given wins.
        let is_given = |column: &str| more.iter().any(|(given, _)| *given == column);
        let mut values: Vec<(&str, Value<'_>)> =
            name.into_iter().filter(|(column, _)| !is_given(column)).chain(more.iter().copied()).collect();
        let current = service_object(&LIST_PRICES_CURRENT, "aws", "AmazonEC2");
        self.0.add(&LIST_PRICES_CURRENT, current, &row(&LIST_PRICES_CURRENT, &values));
        values.push(("change", "new".into()));
        self.0.add(&LIST_PRICES, day_object(&LIST_PRICES, "aws", "2026-11-10"), &row(&LIST_PRICES, &values));
    }

    /// A lake in which nobody looked at spot prices from two to five on the twentieth; `gap` says what became of that.
    /// What changed in it was carried over, or was not.
    async fn with_gap(gap: &str, is_carried_over: bool) -> Self {
        let (first, second) = if is_carried_over { (21, 21) } else { (20, 2) };
        let mut lake = Self(TestLake::default());
        let spot = (SPOT, REGION);
        lake.cover(spot, "2026-11-20T00:00:00Z", "2026-11-20T02:00:00Z", "known");
        lake.cover(spot, "2026-11-20T02:00:00Z", "2026-11-20T05:00:00Z", gap);
        lake.cover(spot, "2026-11-20T05:00:00Z", "2026-11-21T00:00:00Z", "known");
        lake.cover(spot, "2026-11-21T00:00:00Z", "2026-11-21T10:00:00Z", "known");
        lake.cover((SPOT, "region=eu-west-1"), "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", "refused");
        for day in 19..=21 {
            let (from, to) = (format!("2026-11-{day}T00:00:00Z"), format!("2026-11-{}T00:00:00Z", day + 1));
            let end = if day == 21 { "2026-11-21T08:00:00Z" } else { &to };
            lake.cover(("aws_price_list", LIST), &from, end, "known");
        }
        lake.change("use1-az1", "2026-11-20T01:00:00Z", Some("0.03"), None);
        lake.change("use1-az1", "2026-11-20T06:00:00Z", Some("0.04"), None);
        lake.day("use1-az1", "2026-11-20", [Some("0.029"), Some("0.04")], (2, first));
        lake.day("use1-az2", "2026-11-20", [Some("0.05"), Some("0.05")], (0, second));
        lake.change("use1-az1", "2026-11-21T09:00:00Z", Some("0.045"), None);
        lake.day("use1-az1", "2026-11-21", [Some("0.04"), Some("0.045")], (1, 10));
        lake.day("use1-az2", "2026-11-21", [Some("0.05"), Some("0.05")], (0, 10));
        let standard = ("pricing_category", "Standard".into());
        lake.rate("SKU.OD.H", &[standard, ("list_unit_price", money("0.096"))]);
        let byol = ("meter", "BoxUsage:m5.large/RunInstances:0800".into());
        lake.rate("BYOL.OD.H", &[standard, byol, ("list_unit_price", money("0.001"))]);
        let term = [
            ("pricing_category", "Committed".into()),
            ("term_years", 1_i64.into()),
            ("payment_option", "Partial Upfront".into()),
            ("offering_class", "standard".into()),
        ];
        lake.rate("SKU.RI.H", &[&term[..], &[("list_unit_price", money("0.02"))]].concat());
        lake.rate("SKU.RI.U", &[&term[..], &[("upfront_price", money("350.4"))]].concat());
        lake.0.put().await;
        lake
    }

    async fn ask(&self, when: When) -> Vec<String> {
        self.answer(&question(when)).await.unwrap().offers.iter().map(told).collect()
    }

    async fn answer(&self, question: &Question) -> Result<Answer, AskError> {
        price(&self.0.store, question, &Tally::default()).await
    }

    /// What is told of spot prices then.
    async fn spot_at(&self, moment: &str, known_at: Option<&str>) -> Vec<String> {
        let when = When::At { moment: time(moment), known_at: known_at.map(time) };
        let question = Question { regions: vec!["us-east-1".to_owned()], ..question(when) };
        let answer = self.answer(&question).await.unwrap();
        answer.offers.iter().filter(|offer| offer.kind == Kind::Spot).map(told).collect()
    }
}

fn question(when: When) -> Question {
    Question {
        instance_type: "m5.large".to_owned(),
        regions: Vec::new(),
        operating_system: "linux".to_owned(),
        provider: None,
        currency: None,
        when,
        now: time("2026-11-21T11:00:00Z"),
    }
}

fn told(offer: &Offer) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let price = offer.hourly.map(|price| price.to_string()).unwrap_or_default();
    let line = [
        offer.region.clone(),
        text(&offer.zone_id),
        offer.kind.as_str().to_owned(),
        text(&offer.payment_option),
        price,
        offer.state.as_str().to_owned(),
        text(&offer.why),
    ];
    line.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_latest_prices_are_told_cheapest_first_with_the_moment_until_which_they_are_known() {
    let lake = Lake::with_gap("lost", true).await;
    assert_eq!(
        lake.ask(When::Latest).await,
        [
            "us-east-1 use1-az1 spot 0.045 known",
            "us-east-1 use1-az2 spot 0.05 known",
            "us-east-1 reserved Partial Upfront 0.06 known",
            "us-east-1 on-demand 0.096 known",
            "eu-west-1 on-demand unknown this lake has no list prices of the region",
            "eu-west-1 spot unknown refused to this account since 2026-11-20T00:00Z",
        ]
    );
    let answer = lake.answer(&question(When::Latest)).await.unwrap();
    let spot = answer.offers.first().unwrap();
    assert_eq!(spot.as_of, Some(time("2026-11-21T10:00:00Z")), "the end of what was fetched, not now");
    assert_eq!(spot.monthly, Price::read("32.85"));
    let reserved = answer.offers.iter().find(|offer| offer.kind == Kind::Reserved).unwrap();
    assert!(reserved.is_effective);
    assert_eq!(
        (reserved.upfront, reserved.as_of),
        (Price::read("350.4"), Some(time("2026-11-21T08:00:00Z")))
    );
}

#[tokio::test]
async fn the_price_at_a_moment_is_the_last_change_before_it_or_what_the_day_opened_with() {
    let lake = Lake::with_gap("lost", true).await;
    for (moment, first, second) in [
        ("2026-11-20T00:30:00Z", "0.029", "0.05"),
        ("2026-11-20T01:00:00Z", "0.03", "0.05"),
        ("2026-11-20T01:59:59Z", "0.03", "0.05"),
        ("2026-11-20T05:00:00Z", "0.03", "0.05"),
        ("2026-11-20T06:00:00Z", "0.04", "0.05"),
        ("2026-11-21T08:00:00Z", "0.04", "0.05"),
    ] {
        let expected = [
            format!("us-east-1 use1-az1 spot {first} known"),
            format!("us-east-1 use1-az2 spot {second} known"),
        ];
        assert_eq!(lake.spot_at(moment, None).await, expected, "{moment}");
    }
}

#[tokio::test]
async fn inside_a_gap_and_beyond_what_is_known_the_answer_is_unknown() {
    let lake = Lake::with_gap("lost", true).await;
    for (moment, why) in [
        ("2026-11-20T02:00:00Z", "gap: 2026-11-20T02:00Z..2026-11-20T05:00Z is lost for good"),
        ("2026-11-20T04:59:59Z", "gap: 2026-11-20T02:00Z..2026-11-20T05:00Z is lost for good"),
        ("2026-11-21T10:00:00Z", "nobody looked after 2026-11-21T10:00Z"),
    ] {
        assert_eq!(lake.spot_at(moment, None).await, [format!("us-east-1 spot unknown {why}")], "{moment}");
    }
    let early = "2026-11-17T00:00:00Z";
    let why = "this lake knows nothing before 2026-11-19T00:00Z";
    assert_eq!(lake.spot_at(early, None).await, [format!("us-east-1 spot unknown {why}")]);
    let everywhere = lake.answer(&question(When::At { moment: time(early), known_at: None })).await.unwrap();
    let whys: BTreeSet<Option<&str>> = everywhere.offers.iter().map(|offer| offer.why.as_deref()).collect();
    assert_eq!(whys, BTreeSet::from([Some(why)]), "{:?}", everywhere.offers);
    assert!(everywhere.is_unknown());
}

#[tokio::test]
async fn after_a_gap_of_which_nothing_was_carried_over_only_what_changed_since_is_known() {
    for gap in ["missing", "lost"] {
        let lake = Lake::with_gap(gap, false).await;
        let why = "gap: 2026-11-20T02:00Z..2026-11-20T05:00Z lies between the last change and then";
        let [first, second] =
            ["use1-az1", "use1-az2"].map(|zone| format!("us-east-1 {zone} spot unknown {why}"));
        assert_eq!(lake.spot_at("2026-11-20T05:30:00Z", None).await, [first, second.clone()], "{gap}");
        let first = "us-east-1 use1-az1 spot 0.04 known".to_owned();
        assert_eq!(lake.spot_at("2026-11-20T06:30:00Z", None).await, [first, second], "{gap}");
    }
}

#[tokio::test]
async fn a_change_in_a_gap_that_was_carried_over_is_the_price_after_it() {
    let mut lake = Lake::with_gap("lost", false).await;
    lake.change("use1-az1", "2026-11-20T03:30:00Z", Some("0.033"), Some(&window(5)));
    lake.day("use1-az1", "2026-11-20", [Some("0.029"), Some("0.04")], (2, 20));
    lake.0.put().await;
    let told = lake.spot_at("2026-11-20T05:30:00Z", None).await;
    assert_eq!(told.first().map(String::as_str), Some("us-east-1 use1-az1 spot 0.033 known"));
}

#[tokio::test]
async fn what_was_collected_afterwards_was_not_known_then() {
    let mut lake = Lake::with_gap("lost", true).await;
    // A change that came late, in the audit of the day.
    let late = "raw/aws_spot_prices/dt=2026-11-20/region=us-east-1/20261120-20261121.late.ndjson.gz";
    lake.change("use1-az1", "2026-11-20T01:00:00Z", Some("0.03"), None);
    lake.change("use1-az1", "2026-11-20T01:30:00Z", Some("0.031"), Some(late));
    lake.0.put().await;
    for hour in [0, 1] {
        lake.0.put_raw(&window(hour), &format!("2026-11-20T{:02}:10:00Z", hour + 1)).await;
    }
    lake.0.put_raw(late, "2026-11-21T06:00:00Z").await;
    let asked = "2026-11-20T01:45:00Z";
    let first = |told: Vec<String>| told.into_iter().next().unwrap();
    let told = first(lake.spot_at(asked, Some("2026-11-20T02:00:00Z")).await);
    assert_eq!(told, "us-east-1 spot unknown it was not collected by 2026-11-20T02:00Z");
    let told = first(lake.spot_at(asked, Some("2026-11-20T02:10:00Z")).await);
    assert_eq!(told, "us-east-1 use1-az1 spot 0.03 known");
    let told = first(lake.spot_at(asked, Some("2026-11-21T06:00:00Z")).await);
    assert_eq!(told, "us-east-1 use1-az1 spot 0.031 known");
    assert_eq!(first(lake.spot_at(asked, None).await), "us-east-1 use1-az1 spot 0.031 known");
}

#[tokio::test]
async fn list_prices_of_a_moment_are_those_that_applied_and_were_known() {
    let lake = Lake::with_gap("lost", true).await;
    let at = |moment: &str, known_at: Option<&str>| {
        let when = When::At { moment: time(moment), known_at: known_at.map(time) };
        Question { provider: Some("aws".to_owned()), regions: vec!["us-east-1".to_owned()], ..question(when) }
    };
    let on_demand = async |question: &Question| {
        let answer = lake.answer(question).await.unwrap();
        answer.offers.iter().filter(|offer| offer.kind == Kind::OnDemand).map(told).collect::<Vec<_>>()
    };
    assert_eq!(on_demand(&at("2026-11-20T12:00:00Z", None)).await, ["us-east-1 on-demand 0.096 known"]);
    assert_eq!(
        on_demand(&at("2026-11-21T09:00:00Z", None)).await,
        ["us-east-1 on-demand unknown nobody looked after 2026-11-21T08:00Z"]
    );
    assert_eq!(
        on_demand(&at("2026-11-20T12:00:00Z", Some("2026-11-10T08:59:59Z"))).await,
        ["us-east-1 on-demand unknown nothing was collected by 2026-11-10T08:59:59Z"]
    );
    assert_eq!(
        on_demand(&at("2026-11-20T12:00:00Z", Some("2026-11-10T09:00:00Z"))).await,
        ["us-east-1 on-demand 0.096 known"]
    );
}

#[tokio::test]
async fn a_price_that_is_no_number_is_unknown_and_a_free_one_is_free() {
    let mut lake = Lake::with_gap("lost", true).await;
    lake.change("use1-az1", "2026-11-21T09:00:00Z", Some("0.045"), None);
    lake.change("use1-az1", "2026-11-21T09:30:00Z", None, None);
    lake.change("use1-az2", "2026-11-21T09:30:00Z", Some("0"), None);
    lake.0.put().await;
    let told = lake.ask(When::Latest).await;
    assert!(
        told.contains(&"us-east-1 use1-az1 spot unknown its price is no number, or does not fit".to_owned()),
        "{told:?}"
    );
    assert!(told.contains(&"us-east-1 use1-az2 spot 0 known".to_owned()), "{told:?}");
}

#[tokio::test]
async fn what_the_lake_never_heard_of_is_an_error_that_says_what_was_meant() {
    let lake = Lake::with_gap("lost", true).await;
    for (machine, hint) in [("M5.Large", "did you mean m5.large?"), ("m5.lrge", "did you mean m5.large?")] {
        let question = Question { instance_type: machine.to_owned(), ..question(When::Latest) };
        let error = lake.answer(&question).await.unwrap_err();
        assert_eq!(error.to_string(), format!("this lake has no prices of {machine}"));
        assert_eq!(error.hint(), Some(hint));
        assert!(!error.is_passing());
    }
    let question = Question { operating_system: "Windows".to_owned(), ..question(When::Latest) };
    let error = lake.answer(&question).await.unwrap_err();
    assert_eq!(error.hint(), Some("ask for one of these with --os: Linux"));
    let nothing = price(&TestLake::default().store, &question, &Tally::default()).await.unwrap_err();
    assert_eq!(nothing.hint(), Some("build the tables of this lake: contrail tables build"));
}

#[tokio::test]
async fn a_region_that_nobody_collects_is_unknown_and_one_without_the_machine_is_told_so() {
    let lake = Lake::with_gap("lost", true).await;
    let asked = |region: &str| Question { regions: vec![region.to_owned()], ..question(When::Latest) };
    let tell = async |region: &str| {
        lake.answer(&asked(region)).await.unwrap().offers.iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(
        tell("ap-south-1").await,
        [
            "ap-south-1 on-demand unknown this lake has no list prices of the region",
            "ap-south-1 spot unknown this lake has no spot prices of the region",
        ]
    );
    let mut covered = Lake::with_gap("lost", true).await;
    covered.cover((SPOT, "region=ap-south-1"), "2026-11-21T00:00:00Z", "2026-11-21T10:00:00Z", "known");
    covered.0.put().await;
    let told: Vec<String> =
        covered.answer(&asked("ap-south-1")).await.unwrap().offers.iter().map(told).collect();
    assert_eq!(
        told.last().map(String::as_str),
        Some("ap-south-1 spot absent m5.large has no spot price there")
    );
}

#[tokio::test]
async fn a_history_has_every_day_and_leaves_out_what_is_not_known() {
    let lake = Lake::with_gap("lost", true).await;
    let days = "2026-11-19".parse().unwrap()..="2026-11-21".parse().unwrap();
    let told = history(&lake.0.store, &question(When::Latest), days, &Tally::default()).await.unwrap();
    let means: Vec<Vec<Option<String>>> = told
        .pools
        .iter()
        .map(|pool| pool.days.iter().map(|day| day.map(|day| day.mean.to_string())).collect())
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(means, [vec![None, some("0.04"), some("0.045")], vec![None, some("0.05"), some("0.05")]]);
    assert_eq!(told.changes, [], "the list was told before");
    let days = "2026-11-10".parse().unwrap()..="2026-11-21".parse().unwrap();
    let told = history(&lake.0.store, &question(When::Latest), days, &Tally::default()).await.unwrap();
    let changes: Vec<(Kind, Option<Price>)> =
        told.changes.iter().map(|change| (change.kind, change.hourly)).collect();
    assert_eq!(
        changes,
        [
            (Kind::OnDemand, Price::read("0.096")),
            (Kind::Reserved, Price::read("0.02")),
            (Kind::Reserved, None)
        ]
    );
}
