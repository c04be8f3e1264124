//! Images in files of their own: looked at when opened, decoded when asked for, kept while memory lasts.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader};

use crate::DataError;

/// Files that are brought to one shape `[height, width, channels]`.
///
/// What is decoded is kept until the memory is used up, and never exchanged for something else: training asks for all
/// images in turn, and then any policy that evicts keeps no more of them, and the usual ones none.
#[derive(Debug)]
pub(crate) struct ImageFiles {
    paths: Vec<PathBuf>,
    shape: [usize; 3],
    decoded: Vec<OnceLock<Box<[u8]>>>,
    memory: Memory,
}

/// Bytes that may still be taken; shared by the splits of a data set.
#[derive(Debug, Clone)]
pub(crate) struct Memory(Arc<AtomicUsize>);

impl Memory {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    fn take(&self, bytes: usize) -> bool {
        self.0.try_update(Relaxed, Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.0.fetch_add(bytes, Relaxed);
    }
}

impl ImageFiles {
    pub(crate) fn new(paths: Vec<PathBuf>, shape: [usize; 3], memory: Memory) -> Self {
        let decoded = paths.iter().map(|_| OnceLock::new()).collect();
        Self { paths, shape, decoded, memory }
    }

    pub(crate) fn len(&self) -> usize {
        self.paths.len()
    }

    pub(crate) fn path(&self, i: usize) -> &Path {
        &self.paths[i]
    }

    /// Bytes `[height, width, channels]` of image `i`.
    pub(crate) fn bytes(&self, i: usize) -> Result<Cow<'_, [u8]>, DataError> {
        let slot = &self.decoded[i];
        if let Some(kept) = slot.get() {
            return Ok(Cow::Borrowed(kept));
        }
        let bytes = decode(&self.paths[i], self.shape)?;
        let size = bytes.len();
        if !self.memory.take(size) {
            return Ok(Cow::Owned(bytes));
        }
        match slot.set(bytes.into()) {
            Ok(()) => {}
            Err(_) => self.memory.give_back(size), // another thread was faster
        }
        Ok(Cow::Borrowed(slot.get().expect("set just above, by this thread or another")))
    }
}

/// What an image's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) grey: bool,
}

impl Header {
    /// Reads the header only; the pixels may still prove to be broken.
    pub(crate) fn read(path: &Path) -> Result<Self, DataError> {
        let decoder = reader(path)?.into_decoder().map_err(unreadable(path))?;
        let (width, height) = decoder.dimensions();
        Ok(Self { height: height as usize, width: width as usize, grey: !decoder.color_type().has_color() })
    }
}

fn reader(path: &Path) -> Result<ImageReader<std::io::BufReader<std::fs::File>>, DataError> {
    // The content decides, not the name: JPEG files called .png are common.
    ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(DataError::io(path))
}

/// The decoder's complaint, or the operating system's.
fn unreadable(path: &Path) -> impl FnOnce(ImageError) -> DataError {
    let file = path.to_owned();
    move |error| match error {
        // The decoders report a file that ends too early as an input error; the file is at fault all the same.
        ImageError::IoError(source)
            if !matches!(source.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData) =>
        {
            DataError::Io { file, source }
        }
        other => DataError::Image { file: file.display().to_string(), reason: other.to_string() },
    }
}

/// Decodes to `[height, width, channels]`: scaled until the image covers the size, cut around the centre. Transparency
/// and the camera's orientation mark are ignored, as torchvision's image folders do.
fn decode(path: &Path, [height, width, channels]: [usize; 3]) -> Result<Vec<u8>, DataError> {
    let image = fit(reader(path)?.decode().map_err(unreadable(path))?, height as u32, width as u32);
    Ok(if channels == 1 { image.into_luma8().into_raw() } else { image.into_rgb8().into_raw() })
}

/// Cuts before it scales, so that a long thin image never becomes a huge one on the way.
fn fit(image: DynamicImage, height: u32, width: u32) -> DynamicImage {
    if (image.height(), image.width()) == (height, width) {
        return image;
    }
    let (h, w) = covered(image.height(), image.width(), height, width);
    let (y, x) = ((image.height() - h) / 2, (image.width() - w) / 2);
    image.crop_imm(x, y, w, h).resize_exact(width, height, FilterType::Triangle)
}

/// Height and width of the largest rectangle within `(h, w)` of the proportions `height : width`.
fn covered(h: u32, w: u32, height: u32, width: u32) -> (u32, u32) {
    let [h64, w64, height, width] = [h, w, height, width].map(u64::from);
    let rounded = |a: u64, b: u64| u32::try_from(((a + b / 2) / b).max(1)).unwrap_or(u32::MAX);
    if w64 * height > h64 * width {
        (h, rounded(h64 * width, height).min(w))
    } else {
        (rounded(w64 * height, width).min(h), w)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_centre_cut_keeps_the_asked_proportions() {
        assert_eq!(covered(100, 200, 50, 50), (100, 100));
        assert_eq!(covered(200, 100, 50, 100), (50, 100));
        assert_eq!(covered(1, 10_000, 224, 224), (1, 1));
        assert_eq!(covered(30, 40, 30, 40), (30, 40));
    }

    #[test]
    fn halves_beside_the_centre_are_cut_off() {
        // Columns: 2 black, 4 white, 2 black; the square in the middle is white.
        let image =
            image::GrayImage::from_fn(8, 4, |x, _| image::Luma([if (2..6).contains(&x) { 255 } else { 0 }]));
        let out = fit(image.into(), 2, 2).into_luma8();
        assert_eq!((out.dimensions(), out.into_raw()), ((2, 2), vec![255; 4]));
    }

    #[test]
    fn images_are_kept_while_memory_lasts() {
        let dir = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = (0..3u8)
            .map(|i| {
                let path = dir.path().join(format!("{i}.png"));
                image::GrayImage::from_pixel(2, 2, image::Luma([i])).save(&path).unwrap();
                path
            })
            .collect();
        let files = ImageFiles::new(paths, [2, 2, 1], Memory::new(9));
        for round in 0..2 {
            for i in 0..3u8 {
                let bytes = files.bytes(usize::from(i)).unwrap();
                assert_eq!(*bytes, [i; 4]);
                assert_eq!(matches!(bytes, Cow::Borrowed(_)), i < 2, "round {round}, image {i}");
            }
        }
    }
}
