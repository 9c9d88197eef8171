use proptest::prelude::*;

use super::*;

fn arbitrary_stream() -> impl Strategy<Value = Stream> {
    let name = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}";
    ("[a-z_]{1,20}", prop::collection::vec(("[a-z_]{1,10}", name), 0..4)).prop_map(|(dataset, parts)| {
        let parts: Vec<_> = parts.iter().map(|(part, value)| (part.as_str(), value.as_str())).collect();
        Stream::new(&dataset, &parts).unwrap()
    })
}

fn arbitrary_slice() -> impl Strategy<Value = Slice> {
    let second = 0_i64..4_000_000_000;
    (arbitrary_stream(), second, 1_i64..10_000_000, 0..5_u8).prop_map(|(stream, second, length, kind)| {
        let at = Time::from_timestamp(second, 0).unwrap();
        match kind {
            0 => {
                let to = Time::from_timestamp(second + length, 0).unwrap();
                Slice::Window { stream, span: Interval::new(at, to).unwrap() }
            }
            1 => Slice::Audit { stream, day: at.date_naive() },
            2 => {
                let version = Version::new(&at.format("%Y%m%d%H%M%S").to_string()).unwrap();
                Slice::Version { stream, version }
            }
            3 => Slice::Slot { stream, at, format: Format::Ndjson },
            _ => Slice::Slot { stream, at, format: Format::Json },
        }
    })
}

fn arbitrary_table_object() -> impl Strategy<Value = TableObject> {
    let name = || "[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}".prop_map(|text| Name::new("name", &text).unwrap());
    let day =
        (0_i64..200_000_000_000).prop_map(|second| Time::from_timestamp(second, 0).unwrap().date_naive());
    prop_oneof![
        (name(), day.clone()).prop_map(|(table, day)| TableObject::day(table, day)),
        (name(), name(), day)
            .prop_map(|(table, provider, day)| TableObject::provider_day(table, provider, day)),
        (name(), name(), name())
            .prop_map(|(table, provider, service)| TableObject::service(table, provider, service)),
    ]
}

proptest! {
    #[test]
    fn a_key_reads_back_as_its_part_of_a_table(object in arbitrary_table_object()) {
        let key = Key::table(&object);
        prop_assert_eq!(Key::parse(key.as_str()).unwrap(), (key.clone(), Parsed::Table(object.clone())));
        prop_assert!(key.is_derived());
        prop_assert!(key.as_str().starts_with(Prefix::table(object.table()).as_str()));
        prop_assert!(key.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"/=._-".contains(&b)), "{key}");
    }

    #[test]
    fn an_accepted_key_of_a_table_is_canonical(text in "tables/(a|b)/(provider=[.a-z]{0,3}/)?(dt=20[0-9]{2}-[01]?[0-9]-[0-3][0-9]|service=[.a-z]{0,3})/(a|b).parquet") {
        if let Ok((key, _)) = Key::parse(&text) {
            prop_assert_eq!(key.as_str(), text);
        }
    }

    #[test]
    fn a_key_reads_back_as_its_slice(slice in arbitrary_slice()) {
        let key = Key::raw(&slice);
        prop_assert_eq!(Key::parse(key.as_str()).unwrap(), (key, Parsed::Raw(slice.clone())));
        for mark in [Mark::Lost, Mark::Unchanged] {
            let key = Key::mark(&slice, mark);
            prop_assert_eq!(Key::parse(key.as_str()).unwrap(), (key, Parsed::Mark(slice.clone(), mark)));
        }
    }

    #[test]
    fn a_key_needs_no_escaping(slice in arbitrary_slice()) {
        let key = Key::raw(&slice);
        prop_assert!(key.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"/=._-".contains(&b)), "{key}");
    }

    #[test]
    fn an_accepted_key_is_canonical(text in "(raw/|_contrail/marks/raw/)a/dt=20[0-9]{2}-[01][0-9]-[0-3][0-9]/(r=[.a-z]{1,3}/)?20[0-9]{2}[01][0-9][0-3][0-9]T?[0-9]{6}Z?(-[0-9]{8})?.(late.)?(nd)?json(.gz)?(.lost.json)?") {
        if let Ok((key, _)) = Key::parse(&text) {
            prop_assert_eq!(key.as_str(), text);
        }
    }

    #[test]
    fn names_sort_as_time_does(stream in arbitrary_stream(), one in 0_i64..4_000_000_000, two in 0_i64..4_000_000_000) {
        let key = |second| {
            let at = Time::from_timestamp(second, 0).unwrap();
            Key::raw(&Slice::Slot { stream: stream.clone(), at, format: Format::Ndjson })
        };
        prop_assert_eq!(key(one).cmp(&key(two)), one.cmp(&two));
    }
}

#[test]
fn what_is_no_key_is_refused() {
    for text in [
        "",
        "raw",
        "raw/",
        "raw/a/dt=2026-11-21/x.json.gz",
        "raw/a/dt=2026-11-22/20261121T000000Z.ndjson.gz",
        "raw/a/dt=2026-11-21/region=../20261121T000000Z.ndjson.gz",
        "raw/a/dt=2026-11-21/region/20261121T000000Z.ndjson.gz",
        "raw/a/dt=2026-11-21/20261121T010000Z-20261121T000000Z.ndjson.gz",
        "raw/a/dt=2026-11-21/20261121-20261123.late.ndjson.gz",
        "raw/a/dt=2026-11-21/20261121T000000Z.ndjson",
        "_contrail/marks/raw/a/dt=2026-11-21/20261121T000000Z.ndjson.gz.gone.json",
        "_contrail/runs/dt=2026-11-20/20261121T000000Z-ab.ndjson.gz",
        "raw/a/dt=9999-12-31/99991231-+100000101.late.ndjson.gz",
        "tables/spot_prices",
        "tables/spot_prices/spot_prices.parquet",
        "tables/spot_prices/dt=2026-11-21/list_prices.parquet",
        "tables/spot_prices/dt=2026-11-21/spot_prices.parquet.tmp",
        "tables/spot_prices/dt=2026-11-31/spot_prices.parquet",
        "tables/spot_prices/dt=2026-1-21/spot_prices.parquet",
        "tables/spot_prices/dt=+12026-11-21/spot_prices.parquet",
        "tables/spot_prices/region=x/spot_prices.parquet",
        "tables/list_prices/provider=aws/list_prices.parquet",
        "tables/list_prices/provider=/dt=2026-11-21/list_prices.parquet",
        "tables/list_prices/dt=2026-11-21/provider=aws/list_prices.parquet",
        "tables/list_prices/provider=aws/dt=2026-11-21/service=x/list_prices.parquet",
        "tables/list_prices_current/service=AmazonEC2/list_prices_current.parquet",
        "tables/list_prices_current/provider=aws/service=../list_prices_current.parquet",
        "tables/../dt=2026-11-21/...parquet",
    ] {
        assert!(Key::parse(text).is_err(), "{text}");
    }
}

#[test]
fn only_what_is_derived_may_be_replaced() {
    let derived = |text: &str| Key::parse(text).unwrap().0.is_derived();
    assert!(derived("tables/spot_prices/dt=2026-11-21/spot_prices.parquet"));
    for text in [
        "raw/tables/dt=2026-11-21/20261121T000000Z.ndjson.gz",
        "_contrail/runs/dt=2026-11-21/20261121T000000Z-ab.ndjson.gz",
        "_contrail/lake.json",
        "_contrail/probe",
    ] {
        assert!(!derived(text), "{text}");
    }
}

#[test]
fn a_table_is_sent_as_parquet() {
    let (key, _) = Key::parse("tables/spot_prices/dt=2026-11-21/spot_prices.parquet").unwrap();
    assert_eq!(key.content_type(), "application/vnd.apache.parquet");
}
