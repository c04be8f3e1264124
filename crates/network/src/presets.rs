//! Networks that come with the program, each with a solver that trains it from scratch.

use crate::{
    BatchNorm, Conv2d, Dense, Filler, Layer, Lrn, Network, Op, ParameterSpec, Policy, Pool, Preprocessing,
    Solver, SolverKind, VarianceNorm,
};

/// A preset's name and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresetInfo {
    /// The name that [`preset`] takes.
    pub name: &'static str,
    /// One line for a list.
    pub description: &'static str,
}

/// All presets.
pub const PRESETS: [PresetInfo; 5] = [
    PresetInfo { name: "lenet", description: "Caffe's LeNet: convolutions 20-50, dense 500-N" },
    PresetInfo {
        name: "alexnet",
        description: "Caffe's AlexNet: grouped convolutions 96-256-384-384-256, dense 4096-4096-N",
    },
    PresetInfo {
        name: "mitosis",
        description: "small and padded: convolutions 8-16-16-32, each ReLU and pooling, dense 100-N",
    },
    PresetInfo {
        name: "vgg11",
        description: "VGG-11 as torchvision's: eight convolutions 64 to 512, dense 4096-4096-N",
    },
    PresetInfo {
        name: "resnet18",
        description: "ResNet-18 as torchvision's: residual blocks 64-128-256-512, dense N",
    },
];

/// The preset of that name for a number of classes; `None` for a name that is not in [`PRESETS`].
///
/// Inputs are left open. `vgg11` leaves out torchvision's adaptive pooling to 7x7, which does nothing for inputs of
/// 224x224: other inputs give its first dense layer another size instead.
pub fn preset(name: &str, classes: usize) -> Option<Network> {
    let (layers, solver, scale) = match name {
        "lenet" => lenet(classes),
        "alexnet" => alexnet(classes),
        "mitosis" => mitosis(classes),
        "vgg11" => vgg11(classes),
        "resnet18" => resnet18(classes),
        _ => return None,
    };
    let preprocessing = Preprocessing { scale, ..Preprocessing::default() };
    Some(Network { name: name.to_owned(), layers, solver: Some(solver), preprocessing, ..Network::default() })
}

type Parts = (Vec<Layer>, Solver, f64);

const CONSTANT_0: Filler = Filler::Constant { value: 0.0 };

/// Caffe's factor for MNIST.
const PER_256: f64 = 0.00390625;
/// Pixels to [0, 1].
const PER_255: f64 = 1.0 / 255.0;

fn sgd(lr: f64, weight_decay: f64, policy: Policy, batch: usize, iterations: u64) -> Solver {
    let kind = SolverKind::Sgd { momentum: 0.9 };
    Solver { kind, lr, weight_decay, policy, batch, iterations, ..Solver::default() }
}

fn parameters(lr_mult: f64, decay_mult: f64, filler: Filler) -> ParameterSpec {
    ParameterSpec { lr_mult, decay_mult, filler: Some(filler) }
}

fn gaussian(std: f64) -> Filler {
    Filler::Gaussian { mean: 0.0, std }
}

/// `[name]` with given fillers for weight and bias.
fn filled(name: &str, op: Op, weight: ParameterSpec, bias: ParameterSpec) -> Layer {
    Layer { weight, bias, ..Layer::new(name, op) }
}

fn dense(units: usize) -> Op {
    Op::Dense(Dense { units, bias: true })
}

fn caffe_pool(kernel: usize, stride: usize) -> Op {
    Op::MaxPool(Pool { ceil: true, ..Pool::new(kernel, stride) })
}

fn lenet(classes: usize) -> Parts {
    let xavier = Filler::Xavier { norm: VarianceNorm::FanIn };
    let layer = |name, op| filled(name, op, parameters(1.0, 1.0, xavier), parameters(2.0, 1.0, CONSTANT_0));
    let layers = vec![
        layer("conv1", Op::Conv2d(Conv2d::new(20, 5))),
        Layer::new("pool1", caffe_pool(2, 2)),
        layer("conv2", Op::Conv2d(Conv2d::new(50, 5))),
        Layer::new("pool2", caffe_pool(2, 2)),
        layer("fc1", dense(500)),
        Layer::new("relu1", Op::Relu),
        layer("fc2", dense(classes)),
    ];
    let solver = sgd(0.01, 0.0005, Policy::Inv { gamma: 0.0001, power: 0.75 }, 64, 2000);
    (layers, solver, PER_256)
}

fn alexnet(classes: usize) -> Parts {
    let layer = |name: &str, op, std, bias| {
        filled(
            name,
            op,
            parameters(1.0, 1.0, gaussian(std)),
            parameters(2.0, 0.0, Filler::Constant { value: bias }),
        )
    };
    let conv = |filters, kernel, padding, groups| {
        Op::Conv2d(Conv2d { padding: [padding; 2], groups, ..Conv2d::new(filters, kernel) })
    };
    let norm = |name| Layer::new(name, Op::Lrn(Lrn { alpha: 1e-4, ..Lrn::default() }));
    let relu = |name| Layer::new(name, Op::Relu);
    let pool = |name| Layer::new(name, caffe_pool(3, 2));
    let drop = |name| Layer::new(name, Op::Dropout { rate: 0.5 });
    let first = Op::Conv2d(Conv2d { stride: [4; 2], ..Conv2d::new(96, 11) });
    let layers = vec![
        layer("conv1", first, 0.01, 0.0),
        relu("relu1"),
        norm("norm1"),
        pool("pool1"),
        layer("conv2", conv(256, 5, 2, 2), 0.01, 0.1),
        relu("relu2"),
        norm("norm2"),
        pool("pool2"),
        layer("conv3", conv(384, 3, 1, 1), 0.01, 0.0),
        relu("relu3"),
        layer("conv4", conv(384, 3, 1, 2), 0.01, 0.1),
        relu("relu4"),
        layer("conv5", conv(256, 3, 1, 2), 0.01, 0.1),
        relu("relu5"),
        pool("pool5"),
        layer("fc6", dense(4096), 0.005, 0.1),
        relu("relu6"),
        drop("drop6"),
        layer("fc7", dense(4096), 0.005, 0.1),
        relu("relu7"),
        drop("drop7"),
        layer("fc8", dense(classes), 0.01, 0.0),
    ];
    let solver = sgd(0.01, 0.0005, Policy::Step { gamma: 0.1, step: 8000 }, 128, 20_000);
    (layers, solver, 1.0)
}

fn mitosis(classes: usize) -> Parts {
    let mut layers = Vec::new();
    for (index, filters) in [8, 16, 16, 32].into_iter().enumerate() {
        let number = index + 1;
        let conv = Conv2d { padding: [1; 2], ..Conv2d::new(filters, 3) };
        layers.push(Layer::new(format!("conv{number}"), Op::Conv2d(conv)));
        layers.push(Layer::new(format!("relu{number}"), Op::Relu));
        layers.push(Layer::new(format!("pool{number}"), Op::MaxPool(Pool::new(2, 2))));
    }
    layers.push(Layer::new("fc1", dense(100)));
    layers.push(Layer::new("relu5", Op::Relu));
    layers.push(Layer::new("fc2", dense(classes)));
    (layers, sgd(0.01, 0.0005, Policy::Poly { power: 1.0 }, 64, 3000), PER_255)
}

fn vgg11(classes: usize) -> Parts {
    let he = Filler::Msra { norm: VarianceNorm::FanOut };
    let bias = parameters(1.0, 1.0, CONSTANT_0);
    let mut layers = Vec::new();
    for (stage, convolutions) in
        [&[64][..], &[128], &[256, 256], &[512, 512], &[512, 512]].into_iter().enumerate()
    {
        for (index, &filters) in convolutions.iter().enumerate() {
            let suffix = format!("{}_{}", stage + 1, index + 1);
            let conv = Conv2d { padding: [1; 2], ..Conv2d::new(filters, 3) };
            layers.push(filled(&format!("conv{suffix}"), Op::Conv2d(conv), parameters(1.0, 1.0, he), bias));
            layers.push(Layer::new(format!("relu{suffix}"), Op::Relu));
        }
        layers.push(Layer::new(format!("pool{}", stage + 1), Op::MaxPool(Pool::new(2, 2))));
    }
    for number in [6, 7] {
        let weight = parameters(1.0, 1.0, gaussian(0.01));
        layers.push(filled(&format!("fc{number}"), dense(4096), weight, bias));
        layers.push(Layer::new(format!("relu{number}"), Op::Relu));
        layers.push(Layer::new(format!("drop{number}"), Op::Dropout { rate: 0.5 }));
    }
    layers.push(filled("fc8", dense(classes), parameters(1.0, 1.0, gaussian(0.01)), bias));
    (layers, sgd(0.01, 0.0005, Policy::Poly { power: 1.0 }, 64, 20_000), PER_255)
}

fn resnet18(classes: usize) -> Parts {
    let mut layers = vec![
        conv_without_bias("conv1", 64, 7, 2, 3),
        Layer::new("bn1", Op::BatchNorm(BatchNorm::default())),
        Layer::new("relu", Op::Relu),
        Layer::new("maxpool", Op::MaxPool(Pool { padding: [1; 2], ..Pool::new(3, 2) })),
    ];
    let mut before = "maxpool".to_owned();
    for (stage, filters) in [64, 128, 256, 512].into_iter().enumerate() {
        for block in 0..2 {
            let prefix = format!("layer{}.{block}", stage + 1);
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            before = residual_block(&mut layers, &prefix, &before, filters, stride);
        }
    }
    layers.push(Layer::new("avgpool", Op::GlobalAvgPool));
    let bound = 1.0 / 512.0_f64.sqrt();
    let uniform = parameters(1.0, 1.0, Filler::Uniform { min: -bound, max: bound });
    layers.push(filled("fc", dense(classes), uniform, uniform));
    (layers, sgd(0.05, 0.0001, Policy::Poly { power: 1.0 }, 64, 20_000), PER_255)
}

/// Two 3x3 convolutions around a shortcut; returns the name of the block's last layer.
fn residual_block(
    layers: &mut Vec<Layer>,
    prefix: &str,
    before: &str,
    filters: usize,
    stride: usize,
) -> String {
    let name = |part: &str| format!("{prefix}.{part}");
    let norm = |part: &str| Layer::new(name(part), Op::BatchNorm(BatchNorm::default()));
    let reading = |layer: Layer| Layer { inputs: vec![before.to_owned()], ..layer };
    layers.push(reading(conv_without_bias(&name("conv1"), filters, 3, stride, 1)));
    layers.push(norm("bn1"));
    layers.push(Layer::new(name("relu1"), Op::Relu));
    layers.push(conv_without_bias(&name("conv2"), filters, 3, 1, 1));
    layers.push(norm("bn2"));
    let mut shortcut = before.to_owned();
    if stride > 1 {
        layers.push(reading(conv_without_bias(&name("downsample.0"), filters, 1, stride, 0)));
        layers.push(norm("downsample.1"));
        shortcut = name("downsample.1");
    }
    layers.push(Layer { inputs: vec![name("bn2"), shortcut], ..Layer::new(name("add"), Op::Add) });
    layers.push(Layer::new(name("relu2"), Op::Relu));
    name("relu2")
}

fn conv_without_bias(name: &str, filters: usize, kernel: usize, stride: usize, padding: usize) -> Layer {
    let conv =
        Conv2d { stride: [stride; 2], padding: [padding; 2], bias: false, ..Conv2d::new(filters, kernel) };
    let weight = parameters(1.0, 1.0, Filler::Msra { norm: VarianceNorm::FanOut });
    Layer { weight, ..Layer::new(name, Op::Conv2d(conv)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(name: &str, classes: usize, input: [usize; 3]) -> (u64, u64) {
        let graph = preset(name, classes).unwrap().resolve(input).unwrap();
        (graph.parameters(), graph.multiply_adds())
    }

    /// Parameters as Caffe and torchvision count them; multiply-adds as published for the torchvision models
    /// (7.609 G and 1.814 G), and by hand for LeNet.
    #[test]
    fn counts_are_the_published_ones() {
        assert_eq!(counts("lenet", 10, [1, 28, 28]), (431_080, 288_000 + 1_600_000 + 400_000 + 5000));
        assert_eq!(counts("alexnet", 1000, [3, 227, 227]).0, 60_965_224);
        assert_eq!(counts("vgg11", 1000, [3, 224, 224]), (132_863_336, 7_609_090_048));
        assert_eq!(counts("resnet18", 1000, [3, 224, 224]), (11_689_512, 1_814_073_344));
        assert_eq!(counts("mitosis", 2, [3, 40, 40]).0, 224 + 1168 + 2320 + 4640 + 12_900 + 202);
    }

    #[test]
    fn all_are_listed_and_have_usable_solvers() {
        for info in PRESETS {
            let network = preset(info.name, 7).unwrap();
            network.check().unwrap();
            network.solver.unwrap().check().unwrap();
        }
        assert_eq!(preset("lenet5", 10), None);
    }
}
