//! One layer over the windows of a run: closes each window, and keeps what spans them (all-time maxima, silence of filters,
//! stability). It is small and serialisable, so that a checkpoint holds it and a resumed run goes on with it.

use crate::alike::Alike;
use crate::drift::{GroupedPerplexities, drift};
use crate::findings::{
    Course, FIRING_SHARE, FilterEvidence, LayerEvidence, filter_states, is_dead, layer_findings,
};
use crate::noise::noise;
use crate::recent::RecentInputs;
use crate::reservoir::Reservoir;
use crate::sketch::Sketch;
use crate::stability::{Stability, drift_limit};
use crate::window::Totals;
use crate::{
    AnalysisConfig, FilterAffinity, FilterStatistics, LayerSnapshot, LayerSpec, LayerStatistics, LayerWindow,
    PerplexityHistogram,
};
use serde::{Deserialize, Serialize};
use std::cell::LazyCell;
use std::sync::Arc;

/// The quantile of a filter's activations against which it is judged always on: its maximum without the outliers.
const REFERENCE_QUANTILE: f64 = 0.999;

/// What is known of a layer over all its windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerMonitor {
    spec: LayerSpec,
    layer: usize,
    config: AnalysisConfig,
    /// Windows closed.
    windows: u64,
    /// Instances of all of them.
    instances: u64,
    recent: RecentInputs,
    all_time_max: Vec<f32>,
    /// When each filter last fired; `None` for never.
    fired: Vec<Option<Fired>>,
    stability: Stability,
    previous: Option<Previous>,
    /// As last compared.
    alike: Alike,
}

/// The window in which a filter last fired.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Fired {
    window: u64,
    /// Instances of all windows up to it.
    instances: u64,
}

/// What the next window is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Previous {
    histogram: PerplexityHistogram,
    perplexities: GroupedPerplexities,
}

/// How a window compares with the one before.
struct Comparison {
    change: Vec<f32>,
    drift: f64,
    noise: f64,
    trend: Option<f64>,
}

impl LayerMonitor {
    /// Of a layer (number `layer` of the run) before its first window.
    pub fn new(spec: &LayerSpec, layer: usize, config: &AnalysisConfig) -> Self {
        Self {
            spec: spec.clone(),
            layer,
            config: config.clone(),
            windows: 0,
            instances: 0,
            recent: RecentInputs::default(),
            all_time_max: vec![0.0; spec.filters],
            fired: vec![None; spec.filters],
            stability: Stability::default(),
            previous: None,
            alike: Alike::default(),
        }
    }

    /// An empty window of this layer.
    pub fn open(&self) -> LayerWindow {
        LayerWindow::new(&self.spec, self.layer, &self.config)
    }

    /// One that keeps no sample.
    pub fn open_without_sample(&self) -> LayerWindow {
        LayerWindow::without_sample(&self.spec, self.layer, &self.config)
    }

    /// Windows closed so far.
    pub fn windows(&self) -> u64 {
        self.windows
    }

    /// Takes in a complete window of this layer, and says what the layer is now. A window without valid instances is
    /// compared with nothing, and the next one is compared with the last that had some. Separability is the caller's.
    ///
    /// Filters are compared with each other only where `compare` says so, because that costs more than all the rest, and
    /// where the window has a sample; otherwise redundant groups and effective filters are those of the last window in which
    /// they were, and there is no similarity.
    pub fn close(&mut self, window: LayerWindow, compare: bool) -> LayerSnapshot {
        let (from, to) = window.steps().unwrap_or((0, 0));
        let mut totals = window.into_totals();
        let number = self.windows;
        self.windows += 1;
        self.instances += totals.instances;
        for &input in &totals.inputs {
            self.recent.see(input, number);
        }
        self.follow_filters(&totals, number);

        let binned = totals.instances - totals.silent;
        let perplexity = PerplexityHistogram {
            counts: std::mem::take(&mut totals.counts),
            mean: (binned > 0).then(|| totals.perplexity_sum / binned as f64),
        };
        let comparison =
            (totals.instances > 0).then(|| self.compare(&perplexity, &totals.perplexities)).flatten();
        if let Some(comparison) = &comparison {
            self.stability.update(comparison.drift, comparison.noise, to);
        }
        let evidence = self.filter_evidence(&totals, number);
        let sample = totals.sample.map(Reservoir::into_sample);
        let compared = sample.as_ref().filter(|sample| compare && !sample.is_empty());
        let similarity = compared.map(|sample| {
            let (alike, similarity) = Alike::of(sample, &self.spec, self.config.similarity_instances);
            self.alike = alike;
            similarity
        });
        let alike = &self.alike;
        let layer_evidence = LayerEvidence {
            layer: Some(&self.spec.name),
            output: self.spec.output,
            instances: totals.instances,
            inputs: Some(totals.inputs.len() as u64),
            invalid: totals.invalid,
            beta: self.config.beta,
            theta: self.config.theta,
            filters: &evidence,
            redundant_groups: &alike.groups,
            lowest_similarity: alike.lowest,
            similarity_instances: alike.instances,
            effective_filters: alike.effective_filters,
            course: comparison.as_ref().map(|comparison| Course {
                stable_since: self.stability.since(),
                drift: comparison.drift,
                limit: drift_limit(comparison.noise),
            }),
        };
        let states = filter_states(&layer_evidence);
        let findings = layer_findings(&layer_evidence);
        let affinities = totals.affinity.affinities(self.config.balanced);
        let mut affinities = affinities.map(Vec::into_iter);
        let filters = states.into_iter().enumerate().map(|(filter, state)| {
            let affinity = affinities.as_mut().and_then(Iterator::next);
            let (label, label_strength, specificity) = match affinity {
                Some(FilterAffinity { label, strength, specificity }) => (label, Some(strength), specificity),
                None => (None, None, None),
            };
            FilterStatistics {
                max: totals.maxima[filter],
                frequency: frequency(&totals.sketch, filter, totals.maxima[filter], self.config.beta),
                sum: totals.sums[filter],
                label,
                label_strength,
                specificity,
                state,
            }
        });
        let statistics = LayerStatistics {
            instances: totals.instances,
            invalid: totals.invalid,
            silent: totals.silent,
            perplexity: perplexity.clone(),
            filters: filters.collect(),
            redundant_groups: alike.groups.clone(),
            effective_filters: alike.effective_filters,
            similarity,
            findings,
        };
        if totals.instances > 0 {
            self.previous = Some(Previous { histogram: perplexity, perplexities: totals.perplexities });
        }
        LayerSnapshot {
            from,
            to,
            instances_possible: totals.possible,
            instances_sampled: totals.sampled,
            drift: comparison.as_ref().map(|comparison| comparison.drift),
            noise: comparison.as_ref().map(|comparison| comparison.noise),
            trend: comparison.as_ref().and_then(|comparison| comparison.trend),
            change: comparison.map(|comparison| comparison.change),
            stable: self.stability.since().is_some(),
            stable_since: self.stability.since(),
            all_time_max: self.all_time_max.clone(),
            statistics,
            sample: sample.map(Arc::new),
            separability: None,
        }
    }

    /// All-time maxima, and which filters fired in this window.
    fn follow_filters(&mut self, totals: &Totals, number: u64) {
        let largest = totals.maxima.iter().fold(0.0_f32, |largest, &max| largest.max(max));
        for (all_time, &max) in self.all_time_max.iter_mut().zip(&totals.maxima) {
            *all_time = all_time.max(max);
        }
        for (fired, &max) in self.fired.iter_mut().zip(&totals.maxima) {
            if !is_dead(max.into(), largest.into()) {
                *fired = Some(Fired { window: number, instances: self.instances });
            }
        }
    }

    fn compare(
        &self,
        histogram: &PerplexityHistogram,
        perplexities: &GroupedPerplexities,
    ) -> Option<Comparison> {
        let previous = self.previous.as_ref()?;
        Some(Comparison {
            change: histogram.change(&previous.histogram),
            drift: drift(&previous.perplexities, perplexities),
            noise: noise(&previous.perplexities, perplexities, self.config.seed),
            trend: histogram.mean.zip(previous.histogram.mean).map(|(now, before)| now - before),
        })
    }

    fn filter_evidence(&self, totals: &Totals, number: u64) -> Vec<FilterEvidence> {
        let inputs = totals.inputs.len() as u64;
        // Few windows have a filter that it is needed for.
        let inputs_since = LazyCell::new(|| self.recent.since_windows());
        let of_filter = |(filter, fired): (usize, &Option<Fired>)| {
            let (since, first) = match fired {
                // It fired in this very window, or the window is all there is.
                Some(Fired { window, .. }) if *window == number => (totals.instances, number),
                Some(Fired { window, instances }) => (self.instances - instances, window + 1),
                None => (self.instances, 0),
            };
            let seen = if first == number { None } else { inputs_since.range(first..).next() };
            let sketch = totals.sketch.filter(filter);
            let reference = sketch.quantile(REFERENCE_QUANTILE);
            let share_above = sketch.share_above(self.config.beta * reference);
            let is_frequent = share_above > FIRING_SHARE;
            FilterEvidence {
                max: totals.maxima[filter],
                all_time_max: self.all_time_max[filter],
                instances: since,
                inputs: Some(seen.map_or(inputs, |(_, &count)| count.max(inputs))),
                share_above,
                variation: if is_frequent { sketch.variation(reference) } else { f64::INFINITY },
            }
        };
        self.fired.iter().enumerate().map(of_filter).collect()
    }
}

/// nu: share of the sketched instances above beta times the window's maximum.
fn frequency(sketch: &Sketch, filter: usize, max: f32, beta: f64) -> f64 {
    sketch.filter(filter).share_above(beta * f64::from(max))
}
