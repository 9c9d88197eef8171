//! Raw datasets as the upstream sent them: every line is a row, every value is text, letter by letter. So a query sees what
//! no table has yet, and no price passes through a number.

mod rows;
mod scan;

pub(super) use scan::scan;
