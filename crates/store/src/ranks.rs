//! Several ranks of one training read as one run: their windows merge, and what is said of the whole is stored in a
//! temporary file, which is read like any run's.
//!
//! Each rank's first window merges with the others' first, and so on: sums, maxima and sketches to those of all ranks' inputs. A rank keeps its sample now and then, so a
//! merged window's sample, on which similarity rests, is of the ranks that kept theirs in that window. A loss is the mean
//! of the ranks' losses. What rests on pixels, on a probe, or on validation is the first rank's.

use crate::error::{Result, StoreError};
use crate::types::{RunInfo, RunStatus, Scalar, SnapshotParts};
use crate::{Reader, Retention, RunOptions, Writer};
use deepeyes_core::{
    Finding, FindingKind, Image, InputId, LayerMonitor, LayerSnapshot, LayerSpec, LayerWindow,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;

/// Layers at the end of one window.
type Layers = Vec<(usize, Arc<LayerSnapshot>)>;

/// The ranks of a run, and the file that they are merged into.
#[derive(Debug)]
pub(crate) struct Ranks {
    database: PathBuf,
    state: Mutex<State>,
    // Last, so that it goes after everything that is open in it.
    _folder: TempDir,
}

#[derive(Debug)]
struct State {
    readers: Vec<Reader>,
    specs: Vec<LayerSpec>,
    /// `None` before a layer's first window.
    monitors: Vec<Option<LayerMonitor>>,
    writer: Writer,
    /// Number of the last merged window.
    merged: Option<u64>,
    /// The last merged iteration.
    step: u64,
}

impl Ranks {
    /// Merges what the files hold.
    pub(crate) fn merge(files: &[PathBuf]) -> Result<Self> {
        let readers: Vec<Reader> = files.iter().cloned().map(Reader::open_file).collect::<Result<_>>()?;
        let first = &readers[0];
        let specs = first.info()?.description.layers;
        for (file, reader) in files.iter().zip(&readers) {
            if reader.info()?.description.layers != specs {
                return Err(StoreError::NotARun {
                    path: file.clone(),
                    reason: "its layers differ from the first rank's; expected ranks of one training"
                        .to_owned(),
                });
            }
        }
        let folder = tempfile::tempdir().map_err(StoreError::io(&files[0], "make a temporary copy of"))?;
        let database = first.copy(folder.path())?;
        let all = Retention {
            max_bytes: u64::MAX,
            dense_snapshots: u64::MAX,
            detailed_snapshots: u64::MAX,
            ..Retention::default()
        };
        let mut writer =
            Writer::reopen(folder.path(), &RunOptions { retention: all, ..RunOptions::default() })?;
        writer.clear_course()?;
        let monitors = vec![None; specs.len()];
        let state = State { readers, specs, monitors, writer, merged: None, step: 0 };
        let ranks = Self { database, state: Mutex::new(state), _folder: folder };
        ranks.update()?;
        Ok(ranks)
    }

    /// The merged file.
    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    /// Takes in what the ranks have written since.
    pub(crate) fn update(&self) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.append_scalars()?;
        state.merge_windows()
    }

    /// Says of the run what all ranks together say.
    pub(crate) fn complete(&self, info: &mut RunInfo) -> Result<()> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ranks: Vec<RunInfo> = state.readers.iter().map(Reader::info).collect::<Result<_>>()?;
        let any = |status| ranks.iter().any(|rank| rank.status == status);
        let order = [RunStatus::Running, RunStatus::Interrupted, RunStatus::Stopped];
        info.status = order.into_iter().find(|&status| any(status)).unwrap_or(RunStatus::Finished);
        info.seconds = ranks.iter().map(|rank| rank.seconds).fold(0.0, f64::max);
        info.heartbeat = ranks.iter().map(|rank| rank.heartbeat).fold(f64::NEG_INFINITY, f64::max);
        Ok(())
    }
}

impl State {
    /// Iterations that every rank has told, or that no rank will tell any more.
    fn append_scalars(&mut self) -> Result<()> {
        let mut steps: BTreeMap<u64, Vec<Scalar>> = BTreeMap::new();
        let mut common = u64::MAX;
        for reader in &self.readers {
            let scalars = reader.scalars_after(self.step)?;
            if reader.info()?.status == RunStatus::Running {
                common = common.min(scalars.last().map_or(self.step, |scalar| scalar.step));
            }
            for scalar in scalars {
                steps.entry(scalar.step).or_default().push(scalar);
            }
        }
        let merged: Vec<Scalar> = steps.range(..=common).map(|(_, scalars)| mean(scalars)).collect();
        let Some(last) = merged.last() else { return Ok(()) };
        self.step = last.step;
        self.writer.append_scalars(&merged)
    }

    /// Windows that every rank has closed, or will not close any more.
    fn merge_windows(&mut self) -> Result<()> {
        // For each window and layer, the ranks that have it, and where.
        let mut windows: BTreeMap<u64, BTreeMap<usize, Vec<(usize, u64)>>> = BTreeMap::new();
        let mut common = u64::MAX;
        for (rank, reader) in self.readers.iter().enumerate() {
            let mut newest = None;
            for layer in 0..self.specs.len() {
                for (number, step) in reader.window_places(layer)? {
                    newest = newest.max(Some(number));
                    windows.entry(number).or_default().entry(layer).or_default().push((rank, step));
                }
            }
            if reader.info()?.status == RunStatus::Running {
                let Some(newest) = newest else { return Ok(()) };
                common = common.min(newest);
            }
        }
        let first = self.merged.map_or(0, |merged| merged + 1);
        for (number, layers) in windows.range(first..) {
            if *number > common {
                break;
            }
            self.merge_window(layers)?;
            self.merged = Some(*number);
        }
        Ok(())
    }

    fn merge_window(&mut self, parts: &BTreeMap<usize, Vec<(usize, u64)>>) -> Result<()> {
        let mut layers = Layers::new();
        let mut images: BTreeMap<InputId, Arc<Image>> = BTreeMap::new();
        for (&layer, parts) in parts {
            let Some(snapshot) = self.merge_layer(layer, parts)? else { continue };
            let inputs: BTreeSet<InputId> =
                snapshot.sample.iter().flat_map(|sample| sample.inputs.iter().copied()).collect();
            for input in inputs {
                if !images.contains_key(&input)
                    && let Some(image) = self.image(input)?
                {
                    images.insert(input, Arc::new(image));
                }
            }
            layers.push((layer, Arc::new(snapshot)));
        }
        let Some(step) = layers.iter().map(|(_, snapshot)| snapshot.to).max() else { return Ok(()) };
        let full = layers.iter().any(|(_, snapshot)| snapshot.sample.is_some());
        let images: Vec<_> = images.into_iter().collect();
        self.writer.write_snapshot(&SnapshotParts {
            step,
            layers: &layers,
            windows: &[],
            full,
            images: &images,
        })
    }

    fn merge_layer(&mut self, layer: usize, parts: &[(usize, u64)]) -> Result<Option<LayerSnapshot>> {
        let spec = &self.specs[layer];
        let mut whole: Option<LayerWindow> = None;
        let mut config = None;
        for &(rank, step) in parts {
            let reader = &self.readers[rank];
            let sample = reader.sample(layer, Some(step))?.filter(|(of, _)| *of == step);
            let kept = reader.window(layer, step)?;
            config.get_or_insert_with(|| kept.config().clone());
            let misfit =
                |what: String| StoreError::Broken { path: reader.directory().to_owned(), reason: what };
            let window =
                kept.restore(spec, layer, sample.as_ref().map(|(_, sample)| sample)).ok_or_else(|| {
                    misfit(format!("the window of {} at step {step} does not fit it", spec.name))
                })?;
            match &mut whole {
                None => whole = Some(window),
                Some(whole) => whole.merge(&window).map_err(|error| misfit(error.to_string()))?,
            }
        }
        let (Some(window), Some(config)) = (whole, config) else { return Ok(None) };
        let monitor = self.monitors[layer].get_or_insert_with(|| LayerMonitor::new(spec, layer, &config));
        let mut snapshot = monitor.close(window, true);
        snapshot.sample = snapshot.sample.filter(|sample| !sample.is_empty());
        self.add_first_ranks(layer, parts, &mut snapshot)?;
        Ok(Some(snapshot))
    }

    /// What rests on pixels and on a probe is the first rank's.
    fn add_first_ranks(
        &self,
        layer: usize,
        parts: &[(usize, u64)],
        snapshot: &mut LayerSnapshot,
    ) -> Result<()> {
        let Some(&(rank, step)) = parts.first() else { return Ok(()) };
        let Some(own) = self.readers[rank].layer_summary(layer, Some(step))? else { return Ok(()) };
        snapshot.separability = own.separability;
        let elsewhere = |finding: &Finding| {
            matches!(
                finding.kind,
                FindingKind::Undetected | FindingKind::UnnecessaryLayer | FindingKind::MissingLayer
            )
        };
        let findings = &mut snapshot.statistics.findings;
        findings.extend(own.statistics.findings.into_iter().filter(elsewhere));
        deepeyes_core::findings::sort(findings);
        Ok(())
    }

    fn image(&self, input: InputId) -> Result<Option<Image>> {
        for reader in &self.readers {
            if let Some(image) = reader.image(input)? {
                return Ok(Some(image));
            }
        }
        Ok(None)
    }
}

/// One iteration as all ranks saw it: means of what they measured on their parts of the mini-batch, and the slowest's time.
fn mean(ranks: &[Scalar]) -> Scalar {
    let over = |value: fn(&Scalar) -> f64| ranks.iter().map(value).sum::<f64>() / ranks.len() as f64;
    let accuracies: Option<Vec<f64>> = ranks.iter().map(|scalar| scalar.train_accuracy).collect();
    let largest = |value: fn(&Scalar) -> f64| ranks.iter().map(value).fold(f64::NEG_INFINITY, f64::max);
    Scalar {
        step: ranks[0].step,
        loss: over(|scalar| scalar.loss),
        train_accuracy: accuracies.map(|all| all.iter().sum::<f64>() / all.len() as f64),
        seconds: largest(|scalar| scalar.seconds),
        observed_seconds: largest(|scalar| scalar.observed_seconds),
    }
}
