//! A layer's snapshot out of its rows and arrays.

use super::{Reader, bound, description};
use crate::array::{Element, Stored};
use crate::error::{Fault, Result};
use crate::writer::{SIMILARITY_ONE, WINDOW_ARRAY};
use deepeyes_core::{
    FilterState, FilterStatistics, Finding, InstanceSample, KeptWindow, LayerSnapshot, LayerStatistics,
    PerplexityHistogram, Similarity,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;

type Faulty<T> = std::result::Result<T, Fault>;

/// One layer at one step.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) connection: &'a Connection,
    pub(super) step: u64,
    pub(super) layer: usize,
}

impl Reader {
    /// A layer's newest window at or before an iteration (`None`: of all), without its sample (see
    /// [`sample`](Self::sample)). Similarity and label strengths are there where they are kept for that window.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn layer_snapshot(&self, layer: usize, at: Option<u64>) -> Result<Option<LayerSnapshot>> {
        self.read(|connection| {
            let Some(place) = newest_window(connection, layer, at)? else { return Ok(None) };
            let mut snapshot = layer_snapshot(place)?;
            snapshot.statistics.similarity = place.similarity(snapshot.statistics.filters.len())?;
            Ok(Some(snapshot))
        })
    }

    /// As [`layer_snapshot`](Self::layer_snapshot), without the similarity, which is most of a wide layer's bytes.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn layer_summary(&self, layer: usize, at: Option<u64>) -> Result<Option<LayerSnapshot>> {
        self.read(|connection| newest_window(connection, layer, at)?.map(layer_snapshot).transpose())
    }

    /// A layer's newest kept similarity at or before an iteration (`None`: of all), and its window's last iteration.
    /// Values are within 8e-6 of those that were stored.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn similarity(&self, layer: usize, at: Option<u64>) -> Result<Option<(u64, Similarity)>> {
        self.read(|connection| {
            let Some(place) = newest(connection, layer, at, "similarity")? else { return Ok(None) };
            let filters = place.filters()?;
            Ok(place.similarity(filters)?.map(|similarity| (place.step, similarity)))
        })
    }

    /// A layer's newest kept sample at or before an iteration (`None`: of all), and its window's last iteration.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn sample(&self, layer: usize, at: Option<u64>) -> Result<Option<(u64, InstanceSample)>> {
        self.read(|connection| {
            let place = newest(connection, layer, at, "sample_activations")?;
            place.map(|place| Ok((place.step, place.sample()?))).transpose()
        })
    }

    /// Where a layer's window itself is kept, in order: the window's number in the run, and its last iteration.
    pub(crate) fn window_places(&self, layer: usize) -> Result<Vec<(u64, u64)>> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT ordinal, step FROM snapshots JOIN arrays USING (step) WHERE layer = ? AND name = ? ORDER BY step",
            )?;
            let rows =
                select.query_map(params![layer, WINDOW_ARRAY], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// A layer's window that is kept at an iteration.
    pub(crate) fn window(&self, layer: usize, step: u64) -> Result<KeptWindow> {
        self.read(|connection| {
            let place = Place { connection, step, layer };
            let (bytes, _) =
                place.shaped::<u8>(WINDOW_ARRAY)?.ok_or_else(|| place.broken("it has no window"))?;
            postcard::from_bytes(&bytes).map_err(|error| place.broken(&format!("its window: {error}")))
        })
    }

    /// The newest findings of all layers, most severe first, otherwise in the network's order.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn findings(&self) -> Result<Vec<Finding>> {
        self.read(|connection| {
            let layers = description(connection)?.layers.len();
            let mut findings = Vec::new();
            for layer in 0..layers {
                let json: Option<String> = connection
                    .prepare_cached(
                        "SELECT findings FROM layer_snapshots WHERE layer = ? ORDER BY step DESC LIMIT 1",
                    )?
                    .query_row([layer], |row| row.get(0))
                    .optional()?;
                if let Some(json) = json {
                    findings.extend(parse::<Vec<Finding>>(&json, "findings")?);
                }
            }
            deepeyes_core::findings::sort(&mut findings);
            Ok(findings)
        })
    }
}

/// The newest window of a layer.
fn newest_window(connection: &Connection, layer: usize, at: Option<u64>) -> Faulty<Option<Place<'_>>> {
    let step: Option<u64> = connection
        .prepare_cached(
            "SELECT step FROM layer_snapshots WHERE step <= ? AND layer = ? ORDER BY step DESC LIMIT 1",
        )?
        .query_row(params![bound(at), layer], |row| row.get(0))
        .optional()?;
    Ok(step.map(|step| Place { connection, step, layer }))
}

/// The newest place that keeps an array.
fn newest<'a>(
    connection: &'a Connection,
    layer: usize,
    at: Option<u64>,
    name: &str,
) -> Faulty<Option<Place<'a>>> {
    let step: Option<u64> = connection
        .prepare_cached(
            "SELECT step FROM arrays WHERE step <= ? AND layer = ? AND name = ? ORDER BY step DESC LIMIT 1",
        )?
        .query_row(params![bound(at), layer, name], |row| row.get(0))
        .optional()?;
    Ok(step.map(|step| Place { connection, step, layer }))
}

pub(super) fn parse<T: DeserializeOwned>(json: &str, what: &str) -> Faulty<T> {
    serde_json::from_str(json).map_err(|error| Fault::Broken(format!("a layer's {what}: {error}")))
}

impl Place<'_> {
    fn broken(&self, reason: &str) -> Fault {
        Fault::Broken(format!("layer number {} at step {}: {reason}", self.layer, self.step))
    }

    /// An array with its shape; `None` where it is not kept.
    pub(super) fn shaped<T: Element>(&self, name: &str) -> Faulty<Option<(Vec<T>, Vec<usize>)>> {
        let stored = self
            .connection
            .prepare_cached(
                "SELECT dtype, shape, data FROM arrays WHERE step = ? AND layer = ? AND name = ?",
            )?
            .query_row(params![self.step, self.layer, name], |row| {
                Ok(Stored { dtype: row.get(0)?, shape: row.get(1)?, data: row.get(2)? })
            })
            .optional()?;
        stored.map(|stored| stored.decode()).transpose()
    }

    /// An array that must be there, of `length` values.
    pub(super) fn vector<T: Element>(&self, name: &str, length: usize) -> Faulty<Vec<T>> {
        let (values, _) = self.shaped(name)?.ok_or_else(|| self.broken(&format!("its {name} is missing")))?;
        if values.len() != length {
            return Err(self.broken(&format!("its {name} has {} values; expected {length}", values.len())));
        }
        Ok(values)
    }

    fn filters(&self) -> Faulty<usize> {
        let mut select = self
            .connection
            .prepare_cached("SELECT filters FROM layer_snapshots WHERE step = ? AND layer = ?")?;
        Ok(select.query_row(params![self.step, self.layer], |row| row.get(0))?)
    }

    fn similarity(&self, filters: usize) -> Faulty<Option<Similarity>> {
        let Some((upper, _)) = self.shaped::<u16>("similarity")? else { return Ok(None) };
        let pairs = filters.checked_mul(filters.saturating_sub(1)).map(|ordered| ordered / 2);
        if pairs != Some(upper.len()) {
            return Err(
                self.broken(&format!("its similarity has {} pairs of {filters} filters", upper.len()))
            );
        }
        let upper = upper.into_iter().map(|phi| f32::from(phi) / SIMILARITY_ONE).collect();
        Ok(Some(Similarity { filters, upper }))
    }

    fn sample(&self) -> Faulty<InstanceSample> {
        let (activations, shape) =
            self.shaped("sample_activations")?.ok_or_else(|| self.broken("its sample is missing"))?;
        let [n, filters] = shape[..] else { return Err(self.broken("its sample is no table")) };
        Ok(InstanceSample {
            filters,
            activations,
            inputs: self.vector("sample_inputs", n)?,
            positions: self.vector("sample_positions", n)?,
            labels: self.vector("sample_labels", n)?,
            predictions: self.vector("sample_predictions", n)?,
            steps: self.vector("sample_steps", n)?,
        })
    }

    fn filter_statistics(&self, n: usize) -> Faulty<Vec<FilterStatistics>> {
        let maxima = self.vector::<f32>("max", n)?;
        let frequencies = self.vector::<f64>("frequency", n)?;
        let sums = self.vector::<f64>("sum", n)?;
        let labels = self.vector::<i32>("label", n)?;
        let specificities = self.vector::<f64>("specificity", n)?;
        let states = self.vector::<u8>("state", n)?;
        let strengths = self.shaped::<f64>("label_strength")?;
        let rows = match &strengths {
            None => None,
            Some((values, shape)) if shape.len() == 2 && shape[0] == n && shape[1] > 0 => {
                Some(values.chunks_exact(shape[1]))
            }
            Some(_) => return Err(self.broken("its label strengths are no table of the filters")),
        };
        let mut rows = rows;
        (0..n)
            .map(|filter| {
                let row = rows.as_mut().and_then(Iterator::next);
                Ok(FilterStatistics {
                    max: maxima[filter],
                    frequency: frequencies[filter],
                    sum: sums[filter],
                    label: usize::try_from(labels[filter]).ok(),
                    label_strength: row
                        .filter(|row| !row.iter().all(|value| value.is_nan()))
                        .map(<[f64]>::to_vec),
                    specificity: Some(specificities[filter]).filter(|value| !value.is_nan()),
                    state: FilterState::from_code(states[filter])
                        .ok_or_else(|| self.broken("a filter's state is unheard of"))?,
                })
            })
            .collect()
    }
}

/// The row beside a layer's arrays.
struct LayerRow {
    from: u64,
    possible: u64,
    sampled: u64,
    instances: u64,
    invalid: u64,
    silent: u64,
    filters: usize,
    mean: Option<f64>,
    drift: Option<f64>,
    noise: Option<f64>,
    trend: Option<f64>,
    stable: bool,
    stable_since: Option<u64>,
    effective_filters: Option<f64>,
    redundant_groups: String,
    findings: String,
    separability: Option<String>,
}

impl LayerRow {
    fn read(row: &Row) -> rusqlite::Result<Self> {
        Ok(Self {
            from: row.get("from_step")?,
            possible: row.get("instances_possible")?,
            sampled: row.get("instances_sampled")?,
            instances: row.get("instances")?,
            invalid: row.get("invalid")?,
            silent: row.get("silent")?,
            filters: row.get("filters")?,
            mean: row.get("perplexity_mean")?,
            drift: row.get("drift")?,
            noise: row.get("noise")?,
            trend: row.get("trend")?,
            stable: row.get("stable")?,
            stable_since: row.get("stable_since")?,
            effective_filters: row.get("effective_filters")?,
            redundant_groups: row.get("redundant_groups")?,
            findings: row.get("findings")?,
            separability: row.get("separability")?,
        })
    }
}

/// Without its similarity.
fn layer_snapshot(place: Place) -> Faulty<LayerSnapshot> {
    let row = place
        .connection
        .prepare_cached("SELECT * FROM layer_snapshots WHERE step = ? AND layer = ?")?
        .query_row(params![place.step, place.layer], LayerRow::read)?;
    let counts = place.shaped("counts")?.ok_or_else(|| place.broken("its histogram is missing"))?.0;
    let n = row.filters;
    Ok(LayerSnapshot {
        from: row.from,
        to: place.step,
        instances_possible: row.possible,
        instances_sampled: row.sampled,
        change: place.shaped("change")?.map(|(change, _)| change),
        drift: row.drift,
        noise: row.noise,
        trend: row.trend,
        stable: row.stable,
        stable_since: row.stable_since,
        all_time_max: place.vector("all_time_max", n)?,
        statistics: LayerStatistics {
            instances: row.instances,
            invalid: row.invalid,
            silent: row.silent,
            perplexity: PerplexityHistogram { counts, mean: row.mean },
            filters: place.filter_statistics(n)?,
            redundant_groups: parse(&row.redundant_groups, "redundant groups")?,
            effective_filters: row.effective_filters,
            similarity: None,
            findings: parse(&row.findings, "findings")?,
        },
        sample: None,
        separability: row.separability.map(|json| parse(&json, "separability")).transpose()?,
    })
}
