//! Letting go of what retention no longer keeps.

use crate::error::Fault;
use crate::retention::{Retention, keeps};
use rusqlite::{Connection, params};

/// Thins snapshots, their details, samples and images.
pub(crate) fn snapshots(connection: &Connection, retention: &Retention) -> Result<(), Fault> {
    let newest = |column: &str| -> rusqlite::Result<Option<u64>> {
        connection.query_row(&format!("SELECT max({column}) FROM snapshots"), [], |row| row.get(0))
    };
    let (newest, newest_full) = (newest("ordinal")?, newest("full_ordinal")?);
    let mut select =
        connection.prepare_cached("SELECT step, ordinal, full_ordinal FROM snapshots ORDER BY step DESC")?;
    let rows = select.query_map([], |row| {
        Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?, row.get::<_, Option<u64>>(2)?))
    })?;
    let mut samples = 0;
    for row in rows.collect::<rusqlite::Result<Vec<_>>>()? {
        let (step, ordinal, full_ordinal) = row;
        if newest.is_some_and(|newest| !keeps(ordinal, newest, retention.dense_snapshots)) {
            remove(connection, step)?;
            continue;
        }
        if newest.is_some_and(|newest| !keeps(ordinal, newest, retention.detailed_snapshots)) {
            remove_arrays(connection, step, "label_strength")?;
        }
        let (Some(full_ordinal), Some(newest_full)) = (full_ordinal, newest_full) else { continue };
        if !keeps(full_ordinal, newest_full, retention.detailed_snapshots) {
            remove_arrays(connection, step, "similarity")?;
        }
        samples += 1;
        if samples > retention.samples.max(1) {
            for name in super::snapshot::SAMPLE_ARRAYS {
                remove_arrays(connection, step, name)?;
            }
            connection.execute("DELETE FROM snapshot_inputs WHERE step = ?", [step])?;
        }
    }
    orphaned_inputs(connection)
}

fn remove_arrays(connection: &Connection, step: u64, name: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM arrays WHERE step = ? AND name = ?")?
        .execute(params![step, name])?;
    Ok(())
}

/// Removes a snapshot with all that belongs to it.
pub(crate) fn remove(connection: &Connection, step: u64) -> rusqlite::Result<()> {
    for table in ["snapshots", "layer_snapshots", "arrays", "snapshot_inputs"] {
        connection.prepare_cached(&format!("DELETE FROM {table} WHERE step = ?"))?.execute([step])?;
    }
    Ok(())
}

/// Removes images that neither a kept sample nor the probe names.
pub(crate) fn orphaned_inputs(connection: &Connection) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "DELETE FROM inputs WHERE input NOT IN (SELECT input FROM snapshot_inputs)
             AND input NOT IN (SELECT input FROM probe_inputs)",
        )?
        .execute([])?;
    Ok(())
}

/// Thins maps.
pub(crate) fn maps(connection: &Connection, retention: &Retention) -> Result<(), Fault> {
    let mut select = connection.prepare_cached("SELECT step, ordinal FROM maps ORDER BY ordinal")?;
    let rows = select.query_map([], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?)))?;
    let all = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let Some(&(_, newest)) = all.last() else { return Ok(()) };
    for (step, ordinal) in all {
        if !keeps(ordinal, newest, retention.maps) {
            for table in ["maps", "layer_maps", "map_arrays"] {
                connection.prepare_cached(&format!("DELETE FROM {table} WHERE step = ?"))?.execute([step])?;
            }
        }
    }
    Ok(())
}

/// Keeps the `newest` checkpoints.
pub(crate) fn checkpoints(connection: &Connection, newest: u64) -> Result<(), Fault> {
    connection.execute(
        "DELETE FROM checkpoints WHERE step NOT IN
         (SELECT DISTINCT step FROM checkpoints ORDER BY step DESC LIMIT ?)",
        [newest],
    )?;
    Ok(())
}

/// Keeps less and less while the file holds more than it may.
pub(crate) fn to_size(connection: &Connection, retention: &Retention) -> Result<(), Fault> {
    for smaller in retention.smaller() {
        if used_bytes(connection)? <= retention.max_bytes {
            break;
        }
        snapshots(connection, &smaller)?;
        maps(connection, &smaller)?;
        checkpoints(connection, smaller.checkpoints)?;
    }
    Ok(())
}

/// Bytes of the pages in use.
fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    Ok((number("page_count")? - number("freelist_count")?) * number("page_size")?)
}
