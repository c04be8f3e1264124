//! What the analysis costs on LeNet at batch 64, and the kernels at 4,096 filters. A step of the training takes about 25 ms
//! on two cores; the window's close is paid once in 20 steps.

use deepeyes_core::{
    Activations, AnalysisConfig, Batch, LayerMonitor, LayerSpec, LayerWindow, Rectify, Values, jaccard,
};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

const BATCH: usize = 64;
/// Name, filters and grid of LeNet's layers.
const LENET: [(&str, usize, [usize; 2]); 4] =
    [("conv1", 20, [24, 24]), ("conv2", 50, [8, 8]), ("fc1", 500, [1, 1]), ("fc2", 10, [1, 1])];

fn spec((name, filters, grid): (&str, usize, [usize; 2])) -> LayerSpec {
    LayerSpec {
        name: name.to_owned(),
        kind: "conv2d".to_owned(),
        filters,
        grid,
        rectify: if name == "fc2" { Rectify::Softmax } else { Rectify::Relu },
        output: name == "fc2",
        ..LayerSpec::default()
    }
}

/// Numbers around zero from a linear congruential generator.
fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

fn batch(step: u64) -> Batch {
    Batch {
        step,
        inputs: (0..BATCH as i64).map(|place| step as i64 * BATCH as i64 + place).collect(),
        labels: (0..BATCH as i32).map(|place| place % 10).collect(),
        ..Batch::default()
    }
}

fn activations(layer: usize, spec: &LayerSpec, step: u64) -> Activations {
    let values = values(BATCH * spec.filters * spec.positions(), step + layer as u64);
    Activations { layer, values: Values::Maps { values, first: 0 } }
}

/// A window of the layer over 20 steps.
fn window(monitor: &LayerMonitor, layer: usize, spec: &LayerSpec, first: u64) -> LayerWindow {
    let mut window = monitor.open();
    for step in first..first + 20 {
        window.observe(&batch(step), &activations(layer, spec, step)).expect("the shapes fit");
    }
    window
}

#[divan::bench(args = 0..LENET.len())]
fn observe_a_lenet_step(bencher: Bencher, layer: usize) {
    let spec = spec(LENET[layer]);
    let given: Vec<Activations> = (1..=20).map(|step| activations(layer, &spec, step)).collect();
    let mut window = LayerWindow::new(&spec, layer, &AnalysisConfig::default());
    let mut step = 0;
    bencher.bench_local(|| {
        // A new window every 20 steps, as in training: its first steps cost more.
        if step % 20 == 0 {
            window = LayerWindow::new(&spec, layer, &AnalysisConfig::default());
        }
        step += 1;
        window.observe(&batch(step), &given[(step % 20) as usize]).expect("the shapes fit");
    });
}

#[divan::bench(args = 0..LENET.len(), sample_count = 20)]
fn close_a_lenet_window(bencher: Bencher, layer: usize) {
    let spec = spec(LENET[layer]);
    let mut monitor = LayerMonitor::new(&spec, layer, &AnalysisConfig::default());
    let (first, second) = (window(&monitor, layer, &spec, 1), window(&monitor, layer, &spec, 21));
    monitor.close(first, true);
    bencher
        .with_inputs(|| (monitor.clone(), second.clone()))
        .bench_local_values(|(mut monitor, window)| black_box(monitor.close(window, true)));
}

#[divan::bench(sample_count = 10)]
fn observe_a_step_of_4096_units(bencher: Bencher) {
    let spec = spec(("fc6", 4096, [1, 1]));
    let given = activations(0, &spec, 1);
    let mut window = LayerWindow::new(&spec, 0, &AnalysisConfig::default());
    let mut step = 0;
    bencher.bench_local(|| {
        step += 1;
        window.observe(&batch(step), &given).expect("the shapes fit");
    });
}

#[divan::bench(sample_count = 5)]
fn jaccard_of_4096_filters_on_1024_instances(bencher: Bencher) {
    let rows: Vec<f32> = values(4096 * 1024, 1).into_iter().map(|value| value.max(0.0)).collect();
    bencher.bench_local(|| black_box(jaccard(&rows, 4096)));
}
