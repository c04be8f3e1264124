//! What goes in comes out.

use crate::common::{description, image, layer, scalar, small, snapshot, write_window};
use deepeyes_store::{
    Ending, FilterMap, Journal, Parent, Reader, RunOptions, RunStatus, SnapshotParts, StoreError, Validation,
    Writer,
};
use proptest::prelude::*;
use std::sync::Arc;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_snapshot_comes_back(seed in any::<u64>(), filters in 1_usize..9, labels in 0_usize..4, rows in 0_usize..30) {
        let logdir = tempfile::tempdir().unwrap();
        let description = description("run", vec![layer("other", 1), layer("it", filters)]);
        let mut writer = Writer::create(logdir.path(), &description, &RunOptions::default()).unwrap();
        let mut stored = snapshot(seed, 40, filters, labels, rows, 7);
        let layers = [(1, Arc::new(stored.clone()))];
        let images = [(7, image(7)), (1_000_000, image(8))];
        writer.write_snapshot(&SnapshotParts { step: 40, layers: &layers, windows: &[], full: true, images: &images }).unwrap();

        let reader = Reader::open(writer.directory()).unwrap();
        prop_assert_eq!(reader.layer_snapshot(0, None).unwrap(), None);
        prop_assert_eq!(reader.layer_snapshot(1, Some(39)).unwrap(), None);
        let mut read = reader.layer_snapshot(1, Some(u64::MAX)).unwrap().unwrap();
        let sample = stored.sample.take().unwrap();
        prop_assert_eq!(reader.sample(1, None).unwrap().unwrap(), (40, (*sample).clone()));
        // Images that no sample names are not kept.
        let named = sample.inputs.contains(&7);
        prop_assert_eq!(reader.image(7).unwrap(), named.then(|| (*image(7)).clone()));
        prop_assert_eq!(reader.image(1_000_000).unwrap(), None);

        let [before, after] = [&mut stored, &mut read].map(|snapshot| snapshot.statistics.similarity.take().unwrap());
        for (before, after) in before.upper.iter().zip(&after.upper) {
            prop_assert!((before - after).abs() <= 8e-6);
        }
        prop_assert_eq!(reader.similarity(1, None).unwrap().unwrap(), (40, after));
        prop_assert_eq!(&read, &stored);

        let course = reader.course(1).unwrap();
        prop_assert_eq!(course.len(), 1);
        prop_assert_eq!(&course[0].counts, &stored.statistics.perplexity.counts);
        prop_assert_eq!(&course[0].change, &stored.change);
        prop_assert_eq!(reader.findings().unwrap(), stored.statistics.findings);
    }
}

#[test]
fn scalars_validations_and_the_run_itself_come_back() {
    let logdir = tempfile::tempdir().unwrap();
    let parent = Parent {
        run_id: "abc".to_owned(),
        path: "runs/before".into(),
        filter_maps: vec![FilterMap { layer: "a".to_owned(), new_from_old: vec![Some(0), None, Some(1)] }],
    };
    for journal in [Journal::Auto, Journal::WriteAhead, Journal::Rollback] {
        let options = RunOptions { journal, parent: Some(parent.clone()), ..RunOptions::default() };
        let mut writer = small(logdir.path(), &options);
        let directory = writer.directory().to_owned();
        let mut scalars: Vec<_> = (1..=100).map(scalar).collect();
        writer.append_scalars(&scalars).unwrap();
        scalars[99].loss = 2.0;
        writer.append_scalars(&scalars[99..]).unwrap();
        let validation = Validation { step: 100, accuracy: 0.75, loss: f64::INFINITY };
        writer.write_validation(&validation).unwrap();

        let reader = Reader::open(&directory).unwrap();
        assert_eq!(reader.scalars().unwrap(), scalars);
        assert_eq!(reader.validations().unwrap(), [validation]);
        let info = reader.info().unwrap();
        assert_eq!((info.status, info.step), (RunStatus::Running, 100));
        assert_eq!(info.parent.as_ref(), Some(&parent));
        assert_eq!(info.description, writer.description().unwrap());
        assert_eq!(Some(info.name.as_str()), directory.file_name().and_then(|name| name.to_str()));

        writer.finish(Ending::Stopped).unwrap();
        assert_eq!(reader.info().unwrap().status, RunStatus::Stopped);
        drop(reader);
        assert_eq!(Reader::open(&directory).unwrap().scalars().unwrap(), scalars);
    }
}

#[test]
fn a_loss_that_is_no_number_stays_none() {
    let logdir = tempfile::tempdir().unwrap();
    let mut writer = small(logdir.path(), &RunOptions::default());
    writer.append_scalars(&[deepeyes_store::Scalar { loss: f64::NAN, ..scalar(1) }]).unwrap();
    assert!(Reader::open(writer.directory()).unwrap().scalars().unwrap()[0].loss.is_nan());
}

#[test]
fn a_run_goes_on_where_it_is_cut() {
    let logdir = tempfile::tempdir().unwrap();
    let mut writer = small(logdir.path(), &RunOptions::default());
    let directory = writer.directory().to_owned();
    for step in 1..=60 {
        writer.append_scalars(&[scalar(step)]).unwrap();
        if step % 20 == 0 {
            write_window(&mut writer, step, true);
            writer.write_validation(&Validation { step, accuracy: 0.5, loss: 1.0 }).unwrap();
            writer.write_checkpoint(step, &[1, 2, 3], &[step as u8; 99], &[5]).unwrap();
        }
    }
    drop(writer);
    let before = Reader::open(&directory).unwrap().info().unwrap();
    assert_eq!(before.status, RunStatus::Interrupted);

    let mut writer = Writer::reopen(&directory, &RunOptions::default()).unwrap();
    writer.truncate_after(45).unwrap();
    let reader = Reader::open(&directory).unwrap();
    let info = reader.info().unwrap();
    assert_eq!((info.id, info.status, info.step), (before.id, RunStatus::Running, 45));
    assert!(info.seconds >= before.seconds);
    assert_eq!(reader.snapshot_steps().unwrap(), [20, 40]);
    assert_eq!(reader.validations().unwrap().len(), 2);
    assert_eq!(reader.checkpoint(None).unwrap().unwrap().step, 40);
    assert!(reader.image(79).unwrap().is_none() && reader.image(41).unwrap().is_some());

    assert!(matches!(Writer::reopen(&directory, &RunOptions::default()), Err(StoreError::Locked { .. })));
    write_window(&mut writer, 60, true);
    assert_eq!(reader.snapshot_steps().unwrap(), [20, 40, 60]);
}

#[test]
fn checkpoints_keep_the_newest_state_and_few_older_weights() {
    let logdir = tempfile::tempdir().unwrap();
    let mut writer = small(logdir.path(), &RunOptions::default());
    for step in [10, 20, 30, 40] {
        writer.write_checkpoint(step, &vec![step as u8; 5_000], &[step as u8], &[]).unwrap();
    }
    let reader = Reader::open(writer.directory()).unwrap();
    assert_eq!(reader.checkpoint_steps().unwrap(), [20, 30, 40]);
    let newest = reader.checkpoint(None).unwrap().unwrap();
    assert_eq!((newest.step, newest.state, newest.analysis), (40, Some(vec![40]), Some(Vec::new())));
    let older = reader.checkpoint(Some(35)).unwrap().unwrap();
    assert_eq!((older.step, older.weights, older.state), (30, vec![30; 5_000], None));
    assert!(reader.checkpoint(Some(19)).unwrap().is_none());
}

#[test]
fn what_does_not_fit_is_refused_whole() {
    let logdir = tempfile::tempdir().unwrap();
    let mut writer = small(logdir.path(), &RunOptions::default());
    let mut odd = snapshot(1, 20, 5, 2, 4, 0);
    odd.all_time_max.pop();
    for layers in [[(2, Arc::new(snapshot(1, 20, 5, 2, 4, 0)))], [(0, Arc::new(odd))]] {
        let refused = writer.write_snapshot(&SnapshotParts {
            step: 20,
            layers: &layers,
            windows: &[],
            full: true,
            images: &[],
        });
        assert!(matches!(refused, Err(StoreError::Value { .. })), "{refused:?}");
    }
    assert!(Reader::open(writer.directory()).unwrap().snapshot_steps().unwrap().is_empty());
}
