use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{read_prototxt, read_solver};
use crate::{Conv2d, Filler, Network, Op, Policy, Pool, Solver, SolverKind, VarianceNorm};

/// In the present syntax: both phases, an auxiliary loss, a batch norm with its scale, in-place layers, a residual.
const TRAIN_VAL: &str = r#"
name: "tiny"  # a comment
layer {
  name: "images" type: "Data" top: "data" top: "label"
  include { phase: TRAIN }
  transform_param { scale: 0.5 mirror: true crop_size: 20 mean_value: 104 mean_value: 117 mean_value: 123 }
  data_param { source: "nowhere" batch_size: 32 backend: LMDB }
}
layer {
  name: "images" type: "Data" top: "data" top: "label"
  include { phase: TEST }
  data_param { batch_size: 100 }
}
layer {
  name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  convolution_param {
    num_output: 8 kernel_h: 3 kernel_w: 5 pad_w: 2 pad_h: 1 stride: 2
    weight_filler { type: "gaussian" std: 0.01 } bias_filler { type: "constant" value: 0.1 }
  }
}
layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "conv1" param { lr_mult: 0 } }
layer { name: "scale1" type: "Scale" bottom: "conv1" top: "conv1" scale_param: < bias_term: true > }
layer { name: "relu1" type: 'ReLU' bottom: "conv1" top: "conv1" }
layer {
  name: "conv2" type: "Convolution" bottom: "conv1" top: "conv2"
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 group: 4 bias_term: false }
}
layer { name: "sum" type: "Eltwise" bottom: "conv1" bottom: "conv2" top: "sum" }
layer { name: "aux/fc" type: "InnerProduct" bottom: "sum" top: "aux/fc" inner_product_param { num_output: 4 } }
layer { name: "aux/loss" type: "SoftmaxWithLoss" bottom: "aux/fc" bottom: "label" top: "aux/loss" loss_weight: 0.3 }
layer { name: "pool" type: "Pooling" bottom: "sum" top: "pool" pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
layer { name: "drop" type: "Dropout" bottom: "pool" top: "pool" dropout_param { dropout_ratio: 0.25 } }
layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" variance_norm: AVERAGE } } }
layer { name: "accuracy" type: "Accuracy" bottom: "fc" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"#;

#[test]
fn reads_a_training_file() {
    let network = read_prototxt(TRAIN_VAL).unwrap();
    let names: Vec<&str> = network.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["conv1", "bn1", "relu1", "conv2", "sum", "pool", "drop", "fc"]);
    let conv1 = &network.layers[0];
    let expected = Conv2d { kernel: [3, 5], stride: [2; 2], padding: [1, 2], ..Conv2d::new(8, 3) };
    assert_eq!(conv1.op, Op::Conv2d(expected));
    assert_eq!((conv1.bias.lr_mult, conv1.bias.decay_mult), (2.0, 0.0));
    assert_eq!(conv1.weight.filler, Some(Filler::Gaussian { mean: 0.0, std: 0.01 }));
    assert_eq!(conv1.bias.filler, Some(Filler::Constant { value: 0.1 }));
    assert!(matches!(network.layers[1].op, Op::BatchNorm(norm) if norm.affine));
    assert_eq!(network.layers[1].weight.lr_mult, 1.0);
    assert_eq!(network.layers[4].inputs, ["relu1", "conv2"]);
    assert_eq!(network.layers[5].op, Op::AvgPool(Pool { ceil: true, ..Pool::new(3, 2) }));
    assert_eq!(network.layers[7].weight.filler, Some(Filler::Xavier { norm: VarianceNorm::Average }));
    let preprocessing = &network.preprocessing;
    assert_eq!((preprocessing.scale, preprocessing.mirror, preprocessing.crop), (0.5, true, Some(20)));
    assert_eq!((&preprocessing.mean[..], preprocessing.batch), (&[104.0, 117.0, 123.0][..], Some(32)));
    assert!(
        network.notes.iter().any(|note| note.contains("aux/loss") && note.contains("aux/fc")),
        "{:?}",
        network.notes
    );
    let graph = network.resolve([3, 20, 20]).unwrap();
    // 3x5x3x8 + 8, batch norm 16, grouped 3x3x2x8, dense 8 x 5 x 5 x 4 + 4.
    assert_eq!(graph.parameters(), 368 + 16 + 144 + 804);
    assert_eq!(Network::from_toml(&network.to_toml()).unwrap(), network);
}

#[test]
fn reads_the_older_syntax_inside_a_solver() {
    let text = r#"
base_lr: 0.01 lr_policy: "inv" gamma: 0.0001 power: 0.75 momentum: 0.9 weight_decay: 0.0005
max_iter: 10000 test_interval: 500 random_seed: 1701 solver_type: SGD
net_param {
  layers { name: "d" type: DATA top: "data" top: "label" data_param { batch_size: 48 } include: { phase: TRAIN } }
  layers { name: "d" type: DATA top: "data" top: "label" data_param { batch_size: 9 } include: { phase: TEST stage: "x" } }
  layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0
    convolution_param { num_output: 2 kernel_size: 3 } }
  layers { name: "relu" type: RELU bottom: "conv" top: "conv" relu_param { negative_slope: 0.1 } }
  layers { name: "ip" type: INNER_PRODUCT bottom: "conv" top: "ip" inner_product_param { num_output: 3 } }
  layers { name: "loss" type: SOFTMAX_LOSS bottom: "ip" bottom: "label" top: "loss" }
}"#;
    let file = read_solver(text).unwrap();
    let network = file.network.unwrap();
    assert_eq!(network.layers.len(), 3);
    assert_eq!((network.layers[0].bias.lr_mult, network.layers[0].bias.decay_mult), (2.0, 0.0));
    assert_eq!(network.layers[1].op, Op::LeakyRelu { slope: 0.1 });
    let policy = Policy::Inv { gamma: 0.0001, power: 0.75 };
    let expected = Solver { policy, batch: 48, iterations: 10_000, seed: Some(1701), ..Solver::default() };
    assert_eq!(file.solver, expected);
}

#[test]
fn reads_solvers() {
    let adam =
        read_solver("net: \"a.prototxt\" base_lr: 1e-3 lr_policy: \"fixed\" type: \"Adam\" momentum: 0.9")
            .unwrap();
    assert_eq!(adam.solver.kind, SolverKind::ADAM);
    assert_eq!((adam.net.as_deref(), adam.solver.weight_decay), (Some("a.prototxt"), 0.0));
    let steps = "base_lr: 1 lr_policy: \"multistep\" gamma: 0.9 stepvalue: 5 stepvalue: 7";
    assert_eq!(
        read_solver(steps).unwrap().solver.policy,
        Policy::MultiStep { gamma: 0.9, steps: vec![5, 7] }
    );
    for (text, parts) in [
        ("base_lr: 1\nlr_policy: \"fixed\"\ntype: \"AdaDelta\"", &["line 3", "AdaDelta", "SGD and Adam"][..]),
        ("base_lr: 1\nlr_policy: \"fixed\"\nsolver_type: RMSPROP", &["line 3", "RMSPROP"]),
        ("base_lr: 1\nlr_policy: \"fixed\"\nregularization_type: \"L1\"", &["line 3", "L1"]),
        ("base_lr: 1\nlr_policy: \"fixd\"", &["line 2", "lr_policy", "did you mean \"fixed\""]),
        ("base_lr: -1\nlr_policy: \"fixed\"", &["line 1", "base_lr", "above 0"]),
        ("base_lr: 1\nlr_policy: \"step\"\ngamma: 0.1", &["stepsize", "missing"]),
        ("base_lr: 1\nlr_polici: \"step\"", &["line 2", "did you mean \"lr_policy\""]),
    ] {
        let message = read_solver(text).expect_err(text).to_string();
        assert!(parts.iter().all(|part| message.contains(part)), "{text}: {message}");
    }
}

#[test]
fn refusals_name_line_layer_and_reason() {
    let cases: [(&str, &str, &[&str]); 12] = [
        ("type: 'ReLU'", "type: 'PReLU'", &["line 24", "relu1", "PReLU", "not supported"]),
        ("\"Eltwise\"", "\"Slice\"", &["\"sum\"", "Slice"]),
        (
            "\"SoftmaxWithLoss\" bottom: \"fc\"",
            "\"EuclideanLoss\" bottom: \"fc\"",
            &["\"loss\"", "EuclideanLoss"],
        ),
        (
            "num_output: 8 kernel_h",
            "num_outputs: 8 kernel_h",
            &["line 18", "conv1", "did you mean \"num_output\""],
        ),
        ("num_output: 8 kernel_h", "num_output: -8 kernel_h", &["line 18", "conv1", "num_output", "-8"]),
        ("group: 4", "group: 3", &["conv2", "groups"]),
        (
            "bottom: \"conv1\" bottom: \"conv2\"",
            "bottom: \"conv1\" bottom: \"conv3\"",
            &["\"sum\"", "conv3", "did you mean"],
        ),
        ("bottom: \"pool\" top: \"fc\"", "bottom: \"label\" top: \"fc\"", &["\"fc\"", "label"]),
        ("pool: AVE", "pool: STOCHASTIC", &["\"pool\"", "STOCHASTIC"]),
        ("dropout_ratio: 0.25", "dropout_ratio: 1.5", &["\"drop\"", "rate", "1.5"]),
        ("name: \"sum\" type", "nam: \"sum\" type", &["nam", "did you mean \"name\""]),
        ("top: \"loss\" }\n", "top: \"loss\" \n", &["not closed"]),
    ];
    for (from, to, parts) in cases {
        let text = TRAIN_VAL.replacen(from, to, 1);
        assert_ne!(text, TRAIN_VAL, "{from} is not in the example");
        let mut result = read_prototxt(&text);
        if let Ok(network) = &result {
            result = network.resolve([3, 20, 20]).map(|_| network.clone());
        }
        let message = result.expect_err(to).to_string();
        for part in parts {
            assert!(message.contains(part), "{to}: {part} is not in: {message}");
        }
    }
}

#[test]
fn deep_nesting_is_refused() {
    let text = "a {".repeat(100_000);
    assert!(read_prototxt(&text).unwrap_err().to_string().contains("deeper"));
}

proptest! {
    #[test]
    fn damaged_texts_never_panic(at in 0..TRAIN_VAL.len(), length in 0..60_usize, insert in "[-0-9a-z\\[\\]{}<>:\",.\n ]{0,8}") {
        let end = (at + length).min(TRAIN_VAL.len());
        let text = format!("{}{insert}{}", &TRAIN_VAL[..at], &TRAIN_VAL[end..]);
        let _ = read_prototxt(&text);
        let _ = read_solver(&text);
    }
}

/// Caffe's own files, where they are at hand: `DEEPEYES_CAFFE_PROTOTXT`, or beside the project.
fn caffe_files() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/caffe_prototxt");
    let folder = std::env::var_os("DEEPEYES_CAFFE_PROTOTXT").map_or(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// Parameters and refusals that Caffe's files are known for; does nothing where they are not at hand.
#[test]
fn caffe_s_own_files_count_right() {
    let Some(folder) = caffe_files() else { return };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    for (name, input, parameters) in [
        ("examples/mnist/lenet_train_test.prototxt", [1, 28, 28], 431_080),
        ("examples/mnist/lenet.prototxt", [1, 28, 28], 431_080),
        ("models/bvlc_alexnet/train_val.prototxt", [3, 227, 227], 60_965_224),
        ("models/bvlc_alexnet/deploy.prototxt", [3, 227, 227], 60_965_224),
        ("models/bvlc_reference_caffenet/train_val.prototxt", [3, 227, 227], 60_965_224),
        ("models/bvlc_reference_caffenet/deploy.prototxt", [3, 227, 227], 60_965_224),
        ("models/bvlc_reference_rcnn_ilsvrc13/deploy.prototxt", [3, 227, 227], 60_965_224 - 800 * 4097),
        ("models/finetune_flickr_style/train_val.prototxt", [3, 227, 227], 60_965_224 - 980 * 4097),
        ("models/finetune_flickr_style/deploy.prototxt", [3, 227, 227], 60_965_224 - 980 * 4097),
        ("models/bvlc_googlenet/train_val.prototxt", [3, 224, 224], 6_998_552),
        ("models/bvlc_googlenet/deploy.prototxt", [3, 224, 224], 6_998_552),
        ("examples/cifar10/cifar10_quick_train_test.prototxt", [3, 32, 32], 145_578),
        ("examples/cifar10/cifar10_quick.prototxt", [3, 32, 32], 145_578),
        ("examples/cifar10/cifar10_full_train_test.prototxt", [3, 32, 32], 89_578),
        ("examples/cifar10/cifar10_full.prototxt", [3, 32, 32], 89_578),
        ("examples/cifar10/cifar10_full_sigmoid_train_test.prototxt", [3, 32, 32], 89_578),
        ("examples/cifar10/cifar10_full_sigmoid_train_test_bn.prototxt", [3, 32, 32], 89_578 - 128),
    ] {
        let network = read_prototxt(&read(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let graph = network.resolve(input).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(graph.parameters(), parameters, "{name}");
        assert_eq!(Network::from_toml(&network.to_toml()).unwrap(), network, "{name}");
    }
    if let Ok(text) = std::fs::read_to_string(folder.join("../pretrained/SqueezeNet_deploy.prototxt")) {
        let graph = read_prototxt(&text).unwrap().resolve([3, 227, 227]).unwrap();
        assert_eq!(graph.parameters(), 1_248_424);
    }
    let style = read_prototxt(&read("models/finetune_flickr_style/train_val.prototxt")).unwrap();
    assert!(style.notes.iter().any(|note| note.contains("imagenet_mean.binaryproto")), "{:?}", style.notes);
    let googlenet = read_prototxt(&read("models/bvlc_googlenet/train_val.prototxt")).unwrap();
    assert_eq!(
        googlenet.notes.iter().filter(|note| note.contains("auxiliary")).count(),
        2,
        "{:?}",
        googlenet.notes
    );
    for (name, reason) in [
        ("examples/siamese/mnist_siamese_train_test.prototxt", "Slice"),
        ("examples/mnist/mnist_autoencoder.prototxt", "SigmoidCrossEntropyLoss"),
    ] {
        let message = read_prototxt(&read(name)).unwrap_err().to_string();
        assert!(message.contains(reason) && message.starts_with("line "), "{name}: {message}");
    }
}

/// Every solver file of Caffe's reads, or is refused by the name of its solver.
#[test]
fn caffe_s_own_solvers_read() {
    let Some(folder) = caffe_files() else { return };
    let mut pending = vec![folder];
    let mut count = 0;
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                pending.push(path);
            } else if name.contains("solver") && name.ends_with(".prototxt") {
                count += 1;
                let result = read_solver(&std::fs::read_to_string(&path).unwrap());
                let refused = name.contains("adadelta") || name.contains("rmsprop");
                assert_eq!(result.is_err(), refused, "{name}: {result:?}");
            }
        }
    }
    assert!(count > 10, "only {count} solvers");
}
