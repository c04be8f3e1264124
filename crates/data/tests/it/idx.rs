use std::fs;
use std::io::Write;
use std::path::Path;

use deepeyes_data::Source;
use flate2::{Compression, write::GzEncoder};
use tempfile::{TempDir, tempdir};

use crate::{assert_says, opened, refused, train_bytes};

/// An IDX file of the type 0x08.
fn idx(dims: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    bytes.extend(dims.iter().flat_map(|d| d.to_be_bytes()));
    bytes.extend_from_slice(values);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// Three training and two test images of 2 x 2, labels up to 4, under the usual names.
fn small() -> (TempDir, Source) {
    let dir = tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    write("train-images-idx3-ubyte", &idx(&[3, 2, 2], &(0..12).collect::<Vec<_>>()));
    write("train-labels-idx1-ubyte", &idx(&[3], &[4, 0, 1]));
    write("t10k-images-idx3-ubyte", &idx(&[2, 2, 2], &[9; 8]));
    write("t10k-labels-idx1-ubyte", &idx(&[2], &[1, 2]));
    let source = Source::Idx { dir: dir.path().to_owned() };
    (dir, source)
}

/// The error after one of the small set's files is replaced.
fn refused_with(name: &str, bytes: &[u8]) -> String {
    let (dir, source) = small();
    fs::write(dir.path().join(name), bytes).unwrap();
    refused(&source, dir.path())
}

#[test]
fn images_and_labels_are_read_in_order() {
    let (_dir, source) = small();
    let data = opened(&source);
    assert_eq!((data.train.len(), data.validation.len(), data.shape), (3, 2, [1, 2, 2]));
    assert_eq!((data.train.labels(), data.classes.len()), ([4, 0, 1].as_slice(), 5));
    assert_eq!(train_bytes(&data, 2), [8, 9, 10, 11]);
}

#[test]
fn names_with_dots_and_compressed_files_do_as_well() {
    let (dir, source) = small();
    let path = |name: &str| dir.path().join(name);
    fs::rename(path("train-labels-idx1-ubyte"), path("train-labels.idx1-ubyte")).unwrap();
    let images = fs::read(path("train-images-idx3-ubyte")).unwrap();
    fs::remove_file(path("train-images-idx3-ubyte")).unwrap();
    fs::write(path("train-images.idx3-ubyte.gz"), gzip(&images)).unwrap();
    assert_eq!(train_bytes(&opened(&source), 1), [4, 5, 6, 7]);
}

#[test]
fn colour_images_lie_either_way() {
    for (dims, shape, first) in [
        ([3, 2, 2, 3], [3, 2, 2], (0..12).collect::<Vec<u8>>()),
        ([3, 3, 2, 2], [3, 2, 2], vec![0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]),
    ] {
        let (dir, source) = small();
        fs::remove_file(dir.path().join("train-images-idx3-ubyte")).unwrap();
        fs::write(dir.path().join("train-images-idx4-ubyte"), idx(&dims, &(0..36).collect::<Vec<_>>()))
            .unwrap();
        let test = [2, dims[1], dims[2], dims[3]];
        fs::write(dir.path().join("t10k-images-idx3-ubyte"), idx(&test, &[0; 24])).unwrap();
        let data = opened(&source);
        assert_eq!((data.shape, train_bytes(&data, 0)), (shape, first));
    }
}

#[test]
fn rows_of_values_are_images_of_one_row() {
    let (dir, source) = small();
    for (name, n) in [("train-images-idx3-ubyte", 3), ("t10k-images-idx3-ubyte", 2)] {
        fs::write(dir.path().join(name), idx(&[n, 5], &vec![1; n as usize * 5])).unwrap();
    }
    assert_eq!(opened(&source).shape, [1, 1, 5]);
}

#[test]
fn missing_files_are_named_with_what_was_looked_for() {
    let (dir, source) = small();
    fs::remove_file(dir.path().join("t10k-labels-idx1-ubyte")).unwrap();
    assert_says(&refused(&source, dir.path()), &["the test labels not found", "t10k-labels.idx1-ubyte.gz"]);
    let nowhere = Path::new("/nowhere/at/all");
    assert_says(&refused(&Source::Idx { dir: nowhere.into() }, nowhere), &["the training images not found"]);
}

#[test]
fn what_is_not_idx_is_named() {
    let error = refused_with("train-images-idx3-ubyte", b"GIF89a..");
    assert_says(&error, &["train-images-idx3-ubyte", "starts with [47, 49, 46, 38]", "[00, 00, 08, d]"]);
    let mut floats = idx(&[3, 2, 2], &[0; 12]);
    floats[2] = 0x0d;
    assert_says(&refused_with("train-images-idx3-ubyte", &floats), &["type 0x0d", "unsigned bytes"]);
    assert_says(&refused_with("train-labels-idx1-ubyte", &idx(&[3, 1], &[0; 3])), &["labels have 1"]);
    assert_says(
        &refused_with("train-images-idx3-ubyte", &idx(&[3], &[0; 3])),
        &["1 dimensions: images have 2 to 4"],
    );
    let error = refused_with("train-images-idx3-ubyte", &idx(&[3, 2, 2, 2], &[0; 24]));
    assert_says(&error, &["[3, 2, 2, 2]", "1 or 3 channels"]);
}

#[test]
fn lengths_must_be_those_of_the_header() {
    let name = "train-images-idx3-ubyte";
    let whole = idx(&[3, 2, 2], &[0; 12]);
    for length in 0..whole.len() {
        let error = refused_with(name, &whole[..length]);
        let says = if length < 16 { "ends too early" } else { "need 12 bytes, the file holds" };
        assert_says(&error, &[name, says]);
    }
    assert_says(
        &refused_with(name, &[whole.as_slice(), &[0]].concat()),
        &["need 12 bytes, the file holds more"],
    );
    // Terabytes are promised; nothing of the kind is allocated.
    assert_says(&refused_with(name, &idx(&[u32::MAX, 100, 100], &[0; 9])), &["the file holds 9"]);
    assert_says(&refused_with(name, &idx(&[u32::MAX; 4], &[])), &["more than can be addressed"]);
    assert_says(&refused_with(name, &idx(&[3, 0, 2], &[])), &["[3, 0, 2]", "nothing in it"]);
    assert_says(&refused_with(name, &idx(&[0, 2, 2], &[])), &["[0, 2, 2]", "nothing in it"]);
}

#[test]
fn broken_compression_is_named() {
    let name = "train-images-idx3-ubyte";
    let whole = gzip(&idx(&[3, 2, 2], &[0; 12]));
    assert_says(&refused_with(name, &whole[..whole.len() - 9]), &[name, "ends too early"]);
    let mut broken = whole.clone();
    let last = broken.len() - 5; // in the checksum
    broken[last] ^= 0xff;
    assert_says(&refused_with(name, &broken), &[name, "broken compression"]);
}

#[test]
fn the_files_must_fit_together() {
    let error = refused_with("train-labels-idx1-ubyte", &idx(&[2], &[0; 2]));
    assert_says(&error, &["train-labels-idx1-ubyte", "2 labels for the 3 images of train-images-idx3-ubyte"]);
    let error = refused_with("t10k-images-idx3-ubyte", &idx(&[2, 3, 2], &[0; 12]));
    assert_says(&error, &["training images are 2 x 2 x 1, test images 3 x 2 x 1"]);
}
