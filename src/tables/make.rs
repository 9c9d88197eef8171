//! A maker: what a table should consist of, and how each of its objects is made. The build asks makers; a maker asks
//! nobody but its workshop.

use async_trait::async_trait;

use super::holdings::Holdings;
use super::inputs::Inputs;
use super::problems::Problems;
use super::schema::Table;
use super::workshop::{MakeError, Workshop};
use super::writer::TableWriter;
use crate::base::Date;
use crate::lake::key::TableObject;
use crate::lake::meta::ObjectMeta;
use crate::lake::notice::Notice;

/// What came of making one object, beside its rows.
#[derive(Debug, Default)]
pub struct Made {
    /// What could not be decoded, by raw object.
    pub problems: Vec<Problems>,
    /// What raw objects show beside others that no fetch could see.
    pub notices: Vec<Notice>,
    /// What the next object of the table depends on, where it does.
    pub closes: Option<String>,
}

/// Makes one table. Objects are asked for in the order of [`parts`](Self::parts), one after the other; for each either
/// [`make`](Self::make) or [`kept`](Self::kept) is called.
#[async_trait]
pub trait Maker: Send {
    /// The table.
    fn table(&self) -> &'static Table;

    /// Told first, before anything is asked: the time to learn from the lake what its listings do not say. Days before
    /// `since` will not be asked for.
    async fn survey(
        &mut self,
        _holdings: &Holdings,
        _since: Option<Date>,
        _workshop: &Workshop,
    ) -> Result<(), MakeError> {
        Ok(())
    }

    /// The objects that the table should have.
    fn parts(&mut self, holdings: &Holdings) -> Vec<TableObject>;

    /// Told once, after [`parts`](Self::parts) and before anything is made: the time to learn what the lake has of what
    /// comes before the first part.
    async fn prepare(&mut self, _first: Option<&TableObject>, _workshop: &Workshop) -> Result<(), MakeError> {
        Ok(())
    }

    /// What an object is made of, now.
    fn inputs(&mut self, object: &TableObject, holdings: &Holdings) -> Inputs;

    /// Makes the object: writes its rows in order.
    async fn make(
        &mut self,
        object: &TableObject,
        holdings: &Holdings,
        workshop: &Workshop,
        rows: TableWriter,
    ) -> Result<(Made, TableWriter), MakeError>;

    /// Told that the object in the lake is made of the same: what it says of itself.
    fn kept(&mut self, _object: &TableObject, _meta: &ObjectMeta) {}
}
