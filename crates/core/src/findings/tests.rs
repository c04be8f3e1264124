use super::*;
use crate::{InputId, Separability};

/// A filter that fires in a third of 4,000 instances.
const ALIVE: FilterEvidence = FilterEvidence {
    max: 2.0,
    all_time_max: 2.0,
    instances: 4000,
    inputs: Some(400),
    share_above: 0.1,
    variation: 1.5,
};

fn layer(filters: &[FilterEvidence]) -> LayerEvidence<'_> {
    LayerEvidence {
        layer: Some("conv1"),
        output: false,
        instances: 4000,
        inputs: Some(400),
        invalid: 0,
        beta: 0.5,
        theta: 0.8,
        filters,
        redundant_groups: &[],
        lowest_similarity: None,
        similarity_instances: 1024,
        effective_filters: None,
        course: None,
    }
}

fn of_kind(findings: &[Finding], kind: FindingKind) -> Option<&Finding> {
    findings.iter().find(|finding| finding.kind == kind)
}

#[test]
fn a_healthy_layer_has_no_findings() {
    let filters = [ALIVE; 20];
    assert_eq!(layer_findings(&layer(&filters)), []);
    assert_eq!(filter_states(&layer(&filters)), [FilterState::Alive; 20]);
}

#[test]
fn dead_filters_carry_the_bound_of_the_shortest_silence() {
    let mut filters = [ALIVE; 20];
    filters[3] = FilterEvidence { max: 0.0, instances: 368_640, inputs: Some(1280), ..ALIVE };
    filters[7] = FilterEvidence { max: 1e-6, instances: 737_280, inputs: Some(2560), ..ALIVE };
    let findings = layer_findings(&layer(&filters));
    let dead = of_kind(&findings, FindingKind::Dead).unwrap();
    assert_eq!(
        dead.text,
        "2 of 20 filters never fired in 368,640 instances of 1,280 inputs (firing rate below 0.00081 % with 95 % confidence)."
    );
    assert_eq!(dead.filters.as_deref(), Some([3, 7].as_slice()));
    assert_eq!(dead.evidence["upper_bound"], 3.0 / 368_640.0);
    assert_eq!(dead.evidence["inputs"], 1280.0);
    assert_eq!(dead.layer.as_deref(), Some("conv1"));
}

#[test]
fn few_instances_or_inputs_support_no_state() {
    let few = FilterEvidence { max: 0.0, instances: 999, ..ALIVE };
    let one_input = FilterEvidence { max: 0.0, instances: 1_000_000, inputs: Some(199), ..ALIVE };
    let filters = [few, one_input, ALIVE];
    let evidence = LayerEvidence { instances: 999, ..layer(&filters) };
    assert_eq!(filter_states(&evidence), [FilterState::Unknown; 3]);
    assert_eq!(layer_findings(&evidence), []);
    let unknown_inputs = [FilterEvidence { max: 0.0, inputs: None, ..ALIVE }, ALIVE];
    let states = filter_states(&LayerEvidence { inputs: None, ..layer(&unknown_inputs) });
    assert_eq!(states, [FilterState::Dead, FilterState::Alive]);
}

#[test]
fn always_on_needs_a_high_share_and_a_steady_level() {
    let steady = FilterEvidence { share_above: 1.0, variation: 0.01, ..ALIVE };
    let varying = FilterEvidence { share_above: 1.0, variation: 0.19, ..ALIVE };
    let uncertain = FilterEvidence { share_above: 0.953, variation: 0.01, ..ALIVE };
    let filters = [steady, varying, uncertain];
    let states = filter_states(&layer(&filters));
    assert_eq!(states, [FilterState::AlwaysOn, FilterState::Alive, FilterState::Alive]);
    let findings = layer_findings(&layer(&filters));
    assert!(of_kind(&findings, FindingKind::AlwaysOn).unwrap().evidence["lower_bound"] > 0.95);
}

#[test]
fn wilson_agrees_with_published_values() {
    // Newcombe (1998), table I: 81 of 263 and 0 of 20, 1 of 29.
    assert!((always_on::wilson_lower(81.0 / 263.0, 263) - 0.2553).abs() < 1e-4);
    assert!((always_on::wilson_lower(1.0 / 29.0, 29) - 0.0061).abs() < 1e-4);
    assert!(always_on::wilson_lower(0.0, 20).abs() < 1e-12);
}

#[test]
fn a_fallen_maximum_is_weakening() {
    let filters = [FilterEvidence { max: 1.0, all_time_max: 2.0, ..ALIVE }, ALIVE];
    let findings = layer_findings(&layer(&filters));
    let weakening = of_kind(&findings, FindingKind::Weakening).unwrap();
    assert_eq!(weakening.evidence["lowest"], 0.5);
    assert!(weakening.text.starts_with("1 of 2 filters fell below 80 %"), "{}", weakening.text);
}

#[test]
fn redundancy_and_width_leave_the_output_alone() {
    let filters = [ALIVE; 6];
    let groups = [vec![0, 4], vec![1, 2, 3]];
    let evidence =
        LayerEvidence { redundant_groups: &groups, lowest_similarity: Some(0.93), ..layer(&filters) };
    let findings = layer_findings(&evidence);
    let redundant = of_kind(&findings, FindingKind::Redundant).unwrap();
    assert_eq!(redundant.filters.as_deref(), Some([0, 1, 2, 3, 4].as_slice()));
    assert_eq!(redundant.evidence["surplus"], 3.0);
    assert!((redundant.evidence["phi"] - 0.93).abs() < 1e-6);
    assert_eq!(
        redundant.text,
        "5 of 6 filters answer alike in 2 groups (similarity at least 0.93 in 1,024 instances): 3 could go."
    );
    assert!(of_kind(&findings, FindingKind::Oversized).is_some());
    assert_eq!(layer_findings(&LayerEvidence { output: true, ..evidence }), []);
}

#[test]
fn a_layer_that_varies_along_few_directions_is_oversized() {
    let filters = [ALIVE; 100];
    let findings = layer_findings(&LayerEvidence { effective_filters: Some(6.2), ..layer(&filters) });
    let oversized = of_kind(&findings, FindingKind::Oversized).unwrap();
    assert_eq!(oversized.severity, Severity::Low);
    assert_eq!(oversized.evidence["effective_filters"], 6.2);
    assert_eq!(layer_findings(&LayerEvidence { effective_filters: Some(30.0), ..layer(&filters) }), []);
}

#[test]
fn invalid_instances_come_first() {
    let mut filters = [ALIVE; 20];
    filters[0].max = 0.0;
    let course = Course { stable_since: Some(400), drift: 0.001, limit: 0.005 };
    let findings = layer_findings(&LayerEvidence { invalid: 3, course: Some(course), ..layer(&filters) });
    let kinds: Vec<FindingKind> = findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::Invalid, FindingKind::Dead, FindingKind::Stable]);
    assert_eq!(findings[0].text, "3 of 4,003 instances hold NaN or infinity and are left out.");
}

/// 300 instances: 100 of a bright left edge, 60 blank ones and 30 of few inputs stay below the threshold.
fn undetected() -> Vec<Finding> {
    let edge: Vec<u8> = (0..100).map(|place| if place % 10 < 5 { 255 } else { 0 }).collect();
    let spot: Vec<u8> = (0..100).map(|place| if place == 55 { 200 } else { 90 }).collect();
    let mut features = vec![patch_features(&edge, [10, 10, 1]); 100];
    features.extend(vec![patch_features(&[7; 100], [10, 10, 1]); 60]);
    features.extend(vec![patch_features(&spot, [10, 10, 1]); 140]);
    let max_activations: Vec<f32> = (0..300).map(|row| if row < 190 { 0.04 } else { 1.0 }).collect();
    let inputs: Vec<InputId> = (0..300).map(|row| if (160..190).contains(&row) { 5 } else { row }).collect();
    let labels: Vec<i32> = (0..300).map(|row| if row % 4 == 0 { -1 } else { 1 }).collect();
    undetected_findings(&UndetectedEvidence {
        layer: Some("conv1"),
        reference: 1.0,
        max_activations: &max_activations,
        inputs: &inputs,
        labels: &labels,
        classes: &["cat".to_owned(), "dog".to_owned()],
        patches: Some(Patches { features: &features }),
    })
}

#[test]
fn undetected_patterns_are_told_apart_and_blank_ones_named() {
    let findings = undetected();
    assert_eq!(findings.len(), 2, "a pattern of one input is none");
    assert_eq!(findings[0].severity, Severity::Medium);
    assert_eq!(findings[0].instances, Some((0..100).collect()));
    assert!(findings[0].text.contains("75 % labelled “dog”"), "{}", findings[0].text);
    assert_eq!(findings[1].instances, Some((100..160).collect()));
    assert!(findings[1].text.contains("blank background"), "{}", findings[1].text);
    assert_eq!(findings[1].severity, Severity::Info);
}

#[test]
fn patches_of_any_size_give_features() {
    assert_eq!(patch_features(&[0, 255, 0, 255], [2, 2, 1]).values, [0.0, 1.0, 0.0, 1.0]);
    assert_eq!(patch_features(&[255; 27 * 29 * 3], [27, 29, 3]).values, vec![1.0; 8 * 8 * 3]);
    assert_eq!(patch_features(&[10, 200, 10, 200], [1, 2, 2]).contrast, 0.0, "channels are not compared");
    assert!(patch_features(&[], [0, 0, 1]).values.is_empty());
}

/// Findings of three hidden layers and an output, with both measures alike.
fn depth(shares: [f64; 3], accuracy: Option<f64>, held_out: usize) -> Vec<Finding> {
    let measured = shares.map(|share| Separability {
        step: 100,
        neighbour_purity: share,
        ridge_accuracy: share,
        held_out,
    });
    let mut layers: Vec<LayerSeparability> = ["conv1", "conv2", "fc1"]
        .into_iter()
        .zip(&measured)
        .map(|(layer, separability)| LayerSeparability { layer, output: false, stable: true, separability })
        .collect();
    layers.push(LayerSeparability { layer: "fc2", output: true, stable: true, separability: &measured[2] });
    depth_findings(&DepthEvidence { layers: &layers, accuracy })
}

#[test]
fn layers_that_gain_nothing_are_unnecessary() {
    let findings = depth([0.9, 0.97, 0.972], Some(0.97), 1000);
    assert_eq!(findings.len(), 1);
    assert_eq!(
        (findings[0].kind, findings[0].layer.as_deref()),
        (FindingKind::UnnecessaryLayer, Some("fc1"))
    );
    assert!(findings[0].text.contains("after conv2: +0.2 points"), "{}", findings[0].text);
    assert_eq!(depth([0.9, 0.97, 0.972], Some(0.97), 200), [], "too few inputs to be sure");
    assert_eq!(depth([0.9, 0.94, 0.97], Some(0.97), 1000), []);
    let layers: Vec<_> =
        depth([0.97, 0.96, 0.975], None, 1000).into_iter().map(|f| f.layer.unwrap()).collect();
    assert_eq!(layers, ["conv2", "fc1"]);
}

#[test]
fn separability_that_still_rises_asks_for_another_layer() {
    let findings = depth([0.4, 0.5, 0.6], Some(0.62), 1000);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].kind, FindingKind::MissingLayer);
    assert_eq!(depth([0.8, 0.9, 0.98], Some(0.97), 1000), []);
    assert_eq!(depth([0.4, 0.5, 0.52], Some(0.52), 1000), [], "within sampling error");
}
