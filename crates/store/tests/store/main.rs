//! The store as its users see it.

mod broken;
mod common;
mod find;
mod killed;
mod live;
mod retention;
mod round_trip;
