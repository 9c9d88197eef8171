//! The crawler in simulated time: what is fetched and in which order, what becomes of it when upstreams, stores
//! and processes fail, and what the run log says.

mod blind;
mod failures;
mod habits;
mod lakes;
mod outages;
mod restarts;
mod run_log;
mod schedules;
mod shutdown;
mod slots;
mod ticks;
