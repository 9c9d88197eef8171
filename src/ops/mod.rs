//! Operations: what people ask about a deployment and its lake. Nothing here fetches a price or changes a lake.

pub mod doctor;
