//! The TOML format of networks: reading and writing. A test holds that what is written reads back equal.

mod fields;
mod ops;
mod read;
mod solver;
mod write;

#[cfg(test)]
mod tests;
