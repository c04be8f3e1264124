//! IDX, MNIST's format: two zero bytes, the type of the values, the number of dimensions, each dimension as a big-endian
//! 32-bit number, the values. Plain or gzip-compressed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;

use crate::dataset::{Dataset, Split, thousands};
use crate::{DataError, OpenOptions};

/// The IDX type of unsigned bytes, the only one that images and labels come in.
const UNSIGNED_BYTE: u8 = 0x08;

/// Opens a folder of four IDX files.
pub(crate) fn open(dir: &Path, options: &OpenOptions) -> Result<Dataset, DataError> {
    let files = ["train", "t10k"].map(|part| (find(dir, part, "images"), find(dir, part, "labels")));
    let [train, validation] = files.map(|(images, labels)| {
        let (images, labels) = (images?, labels?);
        pair((&images, read_file(&images)?), (&labels, read_file(&labels)?))
    });
    let name =
        dir.file_name().map_or_else(|| dir.display().to_string(), |name| name.to_string_lossy().into_owned());
    assemble(&name, dir, train?, validation?, options)
}

/// Checks the two splits against each other.
pub(crate) fn assemble(
    name: &str,
    dir: &Path,
    train: Split,
    validation: Split,
    options: &OpenOptions,
) -> Result<Dataset, DataError> {
    if train.shape != validation.shape {
        let ([h, w, c], [vh, vw, vc]) = (train.shape, validation.shape);
        let problem = format!(
            "training images are {h} x {w} x {c}, test images {vh} x {vw} x {vc} (height x width x channels): expected \
             the same"
        );
        return Err(DataError::malformed(dir, problem));
    }
    let largest = train.labels().iter().chain(validation.labels()).max().copied().unwrap_or(0);
    let classes = (0..=largest).map(|label| label.to_string()).collect();
    Dataset::new(name, train, validation, classes, options.unused_share_note().into_iter().collect())
}

/// Pairs images with labels; paths are for errors.
pub(crate) fn pair(
    (images, pixels): (&Path, Idx),
    (labels, classes): (&Path, Idx),
) -> Result<Split, DataError> {
    let shape = image_shape(images, &pixels.dims)?;
    let [n] = classes.dims[..] else {
        let problem = format!("{} dimensions: labels have 1", classes.dims.len());
        return Err(DataError::malformed(labels, problem));
    };
    if n != pixels.dims[0] {
        let images = images.file_name().unwrap_or_default().display();
        let problem =
            format!("{} labels for the {} images of {images}", thousands(n), thousands(pixels.dims[0]));
        return Err(DataError::malformed(labels, problem));
    }
    let values = if planar(&pixels.dims) { interleave(&pixels.values, shape) } else { pixels.values };
    Ok(Split::in_memory(classes.values.into_iter().map(i32::from).collect(), shape, values))
}

/// `[height, width, channels]` of the images whose array has these dimensions.
fn image_shape(file: &Path, dims: &[usize]) -> Result<[usize; 3], DataError> {
    let shape = match *dims {
        [_, width] => [1, width, 1],
        [_, height, width] => [height, width, 1],
        [_, channels @ (1 | 3), height, width] if planar(dims) => [height, width, channels],
        [_, height, width, channels @ (1 | 3)] => [height, width, channels],
        [_, ..] if dims.len() == 4 => {
            return Err(DataError::malformed(
                file,
                format!("dimensions {dims:?}: expected 1 or 3 channels, last or second"),
            ));
        }
        _ => {
            let problem = format!("{} dimensions: images have 2 to 4", dims.len());
            return Err(DataError::malformed(file, problem));
        }
    };
    if dims.contains(&0) {
        return Err(DataError::malformed(file, format!("dimensions {dims:?}: there is nothing in it")));
    }
    Ok(shape)
}

/// Whether the images lie as `[images, channels, height, width]`; where both readings fit, channels come last.
fn planar(dims: &[usize]) -> bool {
    matches!(*dims, [_, 1 | 3, _, last] if last != 1 && last != 3)
}

/// `[images, channels, height, width]` -> `[images, height, width, channels]`.
pub(crate) fn interleave(planes: &[u8], [height, width, channels]: [usize; 3]) -> Vec<u8> {
    let plane = height * width;
    let mut out = Vec::with_capacity(planes.len());
    for image in planes.chunks_exact(plane * channels) {
        for i in 0..plane {
            out.extend((0..channels).map(|c| image[c * plane + i]));
        }
    }
    out
}

/// Finds `train-images-idx3-ubyte`, with a dot for the second hyphen, with `.gz`, and with other numbers of dimensions.
fn find(dir: &Path, split: &str, what: &str) -> Result<PathBuf, DataError> {
    let dims: &[u8] = if what == "labels" { &[1] } else { &[3, 4, 2] };
    let names = dims.iter().flat_map(|d| {
        ["-", "."].into_iter().flat_map(move |mark| {
            ["", ".gz"].into_iter().map(move |end| format!("{split}-{what}{mark}idx{d}-ubyte{end}"))
        })
    });
    let names: Vec<String> = names.collect();
    names.iter().map(|name| dir.join(name)).find(|path| path.is_file()).ok_or_else(|| DataError::NotFound {
        place: dir.to_owned(),
        what: format!("the {} {what}", if split == "train" { "training" } else { "test" }),
        looked_for: names.join(", "),
    })
}

/// An array of bytes.
#[derive(Debug)]
pub(crate) struct Idx {
    /// Never empty; their product is the number of values.
    pub(crate) dims: Vec<usize>,
    /// Row-major.
    pub(crate) values: Vec<u8>,
}

fn read_file(path: &Path) -> Result<Idx, DataError> {
    read(path, BufReader::new(File::open(path).map_err(DataError::io(path))?))
}

/// Reads plain or compressed IDX; `path` is for errors.
pub(crate) fn read(path: &Path, mut input: impl BufRead) -> Result<Idx, DataError> {
    let start = input.fill_buf().map_err(DataError::io(path))?;
    if start.starts_with(&[0x1f, 0x8b]) {
        read_plain(path, GzDecoder::new(input))
    } else {
        read_plain(path, input)
    }
}

fn read_plain(path: &Path, mut input: impl Read) -> Result<Idx, DataError> {
    let mut word = || {
        let mut bytes = [0; 4];
        input.read_exact(&mut bytes).map_err(|error| broken_input(path, error))?;
        Ok::<_, DataError>(bytes)
    };
    let magic = word()?;
    let [0, 0, kind, count @ 1..=4] = magic else {
        let problem = format!(
            "starts with {magic:02x?}: expected IDX, which starts with [00, 00, 08, d] for d = 1 to 4 dimensions of \
             unsigned bytes"
        );
        return Err(DataError::malformed(path, problem));
    };
    if kind != UNSIGNED_BYTE {
        let problem = format!("IDX of type {kind:#04x}: only unsigned bytes, 0x08, are supported");
        return Err(DataError::malformed(path, problem));
    }
    let dims = (0..count)
        .map(|_| Ok(u32::from_be_bytes(word()?) as usize))
        .collect::<Result<Vec<_>, DataError>>()?;
    let expected =
        dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n < isize::MAX as usize);
    let Some(expected) = expected else {
        return Err(DataError::malformed(path, format!("dimensions {dims:?}: more than can be addressed")));
    };
    // Grows with what is really there: the dimensions may promise terabytes.
    let mut values = Vec::new();
    input.take(expected as u64 + 1).read_to_end(&mut values).map_err(|error| broken_input(path, error))?;
    if values.len() != expected {
        let found = if values.len() < expected { thousands(values.len()) } else { "more".to_owned() };
        let problem =
            format!("dimensions {dims:?} need {} bytes, the file holds {found}", thousands(expected));
        return Err(DataError::malformed(path, problem));
    }
    Ok(Idx { dims, values })
}

/// Errors of a file's content, as opposed to those of the disk under it.
fn broken_input(path: &Path, error: std::io::Error) -> DataError {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error.kind() {
        UnexpectedEof => DataError::malformed(path, "ends too early: the copy or download is incomplete"),
        InvalidData | InvalidInput => DataError::malformed(path, format!("broken compression ({error})")),
        _ => DataError::Io { file: path.to_owned(), source: error },
    }
}
