//! Typed questions over the tables: what does a machine cost, what did it cost, and what is known of that. Each answer
//! says how it is known; where the lake does not know, the answer is `unknown`, with the reason. Never here: how tables
//! are made or read, and how an answer is printed.

mod coverage;
mod error;
mod history;
mod list_prices;
mod offer;
mod price;
mod question;
mod rates;
mod spot;
#[cfg(test)]
mod tests;
mod unheard;

pub use error::AskError;
pub use history::{Day, History, ListChange, Pool, Stretch, history};
pub use offer::{Kind, Offer, State};
pub use price::{Answer, price};
pub use question::{Question, When};
