use std::fs;

use deepeyes_data::{DataError, Source, get, known};
use sha2::{Digest, Sha256};

use crate::{assert_says, opened};

/// Names and checksums of data/mnist/README.md.
const FILES: [(&str, &str); 4] = [
    ("train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    ("train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    ("t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    ("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
];

#[test]
fn the_original_files_are_written_whole() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("new/folder");
    let written = get("mnist", &place).unwrap();
    assert_eq!(written, FILES.map(|(name, _)| place.join(name)));
    assert_eq!(fs::read_dir(&place).unwrap().count(), 4);
    for (path, (_, sum)) in written.iter().zip(FILES) {
        let digest = Sha256::digest(fs::read(path).unwrap());
        assert_eq!(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), sum);
    }

    // They open as an IDX folder and are the bundled data set.
    let (idx, bundled) = (opened(&Source::Idx { dir: place.clone() }), opened(&Source::Mnist));
    assert_eq!((idx.mean, idx.std), (bundled.mean, bundled.std));
    assert_eq!(idx.train.labels(), bundled.train.labels());
    assert_eq!(idx.validation.image(9_999).unwrap(), bundled.validation.image(9_999).unwrap());

    // Once more does no harm; a file with other content is kept, and nothing else is written.
    get("mnist", &place).unwrap();
    fs::write(&written[3], "mine").unwrap();
    fs::remove_file(&written[0]).unwrap();
    let error = get("mnist", &place).unwrap_err();
    assert!(matches!(&error, DataError::Exists { file } if *file == written[3]), "{error}");
    assert_eq!(fs::read(&written[3]).unwrap(), b"mine");
    assert!(!written[0].exists());
}

#[test]
fn mnist_is_what_the_literature_says() {
    let data = opened(&Source::Mnist);
    assert_eq!((data.train.len(), data.validation.len(), data.shape), (60_000, 10_000, [1, 28, 28]));
    assert_eq!(data.classes, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(data.train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    // The usual normalisation.
    assert!((data.mean[0] - 0.1307).abs() < 5e-5 && (data.std[0] - 0.3081).abs() < 5e-5);
    let counts = (0..10).map(|digit| data.train.labels().iter().filter(|&&label| label == digit).count());
    assert_eq!(counts.collect::<Vec<_>>(), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    assert_eq!(
        data.description,
        "MNIST: 60,000 training and 10,000 validation images, 28 x 28 grey, 10 classes"
    );
}

#[test]
fn what_is_not_built_in_says_where_to_get_it() {
    assert!(known()[0].built_in && known()[0].name == "mnist");
    let dir = tempfile::tempdir().unwrap();
    assert_says(
        &get("cifar10", dir.path()).unwrap_err().to_string(),
        &["`cifar10`", "https://", "cifar10:DIR"],
    );
    assert_says(
        &get("imagenet", dir.path()).unwrap_err().to_string(),
        &["`imagenet`", "mnist, fashion-mnist, cifar10"],
    );
}
