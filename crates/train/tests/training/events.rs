//! What an observer is told.

use crate::common::{CLASSES, SIDE, TRAINING, VALIDATION, config, dataset, plain, run, run_under, trained};
use deepeyes_core::{InputSplit, Rectify, Values};
use deepeyes_train::{Control, Session, TrainConfig, TrainError};

#[test]
fn mini_batches_hold_what_the_network_saw() {
    let (session, _, told) = trained(config(plain()));
    let description = session.description();
    let data = dataset();
    assert_eq!(told.batches.len(), 12);
    for (at, batch) in told.batches.iter().enumerate() {
        assert_eq!(batch.step, at as u64 + 1);
        assert_eq!((batch.inputs.len(), batch.labels.len(), batch.predictions.len()), (7, 7, 7));
        for (place, &input) in batch.inputs.iter().enumerate() {
            assert_eq!(batch.labels[place], data.train.label(input as usize));
            assert_eq!(*batch.images[place].pixels, *data.train.bytes(input as usize).unwrap());
        }
        for (layer, spec) in description.layers.iter().enumerate() {
            let mut next = 0;
            for part in batch.activations.iter().filter(|part| part.layer == layer) {
                let Values::Maps { values, first } = &part.values else { panic!("whole maps are sent") };
                assert_eq!(*first, next);
                let size = spec.filters * spec.positions();
                assert_eq!(values.len() % size, 0);
                next += values.len() / size;
            }
            assert_eq!(next, 7, "{}", spec.name);
        }
    }
}

#[test]
fn each_epoch_shows_each_input_once() {
    let (_, _, told) = trained(config(plain()));
    let mut seen: Vec<i64> =
        told.batches.iter().flat_map(|batch| batch.inputs.to_vec()).take(TRAINING).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..TRAINING as i64).collect::<Vec<_>>());
}

#[test]
fn activations_follow_the_nonlinearity_and_logits_explain_the_loss() {
    let (session, _, told) = trained(config(plain()));
    let layers = session.description().layers;
    let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["conv1", "fc1", "fc2"]);
    assert_eq!([0, 1, 2].map(|at| layers[at].rectify), [Rectify::Relu, Rectify::Relu, Rectify::Softmax]);
    assert_eq!([0, 1, 2].map(|at| layers[at].output), [false, false, true]);
    for batch in &told.batches {
        let values = |layer: usize| -> Vec<f32> {
            let parts = batch.activations.iter().filter(|part| part.layer == layer);
            parts
                .flat_map(|part| match &part.values {
                    Values::Maps { values, .. } | Values::Rows { values, .. } => values.clone(),
                })
                .collect()
        };
        assert!(values(0).iter().chain(&values(1)).all(|&v| v >= 0.0));
        let logits = values(2);
        let loss: f64 = logits
            .chunks_exact(CLASSES)
            .zip(batch.labels.iter())
            .map(|(row, &label)| {
                let sum: f64 = row.iter().map(|&z| f64::from(z).exp()).sum();
                sum.ln() - f64::from(row[label as usize])
            })
            .sum::<f64>()
            / 7.0;
        assert!((loss - batch.loss).abs() < 1e-6);
    }
}

#[test]
fn validations_probes_and_checkpoints_come_when_due_and_at_the_end() {
    let (_, outcome, told) = trained(TrainConfig { checkpoint_every: Some(8), ..config(plain()) });
    let steps: Vec<u64> = told.validations.iter().map(|&(step, ..)| step).collect();
    assert_eq!(steps, [5, 10, 12]);
    assert_eq!(told.probes.iter().map(|probe| probe.step).collect::<Vec<_>>(), steps);
    assert_eq!(told.checkpoints.iter().map(|checkpoint| checkpoint.step).collect::<Vec<_>>(), [8, 12]);
    assert_eq!(outcome.accuracy, Some(told.validations[2].1));
    assert!(outcome.finished);
    for probe in &told.probes {
        assert_eq!((probe.labels.len(), probe.held_out.len()), (20, 20));
        assert_eq!(probe.held_out.iter().filter(|&&held_out| held_out).count(), 10);
        assert_eq!(
            probe.features.iter().map(Vec::len).collect::<Vec<_>>(),
            [20 * 4 * 16, 20 * 16, 20 * CLASSES]
        );
    }
}

#[test]
fn the_description_says_what_is_trained() {
    let description = Session::prepare(config(plain())).unwrap().description();
    let parameters = (4 * 9 + 4) + (4 * 9 * 16 + 16) + (16 * CLASSES + CLASSES);
    assert_eq!(description.parameters, parameters as u64);
    assert_eq!(description.input, Some([1, SIDE, SIDE]));
    assert_eq!(description.training_inputs, Some(TRAINING as u64));
    assert_eq!((description.iterations, description.batch, description.seed), (Some(12), Some(7), Some(0)));
    assert!(description.settings.contains("\"momentum\":0.9"), "{}", description.settings);
    let again = deepeyes_network::Network::from_toml(&description.network_toml).unwrap();
    assert_eq!(again.layers.len(), plain().layers.len());
}

#[test]
fn a_stop_still_measures_and_keeps_what_there_is() {
    let mut session = Session::prepare(config(plain())).unwrap();
    let control = Control::new();
    let mut steps = 0;
    let outcome = session.train(None, &control, |progress| {
        steps = progress.step;
        if progress.step == 3 {
            control.stop();
        }
    });
    let outcome = outcome.unwrap();
    assert_eq!((outcome.finished, outcome.step, steps), (false, 3, 3));
    assert!(outcome.accuracy.is_some());

    let control = Control::new();
    control.stop();
    let mut session = Session::prepare(config(plain())).unwrap();
    let (outcome, told) = run_under(&mut session, &control);
    assert_eq!(outcome.unwrap().step, 0);
    assert!(told.batches.is_empty());
}

#[test]
fn a_paused_training_waits_for_its_resumption() {
    let control = Control::new();
    control.pause();
    std::thread::scope(|scope| {
        let trained = scope.spawn(|| {
            let mut session = Session::prepare(config(plain())).unwrap();
            run_under(&mut session, &control).0.unwrap().step
        });
        control.resume();
        assert_eq!(trained.join().unwrap(), 12);
    });
}

#[test]
fn a_training_that_diverges_ends_with_its_iteration_and_rate() {
    let mut diverging = config(plain());
    diverging.solver.lr = 1e30;
    let mut session = Session::prepare(diverging).unwrap();
    let (outcome, told) = run(&mut session);
    let error = outcome.unwrap_err();
    let TrainError::Diverged { step, loss, rate } = error else { panic!("{error}") };
    assert!(!loss.is_finite());
    assert_eq!(rate, 1e30);
    assert_eq!(told.batches.last().unwrap().step, step);
    assert!(!told.batches.last().unwrap().loss.is_finite());
    assert_eq!(session.step(), step - 1);
}

#[test]
fn probed_instances_last_over_the_run() {
    let (session, _, told) = trained(config(plain()));
    let steps: Vec<u64> = told.instances.iter().map(|instances| instances.step).collect();
    assert_eq!(steps, [1, 2, 3, 5, 10, 12]);
    let layers = session.description().layers;
    let first = &told.instances[0];
    // Every second of the ten probed inputs of each split; validation inputs are counted on after the training's.
    let (training, validation) = first.inputs.split_at(5);
    assert!(training.iter().all(|&input| (0..TRAINING as i64).contains(&input)), "{training:?}");
    let rest = TRAINING as i64..(TRAINING + VALIDATION) as i64;
    assert!(validation.iter().all(|input| rest.contains(input)), "{validation:?}");
    assert_eq!(first.splits.iter().filter(|&&split| split == InputSplit::Validation).count(), 5);
    let pixels: Vec<i64> = first.images.iter().map(|(input, _)| *input).collect();
    assert!(first.inputs.iter().all(|input| pixels.contains(input)));
    for instances in &told.instances {
        assert_eq!((&instances.inputs, &instances.labels), (&first.inputs, &first.labels));
        assert_eq!(instances.images.is_empty(), instances.step != 1);
        for ((layer, now), spec) in instances.layers.iter().zip(&first.layers).zip(&layers) {
            assert_eq!((&layer.inputs, &layer.positions), (&now.inputs, &now.positions));
            let rows = 10 * spec.positions().min(3);
            assert_eq!((layer.inputs.len(), layer.activations.len()), (rows, rows * spec.filters));
        }
        // The first layer reads pixels, which do not change; the others read what changes as the network learns.
        assert_eq!(instances.layers[0].fields, first.layers[0].fields);
    }
    assert_eq!(first.layers[0].fields.len(), 30 * 9);
    assert_eq!(first.layers[1].fields.len(), 10 * 4 * 9);
    assert_ne!(told.instances[5].layers[1].fields, first.layers[1].fields);
    assert_eq!(told.instances[5].predictions.len(), 10);
}
