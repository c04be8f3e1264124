//! Images in folders that name their class.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Item, Part};
use crate::DataError;
use crate::dataset::thousands;

/// Files that are no images, as far as their names say.
#[derive(Default)]
struct LeftOut {
    count: usize,
    first: Option<PathBuf>,
}

/// Finds `train/CLASS/…` with `val/CLASS/…` or `test/CLASS/…`, else `CLASS/…`. Images may lie deeper within a class;
/// hidden files, and files that are not called `.png`, `.jpg` or `.jpeg`, are left out with a note.
pub(super) fn find(dir: &Path, notes: &mut Vec<String>) -> Result<Vec<Item>, DataError> {
    let mut left_out = LeftOut::default();
    let mut items = Vec::new();
    let parts = part_folders(dir)?;
    for (folder, part) in &parts {
        items.extend(in_classes(dir, folder, Some(*part), &mut left_out, notes)?);
    }
    if parts.is_empty() {
        items = in_classes(dir, Path::new(""), None, &mut left_out, notes)?;
    }
    if items.is_empty() {
        return Err(DataError::NotFound {
            place: dir.to_owned(),
            what: "PNG or JPEG images".to_owned(),
            looked_for: format!(
                "labels.csv, train/CLASS/, CLASS/; other files there: {}",
                thousands(left_out.count)
            ),
        });
    }
    if let Some(first) = left_out.first {
        let count = thousands(left_out.count);
        let first = first.display();
        notes.push(format!(
            "left out: {count} files that are hidden, or neither PNG nor JPEG (first: {first})"
        ));
    }
    Ok(items)
}

/// `train/` and its like; none where there is no `train/` with folders in it (a class may be called "train").
fn part_folders(dir: &Path) -> Result<Vec<(PathBuf, Part)>, DataError> {
    let mut parts = Vec::new();
    for name in visible(dir)? {
        if let Some(part) = name.to_str().and_then(Part::parse)
            && dir.join(&name).is_dir()
        {
            parts.push((name, part));
        }
    }
    let has_classes = |(folder, part): &(PathBuf, Part)| {
        let folder = dir.join(folder);
        Ok(*part == Part::Train && visible(&folder)?.iter().any(|name| folder.join(name).is_dir()))
    };
    let layout = parts.iter().map(has_classes).collect::<Result<Vec<_>, DataError>>()?.contains(&true);
    Ok(if layout { parts } else { Vec::new() })
}

/// Images of the folders in `dir/folder`, each named after its class.
fn in_classes(
    dir: &Path,
    folder: &Path,
    part: Option<Part>,
    left_out: &mut LeftOut,
    notes: &mut Vec<String>,
) -> Result<Vec<Item>, DataError> {
    let (mut items, mut empty, mut loose) = (Vec::new(), Vec::new(), 0);
    for name in visible(&dir.join(folder))? {
        let class_folder = folder.join(&name);
        if dir.join(&class_folder).is_dir() {
            let mut paths = Vec::new();
            descend(dir, &class_folder, left_out, &mut paths)?;
            let class = name.to_string_lossy().into_owned();
            if paths.is_empty() {
                empty.push(class_folder.display().to_string());
            }
            items.extend(paths.into_iter().map(|path| Item { path, class: class.clone(), part }));
        } else if is_image(&name) {
            loose += 1;
        }
    }
    if !empty.is_empty() {
        notes.push(format!("no images in {}", empty.join(", ")));
    }
    if loose > 0 {
        let place = dir.join(folder);
        notes.push(format!(
            "left out: images without a class folder, {} in {}",
            thousands(loose),
            place.display()
        ));
    }
    Ok(items)
}

/// All images below a folder, sorted.
fn descend(
    dir: &Path,
    folder: &Path,
    left_out: &mut LeftOut,
    paths: &mut Vec<PathBuf>,
) -> Result<(), DataError> {
    for name in entries(&dir.join(folder))? {
        let path = folder.join(&name);
        let whole = dir.join(&path);
        // Links to folders are not followed: they may lead in circles.
        let real_folder = whole.is_dir() && !whole.is_symlink();
        if real_folder && !is_hidden(&name) {
            descend(dir, &path, left_out, paths)?;
        } else if whole.is_file() {
            if is_image(&name) && !is_hidden(&name) {
                paths.push(path);
            } else {
                left_out.count += 1;
                left_out.first.get_or_insert(path);
            }
        }
    }
    Ok(())
}

fn visible(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut names = entries(dir)?;
    names.retain(|name| !is_hidden(name));
    Ok(names)
}

/// Names in a folder, sorted, so that the order does not depend on the file system.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let names =
        fs::read_dir(dir).and_then(|entries| entries.map(|entry| Ok(entry?.file_name().into())).collect());
    let mut names: Vec<PathBuf> = names.map_err(DataError::io(dir))?;
    names.sort();
    Ok(names)
}

fn is_hidden(name: &Path) -> bool {
    name.as_os_str().as_encoded_bytes().starts_with(b".")
}

fn is_image(name: &Path) -> bool {
    name.extension()
        .is_some_and(|end| ["png", "jpg", "jpeg"].iter().any(|image| end.eq_ignore_ascii_case(image)))
}
