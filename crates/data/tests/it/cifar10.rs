use std::fs;
use std::path::Path;

use deepeyes_data::Source;
use tempfile::{TempDir, tempdir};

use crate::{assert_says, opened, refused, train_bytes};

fn record(label: u8, red: u8) -> Vec<u8> {
    let mut bytes = vec![label];
    for (plane, value) in [red, 100, 200].into_iter().enumerate() {
        bytes.extend((0..1024).map(|i| if i == 0 { value } else { plane as u8 }));
    }
    bytes
}

/// Two records in each batch; the red of the first pixel counts up.
fn small(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    for i in 1..=5u8 {
        let batch = [record(i, 2 * i), record(0, 2 * i + 1)].concat();
        fs::write(dir.join(format!("data_batch_{i}.bin")), batch).unwrap();
    }
    fs::write(dir.join("test_batch.bin"), record(9, 0)).unwrap();
}

fn small_source() -> (TempDir, Source) {
    let dir = tempdir().unwrap();
    small(dir.path());
    let source = Source::Cifar10 { dir: dir.path().to_owned() };
    (dir, source)
}

#[test]
fn planes_become_pixels() {
    let (dir, source) = small_source();
    let data = opened(&source);
    assert_eq!((data.train.len(), data.validation.len(), data.shape), (10, 1, [3, 32, 32]));
    assert_eq!(data.train.labels(), [1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
    assert_eq!(train_bytes(&data, 3)[..6], [5, 100, 200, 0, 1, 2]);
    assert_eq!((data.classes[9].as_str(), data.validation.label(0)), ("truck", 9));

    fs::write(dir.path().join("batches.meta.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n").unwrap();
    assert_eq!(opened(&source).classes.concat(), "abcdefghij");
    fs::write(dir.path().join("batches.meta.txt"), "a\nb\n").unwrap();
    assert_says(&refused(&source, dir.path()), &["batches.meta.txt", "2 names: expected 10"]);
}

#[test]
fn the_folder_may_lie_in_the_one_named() {
    let dir = tempdir().unwrap();
    small(&dir.path().join("cifar-10-batches-bin"));
    assert_eq!(opened(&Source::Cifar10 { dir: dir.path().to_owned() }).train.len(), 10);
}

#[test]
fn broken_files_are_named() {
    let (dir, source) = small_source();
    let batch = dir.path().join("data_batch_3.bin");
    fs::write(&batch, &record(1, 1)[1..]).unwrap();
    assert_says(&refused(&source, dir.path()), &["data_batch_3.bin", "3,072 bytes", "records of 3073 bytes"]);
    fs::write(&batch, "").unwrap();
    assert_says(&refused(&source, dir.path()), &["data_batch_3.bin", "0 bytes"]);
    fs::write(&batch, [record(1, 1), record(10, 1)].concat()).unwrap();
    assert_says(&refused(&source, dir.path()), &["data_batch_3.bin", "record 1 has label 10"]);
    fs::remove_file(&batch).unwrap();
    assert_says(&refused(&source, dir.path()), &["data_batch_3.bin not found", "test_batch.bin"]);
    fs::write(dir.path().join("data_batch_1"), "pickle").unwrap();
    assert_says(&refused(&source, dir.path()), &["get the binary version"]);
}
