//! Image data sets: MNIST (built in), IDX folders, CIFAR-10's binary files, folders of PNG and JPEG images.
//!
//! [`open`] turns a [`Source`] (`mnist`, `idx:DIR`, `images:DIR`, `cifar10:DIR`) into a [`Dataset`] of a training and a
//! validation [`Split`], whose images all have one size. Everything that can be wrong with the files is looked at then,
//! but for the compressed pixels of image folders: these are decoded when first asked for, and kept while they fit into
//! [`OpenOptions::cache_bytes`]. Nothing is ever downloaded: a program that trains on a cluster node must not need the
//! network, and what is not built in says where to get it ([`known`]).
//!
//! The crate knows nothing of training. Pixels are bytes `[height, width, channels]`; scaling, cropping while training
//! and shuffling belong to the trainer.

mod cifar10;
mod dataset;
mod error;
mod files;
mod folder;
mod idx;
mod known;
mod mnist;
mod options;
mod pixels;
mod source;
mod statistics;

pub use dataset::{Dataset, Split};
pub use error::DataError;
pub use known::{Known, get, known};
pub use options::OpenOptions;
pub use pixels::Pixels;
pub use source::Source;

/// Opens a data set.
///
/// # Errors
/// [`DataError`], which names the file, what is wrong with it and what was expected.
pub fn open(source: &Source, options: &OpenOptions) -> Result<Dataset, DataError> {
    options.check()?;
    match source {
        Source::Mnist => mnist::open(options),
        Source::Idx { dir } => idx::open(dir, options),
        Source::Images { dir, class_column } => folder::open(dir, class_column.as_deref(), options),
        Source::Cifar10 { dir } => cifar10::open(dir, options),
    }
}
