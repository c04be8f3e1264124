//! `export`, and `analyze` on what it wrote.

use crate::support::{ITERATIONS, fixture, stderr, stdout};
use std::path::Path;

fn export(what: &str, format: &str, layer: Option<&str>) -> std::path::PathBuf {
    let out = fixture().path(&format!("{what}-{}.{format}", layer.unwrap_or("all")));
    let (run, file) = (fixture().run(), out.display().to_string());
    let mut arguments = vec!["export", &run, "--what", what, "--format", format, "--out", &file];
    if let Some(layer) = layer {
        arguments.extend(["--layer", layer]);
    }
    let output = fixture().call(&arguments);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", stderr(&output));
    out
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn everything_is_written_in_every_format() {
    for what in ["scalars", "filters", "perplexity", "instances"] {
        for format in ["csv", "parquet", "npz"] {
            if format == "parquet" && !cfg!(feature = "parquet") {
                continue;
            }
            let path = export(what, format, (what != "scalars").then_some("conv1"));
            assert!(std::fs::metadata(path).unwrap().len() > 100, "{what} {format}");
        }
    }
}

#[test]
fn rows_are_iterations_filters_and_windows() {
    let scalars = lines(&export("scalars", "csv", None));
    assert_eq!(scalars[0], "step,loss,accuracy,train_accuracy");
    assert_eq!(scalars.len() as u64, ITERATIONS + 1);
    let filters = lines(&export("filters", "csv", None));
    assert_eq!(filters.len(), 1 + 4 + 3);
    assert!(filters[0].starts_with("layer,filter,step,max,") && filters[1].starts_with("conv1,0,24,"));
}

#[test]
fn exported_instances_are_receptive_fields_and_can_be_analysed() {
    let path = export("instances", "npz", Some("conv1"));
    let mut npz = npyz::npz::NpzArchive::open(&path).unwrap();
    let mut shape = |name: &str| npz.by_name(name).unwrap().unwrap().shape().to_vec();
    let n = shape("activations")[0];
    assert!(n > 0);
    assert_eq!(shape("activations"), [n, 4]);
    for name in ["labels", "predictions", "inputs", "steps"] {
        assert_eq!(shape(name), [n], "{name}");
    }
    assert_eq!(shape("positions"), [n, 2]);
    assert_eq!(shape("rects"), [n, 4]);
    assert_eq!(shape("patches"), [n, 3, 3, 1]);
    let mut ints = |name: &str| npz.by_name(name).unwrap().unwrap().into_vec::<i64>().unwrap();
    let (labels, inputs, rects) = (ints("labels"), ints("inputs"), ints("rects"));
    let patches = npz.by_name("patches").unwrap().unwrap().into_vec::<u8>().unwrap();
    let images = std::fs::read(fixture().path("idx/train-images-idx3-ubyte")).unwrap();
    for k in 0..n as usize {
        assert_eq!(labels[k], inputs[k] % 3);
        for (place, &pixel) in patches[9 * k..9 * k + 9].iter().enumerate() {
            let (y, x) = (rects[4 * k] + place as i64 / 3, rects[4 * k + 1] + place as i64 % 3);
            let inside = (0..8).contains(&y) && (0..8).contains(&x);
            let want = if inside { images[16 + (64 * inputs[k] + 8 * y + x) as usize] } else { 0 };
            assert_eq!(pixel, want);
        }
    }
    let json = fixture().json(&["analyze", &path.display().to_string(), "--json"]);
    assert_eq!(json["filters"], 4);
    assert_eq!(json["instances"], n);
}

#[test]
fn data_sets_are_listed_and_written() {
    let output = fixture().call(&["data", "list"]);
    assert!(stdout(&output).contains("mnist"), "{}", stdout(&output));
    let output = fixture().call(&["data", "get", "mnist", "--dir", "mnist"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output).lines().count(), 4);
    assert!(stdout(&output).lines().all(|file| fixture().path(file).is_file()));
}
