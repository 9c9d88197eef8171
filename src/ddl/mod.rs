//! DDL: what an engine that people already have must be told to read the tables where they lie. A description of a
//! lake goes in, SQL text that runs as it stands comes out. Never here: running it, credentials, and rows.

mod athena;
mod clickhouse;
mod describe;
mod duckdb;
mod examples;
mod lake;
mod spark;
mod text;
mod trino;

#[cfg(test)]
mod tests;

pub use describe::describe;
pub use lake::{Database, DatabaseError, DdlError, Lake, Place, Standing};

/// An engine that reads the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Amazon Athena, engine version 3.
    Athena,
    /// Spark SQL.
    Spark,
    /// Trino, with its Hive connector.
    Trino,
    /// ClickHouse: the server, `clickhouse local` or chDB.
    ClickHouse,
    /// DuckDB.
    DuckDb,
}

impl Engine {
    /// Every engine.
    pub const ALL: [Self; 5] = [Self::Athena, Self::Spark, Self::Trino, Self::ClickHouse, Self::DuckDb];

    /// What its makers call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Athena => "Amazon Athena",
            Self::Spark => "Spark SQL",
            Self::Trino => "Trino",
            Self::ClickHouse => "ClickHouse",
            Self::DuckDb => "DuckDB",
        }
    }
}

/// The statements that make `engine` read the tables of `lake`, and examples of questions.
pub fn statements(engine: Engine, lake: &Lake) -> Result<String, DdlError> {
    let (statements, dialect) = match engine {
        Engine::Athena => (athena::statements(lake)?, &athena::DIALECT),
        Engine::Spark => (spark::statements(lake), &spark::DIALECT),
        Engine::Trino => (trino::statements(lake)?, &trino::DIALECT),
        Engine::ClickHouse => (clickhouse::statements(lake)?, &clickhouse::DIALECT),
        Engine::DuckDb => (duckdb::statements(lake)?, &duckdb::DIALECT),
    };
    Ok(statements + &examples::of(lake, dialect))
}
