//! Maps as rows and arrays.

use crate::array::{Encoder, Stored};
use crate::error::Fault;
use crate::maps::{
    FIELD_STEPS, FIELDS, FILTER, FilterProperties, INPUT, InputProperties, WHOLE, WholeProperties,
};
use crate::types::MapParts;
use deepeyes_core::{FilterMap, Image, InputId, InputMap, InputSplit, MapPoints, MapWhole};
use rusqlite::{Connection, params};
use std::sync::Arc;

/// One map ready to be inserted.
pub(super) struct EncodedMap {
    layer: usize,
    kind: &'static str,
    properties: String,
    arrays: Vec<(&'static str, Stored)>,
}

/// Compresses maps, outside of any transaction.
pub(super) fn encode(
    parts: &MapParts,
    layers: usize,
    encoder: &mut Encoder,
) -> Result<Vec<EncodedMap>, Fault> {
    let mut encoded = Vec::new();
    for (layer, map) in parts.inputs {
        encoded.push(input_map(checked(*layer, layers)?, map, encoder)?);
        if let Some(whole) = &map.whole {
            encoded.push(whole_map(*layer, whole, encoder)?);
        }
    }
    for (layer, map) in parts.filters {
        encoded.push(filter_map(checked(*layer, layers)?, map, encoder)?);
    }
    Ok(encoded)
}

fn checked(layer: usize, layers: usize) -> Result<usize, Fault> {
    if layer < layers {
        return Ok(layer);
    }
    Err(Fault::Value(format!("a map of layer number {layer}: the run has {layers}")))
}

fn input_map(layer: usize, map: &InputMap, encoder: &mut Encoder) -> Result<EncodedMap, Fault> {
    let points = &*map.points;
    let (n, filters) = (points.len(), points.filters);
    let InputMap { method, iterations, planned_iterations, settled, preservation, .. } = *map;
    let scale_sizes = map.scale_sizes.clone();
    let level = points.level;
    let properties = InputProperties {
        method,
        iterations,
        planned_iterations,
        settled,
        preservation,
        scale_sizes,
        filters,
        level,
    };
    let mut arrays = match &map.fields {
        None => Vec::new(),
        Some(fields) => vec![
            (FIELDS, encoder.array(&fields.values, &[n, fields.components])?),
            (FIELD_STEPS, encoder.array(&[fields.low, fields.step], &[2])?),
        ],
    };
    arrays.push(("places", encoder.array(map.places.as_flattened(), &[n, 2])?));
    arrays.extend(points_arrays(points, encoder)?);
    Ok(EncodedMap { layer, kind: INPUT, properties: json(&properties)?, arrays })
}

fn whole_map(layer: usize, whole: &MapWhole, encoder: &mut Encoder) -> Result<EncodedMap, Fault> {
    let points = &*whole.points;
    let mut arrays = vec![(FIELDS, encoder.array(&whole.fields, &[points.len(), whole.components])?)];
    arrays.extend(points_arrays(points, encoder)?);
    let properties = json(&WholeProperties { filters: points.filters, level: points.level })?;
    Ok(EncodedMap { layer, kind: WHOLE, properties, arrays })
}

fn points_arrays(points: &MapPoints, encoder: &mut Encoder) -> Result<[(&'static str, Stored); 9], Fault> {
    let (n, filters) = (points.len(), points.filters);
    let splits: Vec<u8> = points.splits.iter().map(|&split| split_code(split)).collect();
    Ok([
        ("inputs", encoder.array(&points.inputs, &[n])?),
        ("splits", encoder.array(&splits, &[n])?),
        ("positions", encoder.array(&points.positions, &[n])?),
        ("labels", encoder.array(&points.labels, &[n])?),
        ("predictions", encoder.array(&points.predictions, &[n])?),
        ("counts", encoder.array(&points.counts, &[n])?),
        ("max_activations", encoder.array(&points.max_activations, &[n])?),
        ("activations", encoder.array(&points.activations, &[n, filters])?),
        ("scales", encoder.array(&points.scales, &[filters])?),
    ])
}

fn filter_map(layer: usize, map: &FilterMap, encoder: &mut Encoder) -> Result<EncodedMap, Fault> {
    let FilterMap { step, all_zero, method, iterations, settled, .. } = *map;
    let (n, links) = (map.filters.len(), map.links.len());
    let pairs: Vec<u32> = map.links.iter().flat_map(|link| [link.one, link.other]).collect();
    let similarities: Vec<f32> = map.links.iter().map(|link| link.similarity).collect();
    Ok(EncodedMap {
        layer,
        kind: FILTER,
        properties: json(&FilterProperties { step, method, iterations, settled, all_zero })?,
        arrays: vec![
            ("places", encoder.array(map.places.as_flattened(), &[n, 2])?),
            ("filters", encoder.array(&map.filters, &[n])?),
            ("links", encoder.array(&pairs, &[links, 2])?),
            ("similarities", encoder.array(&similarities, &[links])?),
        ],
    })
}

fn json(value: &impl serde::Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::Value(format!("a map as JSON: {error}")))
}

fn split_code(split: InputSplit) -> u8 {
    match split {
        InputSplit::Training => 0,
        InputSplit::Validation => 1,
    }
}

/// Makes place for the maps of a step: the next one of the series, or the same place again.
pub(super) fn insert_step(connection: &Connection, step: u64) -> Result<(), Fault> {
    connection
        .execute("INSERT OR IGNORE INTO maps SELECT ?, ifnull(max(ordinal) + 1, 0) FROM maps", [step])?;
    Ok(())
}

/// Puts in what [`encode`] made, in place of what there is of the same layers and kinds.
pub(super) fn insert(connection: &Connection, step: u64, encoded: &[EncodedMap]) -> Result<(), Fault> {
    let mut map_row = connection.prepare_cached("INSERT OR REPLACE INTO layer_maps VALUES (?, ?, ?, ?)")?;
    let mut array_row =
        connection.prepare_cached("INSERT OR REPLACE INTO map_arrays VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    let mut older_fields = connection.prepare_cached(
        "DELETE FROM map_arrays WHERE layer = ? AND kind = ? AND name IN (?, ?) AND step < ?",
    )?;
    let older_whole = "WHERE layer = ? AND kind = ? AND step < ?";
    let mut older_whole = [
        connection.prepare_cached(&format!("DELETE FROM layer_maps {older_whole}"))?,
        connection.prepare_cached(&format!("DELETE FROM map_arrays {older_whole}"))?,
    ];
    for EncodedMap { layer, kind, properties, arrays } in encoded {
        map_row.execute(params![step, layer, kind, properties])?;
        if *kind == INPUT {
            older_fields.execute(params![layer, kind, FIELDS, FIELD_STEPS, step])?;
            for older in &mut older_whole {
                older.execute(params![layer, WHOLE, step])?;
            }
        }
        for (name, Stored { dtype, shape, data }) in arrays {
            array_row.execute(params![step, layer, kind, name, dtype, shape, data])?;
        }
    }
    Ok(())
}

/// An input with its pixels, compressed.
type Encoded<'a> = (InputId, &'a Image, Vec<u8>);

/// Compresses pixels, outside of any transaction.
pub(super) fn encode_images<'a>(
    images: &'a [(InputId, Arc<Image>)],
    encoder: &mut Encoder,
) -> Result<Vec<Encoded<'a>>, Fault> {
    images
        .iter()
        .map(|(input, image)| Ok((*input, &**image, super::snapshot::pixels(*input, image, encoder)?)))
        .collect()
}

/// Puts in the probe's inputs.
pub(super) fn insert_inputs(
    connection: &Connection,
    images: &[(InputId, &Image, Vec<u8>)],
) -> Result<(), Fault> {
    let mut named = connection.prepare_cached("INSERT OR IGNORE INTO probe_inputs VALUES (?)")?;
    for (input, _, _) in images {
        named.execute([input])?;
    }
    super::snapshot::insert_images(connection, images)
}
