//! Data sets written into temporary folders and opened again.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state what they hold, and stop where it does not"
)]

mod cifar10;
mod folders;
mod idx;
mod labels_csv;
mod mnist;

use std::path::Path;

use deepeyes_data::{Dataset, OpenOptions, Source, open};

/// Opens with the default options.
fn opened(source: &Source) -> Dataset {
    open(source, &OpenOptions::default()).unwrap()
}

/// The error's text, which must name the folder or a file in it.
fn refused(source: &Source, dir: &Path) -> String {
    let error = open(source, &OpenOptions::default()).unwrap_err().to_string();
    assert!(error.contains(&*dir.to_string_lossy()), "{error}");
    error
}

/// `text` must hold all of `parts`.
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

/// The bytes of image `i` of the training split.
fn train_bytes(data: &Dataset, i: usize) -> Vec<u8> {
    data.train.image(i).unwrap().pixels.into_vec()
}
