//! The actions that take filters out.

use std::collections::{BTreeMap, BTreeSet};

use super::channels::{Channels, is_depthwise};
use super::{Action, ActionKind, Kept};
use crate::error::NetworkError;
use crate::{Conv2d, Graph, Network, Op, Source};

/// The network without the filters that the actions take out, and the channels that each layer keeps.
pub(super) fn shrink(
    network: &Network,
    graph: &Graph,
    actions: &[Action],
) -> Result<(Network, BTreeMap<String, Kept>), NetworkError> {
    let mut shrinking = Shrinking::new(graph)?;
    for action in actions {
        match action.kind {
            ActionKind::RemoveFilters => {
                shrinking.remove(action, action.filters.as_deref().unwrap_or_default())?;
            }
            ActionKind::MergeFilters => {
                shrinking
                    .remove(action, action.filters.as_deref().and_then(|f| f.get(1..)).unwrap_or_default())?;
            }
            _ => {}
        }
    }
    for action in actions.iter().filter(|action| action.kind == ActionKind::ResizeLayer) {
        shrinking.resize(action)?;
    }
    shrinking.finish(network)
}

struct Shrinking<'a> {
    graph: &'a Graph,
    channels: Channels,
    /// Roots of channels that have to stay, and why.
    protected: BTreeMap<u32, &'static str>,
    /// Roots of channels that go, and the action that takes each.
    removed: BTreeMap<u32, Action>,
}

impl<'a> Shrinking<'a> {
    fn new(graph: &'a Graph) -> Result<Self, NetworkError> {
        let channels = Channels::new(graph)?;
        let mut protected = BTreeMap::new();
        for watched in graph.watched().iter().filter(|watched| watched.output) {
            let roots = channels.roots(Source::Node(watched.node));
            protected
                .extend(roots.into_iter().map(|root| (root, "the classifier's output, one for each class")));
        }
        let roots = channels.roots(Source::Input);
        protected.extend(roots.into_iter().map(|root| (root, "the network's input")));
        Ok(Shrinking { graph, channels, protected, removed: BTreeMap::new() })
    }

    fn remove(&mut self, action: &Action, filters: &[usize]) -> Result<(), NetworkError> {
        let roots = self.channels.roots(Source::Node(action.node(self.graph)?));
        for &filter in filters {
            if let Some(reason) = self.protected.get(&roots[filter]) {
                return Err(action.refused(format!("filter {filter} belongs to {reason}")));
            }
            self.removed.entry(roots[filter]).or_insert_with(|| action.clone());
        }
        Ok(())
    }

    /// Takes filters out until `size` are left: all but the named ones, else from the end of each group in turn.
    fn resize(&mut self, action: &Action) -> Result<(), NetworkError> {
        let node = action.node(self.graph)?;
        let (Some(size), roots) = (action.size, self.channels.roots(Source::Node(node))) else {
            return Ok(());
        };
        let left =
            |removed: &BTreeMap<u32, Action>| roots.iter().filter(|root| !removed.contains_key(root)).count();
        if size >= left(&self.removed) {
            return Ok(());
        }
        let candidates = match &action.filters {
            Some(stay) => (0..roots.len()).filter(|filter| !stay.contains(filter)).collect(),
            None => from_the_ends(roots.len(), self.parts(node)),
        };
        for filter in candidates {
            if left(&self.removed) <= size {
                break;
            }
            self.remove(action, &[filter])?;
        }
        match left(&self.removed) {
            found if found == size => Ok(()),
            found => Err(action.refused(format!(
                "its filters are tied to others or to other actions, so that {found} remain instead of {size}"
            ))),
        }
    }

    /// Parts of a layer's filters that have to stay of equal size: its groups, and those of convolutions that read it.
    fn parts(&self, node: usize) -> usize {
        let own = self.channels.of(Source::Node(node));
        let mut parts = match &self.graph.nodes[node].op {
            Op::Conv2d(conv) => conv.groups,
            _ => 1,
        };
        for reader in &self.graph.nodes {
            if let Op::Conv2d(conv) = &reader.op
                && !is_depthwise(conv.groups, own.len())
                && self.channels.of(reader.inputs[0]) == own
            {
                parts = least_common_multiple(parts, conv.groups);
            }
        }
        if own.len().is_multiple_of(parts) { parts } else { 1 }
    }

    fn finish(self, network: &Network) -> Result<(Network, BTreeMap<String, Kept>), NetworkError> {
        let mut network = network.clone();
        let mut kept_of_layer = BTreeMap::new();
        for (index, node) in self.graph.nodes.iter().enumerate() {
            if !node.op.has_filters() && !matches!(node.op, Op::BatchNorm(_)) {
                continue;
            }
            let kept = Kept { outputs: self.kept(Source::Node(index)), inputs: self.kept_inputs(index) };
            let op = &mut network.layers[node.layer].op;
            match op {
                _ if kept.outputs.is_empty() => {
                    return Err(self.blame(index).refused(format!(
                        "layer {:?} would have no filter left; remove the layer instead",
                        node.name
                    )));
                }
                Op::Dense(dense) => dense.units = kept.outputs.len(),
                Op::Conv2d(conv) => *conv = self.regrouped(index, conv, &kept)?,
                _ => {}
            }
            kept_of_layer.insert(node.name.clone(), kept);
        }
        Ok((network, kept_of_layer))
    }

    fn kept(&self, source: Source) -> Vec<usize> {
        let roots = self.channels.roots(source).into_iter().enumerate();
        roots.filter(|(_, root)| !self.removed.contains_key(root)).map(|(channel, _)| channel).collect()
    }

    /// A dense layer reads each value of a map: a channel's are those of its rows and columns.
    fn kept_inputs(&self, node: usize) -> Vec<usize> {
        let source = self.graph.nodes[node].inputs[0];
        let kept = self.kept(source);
        match self.graph.nodes[node].op {
            Op::Dense(_) => {
                let shape = self.graph.shape(source);
                let positions = shape.height * shape.width;
                kept.into_iter().flat_map(|channel| channel * positions..(channel + 1) * positions).collect()
            }
            _ => kept,
        }
    }

    /// A convolution with the kept filters. Depthwise: one group an input channel; else the groups keep equal counts.
    fn regrouped(&self, node: usize, conv: &Conv2d, kept: &Kept) -> Result<Conv2d, NetworkError> {
        let inputs = self.graph.shape(self.graph.nodes[node].inputs[0]).channels;
        let filters = kept.outputs.len();
        if is_depthwise(conv.groups, inputs) {
            return Ok(Conv2d { filters, groups: kept.inputs.len(), ..*conv });
        }
        for (what, channels, total) in
            [("filters", &kept.outputs, conv.filters), ("inputs", &kept.inputs, inputs)]
        {
            let mut counts = vec![0_usize; conv.groups];
            for &channel in channels {
                counts[channel / (total / conv.groups)] += 1;
            }
            if counts.iter().any(|&count| count != counts[0]) {
                let name = &self.graph.nodes[node].name;
                return Err(self.blame(node).refused(format!(
                    "the {} groups of {name:?} would keep unequal counts of {what}: {counts:?}; take as many from each",
                    conv.groups
                )));
            }
        }
        Ok(Conv2d { filters, ..*conv })
    }

    /// The action that took a channel of this node, or of what it reads.
    fn blame(&self, node: usize) -> Action {
        let sources =
            std::iter::once(Source::Node(node)).chain(self.graph.nodes[node].inputs.iter().copied());
        let roots: BTreeSet<u32> = sources.flat_map(|source| self.channels.roots(source)).collect();
        let found = roots.iter().find_map(|root| self.removed.get(root));
        found.or(self.removed.values().next()).cloned().expect("a layer loses channels only to an action")
    }
}

/// Indices from the end of each of `parts` equal parts, in turn.
fn from_the_ends(count: usize, parts: usize) -> Vec<usize> {
    let size = count / parts;
    (0..size).rev().flat_map(|place| (0..parts).map(move |part| part * size + place)).collect()
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    a / divisor * b
}
