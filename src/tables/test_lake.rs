//! Tables for tests: rows that are put into a lake in memory, as a build would leave them there.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use super::packed::{Packer, Value};
use super::schema::{Partitions, Table};
use super::writer::TableWriter;
use crate::base::{Date, Name};
use crate::lake::key::{Key, TableObject};
use crate::lake::meta::ObjectMeta;
use crate::lake::store::{MemoryStore, Store as _};

/// Collects packed rows of objects and puts them.
#[derive(Debug, Default)]
pub(crate) struct TestLake {
    pub(crate) store: MemoryStore,
    rows: BTreeMap<(&'static str, TableObject), Vec<Vec<u8>>>,
}

fn name(value: &str) -> Name {
    Name::new("test", value).unwrap()
}

/// A packed row that says what `values` say; columns that they do not name are unknown.
pub(crate) fn row(table: &'static Table, values: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut packer = Packer::new(table);
    packer.begin();
    for (_, column) in table.packed() {
        let value = values.iter().find(|(name, _)| *name == column.name).map(|(_, value)| *value);
        packer.put_or_unknown(column.name, value);
    }
    for (name, _) in values {
        assert!(table.index(name).is_some(), "{} has no column {name}", table.name);
    }
    packer.row().to_vec()
}

/// The object of a table that is cut by days.
pub(crate) fn day_object(table: &'static Table, provider: &str, day: &str) -> TableObject {
    let day: Date = day.parse().unwrap();
    match table.partitions {
        Partitions::Day => TableObject::day(name(table.name), day),
        Partitions::ProviderDay => TableObject::provider_day(name(table.name), name(provider), day),
        Partitions::ProviderService => panic!("{} is not cut by days", table.name),
    }
}

/// The object of a table that is cut by services.
pub(crate) fn service_object(table: &'static Table, provider: &str, service: &str) -> TableObject {
    TableObject::service(name(table.name), name(provider), name(service))
}

impl TestLake {
    /// Adds a row to an object, in no order.
    pub(crate) fn add(&mut self, table: &'static Table, object: TableObject, row: &[u8]) {
        self.rows.entry((table.name, object)).or_default().push(row.to_vec());
    }

    /// An object without rows.
    pub(crate) fn add_empty(&mut self, table: &'static Table, object: TableObject) {
        self.rows.entry((table.name, object)).or_default();
    }

    /// Puts a raw object of which only its key and the moment at which it was fetched matter.
    pub(crate) async fn put_raw(&self, key: &str, fetched_at: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let meta = ObjectMeta { fetched_at: Some(fetched_at.parse().unwrap()), ..ObjectMeta::default() };
        let (key, _) = Key::parse(key).unwrap();
        self.store.put_if_absent(&key, file.path(), &meta).await.unwrap();
    }

    /// Writes every object into the lake, in place of what is there.
    pub(crate) async fn put(&mut self) {
        for ((table, object), mut rows) in std::mem::take(&mut self.rows) {
            rows.sort();
            let table = crate::tables::TABLES.into_iter().find(|known| known.name == table).unwrap();
            put(&self.store, table, &object, rows.iter().map(Vec::as_slice)).await;
        }
    }
}

/// Writes one object, whose rows come in order, and answers how long it is.
pub(crate) async fn put<'a>(
    store: &MemoryStore,
    table: &'static Table,
    object: &TableObject,
    rows: impl Iterator<Item = &'a [u8]>,
) -> u64 {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = TableWriter::new(table, File::create(file.path()).unwrap()).unwrap();
    rows.for_each(|row| writer.push(row).unwrap());
    let written = writer.finish().unwrap();
    replace(store, object, file.path()).await;
    written.bytes
}

/// Puts an object that is whatever `bytes` are.
pub(crate) async fn put_bytes(store: &MemoryStore, object: &TableObject, bytes: &[u8]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    replace(store, object, file.path()).await;
}

async fn replace(store: &MemoryStore, object: &TableObject, file: &Path) {
    let key = Key::table(object);
    let before = store.find(&key).await.unwrap().map(|found| found.etag);
    store.replace(&key, file, &ObjectMeta::default(), before.as_ref()).await.unwrap();
}
