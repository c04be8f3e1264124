use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{Op, preset};

fn action(kind: ActionKind, layer: &str, filters: &[usize], size: Option<usize>) -> Action {
    Action {
        kind,
        layer: layer.to_owned(),
        filters: (!filters.is_empty()).then(|| filters.to_vec()),
        size,
        reason: "because".to_owned(),
        evidence: BTreeMap::from([("instances".to_owned(), 10.0)]),
        confidence: 0.9,
    }
}

fn network(text: &str) -> Network {
    Network::from_toml(text).unwrap()
}

fn refusal(network: &Network, input: [usize; 3], action: Action) -> String {
    Plan::new(vec![action]).cost(network, input).unwrap_err().to_string()
}

const LENET_INPUT: [usize; 3] = [1, 28, 28];

#[test]
fn documents_read_back_equal_and_as_the_contract_has_them() {
    let plan = Plan::new(vec![action(ActionKind::RemoveFilters, "conv1", &[3], None)]);
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(
        text,
        r#"{"version":1,"actions":[{"action":"remove_filters","layer":"conv1","filters":[3],"reason":"because","evidence":{"instances":10.0},"confidence":0.9}]}"#
    );
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

/// LeNet 20-50-500 to 10-40-100: counted by hand.
#[test]
fn a_smaller_lenet_is_counted_right() {
    let lenet = preset("lenet", 10).unwrap();
    let plan = Plan::new(vec![
        action(ActionKind::RemoveFilters, "conv1", &[0, 2, 4, 6, 8, 10, 12, 14, 16], None),
        action(ActionKind::MergeFilters, "conv1", &[1, 3], None),
        action(ActionKind::ResizeLayer, "conv2", &[], Some(40)),
        action(ActionKind::ResizeLayer, "fc1", &[], Some(100)),
    ]);
    let costs = plan.cost(&lenet, LENET_INPUT).unwrap();
    assert_eq!(costs.before, Cost { parameters: 431_080, macs: 2_293_000 });
    let parameters = (25 + 1) * 10 + (250 + 1) * 40 + (640 + 1) * 100 + 101 * 10;
    let macs = 25 * 10 * 576 + 250 * 40 * 64 + 640 * 100 + 1000;
    assert_eq!(costs.after, Cost { parameters, macs });
    let redesigned = plan.redesign(&lenet, LENET_INPUT).unwrap();
    assert_eq!(redesigned.kept["conv2"].inputs, [1, 5, 7, 9, 11, 13, 15, 17, 18, 19]);
    assert_eq!(redesigned.kept["fc1"].inputs, (0..640).collect::<Vec<_>>());
    assert!(redesigned.fresh.is_empty());
}

#[test]
fn layers_go_and_come() {
    let lenet = preset("lenet", 10).unwrap();
    let without = Plan::new(vec![action(ActionKind::RemoveLayer, "fc1", &[], None)]);
    let redesigned = without.redesign(&lenet, LENET_INPUT).unwrap();
    assert_eq!(redesigned.network.layers.len(), lenet.layers.len() - 2);
    assert_eq!(redesigned.fresh.iter().collect::<Vec<_>>(), ["fc2"]);
    assert_eq!(without.cost(&lenet, LENET_INPUT).unwrap().after.parameters, 520 + 25_050 + 8010);
    let with = Plan::new(vec![
        action(ActionKind::AddLayer, "fc1", &[], Some(30)),
        action(ActionKind::AddLayer, "conv2", &[], None),
        action(ActionKind::ResizeLayer, "conv1", &[], Some(24)),
    ]);
    let redesigned = with.redesign(&lenet, LENET_INPUT).unwrap();
    let added = (25 + 1) * 24 + (600 + 1) * 50 + (450 + 1) * 50 + 801 * 500 + 501 * 30 + 31 * 10;
    assert_eq!(with.cost(&lenet, LENET_INPUT).unwrap().after.parameters, added);
    assert!(redesigned.network.layers.iter().any(|layer| layer.name == "fc1_next_relu"));
    assert!(redesigned.fresh.contains("conv1") && redesigned.fresh.contains("conv2"));
    assert_eq!(Network::from_toml(&redesigned.network.to_toml()).unwrap(), redesigned.network);
}

#[test]
fn residual_additions_share_their_filters() {
    let resnet = preset("resnet18", 10).unwrap();
    let plan = Plan::new(vec![action(ActionKind::RemoveFilters, "layer2.0.conv2", &[0, 127], None)]);
    let redesigned = plan.redesign(&resnet, [3, 32, 32]).unwrap();
    for layer in ["layer2.0.conv2", "layer2.0.downsample.0", "layer2.1.conv2", "layer2.0.bn2"] {
        assert_eq!(redesigned.kept[layer].outputs, (1..127).collect::<Vec<_>>(), "{layer}");
    }
    for layer in ["layer2.1.conv1", "layer3.0.conv1", "layer3.0.downsample.0"] {
        assert_eq!(redesigned.kept[layer].inputs.len(), 126, "{layer}");
    }
    assert_eq!(redesigned.kept["layer2.0.conv1"].outputs.len(), 128);
    let wider = Plan::new(vec![action(ActionKind::ResizeLayer, "conv1", &[], Some(70))]);
    let graph = wider.redesign(&resnet, [3, 32, 32]).unwrap().network.resolve([3, 32, 32]).unwrap();
    assert_eq!(graph.nodes[graph.index("layer1.1.conv2").unwrap()].output.channels, 70);
}

#[test]
fn concatenations_keep_their_offsets_and_flattened_channels_take_all_values_along() {
    let text = "[[layer]]\nname = \"a\"\nconv2d = { filters = 3, kernel = 1 }\ninputs = [\"data\"]\n\
                [[layer]]\nname = \"b\"\nconv2d = { filters = 2, kernel = 1 }\ninputs = [\"data\"]\n\
                [[layer]]\nname = \"both\"\nconcat = {}\ninputs = [\"a\", \"b\"]\n\
                [[layer]]\nname = \"flat\"\nflatten = {}\n[[layer]]\nname = \"fc\"\ndense = { units = 2 }\n";
    let plan = Plan::new(vec![
        action(ActionKind::RemoveFilters, "a", &[1], None),
        action(ActionKind::RemoveFilters, "b", &[0], None),
    ]);
    let kept = plan.redesign(&network(text), [1, 1, 2]).unwrap().kept;
    assert_eq!(kept["fc"].inputs, [0, 1, 4, 5, 8, 9]);
}

#[test]
fn depthwise_convolutions_follow_what_they_read() {
    let text = "[[layer]]\nname = \"a\"\nconv2d = { filters = 4, kernel = 1 }\n\
                [[layer]]\nname = \"deep\"\nconv2d = { filters = 8, kernel = 3, padding = 1, groups = 4 }\n\
                [[layer]]\nname = \"fc\"\ndense = { units = 2 }\n";
    let network = network(text);
    let plan = Plan::new(vec![action(ActionKind::RemoveFilters, "deep", &[2], None)]);
    let redesigned = plan.redesign(&network, [3, 4, 4]).unwrap();
    assert_eq!(redesigned.kept["a"].outputs, [0, 2, 3]);
    assert_eq!(redesigned.kept["deep"].outputs, [0, 1, 4, 5, 6, 7]);
    assert!(
        matches!(redesigned.network.layers[1].op, Op::Conv2d(conv) if conv.groups == 3 && conv.filters == 6)
    );
}

#[test]
fn grouped_convolutions_keep_equal_counts() {
    let alexnet = preset("alexnet", 10).unwrap();
    let input = [3, 227, 227];
    let message = refusal(&alexnet, input, action(ActionKind::RemoveFilters, "conv2", &[3], None));
    assert!(message.contains("conv2") && message.contains("unequal"), "{message}");
    let even = Plan::new(vec![
        action(ActionKind::RemoveFilters, "conv2", &[3, 200], None),
        action(ActionKind::ResizeLayer, "conv3", &[], Some(300)),
    ]);
    let network = even.redesign(&alexnet, input).unwrap().network;
    let graph = network.resolve(input).unwrap();
    assert_eq!(graph.nodes[graph.index("conv2").unwrap()].output.channels, 254);
}

#[test]
fn what_cannot_be_done_is_refused_with_its_reason() {
    let lenet = preset("lenet", 10).unwrap();
    let all: Vec<usize> = (0..20).collect();
    let depthwise_input = network(
        "[[layer]]\nname = \"d\"\nconv2d = { filters = 3, kernel = 1, groups = 3 }\n\
         [[layer]]\nname = \"fc\"\ndense = { units = 2 }\n",
    );
    for (action, part) in [
        (action(ActionKind::RemoveFilters, "fc2", &[0], None), "classifier's output"),
        (action(ActionKind::ResizeLayer, "fc2", &[], Some(20)), "classifier's output"),
        (action(ActionKind::RemoveLayer, "fc2", &[], None), "classifier's output"),
        (action(ActionKind::RemoveFilters, "conv1", &all, None), "no filter left"),
        (action(ActionKind::RemoveFilters, "conv1", &[20], None), "no filter 20"),
        (action(ActionKind::RemoveFilters, "conv1", &[1, 1], None), "twice"),
        (action(ActionKind::RemoveFilters, "conv1", &[], None), "names none"),
        (action(ActionKind::MergeFilters, "conv1", &[1], None), "two or more"),
        (action(ActionKind::ResizeLayer, "conv1", &[], None), "size"),
        (action(ActionKind::ResizeLayer, "conv1", &[], Some(0)), "at least one"),
        (action(ActionKind::ResizeLayer, "conv1", &[1, 2], Some(3)), "names 2"),
        (action(ActionKind::RemoveFilters, "conv9", &[1], None), "conv1, conv2, fc1, fc2"),
        (action(ActionKind::ResizeLayer, "conv1", &[], Some(usize::MAX)), "filters"),
    ] {
        let message = refusal(&lenet, LENET_INPUT, action);
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    let message = refusal(&depthwise_input, [3, 4, 4], action(ActionKind::RemoveFilters, "d", &[1], None));
    assert!(message.contains("network's input"), "{message}");
    let newer = Plan { version: 2, actions: Vec::new() };
    assert!(newer.cost(&lenet, LENET_INPUT).unwrap_err().to_string().contains("version"));
    let residual = preset("resnet18", 10).unwrap();
    let message =
        refusal(&residual, [3, 32, 32], action(ActionKind::RemoveLayer, "layer2.0.conv1", &[], None));
    assert!(message.contains("remove_layer"), "{message}");
}

proptest! {
    /// Removing random filters of random layers: counts follow from the kept channels alone.
    #[test]
    fn costs_follow_from_kept_channels(
        conv1 in prop::collection::btree_set(0..20_usize, 0..19),
        conv2 in prop::collection::btree_set(0..50_usize, 0..49),
        fc1 in prop::collection::btree_set(0..500_usize, 0..99),
    ) {
        let lenet = preset("lenet", 10).unwrap();
        let removals = [("conv1", &conv1), ("conv2", &conv2), ("fc1", &fc1)];
        let actions = removals.iter().filter(|(_, filters)| !filters.is_empty()).map(|(layer, filters)| {
            action(ActionKind::RemoveFilters, layer, &filters.iter().copied().collect::<Vec<_>>(), None)
        });
        let costs = Plan::new(actions.collect()).cost(&lenet, LENET_INPUT).unwrap();
        let (a, b, c) = (20 - conv1.len() as u64, 50 - conv2.len() as u64, 500 - fc1.len() as u64);
        prop_assert_eq!(costs.after.parameters, 26 * a + (25 * a + 1) * b + (16 * b + 1) * c + (c + 1) * 10);
        prop_assert_eq!(costs.after.macs, 25 * a * 576 + 25 * a * b * 64 + 16 * b * c + 10 * c);
    }
}
