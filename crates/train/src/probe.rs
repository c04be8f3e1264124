//! The probe: a fixed set of inputs, run through the network now and then. All of them give features for label
//! separability; every second one gives instances for input maps.

use crate::evaluate::{INPUTS, run};
use crate::features::Features;
use crate::instances::Instances;
use crate::loader::image;
use crate::loss;
use crate::preprocess::Preprocess;
use crate::shards::Workers;
use crate::step::Context;
use crate::streams::{Purpose, stream};
use deepeyes_core::{Image, InputId, InputSplit, LayerInstances, Probe, ProbedInstances};
use deepeyes_data::{DataError, Dataset, Split};
use deepeyes_network::{Graph, Source, Watched};
use std::sync::Arc;

/// Of the probed inputs one in so many gives instances.
const MAPPED: usize = 2;
/// Pixels of probed inputs are sent up to so many bytes in all.
const IMAGE_BYTES: usize = 32 << 20;
/// Instances are first taken after this part of the iterations between two validations, and then at each doubling.
const FIRST: u64 = 16;

/// What is probed.
#[derive(Debug)]
pub(crate) struct ProbePlan {
    /// The inputs of the training and the validation split; rising.
    probed: [Vec<usize>; 2],
    features: Vec<Features>,
    instances: Vec<Instances>,
}

/// An input of the probe.
#[derive(Debug, Clone, Copy)]
struct Probed {
    index: usize,
    /// Whether it gives instances.
    mapped: bool,
}

/// What some inputs of one split gave.
#[derive(Default)]
struct Part {
    features: Vec<Vec<f32>>,
    predictions: Vec<i32>,
    layers: Vec<LayerInstances>,
}

impl ProbePlan {
    /// The probe of `count` inputs of each split (all where it has fewer); the same for a seed.
    pub(crate) fn new(
        graph: &Graph,
        watched: &[Watched],
        dataset: &Dataset,
        count: usize,
        seed: u64,
    ) -> Self {
        let draw = |split: &Split, part: u64| {
            let mut rng = stream(seed, Purpose::Probe, [part, 0]);
            let mut drawn =
                rand::seq::index::sample(&mut rng, split.len(), count.min(split.len())).into_vec();
            drawn.sort_unstable();
            drawn
        };
        let numbered = || watched.iter().enumerate();
        Self {
            probed: [draw(&dataset.train, 0), draw(&dataset.validation, 1)],
            features: numbered()
                .map(|(at, layer)| Features::new(layer.filters, layer.grid, seed, at))
                .collect(),
            instances: numbered().map(|(at, layer)| Instances::new(graph, layer, at, seed)).collect(),
        }
    }

    /// Whether instances are taken after an iteration at which nothing is validated: early on, when layers change
    /// fastest.
    pub(crate) fn is_early(step: u64, validate_every: u64) -> bool {
        let mut part = FIRST;
        while part > 1 {
            if step == validate_every.div_ceil(part) {
                return true;
            }
            part /= 2;
        }
        false
    }

    /// Runs the probe: with `features` all of it, otherwise the inputs that give instances.
    pub(crate) fn take(
        &self,
        context: &Context<'_>,
        dataset: &Dataset,
        preprocess: &Preprocess,
        workers: &Workers,
        step: u64,
        features: bool,
    ) -> Result<(Option<Probe>, ProbedInstances), DataError> {
        let splits = [&dataset.train, &dataset.validation];
        let inputs: [Vec<Probed>; 2] = self.probed.each_ref().map(|probed| {
            let all =
                probed.iter().enumerate().map(|(at, &index)| Probed { index, mapped: at % MAPPED == 0 });
            all.filter(|input| features || input.mapped).collect()
        });
        // Training inputs are named by their index, validation inputs from there on.
        let first = [0, dataset.train.len()];
        let chunks = splits.into_iter().zip(first).zip(&inputs);
        let tasks: Vec<_> = chunks
            .flat_map(|(split, all)| all.chunks(INPUTS).map(move |chunk| (split, chunk)))
            .map(|((split, first), chunk)| {
                move || self.part(context, split, first, chunk, preprocess, features)
            })
            .collect();
        let mut whole = Part {
            features: vec![vec![]; self.features.len()],
            predictions: vec![],
            layers: vec![LayerInstances::default(); self.instances.len()],
        };
        for part in workers.run(tasks) {
            whole.add(part?);
        }
        let labels = |wanted: fn(&Probed) -> bool| {
            let all = splits.into_iter().zip(&inputs);
            all.flat_map(move |(split, all)| {
                all.iter().filter(move |input| wanted(input)).map(move |input| split.label(input.index))
            })
            .collect()
        };
        let mapped = |at: usize| inputs[at].iter().filter(|input| input.mapped);
        let identities =
            (0..2).flat_map(|at| mapped(at).map(move |input| (first[at] + input.index) as InputId));
        let instances = ProbedInstances {
            step,
            inputs: identities.collect(),
            splits: [InputSplit::Training, InputSplit::Validation]
                .into_iter()
                .enumerate()
                .flat_map(|(at, split)| mapped(at).map(move |_| split))
                .collect(),
            labels: labels(|input| input.mapped),
            predictions: whole.predictions.into(),
            images: vec![],
            layers: whole.layers,
        };
        let probe = features.then(|| Probe {
            step,
            labels: labels(|_| true),
            held_out: (0..2).flat_map(|at| inputs[at].iter().map(move |_| at == 1)).collect(),
            features: whole.features,
        });
        Ok((probe, instances))
    }

    fn part(
        &self,
        context: &Context<'_>,
        split: &Split,
        first: usize,
        chunk: &[Probed],
        preprocess: &Preprocess,
        features: bool,
    ) -> Result<Part, DataError> {
        let indices: Vec<usize> = chunk.iter().map(|input| input.index).collect();
        let sources = self.instances.iter().filter_map(|layer| match layer.source {
            Source::Input => None,
            Source::Node(node) => Some(node),
        });
        let keep: Vec<usize> = context.watched.iter().copied().chain(sources).collect();
        let (numbers, logits, kept) = run(context, split, &indices, preprocess, &keep)?;
        let labels: Vec<i32> = indices.iter().map(|&index| split.label(index)).collect();
        let predictions = loss::score(&logits, &labels).predictions;
        let (outputs, mut read) = (&kept[..context.watched.len()], kept[context.watched.len()..].iter());
        let mut part = Part::default();
        for (features_of, output) in self.features.iter().zip(outputs) {
            let mut found = vec![];
            if features {
                features_of.append(output, &mut found);
            }
            part.features.push(found);
        }
        for (layer, output) in self.instances.iter().zip(outputs) {
            let read = match layer.source {
                Source::Input => &numbers,
                Source::Node(_) => read.next().expect("every node that is read was kept"),
            };
            let of_input = |values: &'_ [f32], at: usize| {
                let size = values.len() / chunk.len();
                at * size..(at + 1) * size
            };
            let mut instances = LayerInstances::default();
            for (place, (at, input)) in chunk.iter().enumerate().filter(|(_, input)| input.mapped).enumerate()
            {
                let values = [&read[of_input(read, at)], &output[of_input(output, at)]];
                layer.append((first + input.index) as InputId, place as u32, values, &mut instances);
            }
            part.layers.push(instances);
        }
        part.predictions = chunk
            .iter()
            .zip(predictions)
            .filter(|(input, _)| input.mapped)
            .map(|(_, answer)| answer)
            .collect();
        Ok(part)
    }

    /// Pixels of the inputs that give instances, as many as fit.
    pub(crate) fn images(
        &self,
        dataset: &Dataset,
        preprocess: &Preprocess,
    ) -> Result<Vec<(InputId, Arc<Image>)>, DataError> {
        let mut images = vec![];
        let mut bytes = 0;
        let splits = [(&dataset.train, 0), (&dataset.validation, dataset.train.len())];
        let places = self.probed.iter().map(Vec::len).max().unwrap_or(0);
        for at in (0..places).step_by(MAPPED) {
            for ((split, first), probed) in splits.into_iter().zip(&self.probed) {
                let Some(&index) = probed.get(at) else { continue };
                let image = image(preprocess.plain(split, index)?);
                bytes += image.pixels.len();
                if bytes > IMAGE_BYTES {
                    return Ok(images);
                }
                images.push(((first + index) as InputId, Arc::new(image)));
            }
        }
        Ok(images)
    }
}

impl Part {
    /// Appends a part; its instances' places follow on.
    fn add(&mut self, part: Self) {
        let first = self.predictions.len() as u32;
        self.predictions.extend(part.predictions);
        self.features.iter_mut().zip(part.features).for_each(|(all, part)| all.extend(part));
        for (all, part) in self.layers.iter_mut().zip(part.layers) {
            all.inputs.extend(part.inputs.into_iter().map(|place| first + place));
            all.positions.extend(part.positions);
            all.activations.extend(part.activations);
            all.fields.extend(part.fields);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn early_instances_come_at_each_doubling() {
        let early = |every: u64| -> Vec<u64> {
            (1..every).filter(|&step| ProbePlan::is_early(step, every)).collect()
        };
        assert_eq!(early(500), [32, 63, 125, 250]);
        assert_eq!(early(5), [1, 2, 3]);
        assert!(early(1).is_empty());
        assert!(!ProbePlan::is_early(32 + 500, 500));
    }
}
