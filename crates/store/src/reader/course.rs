//! How a layer's perplexity went over all kept windows.

use super::Reader;
use super::snapshot::Place;
use crate::error::Result;
use crate::types::CoursePoint;

impl Reader {
    /// The light part of every kept window of a layer, in order.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn course(&self, layer: usize) -> Result<Vec<CoursePoint>> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT step, from_step, instances, silent, perplexity_mean, drift, noise, trend, stable, stable_since
                 FROM layer_snapshots WHERE layer = ? ORDER BY step",
            )?;
            let rows = select.query_map([layer], |row| {
                Ok(CoursePoint {
                    to: row.get(0)?,
                    from: row.get(1)?,
                    instances: row.get(2)?,
                    silent: row.get(3)?,
                    counts: Vec::new(),
                    mean: row.get(4)?,
                    change: None,
                    drift: row.get(5)?,
                    noise: row.get(6)?,
                    trend: row.get(7)?,
                    stable: row.get(8)?,
                    stable_since: row.get(9)?,
                })
            })?;
            rows.map(|row| {
                let mut point = row?;
                let place = Place { connection, step: point.to, layer };
                point.counts = place.shaped("counts")?.map(|(counts, _)| counts).unwrap_or_default();
                point.change = place.shaped("change")?.map(|(change, _)| change);
                Ok(point)
            })
            .collect()
        })
    }
}
