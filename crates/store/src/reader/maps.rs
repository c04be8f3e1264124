//! The layers' maps out of their rows and arrays.

use super::{Reader, bound};
use crate::array::{Element, Stored};
use crate::error::{Fault, Result};
use crate::maps::{
    FIELD_STEPS, FIELDS, FILTER, FilterProperties, INPUT, InputProperties, WHOLE, WholeProperties,
};
use deepeyes_core::{FilterLink, FilterMap, InputMap, InputSplit, MapFields, MapPoints, MapWhole};
use rusqlite::{Connection, OptionalExtension, params};
use serde::de::DeserializeOwned;
use std::sync::Arc;

type Faulty<T> = std::result::Result<T, Fault>;

impl Reader {
    /// The iterations at which maps are kept, in order.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn map_steps(&self) -> Result<Vec<u64>> {
        self.read(|connection| {
            if !has_maps(connection)? {
                return Ok(Vec::new());
            }
            let mut select = connection.prepare_cached("SELECT step FROM maps ORDER BY step")?;
            Ok(select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// A layer's newest kept input map at or before an iteration (`None`: of all).
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn input_map(&self, layer: usize, at: Option<u64>) -> Result<Option<InputMap>> {
        self.read(|connection| {
            let Some(place) = Place::newest(connection, layer, at, INPUT)? else { return Ok(None) };
            let whole = Place::newest(connection, layer, Some(place.step), WHOLE)?;
            let whole = whole.filter(|whole| whole.step == place.step).as_ref().map(whole_map).transpose()?;
            Ok(Some(InputMap { whole: whole.map(Arc::new), ..input_map(&place)? }))
        })
    }

    /// A layer's newest kept filter map at or before an iteration (`None`: of all).
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn filter_map(&self, layer: usize, at: Option<u64>) -> Result<Option<FilterMap>> {
        self.read(|connection| {
            Place::newest(connection, layer, at, FILTER)?.as_ref().map(filter_map).transpose()
        })
    }
}

/// A file that was begun before there were maps has no tables for them.
fn has_maps(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'layer_maps'")?
        .query_row([], |row| row.get(0))
}

/// One map of a layer.
struct Place<'a> {
    connection: &'a Connection,
    step: u64,
    layer: usize,
    kind: &'static str,
    properties: String,
}

impl<'a> Place<'a> {
    fn newest(
        connection: &'a Connection,
        layer: usize,
        at: Option<u64>,
        kind: &'static str,
    ) -> Faulty<Option<Self>> {
        if !has_maps(connection)? {
            return Ok(None);
        }
        let row = connection
            .prepare_cached(
                "SELECT step, properties FROM layer_maps WHERE step <= ? AND layer = ? AND kind = ?
                 ORDER BY step DESC LIMIT 1",
            )?
            .query_row(params![bound(at), layer, kind], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(row.map(|(step, properties)| Self { connection, step, layer, kind, properties }))
    }

    fn broken(&self, reason: &str) -> Fault {
        let Self { kind, layer, step, .. } = self;
        Fault::Broken(format!("the {kind} map of layer number {layer} at step {step}: {reason}"))
    }

    fn properties<T: DeserializeOwned>(&self) -> Faulty<T> {
        serde_json::from_str(&self.properties).map_err(|error| self.broken(&error.to_string()))
    }

    /// An array as stored; `None` where there is none.
    fn stored(&self, name: &str) -> Faulty<Option<Stored>> {
        let stored = self
            .connection
            .prepare_cached(
                "SELECT dtype, shape, data FROM map_arrays WHERE step = ? AND layer = ? AND kind = ? AND name = ?",
            )?
            .query_row(params![self.step, self.layer, self.kind, name], |row| {
                Ok(Stored { dtype: row.get(0)?, shape: row.get(1)?, data: row.get(2)? })
            })
            .optional()?;
        Ok(stored)
    }

    /// An array that must be there, of `expected` values where that is known.
    fn array<T: Element>(&self, name: &str, expected: Option<usize>) -> Faulty<Vec<T>> {
        let stored = self.stored(name)?.ok_or_else(|| self.broken(&format!("its {name} are missing")))?;
        let (values, _) = stored.decode::<T>()?;
        match expected {
            Some(expected) if values.len() != expected => {
                Err(self.broken(&format!("{} values of {name}; expected {expected}", values.len())))
            }
            _ => Ok(values),
        }
    }

    fn places(&self, n: usize) -> Faulty<Vec<[f32; 2]>> {
        Ok(self.array("places", Some(2 * n))?.as_chunks().0.to_vec())
    }
}

fn input_map(place: &Place) -> Faulty<InputMap> {
    let properties: InputProperties = place.properties()?;
    let points = points(place, properties.filters, properties.level)?;
    let n = points.len();
    Ok(InputMap {
        step: place.step,
        fields: fields(place, n)?,
        whole: None,
        points: Arc::new(points),
        places: place.places(n)?,
        method: properties.method,
        iterations: properties.iterations,
        planned_iterations: properties.planned_iterations,
        settled: properties.settled,
        preservation: properties.preservation,
        scale_sizes: properties.scale_sizes,
    })
}

fn whole_map(place: &Place) -> Faulty<MapWhole> {
    let WholeProperties { filters, level } = place.properties()?;
    let points = points(place, filters, level)?;
    let stored = place.stored(FIELDS)?.ok_or_else(|| place.broken("its fields are missing"))?;
    let (fields, shape) = stored.decode::<f32>()?;
    match shape[..] {
        [rows, components] if rows == points.len() => {
            Ok(MapWhole { points: Arc::new(points), fields: fields.into(), components })
        }
        _ => Err(place.broken(&format!("fields of shape {shape:?}; expected {} rows", points.len()))),
    }
}

fn points(place: &Place, filters: usize, level: f32) -> Faulty<MapPoints> {
    let inputs: Vec<i64> = place.array("inputs", None)?;
    let n = inputs.len();
    let values = filters.checked_mul(n).ok_or_else(|| place.broken("it has too many filters"))?;
    let split = |code: u8| match code {
        0 => Ok(InputSplit::Training),
        1 => Ok(InputSplit::Validation),
        _ => Err(place.broken("an input's part of the data is unheard of")),
    };
    Ok(MapPoints {
        splits: place.array("splits", Some(n))?.into_iter().map(split).collect::<Faulty<_>>()?,
        positions: place.array("positions", Some(n))?,
        labels: place.array("labels", Some(n))?,
        predictions: place.array("predictions", Some(n))?,
        counts: place.array("counts", Some(n))?,
        max_activations: place.array("max_activations", Some(n))?,
        activations: place.array("activations", Some(values))?,
        scales: place.array("scales", Some(filters))?,
        inputs,
        filters,
        level,
    })
}

/// What the map's `n` points are placed by; `None` where it is not kept.
fn fields(place: &Place, n: usize) -> Faulty<Option<Arc<MapFields>>> {
    let Some(stored) = place.stored(FIELDS)? else { return Ok(None) };
    let (values, shape) = stored.decode::<u8>()?;
    let [rows, components] = shape[..] else { return Err(place.broken("its fields are no table")) };
    let steps: Vec<f32> = place.array(FIELD_STEPS, Some(2))?;
    if rows != n {
        return Err(place.broken(&format!("{rows} fields; expected {n}")));
    }
    Ok(Some(Arc::new(MapFields { values, components, low: steps[0], step: steps[1] })))
}

fn filter_map(place: &Place) -> Faulty<FilterMap> {
    let properties: FilterProperties = place.properties()?;
    let filters: Vec<u32> = place.array("filters", None)?;
    let similarities: Vec<f32> = place.array("similarities", None)?;
    let pairs: Vec<u32> = place.array("links", Some(2 * similarities.len()))?;
    let links = pairs.as_chunks().0.iter().zip(similarities);
    Ok(FilterMap {
        step: properties.step,
        places: place.places(filters.len())?,
        filters,
        links: links.map(|(&[one, other], similarity)| FilterLink { one, other, similarity }).collect(),
        all_zero: properties.all_zero,
        method: properties.method,
        iterations: properties.iterations,
        settled: properties.settled,
    })
}
