//! CIFAR-10's binary files: records of a label byte and 3 x 32 x 32 bytes, one plane a colour.

use std::fs;
use std::path::{Path, PathBuf};

use crate::dataset::{Dataset, Split, thousands};
use crate::idx::interleave;
use crate::{DataError, OpenOptions};

const SHAPE: [usize; 3] = [32, 32, 3];
const RECORD: usize = 1 + 32 * 32 * 3;
const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Opens a folder with `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, or the folder above it.
pub(crate) fn open(dir: &Path, options: &OpenOptions) -> Result<Dataset, DataError> {
    let unpacked = dir.join("cifar-10-batches-bin");
    let dir = if unpacked.is_dir() { unpacked.as_path() } else { dir };
    let names: Vec<String> =
        (1..=5).map(|i| format!("data_batch_{i}.bin")).chain(["test_batch.bin".into()]).collect();
    let missing: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| !dir.join(name).is_file()).collect();
    if !missing.is_empty() {
        let python = dir.join("data_batch_1").is_file() || dir.join("cifar-10-batches-py").is_dir();
        let advice = if python { "; this is the version for Python: get the binary version" } else { "" };
        let looked_for = format!("data_batch_1.bin to data_batch_5.bin and test_batch.bin{advice}");
        return Err(DataError::NotFound { place: dir.to_owned(), what: missing.join(", "), looked_for });
    }
    let classes = class_names(&dir.join("batches.meta.txt"))?;
    let notes = options.unused_share_note().into_iter().collect();
    let files: Vec<PathBuf> = names.iter().map(|name| dir.join(name)).collect();
    let (train, validation) = files.split_at(5);
    Dataset::new("CIFAR-10", split(train)?, split(validation)?, classes, notes)
}

/// The names in `batches.meta.txt`, or the usual ones where there is no such file.
fn class_names(file: &Path) -> Result<Vec<String>, DataError> {
    if !file.is_file() {
        return Ok(CLASSES.map(str::to_owned).to_vec());
    }
    let text = fs::read_to_string(file).map_err(DataError::io(file))?;
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.len() != CLASSES.len() {
        return Err(DataError::malformed(file, format!("{} names: expected 10, one a line", names.len())));
    }
    Ok(names)
}

fn split(files: &[PathBuf]) -> Result<Split, DataError> {
    let (mut labels, mut planes) = (Vec::new(), Vec::new());
    for file in files {
        let bytes = fs::read(file).map_err(DataError::io(file))?;
        if bytes.is_empty() || bytes.len() % RECORD != 0 {
            let problem = format!(
                "{} bytes: expected records of {RECORD} bytes (label, 3 x 32 x 32)",
                thousands(bytes.len())
            );
            return Err(DataError::malformed(file, problem));
        }
        for (i, record) in bytes.chunks_exact(RECORD).enumerate() {
            let label = record[0];
            if usize::from(label) >= CLASSES.len() {
                return Err(DataError::malformed(
                    file,
                    format!("record {i} has label {label}: expected 0 to 9"),
                ));
            }
            labels.push(i32::from(label));
            planes.extend_from_slice(&record[1..]);
        }
    }
    Ok(Split::in_memory(labels, SHAPE, interleave(&planes, SHAPE)))
}
