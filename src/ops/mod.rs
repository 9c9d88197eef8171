//! What the people who run Contrail ask of it: how complete is the lake, and how is it doing. Reads; never fetches
//! and never stores.

pub mod status;
