//! T3: patterns that no filter answers to.

use super::{named, wording};
use crate::{Finding, FindingKind, InputId, Severity, UNLABELLED};
use std::collections::{BTreeMap, BTreeSet};

/// No filter answers to an instance whose largest activation is below this share of the layer's.
pub const UNDETECTED_SHARE: f64 = 0.05;
/// A pattern of fewer distinct inputs may be chance.
pub const UNDETECTED_INPUTS: usize = 20;
/// Patches with less contrast (largest minus smallest value, of 1) are blank.
const BLANK_CONTRAST: f32 = 0.05;
/// Patches whose coarse pixels differ by less than this (root mean square, of 1) show one pattern.
const PATTERN_RADIUS: f64 = 0.2;
/// Patterns told apart in one layer; further patches join the nearest.
const MAX_PATTERNS: usize = 64;
/// Side of the coarse grid that a patch is averaged to.
const COARSE_SIDE: usize = 8;

/// What a patch looks like, coarsely.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchFeatures {
    /// Mean pixel of each cell of an at most 8 x 8 grid and channel, in [0, 1].
    pub values: Vec<f32>,
    /// Largest minus smallest pixel of any one channel, in [0, 1].
    pub contrast: f32,
}

/// Averages a patch `[height, width, channels]` to a coarse grid.
///
/// All patches of one size give equally many features; an empty patch gives none and has no contrast.
pub fn patch_features(pixels: &[u8], [height, width, channels]: [usize; 3]) -> PatchFeatures {
    let mut values = Vec::new();
    let mut contrast = 0.0_f32;
    if pixels.len() != height * width * channels || pixels.is_empty() {
        return PatchFeatures { values, contrast };
    }
    let cells = |size: usize| {
        let count = size.min(COARSE_SIDE);
        (0..count).map(move |cell| cell * size / count..(cell + 1) * size / count)
    };
    for rows in cells(height) {
        for columns in cells(width) {
            for channel in 0..channels {
                let cell =
                    rows.clone().flat_map(|row| columns.clone().map(move |column| row * width + column));
                let sum: u64 = cell.map(|place| u64::from(pixels[place * channels + channel])).sum();
                values.push(sum as f32 / (255 * rows.len() * columns.len()) as f32);
            }
        }
    }
    for channel in 0..channels {
        let (low, high) = pixels[channel..]
            .iter()
            .step_by(channels)
            .fold((u8::MAX, 0), |(low, high), &pixel| (low.min(pixel), high.max(pixel)));
        contrast = contrast.max(f32::from(high - low) / 255.0);
    }
    PatchFeatures { values, contrast }
}

/// What the patches of sampled instances look like, one entry an instance.
#[derive(Debug, Clone, Copy)]
pub struct Patches<'a> {
    /// Features of each patch; all equally long.
    pub features: &'a [PatchFeatures],
}

/// The numbers on which findings about undetected patterns rest; slices have one entry a sampled instance.
#[derive(Debug, Clone, Copy)]
pub struct UndetectedEvidence<'a> {
    /// The layer's name.
    pub layer: Option<&'a str>,
    /// 99.9 % quantile, over the layer's instances, of an instance's largest rectified activation.
    pub reference: f32,
    /// Largest rectified activation of each instance.
    pub max_activations: &'a [f32],
    /// Identity of each instance's input.
    pub inputs: &'a [InputId],
    /// Label of each instance's input, -1 without one.
    pub labels: &'a [i32],
    /// Class names by label; may be empty.
    pub classes: &'a [String],
    /// The patches; `None` where inputs are not images.
    pub patches: Option<Patches<'a>>,
}

/// A group of instances that look alike, as rows of the sample.
struct Pattern {
    rows: Vec<usize>,
    blank: bool,
}

/// The patterns that no filter of a layer answers to, the most frequent first within a severity.
pub fn undetected_findings(evidence: &UndetectedEvidence) -> Vec<Finding> {
    let n = evidence.max_activations.len();
    let consistent = evidence.inputs.len() == n
        && evidence.labels.len() == n
        && evidence.patches.is_none_or(|patches| patches.features.len() == n);
    if !consistent || evidence.reference <= 0.0 || !evidence.reference.is_finite() {
        return Vec::new();
    }
    let threshold = UNDETECTED_SHARE * f64::from(evidence.reference);
    let rows: Vec<usize> =
        (0..n).filter(|&row| f64::from(evidence.max_activations[row]) < threshold).collect();
    let mut patterns = patterns(&rows, evidence.patches);
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.rows.len()));
    let mut findings: Vec<Finding> =
        patterns.into_iter().filter_map(|pattern| finding(evidence, pattern)).collect();
    super::sort(&mut findings);
    findings
}

/// Groups instances by their patches: blank ones together, the others around leaders in the order of their rows.
fn patterns(rows: &[usize], patches: Option<Patches>) -> Vec<Pattern> {
    let Some(Patches { features }) = patches else {
        return vec![Pattern { rows: rows.to_vec(), blank: false }];
    };
    let (blank, shown): (Vec<usize>, Vec<usize>) =
        rows.iter().partition(|&&row| features[row].contrast < BLANK_CONTRAST);
    let mut patterns: Vec<Pattern> = Vec::new();
    for row in shown {
        let distance = |pattern: &Pattern| distance(&features[pattern.rows[0]].values, &features[row].values);
        let nearest = patterns
            .iter()
            .enumerate()
            .map(|(place, pattern)| (place, distance(pattern)))
            .min_by(|one, other| one.1.total_cmp(&other.1));
        match nearest {
            Some((place, distance)) if distance < PATTERN_RADIUS || patterns.len() == MAX_PATTERNS => {
                patterns[place].rows.push(row);
            }
            _ => patterns.push(Pattern { rows: vec![row], blank: false }),
        }
    }
    patterns.push(Pattern { rows: blank, blank: true });
    patterns
}

/// Root mean square difference of two patches' features; infinite where they are not of one size.
fn distance(one: &[f32], other: &[f32]) -> f64 {
    if one.len() != other.len() || one.is_empty() {
        return f64::INFINITY;
    }
    let sum: f64 = one.iter().zip(other).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (sum / one.len() as f64).sqrt()
}

fn finding(evidence: &UndetectedEvidence, Pattern { rows, blank }: Pattern) -> Option<Finding> {
    let inputs: BTreeSet<InputId> = rows.iter().map(|&row| evidence.inputs[row]).collect();
    if inputs.len() < UNDETECTED_INPUTS {
        return None;
    }
    let sampled = evidence.max_activations.len();
    let share = rows.len() as f64 / sampled as f64;
    let counted = wording::instances(rows.len() as u64, Some(inputs.len() as u64));
    let labelled = main_label(evidence, &rows);
    let text = if blank {
        format!(
            "{counted} show blank background, and no filter answers to them (below {} of the layer's largest activations).",
            wording::percent(UNDETECTED_SHARE)
        )
    } else {
        let labels = labelled.as_ref().map_or(String::new(), |(name, share, _)| {
            format!(", {} labelled {name},", wording::percent(*share))
        });
        format!(
            "No filter answers to {counted}{labels} that look alike (below {} of the layer's largest activations).",
            wording::percent(UNDETECTED_SHARE)
        )
    };
    let mut numbers = named([
        ("n", sampled as f64),
        ("instances", rows.len() as f64),
        ("inputs", inputs.len() as f64),
        ("threshold", UNDETECTED_SHARE * f64::from(evidence.reference)),
        ("share", share),
        ("blank", f64::from(u8::from(blank))),
    ]);
    if let Some((_, share, label)) = labelled {
        numbers.insert("label".to_owned(), f64::from(label));
        numbers.insert("label_share".to_owned(), share);
    }
    Some(Finding {
        kind: FindingKind::Undetected,
        layer: evidence.layer.map(str::to_owned),
        filters: None,
        instances: Some(rows),
        severity: if blank { Severity::Info } else { Severity::Medium },
        evidence: numbers,
        text,
        suggestion: (!blank)
            .then(|| "Look at their patches; if they matter, give the layer more filters.".to_owned()),
    })
}

/// The most frequent label of some instances: its name, its share of them, and itself; `None` where none has one.
fn main_label(evidence: &UndetectedEvidence, rows: &[usize]) -> Option<(String, f64, i32)> {
    let mut counts: BTreeMap<i32, usize> = BTreeMap::new();
    for &row in rows {
        if evidence.labels[row] > UNLABELLED {
            *counts.entry(evidence.labels[row]).or_default() += 1;
        }
    }
    let (&label, &count) = counts.iter().max_by_key(|&(&label, &count)| (count, std::cmp::Reverse(label)))?;
    let name = usize::try_from(label).ok().and_then(|label| evidence.classes.get(label));
    let name = name.map_or_else(|| label.to_string(), |name| format!("“{name}”"));
    Some((name, count as f64 / rows.len() as f64, label))
}
