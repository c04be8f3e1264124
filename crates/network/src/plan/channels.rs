//! Which channels of a network are one and the same, or have to go together.

use std::rc::Rc;

use crate::error::NetworkError;
use crate::shape::too_large;
use crate::{Graph, Op, Source};

/// Channels of all layers, and values that dense layers read, together that are followed.
const MAX_CHANNELS: usize = 1 << 26;

/// For each node its output's channels, by number; numbers that are tied have one root.
pub(super) struct Channels {
    parent: Vec<u32>,
    input: Rc<[u32]>,
    of_node: Vec<Rc<[u32]>>,
}

impl Channels {
    pub(super) fn new(graph: &Graph) -> Result<Self, NetworkError> {
        let counts = graph.nodes.iter().map(|node| match node.op {
            Op::Dense(_) => node.output.channels.saturating_add(graph.shape(node.inputs[0]).values()),
            _ => node.output.channels,
        });
        let total = counts.fold(graph.input.channels, usize::saturating_add);
        if total > MAX_CHANNELS {
            return Err(too_large("the number of channels of all layers", MAX_CHANNELS as u64));
        }
        let mut channels = Channels { parent: Vec::new(), input: Rc::new([]), of_node: Vec::new() };
        channels.input = channels.fresh(graph.input.channels);
        for node in &graph.nodes {
            let inputs: Vec<Rc<[u32]>> = node.inputs.iter().map(|&source| channels.of(source)).collect();
            let output = channels.after(&node.op, &inputs, node.output.channels);
            channels.of_node.push(output);
        }
        Ok(channels)
    }

    fn fresh(&mut self, count: usize) -> Rc<[u32]> {
        let first = self.parent.len() as u32;
        self.parent.extend(first..first + count as u32);
        (first..first + count as u32).collect()
    }

    /// The channels that a source puts out; a flattened map repeats each channel's number for all of its values.
    pub(super) fn of(&self, source: Source) -> Rc<[u32]> {
        match source {
            Source::Input => self.input.clone(),
            Source::Node(index) => self.of_node[index].clone(),
        }
    }

    fn after(&mut self, op: &Op, inputs: &[Rc<[u32]>], count: usize) -> Rc<[u32]> {
        let input = &inputs[0];
        match op {
            Op::Conv2d(conv) => {
                let filters = self.fresh(count);
                if is_depthwise(conv.groups, input.len()) {
                    let multiplier = count / input.len();
                    for (filter, &number) in filters.iter().enumerate() {
                        self.tie(number, input[filter / multiplier]);
                    }
                }
                filters
            }
            Op::Dense(_) => self.fresh(count),
            Op::Flatten => {
                let values = count / input.len();
                input.iter().flat_map(|&number| std::iter::repeat_n(number, values)).collect()
            }
            Op::Add => {
                for other in &inputs[1..] {
                    for (&a, &b) in input.iter().zip(other.iter()) {
                        self.tie(a, b);
                    }
                }
                input.clone()
            }
            Op::Concat => inputs.iter().flat_map(|input| input.iter().copied()).collect(),
            _ => input.clone(),
        }
    }

    /// What stands for a channel and all that are tied to it.
    pub(super) fn root(&self, mut number: u32) -> u32 {
        while self.parent[number as usize] != number {
            number = self.parent[number as usize];
        }
        number
    }

    /// Ties two channels; the smaller root stands for both, paths are halved on the way.
    fn tie(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root_halving(a), self.root_halving(b));
        self.parent[a.max(b) as usize] = a.min(b);
    }

    fn root_halving(&mut self, mut number: u32) -> u32 {
        while self.parent[number as usize] != number {
            let grandparent = self.parent[self.parent[number as usize] as usize];
            self.parent[number as usize] = grandparent;
            number = grandparent;
        }
        number
    }

    pub(super) fn roots(&self, source: Source) -> Vec<u32> {
        self.of(source).iter().map(|&number| self.root(number)).collect()
    }
}

/// Whether a convolution treats each of its input channels by itself. With one input channel it is an ordinary one.
pub(super) fn is_depthwise(groups: usize, input_channels: usize) -> bool {
    groups > 1 && groups == input_channels
}
