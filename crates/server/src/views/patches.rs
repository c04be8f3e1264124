//! The pixels that instances see, on demand and by identity.

use crate::error::{ApiError, ApiResult};
use crate::frame::{Frame, Place};
use crate::runs::Source;
use crate::wire::PatchesMeta;
use axum::body::Bytes;
use axum::http::StatusCode;
use deepeyes_core::{Image, InputId, LayerSpec};
use deepeyes_network::Rect;
use std::str::FromStr;

/// Patches that one request may ask for.
const MOST_ITEMS: usize = 256;
/// Bytes that their pixels may be.
const MOST_BYTES: usize = 16 << 20;

/// An instance by its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) input: InputId,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl FromStr for Item {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        let wrong = || {
            let shown: String = text.chars().take(40).collect();
            ApiError::bad_request(format!(
                "items: {shown:?} is no instance; expected input:row:column, such as 17:0:3"
            ))
        };
        let [input, row, column] = text.split(':').collect::<Vec<_>>()[..] else { return Err(wrong()) };
        let (Ok(input), Ok(row), Ok(column)) = (input.parse(), row.parse(), column.parse()) else {
            return Err(wrong());
        };
        Ok(Self { input, row, column })
    }
}

impl Item {
    /// Its position in the grid of a layer.
    pub(crate) fn position(self, layer: &LayerSpec) -> u32 {
        let position = self.row.saturating_mul(layer.grid[1].max(1)).saturating_add(self.column);
        u32::try_from(position).unwrap_or(u32::MAX)
    }

    /// A list as requests have it, separated by commas.
    pub(crate) fn list(text: &str) -> ApiResult<Vec<Self>> {
        let items: Vec<Self> =
            text.split(',').filter(|item| !item.is_empty()).map(str::parse).collect::<ApiResult<_>>()?;
        if items.is_empty() || items.len() > MOST_ITEMS {
            return Err(ApiError::bad_request(format!(
                "items names {} instances; expected 1 to {MOST_ITEMS}",
                items.len()
            )));
        }
        Ok(items)
    }
}

/// The patches of instances of a layer, in their order: `pixels`, `inside` (1 where a pixel is inside of the input, else
/// 0 and black) and `known` (0 where the input's pixels are not kept).
pub(crate) fn patches(source: &Source, place: Place, spec: &LayerSpec, items: &[Item]) -> ApiResult<Bytes> {
    let Some(field) = spec.receptive_field else {
        return Err(ApiError::not_found(format!(
            "layer {} has no patches: its input is no image",
            spec.name
        )));
    };
    let images: Vec<_> = items.iter().map(|item| source.image(item.input)).collect::<ApiResult<_>>()?;
    let channels = images.iter().flatten().map(|image| image.channels).next().unwrap_or(1);
    // A field larger than the image sees all of it.
    let whole =
        images.iter().flatten().fold([1, 1], |[h, w], image| [h.max(image.height), w.max(image.width)]);
    let [height, width] = [field.size[0].min(3 * whole[0]), field.size[1].min(3 * whole[1])];
    if items.len() * height * width * channels > MOST_BYTES {
        let most = MOST_BYTES / (height * width * channels).max(1);
        return Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "{} patches of {height} x {width} pixels are too many at once; ask for {most}",
                items.len()
            ),
        ));
    }
    let mut cut = Cut::new(height, width, channels);
    for (item, image) in items.iter().zip(&images) {
        let rect = Rect { height, width, ..field.rect([item.row, item.column]) };
        cut.add(image.as_deref().filter(|image| image.channels == channels), rect);
    }
    cut.finish(place, items.len())
}

/// The whole of an input.
pub(crate) fn image(source: &Source, input: InputId) -> ApiResult<Bytes> {
    let image = source.image(input)?.ok_or_else(|| {
        ApiError::not_found(format!("the pixels of input {input} are not kept; those of sampled inputs are"))
    })?;
    let Image { height, width, channels, .. } = *image;
    let mut cut = Cut::new(height, width, channels);
    cut.add(Some(&image), Rect { y: 0, x: 0, height, width });
    cut.finish(Place { run: source.id.clone(), layer: None, step: 0 }, 1)
}

/// Rectangles being cut out of images.
struct Cut {
    meta: PatchesMeta,
    pixels: Vec<u8>,
    inside: Vec<u8>,
    known: Vec<u8>,
}

impl Cut {
    fn new(height: usize, width: usize, channels: usize) -> Self {
        let meta = PatchesMeta { height, width, channels };
        Self { meta, pixels: Vec::new(), inside: Vec::new(), known: Vec::new() }
    }

    fn add(&mut self, image: Option<&Image>, rect: Rect) {
        self.known.push(u8::from(image.is_some()));
        for row in 0..rect.height {
            for column in 0..rect.width {
                let pixel = image.and_then(|image| {
                    let y = inside(rect.y + row as i64, image.height)?;
                    let x = inside(rect.x + column as i64, image.width)?;
                    let start = (y * image.width + x) * image.channels;
                    image.pixels.get(start..start + image.channels)
                });
                self.inside.push(u8::from(pixel.is_some()));
                match pixel {
                    Some(pixel) => self.pixels.extend_from_slice(pixel),
                    None => self.pixels.extend(std::iter::repeat_n(0, self.meta.channels)),
                }
            }
        }
    }

    fn finish(self, place: Place, n: usize) -> ApiResult<Bytes> {
        let PatchesMeta { height, width, channels } = self.meta;
        let frame = Frame::new("patches", place)
            .array("pixels", &self.pixels, &[n, height, width, channels])
            .array("inside", &self.inside, &[n, height, width])
            .array("known", &self.known, &[n]);
        Ok(frame.finish(self.meta)?)
    }
}

fn inside(at: i64, size: usize) -> Option<usize> {
    usize::try_from(at).ok().filter(|&at| at < size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_read_or_refused_by_name() {
        assert_eq!(Item::list("-3:0:1").unwrap(), [Item { input: -3, row: 0, column: 1 }]);
        assert_eq!(Item::list("1:2:3,4:5:6").unwrap().len(), 2);
        for wrong in ["", "1:2", "1:2:3:4", "a:0:0", "1:-1:0", "../etc:0:0"] {
            assert_eq!(Item::list(wrong).unwrap_err().status, StatusCode::BAD_REQUEST, "{wrong}");
        }
        assert!(Item::list(&"1:0:0,".repeat(257)).is_err());
    }

    #[test]
    fn what_lies_outside_of_the_input_is_black_and_masked() {
        let image = Image { height: 2, width: 3, channels: 1, pixels: [1, 2, 3, 4, 5, 6].into() };
        let mut cut = Cut::new(2, 2, 1);
        cut.add(Some(&image), Rect { y: -1, x: 1, height: 2, width: 2 });
        cut.add(None, Rect { y: 0, x: 0, height: 2, width: 2 });
        assert_eq!(cut.pixels, [0, 0, 2, 3, 0, 0, 0, 0]);
        assert_eq!(cut.inside, [0, 0, 1, 1, 0, 0, 0, 0]);
        assert_eq!(cut.known, [1, 0]);
    }
}
