//! Whole trainings of small networks: what they tell, that they repeat themselves, and that they can be interrupted.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
mod events;
mod repetition;
mod settings;
