//! Iterations and validations: whole, or what a reader that looks on has not seen yet.

use super::{Reader, bound};
use crate::error::Result;
use crate::types::{Scalar, Validation};
use rusqlite::Row;

fn scalar(row: &Row) -> rusqlite::Result<Scalar> {
    Ok(Scalar {
        step: row.get(0)?,
        loss: row.get::<_, Option<f64>>(1)?.unwrap_or(f64::NAN),
        train_accuracy: row.get(2)?,
        seconds: row.get::<_, Option<f64>>(3)?.unwrap_or(f64::NAN),
        observed_seconds: row.get::<_, Option<f64>>(4)?.unwrap_or(f64::NAN),
    })
}

fn validation(row: &Row) -> rusqlite::Result<Validation> {
    Ok(Validation {
        step: row.get(0)?,
        accuracy: row.get::<_, Option<f64>>(1)?.unwrap_or(f64::NAN),
        loss: row.get::<_, Option<f64>>(2)?.unwrap_or(f64::NAN),
    })
}

impl Reader {
    /// Every iteration, in order.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn scalars(&self) -> Result<Vec<Scalar>> {
        self.scalars_beyond(-1)
    }

    /// The iterations after one, in order.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn scalars_after(&self, step: u64) -> Result<Vec<Scalar>> {
        self.scalars_beyond(bound(Some(step)))
    }

    fn scalars_beyond(&self, step: i64) -> Result<Vec<Scalar>> {
        self.read(|connection| {
            let mut select =
                connection.prepare_cached("SELECT * FROM scalars WHERE step > ? ORDER BY step")?;
            Ok(select.query_map([step], scalar)?.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The last iterations, at most `count`, in order.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn last_scalars(&self, count: usize) -> Result<Vec<Scalar>> {
        let mut scalars: Vec<Scalar> = self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT * FROM scalars ORDER BY step DESC LIMIT ?")?;
            Ok(select.query_map([count], scalar)?.collect::<rusqlite::Result<_>>()?)
        })?;
        scalars.reverse();
        Ok(scalars)
    }

    /// Every validation, in order.
    ///
    /// # Errors
    /// As for [`info`](Self::info).
    pub fn validations(&self) -> Result<Vec<Validation>> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT * FROM validations ORDER BY step")?;
            Ok(select.query_map([], validation)?.collect::<rusqlite::Result<_>>()?)
        })
    }
}
