//! From a layer's probed instances to the points of its input map.

use deepeyes_core::{
    InputId, LayerInstances, LayerSpec, MapPoints, ProbedInstances, UNLABELLED, level, rectify_instance,
};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Who a point is: its first instance's input and position.
pub(super) type Identity = (InputId, u32);

/// The points of a layer, with what they are placed by.
pub(super) struct Prepared {
    /// The iteration after which the probe was taken.
    pub(super) step: u64,
    pub(super) points: MapPoints,
    /// Their receptive fields `[n, width]`, row-major.
    pub(super) fields: Vec<f32>,
    pub(super) width: usize,
    /// Of identities and fields: equal where nothing that a map is made of has changed.
    pub(super) fingerprint: u64,
}

impl Prepared {
    /// The finite instances of layer number `layer`, those with the same receptive field as one point.
    ///
    /// # Errors
    /// Where the instances' vectors do not fit each other.
    pub(super) fn new(spec: &LayerSpec, probe: &ProbedInstances, layer: usize) -> Result<Self, String> {
        let instances =
            probe.layers.get(layer).ok_or_else(|| "the probe has no instances of it".to_owned())?;
        let width = width(spec, probe, instances)?;
        let mut collapse = Collapse::new(spec, probe, instances, width);
        for row in 0..instances.inputs.len() {
            collapse.add(row).map_err(|error| error.to_string())?;
        }
        Ok(collapse.finish())
    }
}

/// Who the points are.
pub(super) fn identities(points: &MapPoints) -> Vec<Identity> {
    points.inputs.iter().copied().zip(points.positions.iter().copied()).collect()
}

/// Values of a receptive field.
fn width(spec: &LayerSpec, probe: &ProbedInstances, instances: &LayerInstances) -> Result<usize, String> {
    let (n, inputs) = (instances.inputs.len(), probe.inputs.len());
    let wrong =
        |what: &str| Err(format!("the probe's {what} do not fit its {n} instances of {inputs} inputs"));
    if instances.positions.len() != n || instances.activations.len() != n * spec.filters {
        return wrong("positions or activations");
    }
    if [probe.splits.len(), probe.labels.len(), probe.predictions.len()] != [inputs; 3] {
        return wrong("labels or predictions");
    }
    if instances.inputs.iter().any(|&input| input as usize >= inputs) {
        return wrong("places of inputs");
    }
    match instances.fields.len().checked_div(n) {
        None => Ok(1),
        Some(width) if width > 0 && width * n == instances.fields.len() => Ok(width),
        Some(_) => wrong("receptive fields"),
    }
}

/// Takes instances in, one after the other.
struct Collapse<'a> {
    spec: &'a LayerSpec,
    probe: &'a ProbedInstances,
    instances: &'a LayerInstances,
    width: usize,
    points: MapPoints,
    activations: Vec<f32>,
    fields: Vec<f32>,
    rectified: Vec<f32>,
    /// Points by the hash of their fields.
    known: HashMap<u64, Vec<usize>>,
}

impl<'a> Collapse<'a> {
    fn new(
        spec: &'a LayerSpec,
        probe: &'a ProbedInstances,
        instances: &'a LayerInstances,
        width: usize,
    ) -> Self {
        Self {
            spec,
            probe,
            instances,
            width,
            points: MapPoints { filters: spec.filters, ..MapPoints::default() },
            activations: Vec::new(),
            fields: Vec::new(),
            rectified: vec![0.0; spec.filters],
            known: HashMap::new(),
        }
    }

    fn add(&mut self, row: usize) -> Result<(), deepeyes_core::NegativeActivation> {
        let (filters, width) = (self.spec.filters, self.width);
        let field = &self.instances.fields[row * width..][..width];
        let raw = &self.instances.activations[row * filters..][..filters];
        let finite = rectify_instance(self.spec.rectify, raw, &mut self.rectified)?;
        if !finite || field.iter().any(|value| !value.is_finite()) {
            return Ok(());
        }
        let input = self.instances.inputs[row] as usize;
        let (label, prediction) = (self.probe.labels[input], self.probe.predictions[input]);
        let alike = self.known.entry(hash(field)).or_default();
        let same = alike.iter().find(|&&point| self.fields[point * width..][..width] == *field);
        let points = &mut self.points;
        if let Some(&point) = same {
            points.counts[point] += 1;
            if points.labels[point] != label {
                points.labels[point] = UNLABELLED;
            }
            if points.predictions[point] != prediction {
                points.predictions[point] = -1;
            }
            return Ok(());
        }
        alike.push(points.inputs.len());
        points.inputs.push(self.probe.inputs[input]);
        points.splits.push(self.probe.splits[input]);
        points.positions.push(self.instances.positions[row]);
        points.labels.push(label);
        points.predictions.push(prediction);
        points.counts.push(1);
        points.max_activations.push(self.rectified.iter().fold(0.0, |max: f32, &value| max.max(value)));
        self.activations.extend_from_slice(&self.rectified);
        self.fields.extend_from_slice(field);
        Ok(())
    }

    fn finish(self) -> Prepared {
        let Self { mut points, activations, fields, width, probe, .. } = self;
        points.level = level(&points.max_activations).unwrap_or(0.0);
        points.scales = vec![0.0; points.filters];
        for row in activations.chunks_exact(points.filters.max(1)) {
            for (scale, &value) in points.scales.iter_mut().zip(row) {
                *scale = scale.max(value);
            }
        }
        let scales = &points.scales;
        let quantised = |(at, value): (usize, f32)| {
            let scale = scales[at % scales.len()];
            if scale > 0.0 { (value / scale * 255.0).round() as u8 } else { 0 }
        };
        points.activations = activations.into_iter().enumerate().map(quantised).collect();
        let mut hasher = DefaultHasher::new();
        identities(&points).hash(&mut hasher);
        hash(&fields).hash(&mut hasher);
        Prepared { step: probe.step, points, fields, width, fingerprint: hasher.finish() }
    }
}

/// Equal for equal numbers: both zeros are one.
fn hash(values: &[f32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for &value in values {
        (value + 0.0).to_bits().hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use deepeyes_core::InputSplit;
    use std::sync::Arc;

    pub(in crate::maps) fn spec(filters: usize) -> LayerSpec {
        LayerSpec {
            name: "conv".to_owned(),
            kind: "conv2d".to_owned(),
            filters,
            grid: [3, 3],
            parameters: 1,
            ..LayerSpec::default()
        }
    }

    /// Instances of one layer with the given fields, one position an input; activations are the field's first values.
    pub(in crate::maps) fn probe(step: u64, filters: usize, fields: &[Vec<f32>]) -> ProbedInstances {
        let n = fields.len();
        let half = |at: usize| if at < n / 2 { InputSplit::Training } else { InputSplit::Validation };
        let activations = fields.iter().flat_map(|field| (0..filters).map(|at| field[at % field.len()]));
        ProbedInstances {
            step,
            inputs: (0..n as i64).collect(),
            splits: (0..n).map(half).collect(),
            labels: (0..n as i32).map(|at| at % 4).collect(),
            predictions: (0..n as i32).map(|at| at % 3).collect(),
            images: Vec::new(),
            layers: vec![LayerInstances {
                inputs: (0..n as u32).collect(),
                positions: (0..n as u32).map(|at| at % 9).collect(),
                activations: activations.collect(),
                fields: fields.concat(),
            }],
        }
    }

    #[test]
    fn equal_fields_are_one_point_and_disagreeing_labels_are_none() {
        let fields = [vec![0.0, 0.0], vec![1.0, 2.0], vec![-0.0, 0.0], vec![4.0, 0.5], vec![1.0, 2.0]];
        let prepared = Prepared::new(&spec(2), &probe(1, 2, &fields), 0).unwrap();
        let points = &prepared.points;
        assert_eq!(points.inputs, [0, 1, 3]);
        assert_eq!(points.counts, [2, 2, 1]);
        // Inputs 0 and 2 have labels 0 and 2, inputs 1 and 4 labels 1 and 0; their predictions are 0 and 2, 1 and 1.
        assert_eq!((&points.labels[..], &points.predictions[..]), (&[-1, -1, 3][..], &[-1, 1, 0][..]));
        assert_eq!(points.max_activations, [0.0, 2.0, 4.0]);
        assert_eq!((&points.scales[..], points.level), (&[4.0, 2.0][..], 4.0));
        assert_eq!(points.activations, [0, 0, 64, 255, 255, 64]);
        assert_eq!(prepared.fields, [0.0, 0.0, 1.0, 2.0, 4.0, 0.5]);
        let again = Prepared::new(&spec(2), &probe(9, 2, &fields), 0).unwrap();
        assert_eq!(prepared.fingerprint, again.fingerprint);
        assert_eq!(Arc::new(again.points), Arc::new(prepared.points));
    }

    #[test]
    fn what_is_not_finite_is_left_out_and_what_does_not_fit_is_refused() {
        let fields = [vec![1.0, f32::NAN], vec![f32::INFINITY, 1.0], vec![1.0, 1.0]];
        assert_eq!(Prepared::new(&spec(1), &probe(1, 1, &fields), 0).unwrap().points.inputs, [2]);
        let mut ragged = probe(1, 1, &fields);
        ragged.layers[0].fields.pop();
        assert!(Prepared::new(&spec(1), &ragged, 0).is_err());
        assert!(Prepared::new(&spec(2), &probe(1, 1, &fields), 0).is_err());
        assert!(Prepared::new(&spec(1), &probe(1, 1, &fields), 3).is_err());
        let nothing = Prepared::new(&spec(1), &probe(1, 1, &[]), 0).unwrap();
        assert!(nothing.points.is_empty() && nothing.points.level == 0.0);
    }
}
