//! The difference of lists against a model that remembers every rate and looks at no window.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::difference::{Change, Seen, compare, newest};
use super::super::feeds::FEEDS;
use super::super::rate::{Category, RATES, Rate};
use crate::base::Price;
use crate::lake::key::{Key, Mark, Parsed};
use crate::lake::store::ETag;
use crate::tables::holdings::{Holdings, RawObject};
use crate::tables::packed::Packer;
use crate::tables::run::{Run, RunWriter};
use crate::tables::scratch::Scratch;
use crate::tables::timeline::{Look, Timeline};

/// The price of each rate, and a word that makes no change.
type List = BTreeMap<u8, (u8, u8)>;

/// A look: the list, or that it was the same; and whether it is sound.
#[derive(Debug, Clone)]
struct Looked {
    list: Option<List>,
    is_sound: bool,
}

/// What a look changed: `new`, `changed` or `withdrawn`, which rate, its price, and the place of the look since which it
/// is gone.
type Told = Vec<(&'static str, u8, u8, Option<usize>)>;

/// What is known in the end: of each rate its price, the word, and the place where it was seen last.
type Newest = BTreeMap<u8, (u8, u8, usize)>;

/// What is known of a rate.
struct Known {
    state: (u8, u8),
    place: usize,
    /// The sound looks that lack it since.
    lacking: Vec<usize>,
}

/// What each look tells, and what is known in the end.
fn model(looks: &[Looked], patience: usize) -> (Vec<Told>, Newest) {
    let mut known = BTreeMap::<u8, Known>::new();
    let (mut list, mut is_sound) = (&List::new(), false);
    let mut all = Vec::new();
    for (place, look) in looks.iter().enumerate() {
        if let Some(new) = &look.list {
            (list, is_sound) = (new, look.is_sound);
        }
        let mut told = Told::new();
        for (rate, state) in list {
            match known.get(rate) {
                None => told.push(("new", *rate, state.0, None)),
                Some(before) if before.state.0 != state.0 => told.push(("changed", *rate, state.0, None)),
                Some(_) => {}
            }
            known.insert(*rate, Known { state: *state, place, lacking: Vec::new() });
        }
        known.retain(|rate, before| {
            if is_sound && !list.contains_key(rate) {
                before.lacking.push(place);
            }
            let stays = before.lacking.len() < patience;
            if !stays {
                told.push(("withdrawn", *rate, before.state.0, before.lacking.first().copied()));
            }
            stays
        });
        told.sort_unstable();
        all.push(told);
    }
    let newest =
        known.into_iter().map(|(rate, known)| (rate, (known.state.0, known.state.1, known.place))).collect();
    (all, newest)
}

fn rates(list: &List, scratch: &Scratch) -> Run {
    let (mut packer, mut run) = (Packer::new(&RATES), RunWriter::new(scratch).unwrap());
    for (rate, (price, word)) in list {
        let (name, word) = (rate.to_string(), word.to_string());
        let rate = Rate {
            identity: &name,
            provider_name: "azure",
            service_name: "s",
            region_id: None,
            sku_id: &name,
            sku_price_id: &name,
            instance_type: None,
            operating_system: None,
            tenancy: None,
            pre_installed_software: None,
            product_family: Some(&word),
            meter: None,
            pricing_category: Category::Standard,
            term_years: None,
            payment_option: None,
            offering_class: None,
            pricing_unit: None,
            currency: "USD",
            list_unit_price: Price::from_units(i128::from(*price)),
            upfront_price: None,
            tier_start: None,
            tier_end: None,
            effective_from: None,
            effective_to: None,
        };
        run.push(rate.pack(&mut packer)).unwrap();
    }
    run.finish().unwrap()
}

fn said(row: &[u8]) -> (u8, u8, u8) {
    let rate = Rate::unpack(row).unwrap();
    let price = u8::try_from(rate.list_unit_price.unwrap().units()).unwrap();
    (rate.sku_id.parse().unwrap(), price, rate.product_family.unwrap().parse().unwrap())
}

/// What is in the lake, and the state of each of its lists.
fn lake(looks: &[Looked], scratch: &Scratch) -> (Holdings, BTreeMap<Key, (Run, bool)>) {
    let (mut holdings, mut states) = (Holdings::default(), BTreeMap::new());
    for (place, look) in looks.iter().enumerate() {
        let (day, hour) = (place / 2 + 1, place % 2 * 12);
        let key = format!(
            "raw/azure_retail_prices/dt=2026-11-{day:02}/currency=USD/price_type=Consumption/202611{day:02}T{hour:02}0000Z.ndjson.gz"
        );
        let Ok((key, Parsed::Raw(slice))) = Key::parse(&key) else { panic!("{key}") };
        match &look.list {
            None => holdings.marks.push((slice, Mark::Unchanged)),
            Some(list) => {
                states.insert(key.clone(), (rates(list, scratch), look.is_sound));
                let dataset = slice.stream().dataset().clone();
                let etag = ETag::new("x");
                holdings.raw.entry(dataset).or_default().push(RawObject { key, slice, etag, bytes: 1 });
            }
        }
    }
    (holdings, states)
}

fn seen(
    timeline: &Timeline<'_>,
    window: std::ops::Range<usize>,
    states: &BTreeMap<Key, (Run, bool)>,
) -> Vec<Seen> {
    window.map(|place| Seen { place, rates: states[&timeline.looks[place].seen.key].0.clone() }).collect()
}

fn arbitrary_looks() -> impl Strategy<Value = Vec<Looked>> {
    let list = prop::collection::btree_map(0_u8..4, (0_u8..2, 0_u8..2), 0..4);
    let look = (prop::option::weighted(0.8, list), prop::bool::weighted(0.7));
    let look = look.prop_map(|(list, is_sound)| Looked { list, is_sound });
    prop::collection::vec(look, 1..16).prop_map(|mut looks| {
        looks[0].list.get_or_insert_default();
        looks
    })
}

proptest! {
    #[test]
    fn a_window_tells_what_all_that_was_ever_seen_tells(looks in arbitrary_looks(), patience in 1_usize..4) {
        let directory = tempfile::tempdir().unwrap();
        let scratch = Scratch::within(directory.path()).unwrap();
        let (holdings, states) = lake(&looks, &scratch);
        let timelines = Timeline::all(FEEDS[1].dataset, &holdings);
        let timeline = timelines.values().next().unwrap();
        prop_assert_eq!(timeline.looks.len(), looks.len());
        let is_sound = |look: &Look<'_>| states[&look.seen.key].1;

        let (expected, expected_newest) = model(&looks, patience);
        for (at, expected) in expected.into_iter().enumerate() {
            let window = timeline.window(at, patience, is_sound);
            let gone_since = timeline.gone_since(at, patience, is_sound);
            let now = &states[&timeline.looks[at].seen.key].0;
            let mut told = Told::new();
            compare(&seen(timeline, window, &states), now, gone_since, |change| {
                let (word, row, gone) = match change {
                    Change::New(row) => ("new", row, None),
                    Change::Changed { to, .. } => ("changed", to, None),
                    Change::Withdrawn(row) => ("withdrawn", row, gone_since),
                };
                let (rate, price, _) = said(row);
                told.push((word, rate, price, gone));
                Ok(())
            }).unwrap();
            told.sort_unstable();
            prop_assert_eq!(told, expected, "at {}", at);
        }

        let window = timeline.window(looks.len(), patience, is_sound);
        let mut told = BTreeMap::new();
        newest(&seen(timeline, window, &states), |place, row| {
            let (rate, price, word) = said(row);
            told.insert(rate, (price, word, place));
            Ok(())
        }).unwrap();
        prop_assert_eq!(told, expected_newest);
    }
}

#[test]
fn what_is_missing_for_less_than_three_sound_looks_was_never_gone() {
    let looked = |rates: &[u8], is_sound| Looked {
        list: Some(rates.iter().map(|rate| (*rate, (7, 0))).collect()),
        is_sound,
    };
    let same = Looked { list: None, is_sound: true };
    // Rate 1 comes back after two; rate 2 after two, one in doubt and a mark, which is the third.
    let looks = [
        looked(&[1, 2], true),
        looked(&[], true),
        looked(&[], true),
        looked(&[1], false),
        looked(&[1], true),
        same,
        looked(&[1, 2], true),
    ];
    let (told, _) = model(&looks, 3);
    assert_eq!(told[0], [("new", 1, 7, None), ("new", 2, 7, None)]);
    assert_eq!(told[4], [("withdrawn", 2, 7, Some(1))], "since the first of the three");
    assert_eq!(told[6], [("new", 2, 7, None)]);
    assert!([1, 2, 3, 5].iter().all(|place: &usize| told[*place].is_empty()));
}
