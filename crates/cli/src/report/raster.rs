//! Dense pictures as PNG inside the page: one byte a value instead of one element.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

/// Pixels in `[0, 255]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub(crate) channels: usize,
    /// `[height, width, channels]`.
    pub(crate) pixels: Vec<u8>,
}

impl Raster {
    /// As a `data:` address; empty where it has no pixels or the encoder refuses it.
    pub(crate) fn data_uri(&self) -> String {
        let colour = if self.channels == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
        let mut png = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
        match encoder.write_image(&self.pixels, self.width as u32, self.height as u32, colour) {
            Ok(()) => format!("data:image/png;base64,{}", base64(&png)),
            Err(_) => String::new(),
        }
    }
}

/// RFC 4648 base64 with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, &byte| word << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let six_bits = (word >> (18 - 6 * place) & 63) as usize;
            text.push(if place <= chunk.len() { char::from(ALPHABET[six_bits]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_standard() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn a_raster_is_a_png() {
        let raster = Raster { width: 2, height: 1, channels: 1, pixels: vec![0, 255] };
        assert!(raster.data_uri().starts_with("data:image/png;base64,iVBOR"));
    }
}
