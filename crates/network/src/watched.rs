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

#[cfg(test)]
mod tests {
    use crate::{Graph, Network, preset};

    /// `layer -> observed`, with `*` for outputs.
    fn observed(graph: &Graph) -> Vec<String> {
        let name = |index: usize| graph.nodes[index].name.as_str();
        let line = |w: crate::Watched| {
            format!("{} -> {}{}", w.name, name(w.observed), if w.output { " *" } else { "" })
        };
        graph.watched().into_iter().map(line).collect()
    }

    #[test]
    fn lenet_s_convolutions_have_no_nonlinearity() {
        let graph = preset("lenet", 10).unwrap().resolve([1, 28, 28]).unwrap();
        assert_eq!(observed(&graph), ["conv1 -> conv1", "conv2 -> conv2", "fc1 -> relu1", "fc2 -> fc2 *"]);
        let watched = &graph.watched()[1];
        assert_eq!(
            (watched.kind, watched.filters, watched.grid, watched.parameters),
            ("conv2d", 50, [8, 8], 25_050)
        );
    }

    #[test]
    fn residual_blocks_are_observed_after_their_addition() {
        let graph = preset("resnet18", 10).unwrap().resolve([3, 64, 64]).unwrap();
        let observed = observed(&graph);
        for expected in [
            "conv1 -> relu",
            "layer1.0.conv1 -> layer1.0.relu1",
            "layer1.0.conv2 -> layer1.0.relu2",
            "layer2.0.downsample.0 -> layer2.0.relu2",
            "fc -> fc *",
        ] {
            assert!(observed.iter().any(|line| line == expected), "{expected} is not in {observed:?}");
        }
    }

    #[test]
    fn pooling_and_second_readers_end_the_search() {
        let text = "[[layer]]\nname = \"a\"\nconv2d = { filters = 2, kernel = 1 }\n\
                    [[layer]]\nname = \"pool\"\nmax_pool = { kernel = 2 }\n[[layer]]\nname = \"relu\"\nrelu = {}\n\
                    [[layer]]\nname = \"b\"\nconv2d = { filters = 2, kernel = 1 }\n\
                    [[layer]]\nname = \"norm\"\nbatch_norm = {}\n[[layer]]\nname = \"left\"\nrelu = {}\n\
                    [[layer]]\nname = \"right\"\ntanh = {}\ninputs = [\"norm\"]\n\
                    [[layer]]\nname = \"both\"\nconcat = {}\ninputs = [\"left\", \"right\"]\n\
                    [[layer]]\nname = \"c\"\nconv2d = { filters = 3, kernel = 1 }\n\
                    [[layer]]\nname = \"crelu\"\nrelu = {}\n[[layer]]\nname = \"mean\"\nglobal_avg_pool = {}\n\
                    [[layer]]\nname = \"softmax\"\nsoftmax = {}\n";
        let graph = Network::from_toml(text).unwrap().resolve([1, 4, 4]).unwrap();
        assert_eq!(observed(&graph), ["a -> a", "b -> norm", "c -> crelu *"]);
    }
}
