//! Operations: what the people who run Contrail ask of a deployment and its lake. Nothing here fetches a price or
//! changes a lake.

pub mod doctor;
pub mod status;
pub mod verify;
