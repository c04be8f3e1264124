//! The same configuration gives the same training, observed or not, resumed or not.

use crate::common::{config, normalised, plain, run, trained, with_adam};
use deepeyes_core::Checkpoint;
use deepeyes_network::{Policy, SolverKind};
use deepeyes_train::{Control, Session, TrainConfig, TrainError};

#[test]
fn a_seed_decides_every_loss() {
    let seeded = |seed| trained(TrainConfig { seed: Some(seed), ..config(plain()) });
    let (first, _, told) = seeded(1);
    let (again, _, told_again) = seeded(1);
    assert_eq!(told.losses(), told_again.losses());
    assert_eq!(first.weights(), again.weights());
    assert_ne!(told.losses(), seeded(2).2.losses());
}

#[test]
fn an_observer_changes_nothing() {
    for network in [plain(), normalised()] {
        let (observed, _, told) = trained(config(network.clone()));
        let mut alone = Session::prepare(config(network)).unwrap();
        let mut losses = vec![];
        alone.train(None, &Control::new(), |progress| losses.push(progress.loss.to_bits())).unwrap();
        assert_eq!(losses, told.losses());
        assert_eq!(alone.weights(), observed.weights());
    }
}

#[test]
fn shards_only_change_how_sums_are_rounded() {
    let sharded = |shards| trained(TrainConfig { shards: Some(shards), ..config(plain()) });
    let (_, _, one) = sharded(1);
    for shards in [2, 3, 20] {
        let (_, _, several) = sharded(shards);
        for (a, b) in one.batches.iter().zip(&several.batches) {
            assert!(
                (a.loss - b.loss).abs() < 1e-4,
                "{shards} shards, iteration {}: {} {}",
                a.step,
                a.loss,
                b.loss
            );
        }
    }
}

#[test]
fn a_resumed_training_has_the_losses_of_an_uninterrupted_one() {
    let momentum = config(plain());
    let mut scheduled = TrainConfig { shards: Some(3), ..momentum.clone() };
    scheduled.solver.policy = Policy::Inv { gamma: 0.1, power: 0.75 };
    for config in [momentum.clone(), with_adam(momentum), scheduled, with_adam(config(normalised()))] {
        let (whole, _, told) = trained(config.clone());
        let checkpoint = &told.checkpoints[0];
        assert_eq!(checkpoint.step, 5);
        // What is not the checkpoint's must not matter.
        let mut resumed =
            Session::prepare(TrainConfig { seed: Some(99), shards: Some(1), ..config }).unwrap();
        resumed.resume(checkpoint).unwrap();
        let (outcome, rest) = run(&mut resumed);
        assert_eq!(rest.losses(), told.losses()[5..]);
        assert_eq!(rest.validations, told.validations[1..]);
        assert_eq!(rest.probes.last().unwrap().features, told.probes.last().unwrap().features);
        assert_eq!(resumed.weights(), whole.weights());
        assert_eq!(outcome.unwrap().step, 12);
    }
}

#[test]
fn a_checkpoint_of_something_else_is_refused_and_changes_nothing() {
    let (_, _, told) = trained(config(plain()));
    let good = &told.checkpoints[0];
    let refused = |config: TrainConfig, checkpoint: &Checkpoint, words: &str| {
        let mut session = Session::prepare(config).unwrap();
        let before = session.weights();
        let error = session.resume(checkpoint).unwrap_err();
        assert!(matches!(error, TrainError::Checkpoint { step: 5, .. }));
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!((session.weights(), session.step()), (before, 0));
    };
    refused(config(normalised()), good, "bn1");
    refused(with_adam(config(plain())), good, "another kind of solver");
    let mut wider = plain();
    wider.layers[4] = deepeyes_network::Layer::new(
        "fc1",
        deepeyes_network::Op::Dense(deepeyes_network::Dense { units: 17, bias: true }),
    );
    refused(config(wider), good, "fc1.weight");
    for (state, words) in [(vec![], "no state"), (vec![9, 1], "version 9"), (vec![1, 1, 2], "broken")] {
        refused(config(plain()), &Checkpoint { state: state.into(), ..good.clone() }, words);
    }
    refused(config(plain()), &Checkpoint { weights: vec![1, 2, 3].into(), ..good.clone() }, "broken");
}

#[test]
fn every_rule_learns_the_classes() {
    for kind in [SolverKind::Sgd { momentum: 0.9 }, SolverKind::ADAM] {
        let mut config = config(normalised());
        config.solver.kind = kind;
        config.solver.lr = 0.01;
        config.solver.iterations = 60;
        let (_, outcome, told) = trained(config);
        assert!(outcome.accuracy.unwrap() > 0.9, "{kind:?}: {outcome:?}");
        let first: f64 = told.batches[..10].iter().map(|batch| batch.loss).sum();
        let last: f64 = told.batches[50..].iter().map(|batch| batch.loss).sum();
        assert!(last < first / 2.0, "{first} {last}");
    }
}
