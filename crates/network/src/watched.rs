//! Which layers are watched, and where their activation vectors are read.

use crate::{Graph, Op, ReceptiveField, Source};

/// A layer with filters, as it is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// The layer's own module: index in [`Graph::nodes`]. What it reads is the neuronal receptive field.
    pub node: usize,
    /// The node whose output is the activation vector: after batch norm, residual add and the first nonlinearity that
    /// belong to the layer; equal to `node` where nothing does.
    pub observed: usize,
    /// The layer's name.
    pub name: String,
    /// `conv2d` or `dense`.
    pub kind: &'static str,
    /// Output channels or units.
    pub filters: usize,
    /// Height and width of the output grid; `[1, 1]` for a dense layer.
    pub grid: [usize; 2],
    /// What a position of the observed node sees.
    pub receptive_field: ReceptiveField,
    /// Trainable parameters of the own module (not of the batch norm that follows).
    pub parameters: u64,
    /// Whether it is the network's last layer with filters: the classifier's output.
    pub output: bool,
}

impl Graph {
    /// The convolutions and dense layers, in order.
    pub fn watched(&self) -> Vec<Watched> {
        let readers = self.readers();
        let outputs = self.output_layers();
        let with_filters = self.nodes.iter().enumerate().filter(|(_, node)| node.op.has_filters());
        with_filters
            .map(|(index, node)| {
                let observed = self.observed(index, &readers);
                Watched {
                    node: index,
                    observed,
                    name: node.name.clone(),
                    kind: node.op.kind(),
                    filters: node.output.channels,
                    grid: node.output.grid(),
                    receptive_field: self.nodes[observed].receptive_field,
                    parameters: node.parameters,
                    output: outputs.contains(&index),
                }
            })
            .collect()
    }

    /// Follows batch norms and residual adds up to and with the first nonlinearity. Stops before anything else, and
    /// where a value is read twice: what comes after then belongs to one reader only.
    fn observed(&self, node: usize, readers: &[Vec<usize>]) -> usize {
        let mut observed = node;
        while let [next] = readers[observed][..] {
            let op = &self.nodes[next].op;
            if op.is_nonlinearity() {
                return next;
            }
            if !matches!(op, Op::BatchNorm(_) | Op::Add) {
                break;
            }
            observed = next;
        }
        observed
    }

    /// The last nodes with filters before the network's output: one, unless branches join after them.
    fn output_layers(&self) -> Vec<usize> {
        let mut found = Vec::new();
        let mut visited = vec![false; self.nodes.len()];
        let mut pending = vec![self.output];
        while let Some(index) = pending.pop() {
            if std::mem::replace(&mut visited[index], true) {
                continue;
            }
            if self.nodes[index].op.has_filters() {
                found.push(index);
                continue;
            }
            pending.extend(self.nodes[index].inputs.iter().filter_map(|source| match source {
                Source::Input => None,
                Source::Node(index) => Some(*index),
            }));
        }
        found
    }
}
