//! A data set in two splits, all of whose images have one size.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use crate::files::ImageFiles;
use crate::statistics::Histogram;
use crate::{DataError, Pixels};

/// A data set. Cheap to clone: the images are shared.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What is trained on.
    pub train: Split,
    /// What accuracy is measured on. Never empty, never overlapping `train`.
    pub validation: Split,
    /// Names of the classes; label `i` is `classes[i]`.
    pub classes: Vec<String>,
    /// Every image's `[channels, height, width]`.
    pub shape: [usize; 3],
    /// Mean of each channel over the training images, in units of 255 (so in [0, 1]).
    pub mean: Vec<f32>,
    /// Standard deviation of each channel over the training images, in units of 255. At least 1/255, so that one may
    /// divide by it.
    pub std: Vec<f32>,
    /// One line: name, counts, size, classes.
    pub description: String,
    /// What the user should know: files ignored, images resized, options without effect.
    pub notes: Vec<String>,
}

impl Dataset {
    /// Puts a data set together: measures the channels and describes it.
    pub(crate) fn new(
        name: &str,
        train: Split,
        validation: Split,
        classes: Vec<String>,
        notes: Vec<String>,
    ) -> Result<Self, DataError> {
        let [height, width, channels] = train.shape;
        let (mean, std) = Histogram::of_split(&train)?.mean_std();
        let description = format!(
            "{name}: {} training and {} validation images, {height} x {width} {}, {} classes",
            thousands(train.len()),
            thousands(validation.len()),
            if channels == 1 { "grey" } else { "RGB" },
            thousands(classes.len()),
        );
        Ok(Self {
            train,
            validation,
            classes,
            shape: [channels, height, width],
            mean,
            std,
            description,
            notes,
        })
    }
}

/// Images with a label each. Cheap to clone: the images are shared.
#[derive(Debug, Clone)]
pub struct Split {
    labels: Arc<[i32]>,
    /// `[height, width, channels]`.
    pub(crate) shape: [usize; 3],
    images: Images,
}

#[derive(Debug, Clone)]
enum Images {
    /// `[images, height, width, channels]`.
    Memory(Arc<[u8]>),
    Files(Arc<ImageFiles>),
}

impl Split {
    /// Images in memory: `pixels` is `[labels.len(), height, width, channels]`, `shape` its last three.
    pub(crate) fn in_memory(labels: Vec<i32>, shape: [usize; 3], pixels: Vec<u8>) -> Self {
        debug_assert_eq!(pixels.len(), labels.len() * shape.iter().product::<usize>());
        Self { labels: labels.into(), shape, images: Images::Memory(pixels.into()) }
    }

    /// Images in files, one for each label.
    pub(crate) fn in_files(labels: Vec<i32>, shape: [usize; 3], files: ImageFiles) -> Self {
        debug_assert_eq!(files.len(), labels.len());
        Self { labels: labels.into(), shape, images: Images::Files(Arc::new(files)) }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Labels of all images: indices into [`Dataset::classes`].
    pub fn labels(&self) -> &[i32] {
        &self.labels
    }

    /// Label of image `i`. Panics, as a slice does, where `i` is not below [`len`](Self::len).
    pub fn label(&self, i: usize) -> i32 {
        self.labels[i]
    }

    /// Bytes `[height, width, channels]` of image `i`, without a copy where they are in memory. May be called from
    /// many threads at once. Panics, as a slice does, where `i` is not below [`len`](Self::len).
    ///
    /// # Errors
    /// [`DataError::Image`] or [`DataError::Io`] where the image's file cannot be read or decoded.
    pub fn bytes(&self, i: usize) -> Result<Cow<'_, [u8]>, DataError> {
        match &self.images {
            Images::Memory(pixels) => {
                let size = self.shape.iter().product::<usize>();
                Ok(Cow::Borrowed(&pixels[i * size..(i + 1) * size]))
            }
            Images::Files(files) => files.bytes(i),
        }
    }

    /// Image `i`. Panics, as a slice does, where `i` is not below [`len`](Self::len).
    ///
    /// # Errors
    /// [`DataError::Image`] or [`DataError::Io`] where the image's file cannot be read or decoded.
    pub fn image(&self, i: usize) -> Result<Pixels, DataError> {
        let [height, width, channels] = self.shape;
        Ok(Pixels { height, width, channels, pixels: self.bytes(i)?.into_owned().into() })
    }

    /// The file that holds image `i` alone; None for data sets of large files.
    pub fn file(&self, i: usize) -> Option<&Path> {
        match &self.images {
            Images::Memory(_) => None,
            Images::Files(files) => Some(files.path(i)),
        }
    }

    /// Whether reading an image may mean decoding a file.
    pub(crate) fn decodes(&self) -> bool {
        matches!(self.images, Images::Files(_))
    }
}

/// 60000 -> "60,000".
pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let written: Vec<String> = [0, 999, 1000, 60_000, 1_234_567].into_iter().map(thousands).collect();
        assert_eq!(written, ["0", "999", "1,000", "60,000", "1,234,567"]);
    }

    #[test]
    fn images_of_a_split_are_its_bytes_in_order() {
        let split = Split::in_memory(vec![1, 0], [1, 2, 3], (0..12).collect());
        assert_eq!((split.len(), split.label(0), split.labels()), (2, 1, [1, 0].as_slice()));
        let image = split.image(1).unwrap();
        assert_eq!((image.height, image.width, image.channels), (1, 2, 3));
        assert_eq!(*image.pixels, [6, 7, 8, 9, 10, 11]);
        assert!(split.file(0).is_none());
    }
}
