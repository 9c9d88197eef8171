//! Tables that the built binary made, against what the raw objects of the same lake say.

mod command;
mod leaps;
mod spot;
mod spot_advice;
