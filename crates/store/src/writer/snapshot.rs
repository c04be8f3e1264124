//! A window's end as rows and arrays.

use crate::array::{Encoder, Stored};
use crate::error::Fault;
use crate::types::SnapshotParts;
use deepeyes_core::{Image, InputId, InstanceSample, LayerSnapshot, LayerStatistics};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// The arrays of a sample.
pub(crate) const SAMPLE_ARRAYS: [&str; 6] = [
    "sample_activations",
    "sample_inputs",
    "sample_positions",
    "sample_labels",
    "sample_predictions",
    "sample_steps",
];
/// A window as it merges with those of other ranks.
pub(crate) const WINDOW_ARRAY: &str = "window";
/// A similarity of 1; the step between two stored ones is below 1.6e-5, and the error below 8e-6.
pub(crate) const SIMILARITY_ONE: f32 = 65_535.0;

/// A snapshot ready to be inserted: everything that can fail for its content has.
pub(crate) struct Encoded<'a> {
    step: u64,
    layers: Vec<EncodedLayer<'a>>,
    images: Vec<(InputId, &'a Image, Vec<u8>)>,
    sampled: BTreeSet<InputId>,
}

struct EncodedLayer<'a> {
    layer: usize,
    snapshot: &'a LayerSnapshot,
    redundant_groups: String,
    findings: String,
    separability: Option<String>,
    arrays: Vec<(&'static str, Stored)>,
}

/// Compresses a snapshot, outside of any transaction.
pub(crate) fn encode<'a>(
    parts: &SnapshotParts<'a>,
    layers: usize,
    encoder: &mut Encoder,
) -> Result<Encoded<'a>, Fault> {
    let mut encoded =
        Encoded { step: parts.step, layers: Vec::new(), images: Vec::new(), sampled: BTreeSet::new() };
    for (layer, snapshot) in parts.layers {
        if *layer >= layers {
            return Err(Fault::Value(format!("a snapshot of layer number {layer}: the run has {layers}")));
        }
        let mut arrays = statistics_arrays(snapshot, encoder)?;
        if parts.full {
            arrays.extend(similarity_array(&snapshot.statistics, encoder)?);
            if let Some(sample) = &snapshot.sample {
                arrays.extend(sample_arrays(sample, encoder)?);
                encoded.sampled.extend(&sample.inputs);
            }
        }
        if let Some((_, window)) = parts.windows.iter().find(|(of, _)| of == layer) {
            let bytes = postcard::to_stdvec(&**window)
                .map_err(|error| Fault::Value(format!("a window as bytes: {error}")))?;
            arrays.push((WINDOW_ARRAY, encoder.array(&bytes, &[bytes.len()])?));
        }
        let statistics = &snapshot.statistics;
        encoded.layers.push(EncodedLayer {
            layer: *layer,
            snapshot,
            redundant_groups: json(&statistics.redundant_groups)?,
            findings: json(&statistics.findings)?,
            separability: snapshot.separability.as_ref().map(json).transpose()?,
            arrays,
        });
    }
    for (input, image) in parts.images.iter().filter(|(input, _)| encoded.sampled.contains(input)) {
        encoded.images.push((*input, image, pixels(*input, image, encoder)?));
    }
    Ok(encoded)
}

/// An image's pixels, compressed.
pub(super) fn pixels(input: InputId, image: &Image, encoder: &mut Encoder) -> Result<Vec<u8>, Fault> {
    let Image { height, width, channels, pixels } = image;
    if height * width * channels != pixels.len() {
        let what =
            format!("input {input}: {} pixels of an image {height} x {width} x {channels}", pixels.len());
        return Err(Fault::Value(what));
    }
    encoder.bytes(pixels)
}

fn json(value: &impl serde::Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::Value(format!("a snapshot as JSON: {error}")))
}

fn statistics_arrays(
    snapshot: &LayerSnapshot,
    encoder: &mut Encoder,
) -> Result<Vec<(&'static str, Stored)>, Fault> {
    let statistics = &snapshot.statistics;
    let filters = &statistics.filters;
    let n = filters.len();
    if snapshot.all_time_max.len() != n {
        let what = format!("a snapshot of {n} filters with {} all-time maxima", snapshot.all_time_max.len());
        return Err(Fault::Value(what));
    }
    let column =
        |value: fn(&deepeyes_core::FilterStatistics) -> f64| filters.iter().map(value).collect::<Vec<f64>>();
    let maxima: Vec<f32> = filters.iter().map(|filter| filter.max).collect();
    let labels: Vec<i32> = filters
        .iter()
        .map(|filter| filter.label.and_then(|label| i32::try_from(label).ok()).unwrap_or(-1))
        .collect();
    let states: Vec<u8> = filters.iter().map(|filter| filter.state.code()).collect();
    let counts = &statistics.perplexity.counts;
    let mut arrays = vec![
        ("counts", encoder.array(counts, &[counts.len()])?),
        ("max", encoder.array(&maxima, &[n])?),
        ("all_time_max", encoder.array(&snapshot.all_time_max, &[n])?),
        ("frequency", encoder.array(&column(|filter| filter.frequency), &[n])?),
        ("sum", encoder.array(&column(|filter| filter.sum), &[n])?),
        ("label", encoder.array(&labels, &[n])?),
        ("specificity", encoder.array(&column(|filter| filter.specificity.unwrap_or(f64::NAN)), &[n])?),
        ("state", encoder.array(&states, &[n])?),
    ];
    if let Some(change) = &snapshot.change {
        arrays.push(("change", encoder.array(change, &[change.len()])?));
    }
    if let Some(strengths) = label_strengths(statistics)? {
        arrays.push(("label_strength", encoder.array(&strengths, &[n, strengths.len() / n])?));
    }
    Ok(arrays)
}

/// `[F, labels]` with a row of NaN where a filter has none; `None` where no filter has any.
fn label_strengths(statistics: &LayerStatistics) -> Result<Option<Vec<f64>>, Fault> {
    let rows = || statistics.filters.iter().map(|filter| filter.label_strength.as_deref());
    let Some(labels) = rows().flatten().map(<[f64]>::len).max().filter(|&labels| labels > 0) else {
        return Ok(None);
    };
    let mut strengths = Vec::with_capacity(statistics.filters.len() * labels);
    for row in rows() {
        match row {
            Some(row) if row.len() == labels => strengths.extend_from_slice(row),
            Some(row) => {
                let what = format!("label strengths of {} labels beside those of {labels}", row.len());
                return Err(Fault::Value(what));
            }
            None => strengths.extend(std::iter::repeat_n(f64::NAN, labels)),
        }
    }
    Ok(Some(strengths))
}

fn similarity_array(
    statistics: &LayerStatistics,
    encoder: &mut Encoder,
) -> Result<Option<(&'static str, Stored)>, Fault> {
    let Some(similarity) = &statistics.similarity else { return Ok(None) };
    let (n, pairs) = (similarity.filters, similarity.upper.len());
    if n != statistics.filters.len() || pairs != n * n.saturating_sub(1) / 2 {
        return Err(Fault::Value(format!("a similarity of {n} filters with {pairs} pairs")));
    }
    let quantised: Vec<u16> =
        similarity.upper.iter().map(|&phi| (phi.clamp(0.0, 1.0) * SIMILARITY_ONE).round() as u16).collect();
    Ok(Some(("similarity", encoder.array(&quantised, &[pairs])?)))
}

fn sample_arrays(
    sample: &InstanceSample,
    encoder: &mut Encoder,
) -> Result<[(&'static str, Stored); 6], Fault> {
    let n = sample.len();
    let [activations, inputs, positions, labels, predictions, steps] = SAMPLE_ARRAYS;
    Ok([
        (activations, encoder.array(&sample.activations, &[n, sample.filters])?),
        (inputs, encoder.array(&sample.inputs, &[n])?),
        (positions, encoder.array(&sample.positions, &[n])?),
        (labels, encoder.array(&sample.labels, &[n])?),
        (predictions, encoder.array(&sample.predictions, &[n])?),
        (steps, encoder.array(&sample.steps, &[n])?),
    ])
}

/// Makes place for a snapshot: the next one of the series.
pub(crate) fn insert_step(connection: &Connection, parts: &SnapshotParts) -> Result<(), Fault> {
    super::prune::remove(connection, parts.step)?;
    connection.execute(
        "INSERT INTO snapshots SELECT ?1, ifnull(max(ordinal) + 1, 0),
         iif(?2, ifnull(max(full_ordinal) + 1, 0), NULL) FROM snapshots",
        params![parts.step, parts.full],
    )?;
    Ok(())
}

/// Puts in what [`encode`] made.
pub(crate) fn insert(connection: &Connection, encoded: &Encoded) -> Result<(), Fault> {
    let step = encoded.step;
    let mut layer_row = connection.prepare_cached(
        "INSERT INTO layer_snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    let mut array_row = connection.prepare_cached("INSERT INTO arrays VALUES (?, ?, ?, ?, ?, ?)")?;
    for EncodedLayer { layer, snapshot, redundant_groups, findings, separability, arrays } in &encoded.layers
    {
        let statistics = &snapshot.statistics;
        layer_row.execute(params![
            step,
            layer,
            snapshot.from,
            snapshot.instances_possible,
            snapshot.instances_sampled,
            statistics.instances,
            statistics.invalid,
            statistics.silent,
            statistics.filters.len(),
            statistics.perplexity.mean,
            snapshot.drift,
            snapshot.noise,
            snapshot.trend,
            snapshot.stable,
            snapshot.stable_since,
            statistics.effective_filters,
            redundant_groups,
            findings,
            separability,
        ])?;
        for (name, Stored { dtype, shape, data }) in arrays {
            array_row.execute(params![step, layer, name, dtype, shape, data])?;
        }
    }
    insert_images(connection, &encoded.images)?;
    let mut named = connection.prepare_cached("INSERT INTO snapshot_inputs VALUES (?, ?)")?;
    for input in &encoded.sampled {
        named.execute(params![input, step])?;
    }
    Ok(())
}

/// Puts in pixels; those that are there already stay.
pub(super) fn insert_images(
    connection: &Connection,
    images: &[(InputId, &Image, Vec<u8>)],
) -> Result<(), Fault> {
    let mut row = connection.prepare_cached("INSERT OR IGNORE INTO inputs VALUES (?, ?, ?, ?, ?)")?;
    for (input, image, pixels) in images {
        row.execute(params![input, image.height, image.width, image.channels, pixels])?;
    }
    Ok(())
}
