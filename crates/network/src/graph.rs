//! A network resolved for an input: layers in order, with shapes, costs and receptive fields.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{NetworkError, Problem, nearest};
use crate::geometry::{Budget, Field};
use crate::layer::INPUT_NAMES;
use crate::limits::MAX_LAYERS;
use crate::shape::too_large;
use crate::{Network, Op, ReceptiveField, Shape};

/// Where a node reads from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The network's input.
    Input,
    /// The node with this index in [`Graph::nodes`].
    Node(usize),
}

/// A layer in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The layer's name.
    pub name: String,
    /// Index of the layer in [`Network::layers`].
    pub layer: usize,
    /// What it computes.
    pub op: Op,
    /// What it reads; nodes come before their readers.
    pub inputs: Vec<Source>,
    /// Shape of its output for one input of the network.
    pub output: Shape,
    /// Trainable parameters: weights and biases, a batch norm's scale and shift.
    pub parameters: u64,
    /// Multiply-adds of one input's forward pass. Counted are the products of convolutions and dense layers
    /// (kernel x input channels of the group x output values; inputs x units); biases, normalisations, pooling and
    /// nonlinearities are not.
    pub multiply_adds: u64,
    /// The input pixels that each position of its grid sees; through branches, the smallest rectangle around all of
    /// them. Convolutions and poolings reach into the padding; dense layers, flatten and global pooling see what the
    /// whole grid before them sees, clipped to the input.
    pub receptive_field: ReceptiveField,
}

/// A network resolved for an input's shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Shape of an input.
    pub input: Shape,
    /// The layers, each after what it reads (in the description's order where that allows).
    pub nodes: Vec<Node>,
    /// Index of the node whose output is the network's.
    pub output: usize,
}

impl Graph {
    /// Trainable parameters of the whole network.
    pub fn parameters(&self) -> u64 {
        self.nodes.iter().map(|node| node.parameters).sum()
    }

    /// Multiply-adds of one input's forward pass; see [`Node::multiply_adds`] for what is counted.
    pub fn multiply_adds(&self) -> u64 {
        self.nodes.iter().map(|node| node.multiply_adds).sum()
    }

    /// Index of the node with a layer's name.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// Shape of what a node reads from.
    pub fn shape(&self, source: Source) -> Shape {
        match source {
            Source::Input => self.input,
            Source::Node(index) => self.nodes[index].output,
        }
    }

    /// For each node, the nodes that read it.
    pub fn readers(&self) -> Vec<Vec<usize>> {
        let mut readers = vec![Vec::new(); self.nodes.len()];
        for (reader, node) in self.nodes.iter().enumerate() {
            for &source in &node.inputs {
                if let Source::Node(index) = source {
                    readers[index].push(reader);
                }
            }
        }
        readers
    }
}

impl Network {
    /// Checks the network and computes shapes, costs and receptive fields for inputs of `[channels, height, width]`.
    ///
    /// # Errors
    /// Where the description is not a network (names, cycles, values), where shapes do not fit, and where the
    /// network asks for inputs of another shape.
    pub fn resolve(&self, input: [usize; 3]) -> Result<Graph, NetworkError> {
        let input = Shape::from(input).checked().map_err(|e| e.in_field("input"))?;
        if let Some(own) = self.input.map(Shape::from).filter(|&own| own != input) {
            return Err(NetworkError::new(Problem::InputDiffers { network: own, data: input }));
        }
        let wiring = self.wiring()?;
        let mut resolver = Resolver::new(self, input);
        for &layer in &wiring.order {
            let name = &self.layers[layer].name;
            resolver.add(layer, &wiring.inputs[layer]).map_err(|e| e.in_layer(name))?;
        }
        resolver.finish()
    }

    /// Checks everything that does not depend on the input's shape.
    ///
    /// # Errors
    /// As [`Network::resolve`], without those about shapes.
    pub fn check(&self) -> Result<(), NetworkError> {
        self.wiring().map(|_| ())
    }

    pub(crate) fn wiring(&self) -> Result<Wiring, NetworkError> {
        if self.layers.is_empty() {
            return Err(NetworkError::new(Problem::Empty));
        }
        if self.layers.len() > MAX_LAYERS {
            return Err(too_large("the number of layers", MAX_LAYERS as u64));
        }
        let names = self.names()?;
        for layer in &self.layers {
            layer.op.check().map_err(|e| e.in_layer(&layer.name))?;
        }
        let inputs = self.inputs(&names)?;
        for (layer, read) in self.layers.iter().zip(&inputs) {
            layer.op.check_arity(read.len()).map_err(|e| e.in_layer(&layer.name))?;
        }
        let order = self.order(&inputs)?;
        self.single_output(&inputs)?;
        Ok(Wiring { inputs, order })
    }

    fn names(&self) -> Result<BTreeMap<&str, usize>, NetworkError> {
        let mut names = BTreeMap::new();
        for (index, layer) in self.layers.iter().enumerate() {
            if layer.name.is_empty() {
                let error = NetworkError::new(Problem::Missing("a name for each layer".to_owned()));
                return Err(error.in_layer("").in_field("name"));
            }
            if INPUT_NAMES.contains(&layer.name.as_str()) {
                return Err(NetworkError::new(Problem::ReservedName).in_layer(&layer.name));
            }
            if names.insert(layer.name.as_str(), index).is_some() {
                return Err(NetworkError::new(Problem::DuplicateName).in_layer(&layer.name));
            }
        }
        Ok(names)
    }

    /// For each layer, the layers that it reads (`None`: the network's input).
    fn inputs(&self, names: &BTreeMap<&str, usize>) -> Result<Vec<Vec<Option<usize>>>, NetworkError> {
        let find = |input: &String| {
            if INPUT_NAMES.contains(&input.as_str()) {
                return Ok(None);
            }
            names.get(input.as_str()).copied().map(Some).ok_or_else(|| {
                let suggestion = nearest(input, names.keys().copied()).map(str::to_owned);
                NetworkError::new(Problem::UnknownInput { input: input.clone(), suggestion })
            })
        };
        let of_layer = |(index, layer): (usize, &crate::Layer)| {
            if layer.inputs.is_empty() {
                return Ok(vec![index.checked_sub(1)]);
            }
            let inputs: Result<Vec<_>, NetworkError> = layer.inputs.iter().map(find).collect();
            inputs.map_err(|e| e.in_layer(&layer.name).in_field("inputs"))
        };
        self.layers.iter().enumerate().map(of_layer).collect()
    }

    /// A topological order, the earliest layer of the description first.
    fn order(&self, inputs: &[Vec<Option<usize>>]) -> Result<Vec<usize>, NetworkError> {
        let mut readers = vec![Vec::new(); inputs.len()];
        let mut waiting: Vec<usize> = vec![0; inputs.len()];
        for (layer, sources) in inputs.iter().enumerate() {
            for &source in sources.iter().flatten() {
                readers[source].push(layer);
                waiting[layer] += 1;
            }
        }
        let mut ready: BTreeSet<usize> = (0..inputs.len()).filter(|&layer| waiting[layer] == 0).collect();
        let mut order = Vec::with_capacity(inputs.len());
        while let Some(layer) = ready.pop_first() {
            order.push(layer);
            for &reader in &readers[layer] {
                waiting[reader] -= 1;
                if waiting[reader] == 0 {
                    ready.insert(reader);
                }
            }
        }
        if order.len() == inputs.len() { Ok(order) } else { Err(self.cycle(inputs, &waiting)) }
    }

    /// Walks back among the layers that still wait until one comes up twice.
    fn cycle(&self, inputs: &[Vec<Option<usize>>], waiting: &[usize]) -> NetworkError {
        let start = waiting.iter().position(|&count| count > 0).unwrap_or(0);
        let mut path = vec![start];
        loop {
            let last = path[path.len() - 1];
            let Some(next) = inputs[last].iter().flatten().copied().find(|&source| waiting[source] > 0)
            else {
                break;
            };
            if let Some(first) = path.iter().position(|&layer| layer == next) {
                path.drain(..first);
                path.push(next);
                break;
            }
            path.push(next);
        }
        let names: Vec<String> = path.iter().rev().map(|&layer| self.layers[layer].name.clone()).collect();
        let layer = names[0].clone();
        NetworkError::new(Problem::Cycle(names)).in_layer(&layer)
    }

    fn single_output(&self, inputs: &[Vec<Option<usize>>]) -> Result<(), NetworkError> {
        let read: BTreeSet<usize> = inputs.iter().flatten().flatten().copied().collect();
        let unread: Vec<usize> = (0..self.layers.len()).filter(|layer| !read.contains(layer)).collect();
        if unread.len() == 1 {
            return Ok(());
        }
        let names: Vec<String> = unread.iter().map(|&layer| self.layers[layer].name.clone()).collect();
        let first = names.first().cloned().unwrap_or_default();
        Err(NetworkError::new(Problem::SeveralOutputs(names)).in_layer(&first))
    }
}

/// Who reads whom, by indices of layers.
pub(crate) struct Wiring {
    /// For each layer what it reads; `None` is the network's input.
    pub(crate) inputs: Vec<Vec<Option<usize>>>,
    /// The layers in topological order.
    pub(crate) order: Vec<usize>,
}

struct Resolver<'a> {
    network: &'a Network,
    input: Shape,
    nodes: Vec<Node>,
    fields: Vec<Field>,
    input_field: Field,
    node_of_layer: Vec<usize>,
    budget: Budget,
}

impl<'a> Resolver<'a> {
    fn new(network: &'a Network, input: Shape) -> Self {
        let input_field = Field::input(input);
        let node_of_layer = vec![0; network.layers.len()];
        Resolver {
            network,
            input,
            nodes: Vec::new(),
            fields: Vec::new(),
            input_field,
            node_of_layer,
            budget: Budget::new(),
        }
    }

    fn add(&mut self, layer: usize, inputs: &[Option<usize>]) -> Result<(), NetworkError> {
        let crate::Layer { name, op, .. } = &self.network.layers[layer];
        let sources: Vec<Source> = inputs
            .iter()
            .map(|input| input.map_or(Source::Input, |layer| Source::Node(self.node_of_layer[layer])))
            .collect();
        let shapes: Vec<(&str, Shape)> = sources.iter().map(|&source| self.named_shape(source)).collect();
        let output = op.output(&shapes)?;
        let read = shapes[0].1;
        let parameters = op.parameters(read, output).filter(|&count| count <= MAX_COUNT);
        let multiply_adds = op.multiply_adds(read, output).filter(|&count| count <= MAX_COUNT);
        let (Some(parameters), Some(multiply_adds)) = (parameters, multiply_adds) else {
            return Err(too_large("the number of parameters or multiply-adds", MAX_COUNT));
        };
        let fields: Vec<&Field> = sources
            .iter()
            .map(|&source| match source {
                Source::Input => &self.input_field,
                Source::Node(index) => &self.fields[index],
            })
            .collect();
        let field = Field::after(op, &fields, output, &mut self.budget)?;
        let receptive_field = field.receptive_field();
        let node = Node {
            name: name.clone(),
            layer,
            op: op.clone(),
            inputs: sources,
            output,
            parameters,
            multiply_adds,
            receptive_field,
        };
        self.node_of_layer[layer] = self.nodes.len();
        self.nodes.push(node);
        self.fields.push(field);
        Ok(())
    }

    fn named_shape(&self, source: Source) -> (&str, Shape) {
        match source {
            Source::Input => ("input", self.input),
            Source::Node(index) => (&self.nodes[index].name, self.nodes[index].output),
        }
    }

    fn finish(self) -> Result<Graph, NetworkError> {
        let mut graph = Graph { input: self.input, nodes: self.nodes, output: 0 };
        graph.output = graph.readers().iter().position(Vec::is_empty).unwrap_or(0);
        Ok(graph)
    }
}

/// Bound on one layer's counts; [`MAX_LAYERS`] of them still fit a u64.
const MAX_COUNT: u64 = u64::MAX / MAX_LAYERS as u64;
