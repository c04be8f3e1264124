//! An image's pixels, and cutting pieces out of them.

/// An image: bytes `[height, width, channels]`, row-major, channels grey or red, green, blue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// `[height, width, channels]`.
    pub pixels: Box<[u8]>,
}

impl Pixels {
    /// The rectangle of `height` x `width` whose upper left corner is at row `y`, column `x`, left and right exchanged
    /// where `mirror` says so (Caffe's `crop_size` and `mirror`). None where it reaches outside of the image.
    pub fn crop(&self, y: usize, x: usize, height: usize, width: usize, mirror: bool) -> Option<Self> {
        if y.checked_add(height)? > self.height || x.checked_add(width)? > self.width {
            return None;
        }
        let c = self.channels;
        let mut pixels = Vec::with_capacity(height * width * c);
        for row in y..y + height {
            let start = (row * self.width + x) * c;
            let row = &self.pixels[start..start + width * c];
            if mirror {
                pixels.extend(row.chunks_exact(c).rev().flatten());
            } else {
                pixels.extend_from_slice(row);
            }
        }
        Some(Self { height, width, channels: c, pixels: pixels.into() })
    }

    /// The rectangle of `height` x `width` in the middle, rounded towards the upper left (Caffe's crop while testing).
    /// None where the image is smaller.
    pub fn centre_crop(&self, height: usize, width: usize) -> Option<Self> {
        let (y, x) = (self.height.checked_sub(height)? / 2, self.width.checked_sub(width)? / 2);
        self.crop(y, x, height, width, false)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbered(height: usize, width: usize, channels: usize) -> Pixels {
        let pixels = (0..height * width * channels).map(|i| (i * 7 % 251) as u8).collect();
        Pixels { height, width, channels, pixels }
    }

    proptest! {
        /// out[i, j, k] = in[y + i, x + j, k], and mirrored in[y + i, x + w - 1 - j, k].
        #[test]
        fn a_crop_is_the_image_at_an_offset(
            (height, width, y, x, h, w) in (1..9usize, 1..9usize).prop_flat_map(|(height, width)| {
                (Just(height), Just(width), 0..height, 0..width).prop_flat_map(|(height, width, y, x)| {
                    (Just(height), Just(width), Just(y), Just(x), 1..=height - y, 1..=width - x)
                })
            }),
            channels in prop::sample::select(vec![1usize, 3]),
            mirror: bool,
        ) {
            let image = numbered(height, width, channels);
            let out = image.crop(y, x, h, w, mirror).unwrap();
            prop_assert_eq!((out.height, out.width, out.channels), (h, w, channels));
            for i in 0..h {
                for j in 0..w {
                    let column = if mirror { x + w - 1 - j } else { x + j };
                    for k in 0..channels {
                        prop_assert_eq!(
                            out.pixels[(i * w + j) * channels + k],
                            image.pixels[((y + i) * width + column) * channels + k]
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn crops_never_reach_outside() {
        let image = numbered(4, 5, 1);
        assert_eq!(image.crop(1, 0, 4, 5, false), None);
        assert_eq!(image.crop(0, usize::MAX, 1, 2, false), None);
        assert_eq!(image.centre_crop(5, 5), None);
        assert_eq!(image.centre_crop(4, 5).unwrap(), image);
        assert_eq!(image.centre_crop(2, 2).unwrap(), image.crop(1, 1, 2, 2, false).unwrap());
    }
}
