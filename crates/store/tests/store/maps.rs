//! Maps come back as they went in, thin with age, and are missed by nobody in files from before there were any.

use crate::common::{Noise, image, small, write_window};
use deepeyes_core::{FilterLink, FilterMap, InputMap, InputSplit, MapFields, MapMethod, MapPoints, MapWhole};
use deepeyes_store::{Ending, MapParts, Reader, Retention, RunOptions, Writer};
use std::sync::Arc;

fn input_map(step: u64, points: usize, filters: usize) -> Arc<InputMap> {
    let noise = &mut Noise(step);
    let split = |at: usize| if at.is_multiple_of(2) { InputSplit::Training } else { InputSplit::Validation };
    let places = (0..points).map(|_| [noise.normal(), noise.normal()]).collect();
    Arc::new(InputMap {
        step,
        points: Arc::new(MapPoints {
            inputs: (0..points as i64).map(|at| 7 * at).collect(),
            splits: (0..points).map(split).collect(),
            positions: (0..points as u32).map(|at| at % 9).collect(),
            labels: (0..points as i32).map(|at| at % 4 - 1).collect(),
            predictions: (0..points as i32).map(|at| at % 3).collect(),
            counts: (0..points as u32).map(|at| 1 + at % 5).collect(),
            max_activations: (0..points).map(|_| noise.normal().abs()).collect(),
            filters,
            activations: (0..points * filters).map(|_| noise.bits() as u8).collect(),
            scales: (0..filters).map(|_| noise.normal().abs()).collect(),
            level: 0.1,
        }),
        places,
        method: MapMethod::Tsne,
        iterations: 750,
        planned_iterations: 750,
        settled: true,
        preservation: Some(0.1 + 0.2),
        scale_sizes: vec![points],
        fields: Some(Arc::new(MapFields::new(&(0..3 * points).map(|at| at as f32).collect::<Vec<_>>(), 3))),
        whole: None,
    })
}

fn filter_map(step: u64) -> Arc<FilterMap> {
    Arc::new(FilterMap {
        step,
        filters: vec![0, 2, 4],
        places: vec![[0.1, 0.2], [-1.0, 3.0], [f32::MIN_POSITIVE, 1e9]],
        links: vec![FilterLink { one: 0, other: 4, similarity: 0.9 }],
        all_zero: 2,
        method: MapMethod::Mds,
        iterations: 31,
        settled: true,
    })
}

fn write(writer: &mut Writer, step: u64) {
    let inputs = [(0, input_map(step, 40, 5)), (1, input_map(step + 1, 1, 3))];
    writer.write_maps(&MapParts { step, inputs: &inputs, filters: &[(0, filter_map(step - 3))] }).unwrap();
}

#[test]
fn maps_come_back_as_they_were() {
    let logdir = tempfile::tempdir().unwrap();
    let mut writer = small(logdir.path(), &RunOptions::default());
    write(&mut writer, 50);
    write(&mut writer, 100);
    let reader = Reader::open(writer.directory()).unwrap();
    assert_eq!(reader.map_steps().unwrap(), [50, 100]);
    assert_eq!(reader.input_map(0, None).unwrap().as_ref(), Some(&*input_map(100, 40, 5)));
    // Only the newest map keeps what its points are placed by.
    let older = InputMap { fields: None, ..InputMap::clone(&input_map(50, 40, 5)) };
    assert_eq!(reader.input_map(0, Some(99)).unwrap(), Some(older));
    assert_eq!(reader.filter_map(0, Some(70)).unwrap().as_ref(), Some(&*filter_map(47)));
    assert!(
        reader.input_map(0, Some(49)).unwrap().is_none() && reader.filter_map(1, None).unwrap().is_none()
    );
    // The same step again replaces what is there.
    let refined = Arc::new(InputMap { iterations: 751, ..InputMap::clone(&input_map(100, 40, 5)) });
    let inputs = [(0, Arc::clone(&refined))];
    writer.write_maps(&MapParts { step: 100, inputs: &inputs, filters: &[] }).unwrap();
    assert_eq!(reader.input_map(0, None).unwrap().as_ref(), Some(&*refined));
    assert_eq!(reader.filter_map(0, None).unwrap().as_ref(), Some(&*filter_map(97)));
    assert_eq!(reader.map_steps().unwrap(), [50, 100]);
}

#[test]
fn the_newest_map_of_landmarks_keeps_all_points() {
    let logdir = tempfile::tempdir().unwrap();
    let mut writer = small(logdir.path(), &RunOptions::default());
    let landmarks = |step: u64| {
        let points = Arc::clone(&input_map(step, 90, 5).points);
        let fields = (0..270).map(|at| (at as f32).sqrt()).collect();
        let whole = Some(Arc::new(MapWhole { points, fields, components: 3 }));
        Arc::new(InputMap {
            scale_sizes: vec![90, 40],
            fields: None,
            whole,
            ..InputMap::clone(&input_map(step, 40, 5))
        })
    };
    for step in [50, 100] {
        let inputs = [(0, landmarks(step)), (1, input_map(step, 6, 3))];
        writer.write_maps(&MapParts { step, inputs: &inputs, filters: &[] }).unwrap();
    }
    let reader = Reader::open(writer.directory()).unwrap();
    assert_eq!(reader.input_map(0, None).unwrap().as_ref(), Some(&*landmarks(100)));
    let older = InputMap { whole: None, ..InputMap::clone(&landmarks(50)) };
    assert_eq!(reader.input_map(0, Some(60)).unwrap(), Some(older));
    assert_eq!(reader.input_map(1, None).unwrap().as_ref(), Some(&*input_map(100, 6, 3)));
}

#[test]
fn maps_that_do_not_fit_are_refused_whole() {
    let logdir = tempfile::tempdir().unwrap();
    let mut writer = small(logdir.path(), &RunOptions::default());
    let mut ragged = InputMap::clone(&input_map(50, 40, 5));
    ragged.places.pop();
    for inputs in [vec![(2, input_map(50, 4, 5))], vec![(0, input_map(50, 4, 5)), (1, Arc::new(ragged))]] {
        assert!(writer.write_maps(&MapParts { step: 50, inputs: &inputs, filters: &[] }).is_err());
    }
    assert!(Reader::open(writer.directory()).unwrap().map_steps().unwrap().is_empty());
}

#[test]
fn old_maps_thin_out_and_the_probe_keeps_its_pixels() {
    let logdir = tempfile::tempdir().unwrap();
    let retention = Retention { maps: 2, ..Retention::default() };
    let mut writer = small(logdir.path(), &RunOptions { retention, ..RunOptions::default() });
    let probed: Vec<_> = (9000..9010).map(|input| (input, image(input))).collect();
    writer.write_probe_inputs(&probed).unwrap();
    for number in 1..=12 {
        write(&mut writer, 20 * number);
        write_window(&mut writer, 20 * number, true);
    }
    let reader = Reader::open(writer.directory()).unwrap();
    // Of twelve, numbered from 0: the newest two, then every second, then every fourth, then every eighth.
    assert_eq!(reader.map_steps().unwrap(), [20, 100, 180, 220, 240]);
    assert!(reader.input_map(1, Some(60)).unwrap().is_some_and(|map| map.points.len() == 1));
    assert_eq!(reader.image(9004).unwrap().as_ref(), Some(&*probed[4].1));
    writer.truncate_after(180).unwrap();
    assert_eq!(reader.map_steps().unwrap(), [20, 100, 180]);
    assert!(reader.image(9004).unwrap().is_some());
}

#[test]
fn a_file_from_before_there_were_maps_reads_as_without_them() {
    let logdir = tempfile::tempdir().unwrap();
    let writer = small(logdir.path(), &RunOptions::default());
    let (path, directory) = (writer.path().to_owned(), writer.directory().to_owned());
    writer.finish(Ending::Stopped).unwrap();
    let tables = "DROP TABLE maps; DROP TABLE layer_maps; DROP TABLE map_arrays; DROP TABLE probe_inputs";
    rusqlite::Connection::open(path).unwrap().execute_batch(tables).unwrap();
    let reader = Reader::open(&directory).unwrap();
    assert!(reader.map_steps().unwrap().is_empty());
    assert!(reader.input_map(0, None).unwrap().is_none() && reader.filter_map(0, None).unwrap().is_none());
    drop(reader);
    let mut writer = Writer::reopen(&directory, &RunOptions::default()).unwrap();
    write(&mut writer, 50);
    write_window(&mut writer, 60, true);
    assert_eq!(Reader::open(&directory).unwrap().map_steps().unwrap(), [50]);
}
