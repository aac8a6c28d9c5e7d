//! Triggers: what each makes of what happens, and what it remembers of it.

pub mod hear;
pub mod memory;
pub mod plain;

mod each;
mod group;
mod happening;
mod held;
mod schedule;
mod value;

pub(super) use self::happening::Happening;
