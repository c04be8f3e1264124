//! Redesign plans: the document, and what it makes of a network's description.
//!
//! Only the description changes here; weights are moved by who has them, along the indices in [`Redesigned`].

mod channels;
mod edit;
mod shrink;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::error::{NetworkError, Problem};
use crate::{Graph, Network};

/// The version of the plan document that is written and read.
pub const PLAN_VERSION: u32 = 1;

/// A plan: what to change in a network, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// The changes. Filter indices are those of the network before any of them.
    pub actions: Vec<Action>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// What to do.
    #[serde(rename = "action")]
    pub kind: ActionKind,
    /// The layer that it is done to.
    pub layer: String,
    /// Filters by index. `remove_filters`: those that go. `merge_filters`: a group that becomes its first.
    /// `resize_layer`: those that stay, where the plan chose them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<Vec<usize>>,
    /// `resize_layer`: filters afterwards. `add_layer`: filters of the new layer (absent: those of `layer`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Why, in one sentence.
    #[serde(default)]
    pub reason: String,
    /// The numbers behind it, by name.
    #[serde(default)]
    pub evidence: BTreeMap<String, f64>,
    /// How sure it is to do no harm, in [0, 1].
    #[serde(default)]
    pub confidence: f64,
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Takes filters out.
    RemoveFilters,
    /// Lets the first of a group of filters stand for all of it.
    MergeFilters,
    /// Gives a layer another number of filters.
    ResizeLayer,
    /// Takes a layer out, with the batch norm, nonlinearity and dropout that belong to it.
    RemoveLayer,
    /// Puts a layer of the same kind (a convolution: 3x3, padded to keep the grid) and a nonlinearity after a layer.
    AddLayer,
}

impl ActionKind {
    fn name(self) -> &'static str {
        match self {
            ActionKind::RemoveFilters => "remove_filters",
            ActionKind::MergeFilters => "merge_filters",
            ActionKind::ResizeLayer => "resize_layer",
            ActionKind::RemoveLayer => "remove_layer",
            ActionKind::AddLayer => "add_layer",
        }
    }
}

/// What a network costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Trainable parameters.
    pub parameters: u64,
    /// Multiply-adds of one input's forward pass, as [`Node::multiply_adds`](crate::Node::multiply_adds) counts them.
    pub macs: u64,
}

impl From<&Graph> for Cost {
    fn from(graph: &Graph) -> Self {
        Cost { parameters: graph.parameters(), macs: graph.multiply_adds() }
    }
}

/// What a plan makes of a network's cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Costs {
    /// As the network is.
    pub before: Cost,
    /// As the plan makes it.
    pub after: Cost,
}

/// A network after a plan, and where its channels come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Redesigned {
    /// The new description.
    pub network: Network,
    /// For each convolution, dense layer and batch norm of the old network: the channels that are kept, by old index.
    /// A layer that is taken out is listed as if it stayed.
    pub kept: BTreeMap<String, Kept>,
    /// Layers of the new network whose parameters do not follow from old ones by `kept` alone: new and widened
    /// layers, and those that read another layer than before or a widened one.
    pub fresh: BTreeSet<String>,
}

/// The channels of a layer that are kept, ascending, by their index in the old network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Of its outputs: filters or units.
    pub outputs: Vec<usize>,
    /// Of its inputs: channels, or values of a flattened map.
    pub inputs: Vec<usize>,
}

impl Plan {
    /// A plan of the present version.
    pub fn new(actions: Vec<Action>) -> Self {
        Plan { version: PLAN_VERSION, actions }
    }

    /// Applies the plan to a network's description, for inputs of `[channels, height, width]`.
    ///
    /// Channels go together where the network ties them: the inputs of an addition, a depthwise convolution and what
    /// it reads, a batch norm and its layer. A flattened channel takes all of its values along, a concatenated one its
    /// place. Removals come first, then widening, then layers out, then layers in.
    ///
    /// # Errors
    /// Where the network does not resolve, and where an action cannot be done, naming it and the reason: an unknown
    /// layer or filter, the classifier's output or the network's input, a layer's last filter, groups of a convolution
    /// that would keep unequal counts, shapes that no longer fit.
    pub fn redesign(&self, network: &Network, input: [usize; 3]) -> Result<Redesigned, NetworkError> {
        if self.version != PLAN_VERSION {
            let expected = format!("{PLAN_VERSION}, the version that this program knows");
            return Err(NetworkError::value(expected, self.version).in_field("version"));
        }
        let graph = network.resolve(input)?;
        for action in &self.actions {
            action.check(&graph)?;
        }
        let (smaller, kept) = shrink::shrink(network, &graph, &self.actions)?;
        let mut editor = edit::Editor::new(smaller, input)?;
        for kind in [ActionKind::ResizeLayer, ActionKind::RemoveLayer, ActionKind::AddLayer] {
            for action in self.actions.iter().filter(|action| action.kind == kind) {
                editor.apply(action)?;
            }
        }
        let (network, fresh) = editor.finish();
        Ok(Redesigned { network, kept, fresh })
    }

    /// Counts a network's cost before and after the plan.
    ///
    /// # Errors
    /// As [`Plan::redesign`].
    pub fn cost(&self, network: &Network, input: [usize; 3]) -> Result<Costs, NetworkError> {
        let before = Cost::from(&network.resolve(input)?);
        let after = Cost::from(&self.redesign(network, input)?.network.resolve(input)?);
        Ok(Costs { before, after })
    }
}

impl Action {
    /// The error for an action that cannot be done.
    fn refused(&self, reason: impl Into<String>) -> NetworkError {
        let action = format!("{} of layer {:?}", self.kind.name(), self.layer);
        NetworkError::new(Problem::Plan { action, reason: reason.into() })
    }

    /// The layer's node among the convolutions and dense layers of a graph.
    fn node(&self, graph: &Graph) -> Result<usize, NetworkError> {
        let index = graph.nodes.iter().position(|node| node.op.has_filters() && node.name == self.layer);
        index.ok_or_else(|| {
            let with_filters = graph.nodes.iter().filter(|node| node.op.has_filters());
            let known: Vec<&str> = with_filters.map(|node| node.name.as_str()).collect();
            self.refused(format!(
                "no convolution or dense layer has this name; there are {}",
                known.join(", ")
            ))
        })
    }

    /// Checks what the action holds against the layer that it names.
    fn check(&self, graph: &Graph) -> Result<(), NetworkError> {
        let filters = graph.nodes[self.node(graph)?].output.channels;
        let named = self.filters.as_deref().unwrap_or_default();
        if let Some(outside) = named.iter().find(|&&filter| filter >= filters) {
            return Err(
                self.refused(format!("it has {filters} filters, counted from 0, and no filter {outside}"))
            );
        }
        if named.iter().collect::<BTreeSet<_>>().len() < named.len() {
            return Err(self.refused("a filter is named twice"));
        }
        match (self.kind, self.size) {
            (ActionKind::RemoveFilters, _) if named.is_empty() => {
                Err(self.refused("\"filters\" names none to remove"))
            }
            (ActionKind::MergeFilters, _) if named.len() < 2 => {
                Err(self.refused("\"filters\" has to name two or more to merge"))
            }
            (ActionKind::ResizeLayer, None) => {
                Err(self.refused("\"size\" has to say how many filters it gets"))
            }
            (ActionKind::ResizeLayer | ActionKind::AddLayer, Some(0)) => {
                Err(self.refused("a layer needs at least one filter"))
            }
            (ActionKind::ResizeLayer, Some(size)) if !named.is_empty() && named.len() != size => {
                Err(self
                    .refused(format!("\"filters\" names {} that stay, but \"size\" is {size}", named.len())))
            }
            _ => Ok(()),
        }
    }
}
