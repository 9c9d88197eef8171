//! `contrail query`: SQL over lakes in memory, in directories and in S3 servers, asked through the library and through the
//! built binary.

mod answers;
mod engines;
mod interruptions;
mod lake;
mod pruning;
mod refusals;
mod trouble;
