//! The end of a window: layers closed, findings completed, the result published and stored.

use super::Analysis;
use crate::gaps::Way;
use crate::guard::guarded;
use crate::layer::Layer;
use crate::recorder::Record;
use crate::undetected;
use cpu_time::ThreadTime;
use deepeyes_core::findings::{self, DepthEvidence, LayerSeparability, depth_findings};
use deepeyes_core::{Finding, FindingKind, LayerSnapshot};
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Analysis {
    /// Ends the running window.
    pub(super) fn close_window(&mut self) {
        let due = self.last_full.is_none_or(|last| last.elapsed() >= self.budget.interval());
        let ends = self.description.iterations == Some(self.state.step);
        let whole = (due || ends) && self.sampled;
        let sample = self.samples_next(whole);
        let sampled = std::mem::replace(&mut self.sampled, sample);
        let keep = self.keep_windows.then_some(&self.config);
        let ends = self.layers.iter_mut().map(|layer| {
            move |way: &mut Way| {
                way.give();
                layer.close(whole, keep, sample)
            }
        });
        let (ended, seconds) = self.gaps.run(self.moment, ends.collect());
        let mut closed: Vec<(usize, LayerSnapshot)> = Vec::new();
        for (at, ended) in ended.into_iter().enumerate() {
            match ended {
                Ok(snapshot) => closed.extend(snapshot.map(|snapshot| (at, snapshot))),
                Err(problem) => self.problem(problem),
            }
        }
        let start = ThreadTime::now();
        if let Some(step) = closed.iter().map(|(_, snapshot)| snapshot.to).max() {
            if sampled {
                let images = self.images.close(closed.iter().map(|(_, snapshot)| snapshot));
                self.state.images = Arc::new(images);
            }
            for (at, mut snapshot) in closed {
                self.add_undetected(at, &mut snapshot);
                let snapshot = Arc::new(snapshot);
                self.maps.window(at, &snapshot);
                self.layers[at].latest = Some(snapshot);
            }
            self.add_depth();
            self.store_window(step, whole);
            self.publish_layers();
        }
        self.flush();
        if whole {
            self.budget.compared(seconds);
        }
        self.budget.analysed(seconds + start.elapsed().as_secs_f64());
        self.budget.close();
        self.state.cost = self.budget.cost();
    }

    /// Whether the next window is to have a sample: where it will be due to be whole, and the last one of a training whose
    /// end is known. Where it is not, or windows merge with those of other ranks, all have one. The next window is taken to
    /// be as long as this one, which is longer than W iterations where activations are not taken of all of them.
    fn samples_next(&self, whole: bool) -> bool {
        let Some(iterations) = self.description.iterations.filter(|_| !self.keep_windows) else {
            return true;
        };
        let step = self.state.step;
        let length = step.saturating_sub(self.closed.map_or(0, |(before, _)| before));
        let since = self.last_full.filter(|_| !whole).map_or(Duration::ZERO, |last| last.elapsed());
        let seconds = self.seconds_per_step.unwrap_or(0.0) * length as f64;
        let end = since.saturating_add(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
        iterations.saturating_sub(step) < 2 * length || end >= self.budget.interval()
    }

    /// T3: it needs pixels, which core does not have. A window without a sample has that of the last window which had one,
    /// and what was found in it.
    fn add_undetected(&mut self, at: usize, snapshot: &mut LayerSnapshot) {
        let Layer { spec, latest, .. } = &self.layers[at];
        let found = if let Some(sample) = &snapshot.sample {
            guarded(|| undetected::findings(spec, sample, &self.state.images, &self.description.classes))
        } else {
            let Some(before) = latest else { return };
            snapshot.sample.clone_from(&before.sample);
            let found = before.statistics.findings.iter();
            Ok(found.filter(|finding| finding.kind == FindingKind::Undetected).cloned().collect())
        };
        match found {
            Ok(found) => {
                snapshot.statistics.findings.extend(found);
                findings::sort(&mut snapshot.statistics.findings);
            }
            Err(panic) => self.problem(format!("undetected patterns are not told: {panic}")),
        }
    }

    /// T5: puts the last separability into the layers' last snapshots, and the findings that rest on all of them.
    fn add_depth(&mut self) {
        let depth = self.depth();
        for (layer, separability) in self.layers.iter_mut().zip(&self.separability) {
            let Some(latest) = &mut layer.latest else { continue };
            let name = Some(layer.spec.name.as_str());
            let own = || depth.iter().filter(|finding| finding.layer.as_deref() == name);
            if separability.is_none() && own().next().is_none() {
                continue;
            }
            let snapshot = Arc::make_mut(latest);
            snapshot.separability.clone_from(separability);
            let list = &mut snapshot.statistics.findings;
            list.retain(|finding| !is_depth(finding));
            list.extend(own().cloned());
            findings::sort(list);
        }
    }

    fn depth(&self) -> Vec<Finding> {
        let measured: Vec<LayerSeparability> = self
            .layers
            .iter()
            .zip(&self.separability)
            .filter_map(|(layer, separability)| {
                Some(LayerSeparability {
                    layer: &layer.spec.name,
                    output: layer.spec.output,
                    stable: layer.latest.as_ref().is_some_and(|latest| latest.stable),
                    separability: separability.as_ref()?,
                })
            })
            .collect();
        let accuracy = self.state.validations.last().map(|validation| validation.accuracy);
        depth_findings(&DepthEvidence { layers: &measured, accuracy })
    }

    /// After a probe: the last windows say its separability, in the store too.
    pub(super) fn amend(&mut self) {
        self.add_depth();
        if let Some((step, _)) = self.closed {
            self.store_window(step, true);
        }
        self.publish_layers();
    }

    /// Before the end: the store has all of the last window.
    pub(super) fn complete_store(&mut self) {
        if let Some((step, false)) = self.closed {
            self.store_window(step, true);
        }
    }

    fn store_window(&mut self, step: u64, full: bool) {
        if full {
            self.last_full = Some(Instant::now());
        }
        self.closed = Some((step, full));
        let of_window = |(at, layer): (usize, &Layer)| {
            let latest = layer.latest.as_ref().filter(|latest| latest.to == step)?;
            Some((at, Arc::clone(latest)))
        };
        let layers: Vec<_> = self.layers.iter().enumerate().filter_map(of_window).collect();
        let kept = |at: usize| Some((at, Arc::clone(self.layers[at].kept.as_ref()?)));
        let windows = layers.iter().filter_map(|(at, _)| kept(*at)).collect();
        let images = if full {
            self.state.images.iter().map(|(&input, image)| (input, Arc::clone(image))).collect()
        } else {
            Vec::new()
        };
        self.recorder.send(Record::Snapshot { step, layers, windows, full, images });
    }

    pub(super) fn publish_layers(&mut self) {
        self.state.layers = self.layers.iter().map(|layer| layer.latest.clone()).collect();
        let latest = self.state.layers.iter().flatten();
        let mut all: Vec<Finding> = latest.flat_map(|layer| &layer.statistics.findings).cloned().collect();
        findings::sort(&mut all);
        self.state.findings = all.into();
    }
}

fn is_depth(finding: &Finding) -> bool {
    matches!(finding.kind, FindingKind::UnnecessaryLayer | FindingKind::MissingLayer)
}
