//! What is frozen stays, and what cannot be trained is refused with a reason.

use crate::common::{config, normalised, plain, run, trained};
use deepeyes_network::{Dense, Layer, Op};
use deepeyes_train::weights::{Format, Tensor, Weights};
use deepeyes_train::{Session, TrainConfig, TrainError};
use safetensors::SafeTensors;

fn changed(config: TrainConfig) -> Vec<String> {
    let mut session = Session::prepare(config).unwrap();
    let before = session.weights();
    run(&mut session).0.unwrap();
    let after = session.weights();
    let (before, after) =
        (SafeTensors::deserialize(&before).unwrap(), SafeTensors::deserialize(&after).unwrap());
    let differs = |name: &&str| before.tensor(name).unwrap().data() != after.tensor(name).unwrap().data();
    let mut names = before.names();
    names.sort_unstable();
    names.into_iter().filter(differs).map(str::to_owned).collect()
}

#[test]
fn frozen_layers_stay_and_the_others_learn() {
    let freeze = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let all = ["bn1.bias", "bn1.running_mean", "bn1.running_var", "bn1.weight"];
    let rest = ["fc1.bias", "fc1.weight", "fc2.bias", "fc2.weight"];
    let frozen = TrainConfig { freeze: freeze(&["conv1"]), ..config(normalised()) };
    assert_eq!(changed(frozen), [all, rest].concat());
    let frozen = TrainConfig { freeze: freeze(&["conv1", "bn1"]), ..config(normalised()) };
    assert_eq!(changed(frozen), rest);
    let frozen = TrainConfig { freeze: freeze(&["conv1", "bn1", "fc1", "fc2"]), ..config(normalised()) };
    assert!(changed(frozen).is_empty());
}

#[test]
fn a_learning_rate_of_zero_watches_a_network_as_it_is() {
    let mut still = config(plain());
    still.solver.lr = 0.0;
    assert!(changed(still).is_empty());
}

#[test]
fn a_learning_rate_factor_of_zero_keeps_a_parameter() {
    let mut network = plain();
    network.layers[0].bias.lr_mult = 0.0;
    assert_eq!(
        changed(config(network)),
        ["conv1.weight", "fc1.bias", "fc1.weight", "fc2.bias", "fc2.weight"]
    );
}

fn refusal(config: TrainConfig) -> TrainError {
    Session::prepare(config).expect_err("this cannot be trained")
}

#[test]
fn what_cannot_be_trained_is_refused_with_a_reason() {
    let error = refusal(TrainConfig { freeze: vec!["conv2".to_owned()], ..config(plain()) });
    assert!(
        error.to_string().contains("did you mean \"conv1\"") && error.to_string().contains("fc2"),
        "{error}"
    );
    let error = refusal(TrainConfig { freeze: vec!["relu1".to_owned()], ..config(plain()) });
    assert!(matches!(error, TrainError::UnknownLayer { .. }));

    let mut network = plain();
    network.layers[7] = Layer::new("fc2", Op::Dense(Dense { units: 10, bias: true }));
    let error = refusal(config(network)).to_string();
    assert!(error.contains("\"fc2\"") && error.contains("10x1x1") && error.contains("3 classes"), "{error}");

    let mut network = plain();
    network.input = Some([3, 8, 8]);
    assert!(matches!(refusal(config(network)), TrainError::Network(_)));

    let mut wrong = config(plain());
    wrong.solver.batch = 0;
    assert!(refusal(wrong).to_string().contains("batch"));
    assert!(refusal(TrainConfig { shards: Some(0), ..config(plain()) }).to_string().contains("shards"));
    assert!(
        refusal(TrainConfig { checkpoint_every: Some(0), ..config(plain()) })
            .to_string()
            .contains("checkpoint")
    );
}

#[test]
fn a_mini_batch_may_be_larger_than_the_data() {
    let mut large = config(plain());
    large.solver.batch = 120;
    large.solver.iterations = 2;
    let (_, outcome, told) = trained(large);
    assert!(outcome.finished);
    assert_eq!(told.batches[1].inputs.len(), 120);
}

fn weights(arrays: &[(&str, &[usize])]) -> Weights {
    let array =
        |shape: &[usize]| Tensor { shape: shape.to_vec(), values: vec![0.25; shape.iter().product()] };
    let tensors = arrays.iter().map(|&(name, shape)| (name.to_owned(), array(shape))).collect();
    Weights { tensors, left_out: vec![], format: Format::Safetensors }
}

#[test]
fn weights_are_loaded_by_name_and_a_new_classifier_starts_anew() {
    let mut session = Session::prepare(config(plain())).unwrap();
    let before = session.weights();
    let report = session
        .load_weights(&weights(&[
            ("conv1.weight", &[4, 1, 3, 3]),
            ("module.conv1.bias", &[1, 1, 1, 4]),
            ("fc1.weight", &[16, 4, 3, 3]),
            ("fc2.weight", &[1000, 16]),
            ("extra.weight", &[2]),
        ]))
        .unwrap();
    assert_eq!(report.loaded, ["conv1.weight", "conv1.bias", "fc1.weight"]);
    assert_eq!(report.missing, ["fc1.bias", "fc2.weight", "fc2.bias"]);
    let skipped: Vec<&str> = report.skipped.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(skipped, ["fc2.weight", "extra.weight"]);
    assert!(report.skipped[0].1.contains("[1000, 16]") && report.skipped[0].1.contains("[3, 16]"));
    let after = session.weights();
    let (before, after) =
        (SafeTensors::deserialize(&before).unwrap(), SafeTensors::deserialize(&after).unwrap());
    assert_eq!(after.tensor("conv1.bias").unwrap().data(), [0.25f32.to_le_bytes(); 4].concat());
    assert_eq!(after.tensor("fc2.weight").unwrap().data(), before.tensor("fc2.weight").unwrap().data());
}

#[test]
fn a_run_s_own_weights_come_back_as_they_were() {
    let (trained, ..) = trained(config(normalised()));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("weights.safetensors");
    std::fs::write(&file, trained.weights()).unwrap();
    let mut session = Session::prepare(config(normalised())).unwrap();
    let report = session.load_weights(&Weights::open(&file).unwrap()).unwrap();
    assert!(report.skipped.is_empty() && report.missing.is_empty(), "{report:?}");
    assert_eq!(session.weights(), trained.weights());
}

#[test]
fn weights_of_which_nothing_fits_are_refused_with_names_of_both_sides() {
    let mut session = Session::prepare(config(plain())).unwrap();
    let error =
        session.load_weights(&weights(&[("features.0.weight", &[4, 1, 3, 3])])).unwrap_err().to_string();
    assert!(
        error.contains("features.0.weight [4, 1, 3, 3]") && error.contains("conv1.weight [4, 1, 3, 3]"),
        "{error}"
    );
}
