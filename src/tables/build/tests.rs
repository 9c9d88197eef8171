use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::*;
use crate::base::{Name, Time};
use crate::lake::store::MemoryStore;
use crate::tables::definitions::COVERAGE;
use crate::tables::inputs::Inputs;
use crate::tables::packed::Packer;
use crate::tables::schema::Table;

const DATASET: &str = "azure_retail_prices";

/// Makes a row of each raw object of a day.
struct Slots {
    made: Mutex<Vec<String>>,
    kept: Mutex<Vec<String>>,
    fails_on: Option<Date>,
    /// What somebody else does while the first part is made.
    meanwhile: AtomicBool,
}

impl Slots {
    fn new() -> Self {
        Self {
            made: Mutex::default(),
            kept: Mutex::default(),
            fails_on: None,
            meanwhile: AtomicBool::new(false),
        }
    }

    fn day(object: &TableObject) -> Date {
        match object.part() {
            TablePart::Day(day) => *day,
            TablePart::Service(_) => panic!("a day"),
        }
    }
}

#[async_trait]
impl Maker for Slots {
    fn table(&self) -> &'static Table {
        &COVERAGE
    }

    fn parts(&mut self, holdings: &Holdings) -> Vec<TableObject> {
        let mut days: Vec<Date> = holdings.of(DATASET).iter().map(|object| object.slice.day()).collect();
        days.dedup();
        days.into_iter().map(|day| TableObject::day(Name::new("table", "coverage").unwrap(), day)).collect()
    }

    fn inputs(&mut self, object: &TableObject, holdings: &Holdings) -> Inputs {
        let mut inputs = Inputs::default();
        let day = Self::day(object);
        holdings
            .of(DATASET)
            .iter()
            .filter(|raw| raw.slice.day() == day)
            .for_each(|raw| inputs.add(&raw.key, &raw.etag));
        inputs
    }

    async fn make(
        &mut self,
        object: &TableObject,
        holdings: &Holdings,
        workshop: &Workshop,
        mut rows: TableWriter,
    ) -> Result<(Made, TableWriter), MakeError> {
        let day = Self::day(object);
        if self.fails_on == Some(day) {
            return Err(MakeError::Broken("on purpose".to_owned()));
        }
        if self.meanwhile.swap(false, Ordering::SeqCst) {
            put(workshop.store.as_ref(), "20261121T060000Z").await;
            let file = tempfile::NamedTempFile::new().unwrap();
            let meta = ObjectMeta::of_bytes(b"");
            let key = Key::table(object);
            workshop.store.replace(&key, file.path(), &meta, None).await.unwrap();
        }
        self.made.lock().unwrap().push(day.to_string());
        let mut packer = Packer::new(&COVERAGE);
        let time: Time = "2026-11-21T00:00:00Z".parse().unwrap();
        for raw in holdings.of(DATASET).iter().filter(|raw| raw.slice.day() == day) {
            packer
                .begin()
                .put("dataset", DATASET)
                .put("stream", raw.key.as_str())
                .put("from_time", time)
                .put("to_time", time)
                .put("state", "known");
            rows.push(packer.row())?;
        }
        let mut problems = Problems::of("raw/x");
        problems.note("line 1", "odd");
        Ok((Made { problems: vec![problems], closes: Some("hash".to_owned()), ..Made::default() }, rows))
    }

    fn kept(&mut self, object: &TableObject, meta: &ObjectMeta) {
        assert_eq!(meta.closes.as_deref(), Some("hash"));
        self.kept.lock().unwrap().push(Self::day(object).to_string());
    }
}

async fn put(store: &dyn Store, slot: &str) {
    let part = |from: usize, to: usize| slot.get(from..to).unwrap();
    let day = format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8));
    let key = Key::parse(&format!("raw/{DATASET}/dt={day}/currency=USD/{slot}.ndjson.gz")).unwrap().0;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(slot.as_bytes()).unwrap();
    store.put_if_absent(&key, file.path(), &ObjectMeta::of_bytes(slot.as_bytes())).await.unwrap();
}

struct Rig {
    store: Arc<MemoryStore>,
    directory: tempfile::TempDir,
    options: Options,
}

impl Rig {
    async fn new(slots: &[&str]) -> Self {
        let store = Arc::new(MemoryStore::new());
        for slot in slots {
            put(store.as_ref(), slot).await;
        }
        let options = Options { tables: vec![], rebuild: false, since: None, memory: 1 << 20, threads: 1 };
        Self { store, directory: tempfile::tempdir().unwrap(), options }
    }

    async fn build(&self, maker: &mut Slots) -> TableReport {
        let store: Arc<dyn Store> = Arc::clone(&self.store) as _;
        let scratch = Scratch::within(self.directory.path()).unwrap();
        let workshop = Workshop { store, scratch, memory: 1 << 20, threads: 1 };
        let holdings = list(&workshop, &self.options).await.unwrap();
        let clock = crate::base::SystemClock;
        let mut run = Run { clock: &clock, workshop, holdings, options: &self.options, progress: &Silent };
        run.table(maker).await.unwrap()
    }

    async fn meta(&self, day: &str) -> ObjectMeta {
        let key = Key::parse(&format!("tables/coverage/dt={day}/coverage.parquet")).unwrap().0;
        self.store.find(&key).await.unwrap().unwrap().meta.unwrap()
    }
}

const TWO_DAYS: [&str; 2] = ["20261121T000000Z", "20261122T000000Z"];

#[tokio::test]
async fn what_is_made_of_the_same_is_not_made_again() {
    let rig = Rig::new(&TWO_DAYS).await;
    let mut maker = Slots::new();
    let first = rig.build(&mut maker).await;
    assert_eq!((first.built, first.unchanged, first.rows, first.problems), (2, 0, 2, 2));
    assert_eq!(rig.meta("2026-11-21").await.rows, Some(1));

    let again = rig.build(&mut maker).await;
    assert_eq!((again.built, again.unchanged, again.problems), (0, 2, 0));
    assert_eq!(*maker.kept.lock().unwrap(), ["2026-11-21", "2026-11-22"]);

    put(rig.store.as_ref(), "20261122T060000Z").await;
    let third = rig.build(&mut maker).await;
    assert_eq!((third.built, third.unchanged, third.rows), (1, 1, 2));
}

#[tokio::test]
async fn everything_is_made_again_where_that_is_asked() {
    let mut rig = Rig::new(&TWO_DAYS).await;
    rig.build(&mut Slots::new()).await;
    let before = rig.meta("2026-11-21").await;
    rig.options.rebuild = true;
    assert_eq!(rig.build(&mut Slots::new()).await.built, 2);
    assert_eq!(rig.meta("2026-11-21").await, before, "equal inputs are equal bytes");
}

#[tokio::test]
async fn days_before_the_first_that_may_have_changed_are_left_alone() {
    let mut rig = Rig::new(&TWO_DAYS).await;
    rig.options.since = "2026-11-22".parse().ok();
    let mut maker = Slots::new();
    assert_eq!(rig.build(&mut maker).await.built, 1);
    assert_eq!(*maker.made.lock().unwrap(), ["2026-11-22"]);
}

#[tokio::test]
async fn a_part_that_fails_holds_up_no_other() {
    let rig = Rig::new(&TWO_DAYS).await;
    let mut maker = Slots { fails_on: "2026-11-21".parse().ok(), ..Slots::new() };
    let report = rig.build(&mut maker).await;
    assert_eq!(report.built, 1);
    let [failure] = &report.failed[..] else { panic!("{report:?}") };
    assert_eq!(failure.key, "tables/coverage/dt=2026-11-21/coverage.parquet");
    assert!(failure.error.contains("on purpose") && failure.hint.is_some(), "{failure:?}");
}

#[tokio::test]
async fn who_was_overtaken_looks_again_and_makes_what_is_there_now() {
    let rig = Rig::new(&TWO_DAYS[..1]).await;
    let mut maker = Slots { meanwhile: AtomicBool::new(true), ..Slots::new() };
    let report = rig.build(&mut maker).await;
    assert_eq!((report.built, report.rows), (1, 2));
    assert_eq!(maker.made.lock().unwrap().len(), 2);
    assert_eq!(rig.meta("2026-11-21").await.rows, Some(2));
}

#[tokio::test]
async fn what_a_newer_release_made_is_left_alone_unless_asked_for() {
    let mut rig = Rig::new(&TWO_DAYS[..1]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let meta = ObjectMeta {
        version: Some("999.0.0".to_owned()),
        closes: Some("hash".to_owned()),
        ..ObjectMeta::of_bytes(b"")
    };
    let key = Key::parse("tables/coverage/dt=2026-11-21/coverage.parquet").unwrap().0;
    rig.store.replace(&key, file.path(), &meta, None).await.unwrap();
    assert_eq!(rig.build(&mut Slots::new()).await.unchanged, 1);
    rig.options.rebuild = true;
    assert_eq!(rig.build(&mut Slots::new()).await.built, 1);
}
