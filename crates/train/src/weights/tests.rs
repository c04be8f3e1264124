use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{Format, Tensor, WeightError, Weights};

/// A file that testdata/weights/make.py made.
fn golden(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/weights")).join(name)
}

fn opened(name: &str) -> Weights {
    Weights::open(&golden(name)).unwrap()
}

fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor { shape: shape.to_vec(), values: values.to_vec() }
}

/// All tensors, by name.
fn assert_holds(weights: &Weights, expected: &[(&str, Tensor)]) {
    let found: Vec<_> =
        weights.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.clone())).collect();
    assert_eq!(found, expected);
}

/// The error about a file of this name and content.
fn refused(name: &str, content: &[u8]) -> WeightError {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    let error = Weights::open(&path).unwrap_err();
    assert!(error.to_string().contains(name), "{error}");
    error
}

#[test]
fn safetensors_hold_four_kinds_of_numbers() {
    let weights = opened("small.safetensors");
    assert_eq!((weights.format, weights.left_out.concat()), (Format::Safetensors, "count".into()));
    let expected = [
        ("a.bias", tensor(&[2], &[0.5, -2.0])),
        ("a.weight", tensor(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])),
        ("b.bias", tensor(&[], &[0.25])),
        ("b.weight", tensor(&[1, 1, 1, 2], &[1.5, -3.0])),
    ];
    assert_holds(&weights, &expected);
}

#[test]
fn a_checkpoint_may_be_a_bare_state_dictionary() {
    let weights = opened("state.pth");
    assert_eq!(
        (weights.format, weights.left_out.concat()),
        (Format::PyTorch, "bn.num_batches_tracked".into())
    );
    let expected = [
        ("conv.bias", tensor(&[2], &[0.5, -2.0])),
        ("conv.weight", tensor(&[2, 1, 2, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])),
        ("fc.weight", tensor(&[1, 2], &[0.25, 3.0])),
        // A view of the convolution's storage: offset 1, strides 1 and 2.
        ("transposed", tensor(&[2, 3], &[1.0, 3.0, 5.0, 2.0, 4.0, 6.0])),
    ];
    assert_holds(&weights, &expected);
}

#[test]
fn of_a_training_only_the_model_is_read() {
    assert_holds(&opened("training.pth"), &[("fc.weight", tensor(&[1, 2], &[1.5, -3.0]))]);
}

#[test]
fn nothing_in_a_checkpoint_is_run() {
    let ran = Path::new("/tmp/ran").exists();
    assert_holds(&opened("runs.pth"), &[("fc.weight", tensor(&[1], &[1.0]))]);
    assert_eq!(Path::new("/tmp/ran").exists(), ran);
}

#[test]
fn a_small_file_may_not_unfold_to_a_large_one() {
    let error = Weights::open(&golden("unfolds.pth")).unwrap_err().to_string();
    assert!(error.contains("unfolds.pth") && error.contains("would take 4000000 bytes"), "{error}");
}

#[test]
fn caffe_models_get_the_usual_names() {
    let weights = opened("small.caffemodel");
    assert_eq!(weights.format, Format::Caffe);
    let expected = [
        // The running sums divided by their factor, 2.
        ("bn1.running_mean", tensor(&[2], &[1.0, 2.0])),
        ("bn1.running_var", tensor(&[2], &[4.0, 8.0])),
        ("conv1.bias", tensor(&[2], &[5.0, 6.0])),
        ("conv1.weight", tensor(&[2, 1, 2, 1], &[1.0, 2.0, 3.0, 4.0])),
        ("relu1.weight", tensor(&[2], &[0.25, 0.5])),
    ];
    assert_holds(&weights, &expected);
}

#[test]
fn old_caffe_models_get_the_shapes_of_new_ones() {
    let expected = [
        ("conv1.bias", tensor(&[1], &[5.0])),
        ("conv1.weight", tensor(&[1, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0])),
        ("ip1.bias", tensor(&[2], &[6.0, 7.0])),
        ("ip1.weight", tensor(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])),
    ];
    assert_holds(&opened("old.caffemodel"), &expected);
}

#[test]
fn without_a_known_ending_the_content_decides() {
    let dir = tempfile::tempdir().unwrap();
    for (name, format) in [("small.safetensors", Format::Safetensors), ("state.pth", Format::PyTorch)] {
        let path = dir.path().join("weights.bin");
        fs::copy(golden(name), &path).unwrap();
        assert_eq!(Weights::open(&path).unwrap(), opened(name));
        assert_eq!(Weights::open(&path).unwrap().format, format);
    }
    let error = refused("notes.txt", b"some text");
    assert!(matches!(error, WeightError::UnknownFormat { .. }) && error.to_string().contains(".caffemodel"));
    assert!(matches!(refused("empty", b""), WeightError::UnknownFormat { .. }));
}

#[test]
fn missing_files_are_named() {
    for name in ["none.safetensors", "none.pth", "none.caffemodel", "none"] {
        let error = Weights::open(&golden(name)).unwrap_err();
        assert!(matches!(&error, WeightError::Io { file, .. } if file.ends_with(name)), "{error}");
    }
}

#[test]
fn a_blob_that_does_not_fill_its_shape_is_named() {
    let mut content = fs::read(golden("small.caffemodel")).unwrap();
    // The shape [2, 1, 2, 1] of conv1's weights.
    let at = content.windows(4).position(|bytes| bytes == [2, 1, 2, 1]).unwrap();
    content[at] = 3;
    let error = refused("broken.caffemodel", &content);
    assert!(matches!(&error, WeightError::Tensor { tensor, .. } if tensor == "conv1.weight"), "{error}");
    assert!(error.to_string().contains("4 values do not fill the shape [3, 1, 2, 1]"), "{error}");
}

#[test]
fn every_truncation_is_refused() {
    for (name, whole) in ["small.safetensors", "state.pth", "small.caffemodel", "old.caffemodel"]
        .map(|name| (name, fs::read(golden(name)).unwrap()))
    {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        let all = opened(name).tensors;
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            match Weights::open(&path) {
                Err(error) => assert!(error.to_string().contains(name), "{error}"),
                // Protocol buffers have no end mark: a model that ends after a layer is a model.
                Ok(weights) => {
                    assert_eq!(weights.format, Format::Caffe, "{name} cut to {length} bytes");
                    assert!(weights.tensors.len() < all.len());
                }
            }
        }
    }
}

proptest! {
    /// Changed bytes give other weights or an error, never a panic.
    #[test]
    fn damage_is_survived(
        name in prop::sample::select(vec!["small.safetensors", "state.pth", "small.caffemodel", "old.caffemodel"]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut content = fs::read(golden(name)).unwrap();
        for (at, byte) in damage {
            let at = at.index(content.len());
            content[at] = byte;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, &content).unwrap();
        match Weights::open(&path) {
            Ok(weights) => {
                for tensor in weights.tensors.values() {
                    prop_assert_eq!(tensor.values.len(), tensor.shape.iter().product::<usize>());
                }
            }
            Err(error) => prop_assert!(error.to_string().contains(name)),
        }
    }
}
