//! Maps of files.

use crate::support::{call_in, stderr};
use npyz::WriterBuilder;
use npyz::npz::NpzArchive;
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;

/// Rows of five columns in three groups.
fn rows(n: usize) -> Vec<f32> {
    let value = |place: usize| {
        let (row, column) = (place / 5, place % 5);
        let noise = (place as u32).wrapping_mul(2_654_435_761) >> 8;
        noise as f32 / (1 << 24) as f32 + if row % 3 == column { 4.0 } else { 0.0 }
    };
    (0..n * 5).map(value).collect()
}

fn write_npy(path: &Path, shape: &[u64], values: &[f32]) {
    let mut file = File::create(path).unwrap();
    let options = npyz::WriteOptions::new().default_dtype().shape(shape);
    let mut writer = options.writer(&mut file).begin_nd().unwrap();
    writer.extend(values.iter().copied()).unwrap();
    writer.finish().unwrap();
}

fn embed(dir: &Path, words: &[&str]) -> (Value, NpzArchive<std::io::BufReader<File>>) {
    let arguments = [&["embed", "data.npy", "--out", "map.npz", "--json"], words].concat();
    let output = call_in(dir, &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    (serde_json::from_slice(&output.stdout).unwrap(), NpzArchive::open(dir.join("map.npz")).unwrap())
}

#[test]
fn every_method_maps_every_row() {
    let dir = tempfile::tempdir().unwrap();
    write_npy(&dir.path().join("data.npy"), &[150, 5], &rows(150));
    for method in ["pca", "mds", "tsne", "hsne"] {
        let (summary, mut archive) = embed(dir.path(), &["--method", method, "--iterations", "100"]);
        assert_eq!((&summary["method"], &summary["n"]), (&method.into(), &150.into()));
        let map = archive.by_name("embedding").unwrap().unwrap();
        assert_eq!(map.shape(), [150, 2]);
        assert!(map.into_vec::<f32>().unwrap().iter().all(|x| x.is_finite()));
        assert!((0.0..=1.0).contains(&summary["preservation"].as_f64().unwrap()));
        let is_stochastic = matches!(method, "tsne" | "hsne");
        assert_eq!(summary["kl_divergence"].is_number(), is_stochastic);
        assert_eq!(summary["stress"].is_number(), method == "mds");
    }
}

#[test]
fn scales_are_written_with_their_places_and_weights() {
    let dir = tempfile::tempdir().unwrap();
    write_npy(&dir.path().join("data.npy"), &[600, 5], &rows(600));
    let (summary, mut archive) =
        embed(dir.path(), &["--method", "hsne", "--scales", "2", "--iterations", "100"]);
    let all: Vec<f32> = archive.by_name("embedding").unwrap().unwrap().into_vec().unwrap();
    let indices: Vec<i64> = archive.by_name("scale_1_indices").unwrap().unwrap().into_vec().unwrap();
    let weights: Vec<f64> = archive.by_name("scale_1_weights").unwrap().unwrap().into_vec().unwrap();
    let map: Vec<f32> = archive.by_name("scale_1_embedding").unwrap().unwrap().into_vec().unwrap();
    assert_eq!(summary["scales"], serde_json::json!([600, indices.len()]));
    assert!((weights.iter().sum::<f64>() - 600.0).abs() < 0.5);
    for (&index, place) in indices.iter().zip(map.chunks(2)) {
        assert_eq!(&all[index as usize * 2..][..2], place);
    }
}

#[test]
fn what_cannot_be_mapped_is_named_and_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data.npy");
    let refused = |words: &[&str], said: &str| {
        let arguments = [&["embed", "data.npy", "--out", "map.npz"], words].concat();
        let output = call_in(dir.path(), &arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
        assert!(left.len() <= 1);
    };
    refused(&["--method", "pca"], "cannot read data.npy");
    let mut values = rows(20);
    values[7] = f32::NAN;
    write_npy(&data, &[20, 5], &values);
    refused(&["--method", "tsne"], "row 1, column 2 holds NaN");
    write_npy(&data, &[0, 5], &[]);
    refused(&["--method", "hsne"], "there are no rows");
    write_npy(&data, &[5, 2, 2], &rows(4));
    refused(&["--method", "pca"], "shape [5, 2, 2]");
    write_npy(&data, &[20, 5], &rows(20));
    refused(&["--method", "tsne", "--perplexity", "-3"], "perplexity is -3");
    refused(&["--method", "hsne", "--scales", "0"], "scales is 0");
    let whole = fs::read(&data).unwrap();
    fs::write(&data, &whole[..whole.len() - 40]).unwrap();
    refused(&["--method", "pca"], "cut short");
}
