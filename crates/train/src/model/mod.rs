//! A network as a program on tensors, built from its description when a training starts.
//!
//! Everything between layers is `[n, channels, height, width]`, vectors are `[n, channels, 1, 1]`, and parameters lie in
//! plain lists beside the program, so that shards, optimizers, checkpoints and weight files all handle them alike.

mod apply;
mod cpu;
mod dropout;
mod fill;
mod norm;
#[cfg(test)]
mod reference;
mod slots;
#[cfg(test)]
mod tests;

pub(crate) use norm::BatchStatistics;
pub(crate) use slots::{BufferSlot, ParameterSlot, padded};

use burn::tensor::Tensor;
use deepeyes_network::{Graph, Network, Op, Source};
use slots::Slots;

#[derive(Debug)]
struct Node {
    name: String,
    op: Op,
    inputs: Vec<Source>,
    slots: Slots,
    /// Whether it stays as it is: a batch norm then keeps its running statistics, and uses them.
    frozen: bool,
}

/// A network ready to compute.
#[derive(Debug)]
pub(crate) struct Model {
    nodes: Vec<Node>,
    /// Trainable parameters, in the network's order.
    pub(crate) parameters: Vec<ParameterSlot>,
    /// Running means and variances, in the network's order.
    pub(crate) buffers: Vec<BufferSlot>,
    /// The node whose output is compared with labels.
    logits: usize,
}

/// The numbers that a model computes with, in the order of its slots.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    /// Each parameter, padded to four axes.
    pub(crate) parameters: Vec<Tensor<4>>,
    /// Each buffer, `[channels]`.
    pub(crate) buffers: Vec<Tensor<1>>,
}

/// How a forward pass is run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    /// With the mini-batch's own statistics and with dropout.
    Train {
        /// The training's seed.
        seed: u64,
        /// Position of the first input in the run's stream of inputs.
        place: u64,
    },
    /// With running statistics and without dropout.
    Evaluate,
}

/// What a forward pass gives.
#[derive(Debug)]
pub(crate) struct Pass {
    /// `[n, classes, 1, 1]`.
    pub(crate) logits: Tensor<4>,
    /// The output of each node that was asked for, in the asked order.
    pub(crate) kept: Vec<Tensor<4>>,
    /// The mini-batch's statistics at each batch norm; empty when evaluating.
    pub(crate) statistics: Vec<BatchStatistics>,
}

impl Model {
    /// The program of a network and its resolved graph. A softmax at its end is left to the loss.
    pub(crate) fn new(network: &Network, graph: &Graph) -> Self {
        let (mut parameters, mut buffers) = (vec![], vec![]);
        let nodes: Vec<Node> = graph
            .nodes
            .iter()
            .map(|node| {
                let shapes = [graph.shape(node.inputs[0]), node.output];
                let slots = Slots::claim(&network.layers[node.layer], shapes, &mut parameters, &mut buffers);
                let (name, op, inputs) = (node.name.clone(), node.op.clone(), node.inputs.clone());
                Node { name, op, inputs, slots, frozen: false }
            })
            .collect();
        let logits = match (&nodes[graph.output].op, nodes[graph.output].inputs.first()) {
            (Op::Softmax, Some(&Source::Node(before))) => before,
            _ => graph.output,
        };
        Self { nodes, parameters, buffers, logits }
    }

    /// Names of the layers that have something to learn or to keep.
    pub(crate) fn learners(&self) -> impl Iterator<Item = &str> {
        let has_any = |node: &&Node| node.slots.weight.is_some() || node.slots.running.is_some();
        self.nodes.iter().filter(has_any).map(|node| node.name.as_str())
    }

    /// Keeps the layers of these names as they are.
    pub(crate) fn freeze(&mut self, names: &[String]) {
        self.nodes.iter_mut().for_each(|node| node.frozen = names.contains(&node.name));
    }

    /// Whether each parameter learns: not those of a frozen layer, nor those with a learning rate factor of 0.
    pub(crate) fn learns(&self) -> Vec<bool> {
        let frozen = |layer: &str| self.nodes.iter().any(|node| node.frozen && node.name == layer);
        self.parameters.iter().map(|slot| slot.lr_mult != 0.0 && !frozen(&slot.layer)).collect()
    }

    /// Index of the node whose output is compared with labels.
    pub(crate) fn logits(&self) -> usize {
        self.logits
    }

    /// Whether a mini-batch is normalised by its own statistics, so that it must not be cut into shards.
    pub(crate) fn normalises_batches(&self) -> bool {
        !self.buffers.is_empty()
    }

    /// Runs `x` `[n, channels, height, width]` through the network, and keeps the outputs of the nodes `keep`.
    pub(crate) fn forward(&self, x: &Tensor<4>, values: &Values, mode: Mode, keep: &[usize]) -> Pass {
        let mut uses = self.uses(keep);
        let mut outputs: Vec<Option<Tensor<4>>> = vec![None; self.nodes.len()];
        let mut statistics = vec![];
        for (at, node) in self.nodes.iter().enumerate() {
            if uses[at] == 0 {
                continue;
            }
            let inputs: Vec<Tensor<4>> = node
                .inputs
                .iter()
                .map(|&source| match source {
                    Source::Input => x.clone(),
                    Source::Node(from) => take(&mut outputs[from], &mut uses[from]),
                })
                .collect();
            outputs[at] = Some(self.compute(at, inputs, values, mode, &mut statistics));
        }
        let kept = keep.iter().map(|&node| take(&mut outputs[node], &mut uses[node])).collect();
        let logits = take(&mut outputs[self.logits], &mut uses[self.logits]);
        Pass { logits, kept, statistics }
    }

    /// How often each node's output is read; 0 where it does not matter for the answer.
    fn uses(&self, keep: &[usize]) -> Vec<usize> {
        let mut uses = vec![0; self.nodes.len()];
        uses[self.logits] += 1;
        keep.iter().for_each(|&node| uses[node] += 1);
        for at in (0..self.nodes.len()).rev() {
            if uses[at] > 0 {
                for &source in &self.nodes[at].inputs {
                    if let Source::Node(from) = source {
                        uses[from] += 1;
                    }
                }
            }
        }
        uses
    }

    fn compute(
        &self,
        at: usize,
        mut inputs: Vec<Tensor<4>>,
        values: &Values,
        mode: Mode,
        statistics: &mut Vec<BatchStatistics>,
    ) -> Tensor<4> {
        let Node { op, slots, frozen, .. } = &self.nodes[at];
        let vector = |slot: usize| {
            let value = values.parameters[slot].clone();
            let [length, ..] = value.dims();
            value.reshape([length])
        };
        let x = match op {
            Op::Concat => return Tensor::cat(inputs, 1),
            Op::Add => return inputs.into_iter().reduce(|sum, x| sum + x).expect("an add has inputs"),
            _ => inputs.swap_remove(0),
        };
        let weight = || values.parameters[slots.weight.expect("a layer with filters has weights")].clone();
        match op {
            Op::Conv2d(conv) => apply::convolution(x, weight(), slots.bias.map(vector), conv),
            Op::Dense(_) => apply::dense(x, weight(), slots.bias.map(vector)),
            Op::Dropout { rate } => match mode {
                Mode::Train { seed, place } => dropout::dropout(x, *rate, seed, at, place),
                Mode::Evaluate => x,
            },
            Op::BatchNorm(settings) => {
                let [mean, variance] = slots.running.expect("a batch norm has running statistics");
                let [mean, variance] = [mean, variance].map(|slot| values.buffers[slot].clone());
                let gamma = slots.weight.map_or_else(|| variance.ones_like(), vector);
                let beta = slots.bias.map_or_else(|| mean.zeros_like(), vector);
                match mode {
                    Mode::Train { .. } if !frozen => {
                        let slots = slots.running.expect("a batch norm has running statistics");
                        let (out, batch) = norm::batch_training(x, gamma, beta, settings, slots);
                        statistics.push(batch);
                        out
                    }
                    _ => norm::batch_evaluation(x, gamma, beta, mean, variance, settings.eps),
                }
            }
            other => apply::plain(other, x).expect("every operation is handled here or there"),
        }
    }
}

fn take(output: &mut Option<Tensor<4>>, uses: &mut usize) -> Tensor<4> {
    *uses -= 1;
    let output = if *uses == 0 { output.take() } else { output.clone() };
    output.expect("a node's output lives until its last use")
}
