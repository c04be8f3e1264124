//! Where the report gets the pixels of an instance from.

use super::raster::Raster;

/// Gives the input pixels that instances of the layers' samples see.
pub(crate) trait Patches {
    /// The patch of row `row` of the sample of layer `layer`; `None` where the pixels are not at hand.
    fn patch(&self, layer: usize, row: usize) -> Option<Raster>;
}

/// No pixels.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct NoPatches;

#[cfg(test)]
impl Patches for NoPatches {
    fn patch(&self, _layer: usize, _row: usize) -> Option<Raster> {
        None
    }
}
