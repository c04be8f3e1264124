//! Points of which some are exchanged for others.

use crate::EmbedError;

/// Where each of `old` points is among the new ones, of which point i was number `from[i]` (none: it is new).
///
/// # Errors
/// Where `from` names a number twice, or one that does not exist.
pub(crate) fn inverse(from: &[Option<usize>], old: usize) -> Result<Vec<Option<usize>>, EmbedError> {
    let mut to = vec![None; old];
    for (i, origin) in from.iter().enumerate() {
        let Some(origin) = *origin else { continue };
        match to.get_mut(origin) {
            Some(place @ None) => *place = Some(i),
            found => {
                let expected =
                    if found.is_some() { "named once only" } else { "an index of the points before" };
                return Err(EmbedError::Parameter { name: "an origin", value: origin as f64, expected });
            }
        }
    }
    Ok(to)
}
