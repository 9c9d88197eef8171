//! Contrail keeps the history of what cloud computing costs.
//!
//! The rooms of the house, by floor. An import points down or sideways within its room, never up; the test
//! `house` reads the `use crate::` lines and holds this table.
//!
//! | floor | room | what lives here | never here |
//! |---|---|---|---|
//! | 5 | [`cli`] | one file per command: parse, call, print | decisions |
//! | 4 | [`ops`] | what operators ask: would it work here, how complete is the lake, is it sound | fetching, changing a lake |
//! | 4 | [`ask`] `query` [`ddl`] | what people ask of the tables | fetching, changing a lake |
//! | 3 | [`crawler`] | schedule, plan, run, supervise, shutdown | HTTP, SDK calls |
//! | 3 | `tables` | raw payloads become tables; knows nothing of `crawler`, nor that of it | HTTP, SDK calls, fetching |
//! | 2 | [`sources`] | one file per dataset, grouped by provider | storing, key strings, clocks |
//! | 1 | [`lake`] [`net`] | keys, drafts, spool, stores, coverage, run log; one polite HTTP client | knowledge of any cloud's prices |
//! | 0 | [`base`] | names, clock, chance, redaction, sizes and durations | I/O |
//! | side | [`config`] [`telemetry`] | typed settings; logs and metrics | |
//! | side | [`sandbox`] | a simulated cloud on loopback | |

pub mod ask;
pub mod base;
pub mod cli;
pub mod config;
pub mod crawler;
pub mod ddl;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod lake;
pub mod net;
pub mod ops;
#[cfg(feature = "sql")]
pub mod query;
pub mod sandbox;
pub mod sources;
pub mod tables;
pub mod telemetry;
