//! The actions that widen, take out and put in layers.

use std::collections::BTreeSet;

use super::channels::{Channels, is_depthwise};
use super::{Action, ActionKind};
use crate::error::NetworkError;
use crate::{Conv2d, Dense, Graph, Layer, Network, Op, Source};

/// A network under edit; every layer names what it reads. After each action it resolves, or the action is refused.
pub(super) struct Editor {
    network: Network,
    graph: Graph,
    input: [usize; 3],
    fresh: BTreeSet<String>,
}

impl Editor {
    pub(super) fn new(mut network: Network, input: [usize; 3]) -> Result<Self, NetworkError> {
        let graph = network.resolve(input)?;
        for node in &graph.nodes {
            network.layers[node.layer].inputs =
                node.inputs.iter().map(|&source| name_of(&graph, source)).collect();
        }
        Ok(Editor { network, graph, input, fresh: BTreeSet::new() })
    }

    pub(super) fn apply(&mut self, action: &Action) -> Result<(), NetworkError> {
        let node = action.node(&self.graph)?;
        let is_output = self.graph.watched().iter().any(|watched| watched.node == node && watched.output);
        let size = action.size.unwrap_or(self.graph.nodes[node].output.channels);
        let unchanged =
            action.kind == ActionKind::ResizeLayer && size <= self.graph.nodes[node].output.channels;
        if unchanged {
            return Ok(());
        }
        if is_output {
            return Err(action.refused("it is the classifier's output, which stays as the classes need it"));
        }
        match action.kind {
            ActionKind::ResizeLayer => self.widen(action, node, size)?,
            ActionKind::RemoveLayer => self.remove(node),
            _ => self.add(node, size),
        }
        self.graph = self.network.resolve(self.input).map_err(|e| action.refused(e.to_string()))?;
        Ok(())
    }

    /// Widens a layer, and with it all layers whose filters are tied to its own.
    fn widen(&mut self, action: &Action, node: usize, size: usize) -> Result<(), NetworkError> {
        let channels = Channels::new(&self.graph)?;
        let own = channels.roots(Source::Node(node));
        let tied: BTreeSet<u32> = own.iter().copied().collect();
        let outputs: Vec<usize> = self.graph.watched().iter().filter(|w| w.output).map(|w| w.node).collect();
        let mut widened = Vec::new();
        if channels.roots(Source::Input).iter().any(|root| tied.contains(root)) {
            return Err(action.refused("its filters are tied to the network's input channels"));
        }
        for (index, other) in self.graph.nodes.iter().enumerate().filter(|(_, other)| other.op.has_filters())
        {
            let roots = channels.roots(Source::Node(index));
            if !roots.iter().any(|root| tied.contains(root)) {
                continue;
            }
            if outputs.contains(&index) || roots != own {
                return Err(action
                    .refused(format!("its filters are tied to those of {:?} in another order", other.name)));
            }
            let inputs = self.graph.shape(other.inputs[0]).channels;
            match &mut self.network.layers[other.layer].op {
                Op::Conv2d(conv) if is_depthwise(conv.groups, inputs) => {
                    (conv.filters, conv.groups) = (size, size);
                }
                Op::Conv2d(conv) => conv.filters = size,
                Op::Dense(dense) => dense.units = size,
                _ => {}
            }
            widened.push(index);
        }
        for index in widened {
            self.fresh.insert(self.graph.nodes[index].name.clone());
            self.mark_readers(index);
        }
        Ok(())
    }

    /// Takes out a layer and what belongs to it; its readers read what it read.
    fn remove(&mut self, node: usize) {
        let readers = self.graph.readers();
        let mut last = node;
        let mut gone = BTreeSet::from([self.graph.nodes[node].name.clone()]);
        while let [next] = readers[last][..] {
            let op = &self.graph.nodes[next].op;
            if !op.is_nonlinearity() && !matches!(op, Op::BatchNorm(_) | Op::Dropout { .. }) {
                break;
            }
            gone.insert(self.graph.nodes[next].name.clone());
            last = next;
        }
        self.mark_readers(last);
        let read = name_of(&self.graph, self.graph.nodes[node].inputs[0]);
        self.reconnect(&self.graph.nodes[last].name.clone(), &read);
        self.network.layers.retain(|layer| !gone.contains(&layer.name));
        self.fresh.retain(|name| !gone.contains(name));
    }

    /// Puts a layer of the node's kind after what belongs to the node.
    fn add(&mut self, node: usize, size: usize) {
        let anchor = self.graph.watched().iter().find(|w| w.node == node).map_or(node, |w| w.observed);
        let (module, after) = (&self.graph.nodes[node], &self.graph.nodes[anchor]);
        let nonlinearity = if after.op.is_nonlinearity() { after.op.clone() } else { Op::Relu };
        let op = match module.op {
            Op::Dense(_) => Op::Dense(Dense { units: size, bias: true }),
            _ => Op::Conv2d(Conv2d { padding: [1; 2], ..Conv2d::new(size, 3) }),
        };
        let name = self.unused(&format!("{}_next", module.name));
        let activation = self.unused(&format!("{name}_{}", nonlinearity.kind()));
        let added = Layer { inputs: vec![after.name.clone()], ..Layer::new(name.clone(), op) };
        let activated = Layer { inputs: vec![name.clone()], ..Layer::new(activation.clone(), nonlinearity) };
        let (place, after) = (after.layer + 1, after.name.clone());
        self.mark_readers(anchor);
        self.fresh.insert(name);
        self.reconnect(&after, &activation);
        self.network.layers.splice(place..place, [added, activated]);
    }

    fn unused(&self, wanted: &str) -> String {
        let taken = |name: &str| self.network.layers.iter().any(|layer| layer.name == name);
        let mut name = wanted.to_owned();
        let mut number = 2;
        while taken(&name) {
            name = format!("{wanted}{number}");
            number += 1;
        }
        name
    }

    fn reconnect(&mut self, from: &str, to: &str) {
        for input in self.network.layers.iter_mut().flat_map(|layer| &mut layer.inputs) {
            if input == from {
                to.clone_into(input);
            }
        }
    }

    /// Marks the next layers with parameters that a node's output reaches.
    fn mark_readers(&mut self, node: usize) {
        let readers = self.graph.readers();
        let mut pending = readers[node].clone();
        let mut visited = vec![false; self.graph.nodes.len()];
        while let Some(reader) = pending.pop() {
            if std::mem::replace(&mut visited[reader], true) {
                continue;
            }
            let found = &self.graph.nodes[reader];
            if found.op.has_filters() || matches!(found.op, Op::BatchNorm(_)) {
                self.fresh.insert(found.name.clone());
            }
            if !found.op.has_filters() {
                pending.extend(&readers[reader]);
            }
        }
    }

    /// The network, with inputs named only where they are not the layer before.
    pub(super) fn finish(mut self) -> (Network, BTreeSet<String>) {
        let mut before = crate::INPUT_NAMES[1].to_owned();
        for layer in &mut self.network.layers {
            if layer.inputs == [before] {
                layer.inputs.clear();
            }
            before = layer.name.clone();
        }
        (self.network, self.fresh)
    }
}

fn name_of(graph: &Graph, source: Source) -> String {
    match source {
        Source::Input => crate::INPUT_NAMES[1].to_owned(),
        Source::Node(index) => graph.nodes[index].name.clone(),
    }
}
