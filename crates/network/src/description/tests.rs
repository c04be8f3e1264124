use proptest::prelude::*;

use crate::{
    BatchNorm, Conv2d, Dense, Filler, Layer, Lrn, LrnRegion, Network, Op, PRESETS, ParameterSpec, Policy,
    Pool, Preprocessing, Problem, Solver, SolverKind, VarianceNorm, preset,
};

const SMALL: &str = r#"
name = "small"
input = { channels = 1, height = 28, width = 28 }
[[layer]]
name = "conv1"
conv2d = { filters = 20, kernel = [5, 3], stride = 1, padding = 0, groups = 1, dilation = 1 }
[[layer]]
name = "relu1"
relu = {}
[[layer]]
name = "pool1"
max_pool = { kernel = 2, stride = 2 }
[[layer]]
name = "fc1"
dense = { units = 100 }
[[layer]]
name = "fc2"
dense = { units = 100 }
inputs = ["pool1"]
[[layer]]
name = "sum"
add = {}
inputs = ["fc1", "fc2"]
[solver]
type = "sgd"
lr = 0.01
momentum = 0.9
weight_decay = 0.0005
policy = { inv = { gamma = 0.0001, power = 0.75 } }
batch = 64
iterations = 2000
validate_every = 500
"#;

#[test]
fn reads_the_documented_example() {
    let network = Network::from_toml(SMALL).unwrap();
    assert_eq!(network.input, Some([1, 28, 28]));
    assert_eq!(network.layers[0].op, Op::Conv2d(Conv2d { kernel: [5, 3], ..Conv2d::new(20, 5) }));
    assert_eq!(network.layers[5].inputs, ["fc1", "fc2"]);
    let solver = Solver { policy: Policy::Inv { gamma: 0.0001, power: 0.75 }, ..Solver::default() };
    assert_eq!(network.solver, Some(solver));
    let graph = network.resolve([1, 28, 28]).unwrap();
    assert_eq!(graph.nodes[graph.output].name, "sum");
}

#[test]
fn presets_read_back_equal() {
    for info in PRESETS {
        let network = preset(info.name, 10).unwrap();
        assert_eq!(Network::from_toml(&network.to_toml()).unwrap(), network);
    }
}

/// What replaces what in the example, and what the message must hold.
#[test]
fn errors_name_line_layer_field_and_expectation() {
    let cases: [(&str, &str, &[&str]); 22] = [
        ("filters = 20", "filters = -20", &["line 6", "\"conv1\"", "\"filters\"", "whole number", "-20"]),
        ("filters = 20", "filters = 0", &["line 6", "\"conv1\"", "\"filters\"", "from 1", "found 0"]),
        (
            "filters = 20",
            "filters = 99999999999999999999",
            &["line 6", "\"filters\"", "99999999999999999999"],
        ),
        ("filters = 20, ", "", &["line 6", "\"conv1\"", "\"filters\"", "missing"]),
        ("kernel = [5, 3]", "kernal = 5", &["line 6", "\"conv1\"", "\"kernal\"", "did you mean \"kernel\""]),
        ("kernel = [5, 3]", "kernel = [5, 3, 1]", &["line 6", "\"kernel\"", "array of 3"]),
        ("kernel = [5, 3]", "kernel = 29", &["line 4", "\"conv1\"", "\"kernel\"", "29x29", "1x28x28"]),
        ("groups = 1", "groups = 3", &["line 4", "\"conv1\"", "\"groups\"", "3 groups"]),
        ("relu = {}", "rellu = {}", &["line 9", "\"relu1\"", "did you mean \"relu\""]),
        ("relu = {}", "relu = 3", &["line 9", "\"relu1\"", "table"]),
        ("relu = {}", "", &["line 7", "\"relu1\"", "one operation"]),
        ("relu = {}", "relu = {}\ngelu = {}", &["\"relu1\"", "one operation", "relu and gelu"]),
        ("name = \"relu1\"", "name = \"conv1\"", &["line 7", "\"conv1\"", "second layer"]),
        ("name = \"relu1\"", "name = \"data\"", &["line 7", "\"data\"", "network's input"]),
        ("inputs = [\"pool1\"]", "inputs = [\"pool\"]", &["\"fc2\"", "\"pool\"", "did you mean \"pool1\""]),
        ("inputs = [\"pool1\"]", "inputs = [\"sum\"]", &["circle", "fc2 -> sum -> fc2"]),
        (
            "inputs = [\"fc1\", \"fc2\"]",
            "inputs = [\"fc1\", \"fc2\", \"pool1\"]",
            &["\"sum\"", "100x1x1", "20x12x13"],
        ),
        ("inputs = [\"fc1\", \"fc2\"]", "inputs = [\"fc1\"]", &["\"sum\"", "two inputs", "1 inputs"]),
        ("lr = 0.01", "lr = \"fast\"", &["line 26", "\"lr\"", "a number", "\"fast\""]),
        ("policy = { inv", "policy = { inf", &["did you mean \"inv\""]),
        ("momentum = 0.9", "momentum = 1.5", &["\"momentum\"", "below 1", "1.5"]),
        ("type = \"sgd\"", "type = \"adam\"", &["\"momentum\"", "only with", "sgd"]),
    ];
    for (from, to, expected) in cases {
        let text = SMALL.replacen(from, to, 1);
        assert_ne!(text, SMALL, "{from} is not in the example");
        let message = Network::from_toml(&text).expect_err(to).to_string();
        for part in expected {
            assert!(message.contains(part), "{to}: {part} is not in: {message}");
        }
    }
}

#[test]
fn broken_texts_fail_with_a_line() {
    for text in ["name = ", "[[layer]\n", "a = [", "\u{0}", "layer = 3", "[[layer]]\nname = 3\nrelu = {}"] {
        assert!(Network::from_toml(text).unwrap_err().line.is_some(), "{text:?}");
    }
    assert!(matches!(*Network::from_toml("").unwrap_err().problem, Problem::Missing(_)));
    assert_eq!(*Network::from_toml("layer = []").unwrap_err().problem, Problem::Empty);
}

#[test]
fn huge_networks_are_refused_at_once() {
    let text = "input = { channels = 1, height = 16384, width = 16384 }\n[[layer]]\nname = \"a\"\n\
                conv2d = { filters = 1, kernel = 16383, padding = 16383 }\n";
    assert!(matches!(*Network::from_toml(text).unwrap_err().problem, Problem::TooLarge { .. }));
    let text = text.replace("filters = 1,", "filters = 1000000,").replace("16383", "3");
    assert!(matches!(*Network::from_toml(&text).unwrap_err().problem, Problem::TooLarge { .. }));
}

fn pair(from: usize) -> impl Strategy<Value = [usize; 2]> + Clone {
    [from..9, from..9]
}

fn op() -> impl Strategy<Value = Op> {
    let conv = (1..99_usize, pair(1), pair(1), pair(0), 1..9_usize, pair(1), any::<bool>()).prop_map(
        |(filters, kernel, stride, padding, groups, dilation, bias)| {
            Op::Conv2d(Conv2d { filters, kernel, stride, padding, groups, dilation, bias })
        },
    );
    let pool = (pair(5), pair(1), [0..5_usize, 0..5_usize], any::<bool>())
        .prop_map(|(kernel, stride, padding, ceil)| Pool { kernel, stride, padding, ceil });
    let lrn = (0..4_usize, -1e3..1e3_f64, any::<bool>()).prop_map(|(half, alpha, within)| {
        let region = if within { LrnRegion::WithinChannel } else { LrnRegion::AcrossChannels };
        Op::Lrn(Lrn { size: 2 * half + 1, alpha, region, ..Lrn::default() })
    });
    let norm = (1e-12..1.0_f64, 0.0..=1.0_f64, any::<bool>())
        .prop_map(|(eps, momentum, affine)| Op::BatchNorm(BatchNorm { eps, momentum, affine }));
    let simple = prop::sample::select(vec![
        Op::GlobalAvgPool,
        Op::GlobalMaxPool,
        Op::Relu,
        Op::Relu6,
        Op::Gelu,
        Op::Silu,
        Op::Sigmoid,
        Op::Tanh,
        Op::Hardswish,
        Op::Flatten,
        Op::Softmax,
    ]);
    prop_oneof![
        conv,
        pool.clone().prop_map(Op::MaxPool),
        pool.prop_map(Op::AvgPool),
        lrn,
        norm,
        simple,
        (1..99_usize, any::<bool>()).prop_map(|(units, bias)| Op::Dense(Dense { units, bias })),
        (-1.0..1.0_f64).prop_map(|slope| Op::LeakyRelu { slope }),
        (0.0..9.0_f64).prop_map(|alpha| Op::Elu { alpha }),
        (0.0..1.0_f64).prop_map(|rate| Op::Dropout { rate }),
    ]
}

fn parameter() -> impl Strategy<Value = ParameterSpec> {
    let norm = prop::sample::select(vec![VarianceNorm::FanIn, VarianceNorm::FanOut, VarianceNorm::Average]);
    let filler = prop_oneof![
        (-1e30..1e30_f64).prop_map(|value| Filler::Constant { value }),
        (-9.0..0.0_f64, 0.0..9.0_f64).prop_map(|(min, max)| Filler::Uniform { min, max }),
        (-9.0..9.0_f64, 0.0..9.0_f64).prop_map(|(mean, std)| Filler::Gaussian { mean, std }),
        norm.clone().prop_map(|norm| Filler::Xavier { norm }),
        norm.prop_map(|norm| Filler::Msra { norm }),
    ];
    (0.0..99.0_f64, 0.0..99.0_f64, prop::option::of(filler))
        .prop_map(|(lr_mult, decay_mult, filler)| ParameterSpec { lr_mult, decay_mult, filler })
}

fn policy() -> impl Strategy<Value = Policy> {
    let gamma = 1e-9..1.0_f64;
    prop_oneof![
        Just(Policy::Fixed),
        (gamma.clone(), 1..u64::MAX).prop_map(|(gamma, step)| Policy::Step { gamma, step }),
        (gamma.clone(), prop::collection::btree_set(any::<u64>(), 1..5))
            .prop_map(|(gamma, steps)| Policy::MultiStep { gamma, steps: steps.into_iter().collect() }),
        gamma.clone().prop_map(|gamma| Policy::Exp { gamma }),
        (gamma.clone(), -3.0..3.0_f64).prop_map(|(gamma, power)| Policy::Inv { gamma, power }),
        (0.0..3.0_f64).prop_map(|power| Policy::Poly { power }),
        (gamma, any::<u64>()).prop_map(|(gamma, step)| Policy::Sigmoid { gamma, step }),
    ]
}

fn solver() -> impl Strategy<Value = Solver> {
    let kind = prop_oneof![
        (0.0..1.0_f64).prop_map(|momentum| SolverKind::Sgd { momentum }),
        (0.0..1.0_f64, 0.0..1.0_f64, 1e-12..1.0_f64).prop_map(|(beta1, beta2, eps)| SolverKind::Adam {
            beta1,
            beta2,
            eps
        }),
    ];
    (
        kind,
        1e-9..9.0_f64,
        0.0..1.0_f64,
        policy(),
        1..9999_usize,
        1..u64::MAX,
        1..u64::MAX,
        any::<Option<u64>>(),
    )
        .prop_map(|(kind, lr, weight_decay, policy, batch, iterations, validate_every, seed)| Solver {
            kind,
            lr,
            weight_decay,
            policy,
            batch,
            iterations,
            validate_every,
            seed,
        })
}

fn network() -> impl Strategy<Value = Network> {
    let layer = (op(), parameter(), parameter(), any::<bool>());
    let preprocessing = (
        -9.0..9.0_f64,
        prop::collection::vec(0.0..255.0_f64, 0..4),
        any::<Option<String>>(),
        any::<Option<u32>>(),
    )
        .prop_map(|(scale, mean, mean_file, crop)| Preprocessing {
            scale,
            mean,
            mean_file,
            crop: crop.map(|crop| crop as usize),
            mirror: crop.is_some(),
            batch: crop.map(|crop| crop as usize + 1),
        });
    (
        any::<String>(),
        "[^\0]{0,6}",
        prop::collection::vec(layer, 1..8),
        prop::option::of(solver()),
        preprocessing,
        any::<Vec<String>>(),
    )
        .prop_map(|(name, prefix, layers, solver, preprocessing, notes)| {
            let mut network = Network { name, solver, preprocessing, notes, ..Network::default() };
            for (index, (op, weight, bias, explicit)) in layers.into_iter().enumerate() {
                let before = network.layers.last().map_or("data".to_owned(), |layer| layer.name.clone());
                let inputs = if explicit { vec![before] } else { Vec::new() };
                network.layers.push(Layer { name: format!("{prefix}{index}"), op, inputs, weight, bias });
            }
            network
        })
}

proptest! {
    #[test]
    fn what_is_written_reads_back_equal(network in network()) {
        let text = network.to_toml();
        match Network::from_toml(&text) {
            Ok(read) => prop_assert_eq!(read, network, "{}", text),
            Err(error) => prop_assert!(false, "{error}\n{text}"),
        }
    }

    /// Whatever is cut out of a description or put into it: an answer, never a panic.
    #[test]
    fn damaged_texts_never_panic(at in 0..SMALL.len(), length in 0..40_usize, insert in "[-0-9a-z\\[\\]{}=\",.\n ]{0,8}") {
        let end = (at + length).min(SMALL.len());
        let text = format!("{}{insert}{}", &SMALL[..at], &SMALL[end..]);
        let _ = Network::from_toml(&text);
    }
}
