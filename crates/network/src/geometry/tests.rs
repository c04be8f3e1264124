use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{Conv2d, Dense, Graph, Layer, Lrn, LrnRegion, Network, Pool, Source, preset};

/// The slow obvious version: for each position of each node, the set of input pixels that reach it.
fn pixels(graph: &Graph) -> Vec<Vec<BTreeSet<(i64, i64)>>> {
    let mut all: Vec<Vec<BTreeSet<(i64, i64)>>> = Vec::new();
    let input: Vec<BTreeSet<(i64, i64)>> =
        positions(graph.input).map(|pixel| BTreeSet::from([pixel])).collect();
    for node in &graph.nodes {
        let read: Vec<(&Vec<_>, Shape)> = node
            .inputs
            .iter()
            .map(|&source| match source {
                Source::Input => (&input, graph.input),
                Source::Node(index) => (&all[index], graph.nodes[index].output),
            })
            .collect();
        let (first, shape) = read[0];
        let seen = positions(node.output)
            .map(|position| match (&node.op, node.op.window(0), node.op.window(1)) {
                (Op::Dense(_) | Op::Flatten | Op::GlobalAvgPool | Op::GlobalMaxPool, ..) => {
                    first.iter().flatten().copied().collect()
                }
                (_, Some(vertical), Some(horizontal)) => taps(vertical, position.0)
                    .flat_map(|y| taps(horizontal, position.1).map(move |x| (y, x)))
                    .filter(|&(y, x)| y >= 0 && x >= 0 && y < shape.height as i64 && x < shape.width as i64)
                    .flat_map(|(y, x)| &first[y as usize * shape.width + x as usize])
                    .copied()
                    .collect(),
                _ => {
                    let place = position.0 as usize * shape.width + position.1 as usize;
                    read.iter().flat_map(|(input, _)| &input[place]).copied().collect()
                }
            })
            .collect();
        all.push(seen);
    }
    all
}

fn positions(shape: Shape) -> impl Iterator<Item = (i64, i64)> {
    (0..shape.height as i64).flat_map(move |y| (0..shape.width as i64).map(move |x| (y, x)))
}

fn taps(window: Window, position: i64) -> impl Iterator<Item = i64> {
    let start = position * window.stride as i64 - window.padding as i64;
    (0..window.taps as i64).map(move |tap| start + tap * window.dilation as i64)
}

/// First and last, per axis, of a set of pixels.
fn hull(pixels: &BTreeSet<(i64, i64)>) -> Option<[(i64, i64); 2]> {
    let axis =
        |of: fn(&(i64, i64)) -> i64| Some((pixels.iter().map(of).min()?, pixels.iter().map(of).max()?));
    Some([axis(|p| p.0)?, axis(|p| p.1)?])
}

fn field(name: &str, op: Op) -> Layer {
    Layer::new(name, op)
}

fn window_op() -> impl Strategy<Value = Op> {
    let conv = ([1..4_usize, 1..4_usize], [1..3_usize, 1..3_usize], 0..3_usize, 1..3_usize).prop_map(
        |(kernel, stride, padding, dilation)| {
            // Padding below the kernel, so that no position sees padding alone.
            let padding = kernel.map(|taps| padding.min(taps - 1));
            Op::Conv2d(Conv2d { kernel, stride, padding, dilation: [dilation; 2], ..Conv2d::new(1, 1) })
        },
    );
    let pool = (1..4_usize, 1..4_usize, any::<bool>())
        .prop_map(|(kernel, stride, ceil)| Op::MaxPool(Pool { ceil, ..Pool::new(kernel, stride) }));
    let lrn = Just(Op::Lrn(Lrn { size: 3, region: LrnRegion::WithinChannel, ..Lrn::default() }));
    prop_oneof![4 => conv, 2 => pool, 1 => lrn, 1 => Just(Op::Relu)]
}

/// Convolutions that keep the grid, so that branches of them can be added.
fn same_op() -> impl Strategy<Value = Op> {
    (0..3_usize, 0..3_usize).prop_map(|(vertical, horizontal)| {
        let (kernel, padding) = ([2 * vertical + 1, 2 * horizontal + 1], [vertical, horizontal]);
        Op::Conv2d(Conv2d { kernel, padding, ..Conv2d::new(1, 1) })
    })
}

/// A chain, then a branch around some layers, then a tail that sees the whole.
fn network() -> impl Strategy<Value = Network> {
    let chain = || prop::collection::vec(window_op(), 0..4);
    let branches = [prop::collection::vec(same_op(), 1..3), prop::collection::vec(same_op(), 1..3)];
    (chain(), branches, chain(), any::<bool>()).prop_map(|(stem, [left, right], body, shortcut)| {
        let mut layers = vec![field("start", Op::Relu)];
        let add_all = |prefix: &str, ops: Vec<Op>, first: Option<&str>, layers: &mut Vec<Layer>| {
            for (index, op) in ops.into_iter().enumerate() {
                let mut layer = field(&format!("{prefix}{index}"), op);
                if let (0, Some(first)) = (index, first) {
                    layer.inputs = vec![first.to_owned()];
                }
                layers.push(layer);
            }
            layers.last().map(|layer| layer.name.clone()).unwrap_or_default()
        };
        let split = add_all("stem", stem, None, &mut layers);
        let left = add_all("left", left, Some(&split), &mut layers);
        let right = add_all("right", right, Some(&split), &mut layers);
        let mut inputs = vec![left, right];
        if shortcut {
            inputs.push(split);
        }
        layers.push(Layer { inputs, ..field("sum", Op::Add) });
        add_all("body", body, None, &mut layers);
        layers.push(field("all", Op::Dense(Dense { units: 2, bias: true })));
        Network { layers, ..Network::default() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Against the brute force: the stated rectangle holds all pixels that reach a position, and along an axis where it
    /// lies within the input it is their hull; a dense layer's is the hull of everything, always.
    #[test]
    fn fields_are_what_reaches_a_position(network in network(), height in 1..15_usize, width in 1..15_usize) {
        let graph = network.resolve([1, height, width]);
        prop_assume!(graph.is_ok());
        let graph = graph.unwrap();
        let all = pixels(&graph);
        for (node, seen) in graph.nodes.iter().zip(&all) {
            for (position, pixels) in positions(node.output).zip(seen) {
                let rect = node.receptive_field.rect([position.0 as usize, position.1 as usize]);
                let Some(hull) = hull(pixels) else { continue };
                let stated = [(rect.y, rect.height, height), (rect.x, rect.width, width)];
                for ((first, last), (start, size, extent)) in hull.into_iter().zip(stated) {
                    let end = start + size as i64 - 1;
                    prop_assert!(start <= first && end >= last, "{} {position:?}: {rect:?}, {hull:?}", node.name);
                    if start >= 0 && end < extent as i64 {
                        prop_assert_eq!((start, end), (first, last), "{} {:?}", &node.name, position);
                    }
                    if node.name == "all" {
                        prop_assert_eq!((start, end), (first, last));
                    }
                }
            }
        }
    }
}

fn of(graph: &Graph, name: &str) -> ([usize; 2], [usize; 2], [i64; 2]) {
    let field = graph.nodes[graph.index(name).unwrap()].receptive_field;
    (field.size, field.stride, field.offset)
}

#[test]
fn lenet_s_fields() {
    let graph = preset("lenet", 10).unwrap().resolve([1, 28, 28]).unwrap();
    assert_eq!(of(&graph, "conv1"), ([5; 2], [1; 2], [0; 2]));
    assert_eq!(of(&graph, "conv2"), ([14; 2], [2; 2], [0; 2]));
    assert_eq!(of(&graph, "fc1"), ([28; 2], [1; 2], [0; 2]));
    assert_eq!(of(&graph, "fc2"), ([28; 2], [1; 2], [0; 2]));
}

/// The known fields of ResNet-18: 11 after the first pooling, 43 after stage 1, 435 at the end.
#[test]
fn resnet_s_fields() {
    let graph = preset("resnet18", 1000).unwrap().resolve([3, 224, 224]).unwrap();
    assert_eq!(of(&graph, "conv1"), ([7; 2], [2; 2], [-3; 2]));
    assert_eq!(of(&graph, "maxpool"), ([11; 2], [4; 2], [-5; 2]));
    assert_eq!(of(&graph, "layer1.1.relu2"), ([43; 2], [4; 2], [-21; 2]));
    assert_eq!(of(&graph, "layer4.1.relu2"), ([435; 2], [32; 2], [-217; 2]));
    assert_eq!(of(&graph, "fc"), ([224; 2], [1; 2], [0; 2]));
}

/// A grid that leaves pixels over: the dense layer sees only what the convolution covers.
#[test]
fn dense_layers_see_what_is_covered() {
    let conv = Op::Conv2d(Conv2d { stride: [4; 2], ..Conv2d::new(2, 3) });
    let layers = vec![field("conv", conv), field("fc", Op::Dense(Dense { units: 1, bias: true }))];
    let graph = Network { layers, ..Network::default() }.resolve([1, 10, 13]).unwrap();
    assert_eq!(of(&graph, "fc"), ([7, 11], [1; 2], [0; 2]));
}
