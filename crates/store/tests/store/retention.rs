//! Old snapshots thin out, and the file stays within its size.

use crate::common::{Noise, description, image, layer, scalar, small, snapshot, write_window};
use deepeyes_store::{Ending, Reader, Retention, RunOptions, SnapshotParts, Writer};
use std::sync::Arc;

/// LeNet's layers.
const FILTERS: [usize; 4] = [20, 50, 500, 10];

#[test]
fn lenet_of_2_000_iterations_is_at_most_20_megabytes() {
    let logdir = tempfile::tempdir().unwrap();
    let layers = FILTERS.iter().map(|&filters| layer(&format!("layer{filters}"), filters)).collect();
    let mut writer =
        Writer::create(logdir.path(), &description("lenet", layers), &RunOptions::default()).unwrap();
    let noise = &mut Noise(9);
    let mut largest = 0;
    for window in 1..=100_u64 {
        let to = 20 * window;
        writer.append_scalars(&(to - 19..=to).map(scalar).collect::<Vec<_>>()).unwrap();
        // The samples of few windows are looked at before they are replaced; the others are alike in size.
        let rows = if window % 10 == 0 { 2_048 } else { 16 };
        let first = 1_280 * window as i64;
        let layers: Vec<_> = FILTERS
            .iter()
            .enumerate()
            .map(|(at, &filters)| (at, Arc::new(snapshot(at as u64, to, filters, 10, rows, first))))
            .collect();
        let images: Vec<_> = (first..first + 1_280).map(|input| (input, image(input))).collect();
        writer
            .write_snapshot(&SnapshotParts {
                step: to,
                layers: &layers,
                windows: &[],
                full: true,
                images: &images,
            })
            .unwrap();
        if to % 500 == 0 {
            let weights = |noise: &mut Noise| -> Vec<u8> {
                (0..431_080).flat_map(|_| (0.05 * noise.normal()).to_le_bytes()).collect()
            };
            writer.write_checkpoint(to, &weights(noise), &weights(noise), &vec![7; 100_000]).unwrap();
        }
        largest = largest.max(std::fs::metadata(writer.path()).unwrap().len());
    }
    let path = writer.path().to_owned();
    writer.finish(Ending::Finished).unwrap();
    let bytes = std::fs::metadata(&path).unwrap().len();
    println!("{bytes} bytes at the end, {largest} at most");
    assert!(bytes <= 20_000_000, "{bytes} bytes");
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        2,
        "the run and its lock, no journals"
    );

    let reader = Reader::open(path).unwrap();
    assert_eq!(reader.scalars().unwrap().len(), 2_000);
    assert_eq!(reader.snapshot_steps().unwrap().len(), 100);
    let newest = reader.layer_snapshot(2, None).unwrap().unwrap();
    assert!(newest.statistics.similarity.is_some() && newest.statistics.filters[0].label_strength.is_some());
    assert_eq!(reader.sample(2, None).unwrap().unwrap().0, 2_000);
    assert!(reader.checkpoint(None).unwrap().unwrap().state.is_some());
}

#[test]
fn the_course_thins_from_its_newest_window_to_its_first() {
    let logdir = tempfile::tempdir().unwrap();
    let retention = Retention { dense_snapshots: 4, ..Retention::default() };
    let mut writer = small(logdir.path(), &RunOptions { retention, ..RunOptions::default() });
    for window in 1..=65 {
        write_window(&mut writer, 20 * window, window % 2 == 1);
    }
    let reader = Reader::open(writer.directory()).unwrap();
    let ordinals: Vec<u64> = reader.snapshot_steps().unwrap().iter().map(|step| step / 20 - 1).collect();
    assert_eq!(ordinals, [0, 16, 32, 40, 48, 52, 56, 58, 60, 61, 62, 63, 64]);
    // Two samples with their images; every other image is gone.
    assert_eq!(reader.sample(0, None).unwrap().unwrap().0, 20 * 65);
    assert_eq!(reader.sample(0, Some(20 * 64)).unwrap().unwrap().0, 20 * 63);
    assert!(reader.sample(0, Some(20 * 62)).unwrap().is_none());
    assert!(reader.image(20 * 65).unwrap().is_some() && reader.image(20 * 61).unwrap().is_none());
}

#[test]
fn a_file_that_may_not_grow_keeps_scalars_and_the_newest() {
    let logdir = tempfile::tempdir().unwrap();
    let retention = Retention { max_bytes: 150_000, ..Retention::default() };
    let mut writer = small(logdir.path(), &RunOptions { retention, ..RunOptions::default() });
    for window in 1..=60_u64 {
        let to = 20 * window;
        writer.append_scalars(&(to - 19..=to).map(scalar).collect::<Vec<_>>()).unwrap();
        write_window(&mut writer, to, true);
        writer.write_checkpoint(to, &Noise(to).bits().to_le_bytes().repeat(1_000), &[1], &[2]).unwrap();
    }
    let bytes = std::fs::metadata(writer.path()).unwrap().len();
    assert!(bytes < 300_000, "{bytes} bytes");
    let reader = Reader::open(writer.directory()).unwrap();
    assert_eq!(reader.scalars().unwrap().len(), 1_200);
    assert_eq!(reader.snapshot_steps().unwrap().last(), Some(&1_200));
    assert_eq!(reader.sample(1, None).unwrap().unwrap().0, 1_200);
    assert!(reader.checkpoint(None).unwrap().unwrap().state.is_some());
}
