//! Writes a run without end, as fast as it can, so that a test can kill it: `write_forever LOGDIR`.
//! What belongs to one step says so, so that whoever reads it back can tell whether it is whole.

use deepeyes_core::{
    FilterState, FilterStatistics, Image, InstanceSample, LayerSnapshot, LayerSpec, LayerStatistics,
    PERPLEXITY_BINS, PerplexityHistogram, RunDescription,
};
use deepeyes_store::{RunOptions, Scalar, SnapshotParts, Writer};
use std::error::Error;
use std::sync::Arc;

const FILTERS: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let logdir = std::env::args_os().nth(1).ok_or("expected a log directory")?;
    let layer = LayerSpec {
        name: "conv1".to_owned(),
        kind: "conv2d".to_owned(),
        filters: FILTERS,
        grid: [1, 1],
        parameters: 1,
        ..LayerSpec::default()
    };
    let description = RunDescription {
        name: "killed".to_owned(),
        network: "test".to_owned(),
        layers: vec![layer],
        parameters: 1,
        ..RunDescription::default()
    };
    let mut writer = Writer::create(logdir, &description, &RunOptions::default())?;
    for step in 1_u64.. {
        writer.append_scalars(&[Scalar {
            step,
            loss: step as f64,
            train_accuracy: None,
            seconds: 1.0,
            observed_seconds: 0.0,
        }])?;
        let input = i64::try_from(step)?;
        let image = Image { height: 1, width: 1, channels: 1, pixels: Box::new([step as u8]) };
        writer.write_snapshot(&SnapshotParts {
            step,
            layers: &[(0, Arc::new(snapshot(step)))],
            windows: &[],
            full: true,
            images: &[(input, Arc::new(image))],
        })?;
        if step.is_multiple_of(3) {
            let parts = [vec![step as u8; 200_000], vec![step as u8; 100], vec![step as u8; 10]];
            writer.write_checkpoint(step, &parts[0], &parts[1], &parts[2])?;
        }
    }
    Ok(())
}

fn snapshot(step: u64) -> LayerSnapshot {
    let filter = FilterStatistics {
        max: step as f32,
        frequency: 0.5,
        sum: step as f64,
        label: None,
        label_strength: None,
        specificity: None,
        state: FilterState::Alive,
    };
    let rows = 512;
    let sample = InstanceSample {
        filters: FILTERS,
        activations: vec![step as f32; rows * FILTERS],
        inputs: vec![step as i64; rows],
        positions: vec![0; rows],
        labels: vec![0; rows],
        predictions: vec![0; rows],
        steps: vec![step; rows],
    };
    LayerSnapshot {
        from: step,
        to: step,
        instances_possible: step,
        instances_sampled: step,
        all_time_max: vec![step as f32; FILTERS],
        statistics: LayerStatistics {
            instances: step,
            perplexity: PerplexityHistogram { counts: vec![step; PERPLEXITY_BINS], mean: None },
            filters: vec![filter; FILTERS],
            ..LayerStatistics::default()
        },
        sample: Some(Arc::new(sample)),
        ..LayerSnapshot::default()
    }
}
