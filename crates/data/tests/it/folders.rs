use std::fs;
use std::path::Path;

use deepeyes_data::{OpenOptions, Source, open};
use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage};
use tempfile::{TempDir, tempdir};

use crate::{assert_says, opened, refused, train_bytes};

/// A grey image of one value.
pub(crate) fn grey(path: &Path, height: u32, width: u32, value: u8) {
    save(path, &GrayImage::from_pixel(width, height, Luma([value])).into());
}

fn save(path: &Path, image: &DynamicImage) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.save(path).unwrap();
}

pub(crate) fn images(dir: &TempDir) -> Source {
    Source::Images { dir: dir.path().to_owned(), class_column: None }
}

/// `parts` x {cat, dog} x n images of 4 x 6, values counting up from 0 in each class.
fn classes(dir: &TempDir, part: &str, n: u8) {
    for class in ["cat", "dog"] {
        for i in 0..n {
            grey(&dir.path().join(part).join(class).join(format!("{i:02}.png")), 4, 6, i);
        }
    }
}

#[test]
fn parts_and_classes_are_folders() {
    for (validation, note) in [("val", None), ("validation", None), ("test", None), ("test", Some("val"))] {
        let dir = tempdir().unwrap();
        classes(&dir, "train", 3);
        classes(&dir, validation, 2);
        if let Some(other) = note {
            classes(&dir, other, 1);
        }
        let data = opened(&images(&dir));
        assert_eq!((data.train.len(), data.shape), (6, [1, 4, 6]));
        assert_eq!(data.validation.len(), if note.is_some() { 2 } else { 4 });
        assert_eq!(data.notes.iter().any(|n| n.contains("4 test images are not used")), note.is_some());
        assert_eq!(
            (data.classes.concat(), data.train.labels()),
            ("catdog".into(), [0, 0, 0, 1, 1, 1].as_slice())
        );
        assert_eq!(train_bytes(&data, 5), [2; 24]);
        assert!(data.train.file(5).unwrap().ends_with("train/dog/02.png"));
    }
}

#[test]
fn without_a_split_a_share_of_each_class_is_set_apart() {
    let dir = tempdir().unwrap();
    classes(&dir, "", 10);
    assert_eq!(opened(&images(&dir)).validation.labels(), [0, 1]);
    let at = |share, seed| {
        let options = OpenOptions { val_share: Some(share), seed, ..Default::default() };
        let data = open(&images(&dir), &options).unwrap();
        let files: Vec<_> =
            (0..data.validation.len()).map(|i| data.validation.file(i).unwrap().to_owned()).collect();
        (data.train.len(), files)
    };
    assert_eq!((at(0.3, 0).0, at(0.3, 0).1.len()), (14, 6));
    assert_eq!(at(0.3, 5), at(0.3, 5));
    assert_ne!(at(0.3, 5), at(0.3, 6));
    // A training part without another is split as well.
    let dir = tempdir().unwrap();
    classes(&dir, "train", 10);
    assert_eq!(opened(&images(&dir)).validation.len(), 2);
}

#[test]
fn a_share_that_is_not_needed_is_mentioned() {
    let dir = tempdir().unwrap();
    classes(&dir, "train", 1);
    classes(&dir, "val", 1);
    let options = OpenOptions { val_share: Some(0.5), ..Default::default() };
    assert_says(&open(&images(&dir), &options).unwrap().notes.concat(), &["0.5 is not used"]);
}

#[test]
fn a_class_may_be_called_train() {
    let dir = tempdir().unwrap();
    for class in ["plane", "train"] {
        (0..2).for_each(|i| grey(&dir.path().join(class).join(format!("{i}.png")), 2, 2, i));
    }
    assert_eq!(opened(&images(&dir)).classes, ["plane", "train"]);
}

#[test]
fn numbers_are_sorted_as_numbers() {
    let dir = tempdir().unwrap();
    for class in ["10", "9", "2"] {
        (0..2).for_each(|i| grey(&dir.path().join(class).join(format!("{i}.png")), 2, 2, i));
    }
    assert_eq!(opened(&images(&dir)).classes, ["2", "9", "10"]);
}

#[test]
fn other_files_are_left_out_and_counted() {
    let dir = tempdir().unwrap();
    classes(&dir, "", 2);
    let path = |name: &str| dir.path().join(name);
    fs::write(path("cat/notes.txt"), "").unwrap();
    fs::write(path("cat/.hidden.png"), "").unwrap();
    fs::write(path("README.md"), "").unwrap();
    fs::create_dir_all(path(".git/objects")).unwrap();
    fs::create_dir_all(path("empty")).unwrap();
    grey(&path("loose.png"), 4, 6, 0);
    grey(&path("cat/deep/er.PNG"), 4, 6, 9);
    let data = opened(&images(&dir));
    assert_eq!((data.train.len() + data.validation.len(), data.classes.len()), (5, 2));
    let notes = data.notes.join("\n");
    assert_says(
        &notes,
        &["left out: 2 files", "cat/.hidden.png", "no images in empty", "images without a class folder"],
    );
}

#[test]
fn images_of_other_sizes_are_scaled_and_cut() {
    let dir = tempdir().unwrap();
    classes(&dir, "", 4);
    // The middle third is white.
    let wide = GrayImage::from_fn(24, 8, |x, _| Luma([if (8..16).contains(&x) { 255 } else { 0 }]));
    save(&dir.path().join("cat/00.png"), &wide.into());
    let data = opened(&images(&dir));
    assert_eq!(data.shape, [1, 4, 4]);
    assert_says(&data.notes.concat(), &["from 4 x 6 to 8 x 24", "cover 4 x 4"]);
    let splits = [&data.train, &data.validation];
    let mut all = splits.into_iter().flat_map(|split| (0..split.len()).map(move |i| (split, i)));
    let wide = all.find(|(split, i)| split.file(*i).unwrap().ends_with("cat/00.png")).unwrap();
    assert_eq!(*wide.0.image(wide.1).unwrap().pixels, [255; 16]);

    let options = OpenOptions { resize: Some([6, 3]), ..Default::default() };
    assert_eq!(open(&images(&dir), &options).unwrap().shape, [1, 6, 3]);
}

#[test]
fn grey_among_colours_is_read_as_colour() {
    let dir = tempdir().unwrap();
    classes(&dir, "", 3);
    save(&dir.path().join("dog/x.png"), &RgbImage::from_pixel(6, 4, Rgb([1, 2, 3])).into());
    save(&dir.path().join("dog/y.jpeg"), &RgbImage::from_pixel(6, 4, Rgb([128, 128, 128])).into());
    let data = opened(&images(&dir));
    assert_eq!((data.shape, data.mean.len()), ([3, 4, 6], 3));
    assert_says(&data.notes.concat(), &["6 of 8 images are grey"]);
    for i in 0..data.train.len() {
        if data.train.file(i).unwrap().ends_with("dog/x.png") {
            assert_eq!(train_bytes(&data, i)[..3], [1, 2, 3]);
        }
    }
}

#[test]
fn transparency_and_deep_colours_become_plain_bytes() {
    let dir = tempdir().unwrap();
    let clear = image::RgbaImage::from_pixel(6, 4, image::Rgba([10, 20, 30, 0]));
    save(&dir.path().join("train/a/0.png"), &clear.into());
    let deep = image::ImageBuffer::from_pixel(6, 4, Rgb([257u16, 2 * 257, 3 * 257]));
    save(&dir.path().join("train/a/1.png"), &DynamicImage::ImageRgb16(deep));
    grey(&dir.path().join("val/a/0.png"), 4, 6, 5);
    let data = opened(&images(&dir));
    assert_eq!(
        (train_bytes(&data, 0)[..3].to_vec(), train_bytes(&data, 1)[..3].to_vec()),
        (vec![10, 20, 30], vec![1, 2, 3])
    );
    assert_eq!(data.validation.image(0).unwrap().pixels[..3], [5, 5, 5]);
    assert_says(&data.notes.concat(), &["all images are of one class, a"]);
}

#[test]
fn unreadable_images_are_named() {
    let dir = tempdir().unwrap();
    classes(&dir, "", 3);
    fs::write(dir.path().join("cat/00.png"), "no image").unwrap();
    fs::write(dir.path().join("dog/00.png"), "").unwrap();
    let error = refused(&images(&dir), dir.path());
    assert_says(&error, &["cat/00.png (and 1 more)", "not a readable PNG or JPEG"]);
}

#[test]
fn pixels_that_end_too_early_are_named_when_read() {
    let dir = tempdir().unwrap();
    classes(&dir, "train", 1);
    classes(&dir, "val", 1);
    let path = dir.path().join("val/dog/00.png");
    let noise = RgbImage::from_fn(6, 4, |x, y| Rgb([(x * 91) as u8, (y * 57) as u8, (x * y * 33) as u8]));
    save(&path, &noise.into());
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 30]).unwrap();
    let data = opened(&images(&dir));
    assert!(data.validation.image(0).is_ok());
    assert_says(&data.validation.image(1).unwrap_err().to_string(), &["val/dog/00.png", "not a readable"]);
    fs::remove_file(&path).unwrap();
    assert_says(&data.validation.image(1).unwrap_err().to_string(), &["val/dog/00.png", "No such file"]);
}

#[test]
fn a_jpeg_called_png_is_read() {
    let dir = tempdir().unwrap();
    classes(&dir, "", 2);
    let path = dir.path().join("cat/00.png");
    GrayImage::from_pixel(6, 4, Luma([7])).save_with_format(&path, image::ImageFormat::Jpeg).unwrap();
    assert_eq!(opened(&images(&dir)).shape, [1, 4, 6]);
}

#[test]
fn folders_without_images_are_refused() {
    let dir = tempdir().unwrap();
    assert_says(&refused(&images(&dir), dir.path()), &["PNG or JPEG images not found", "CLASS/"]);
    fs::create_dir_all(dir.path().join("cat")).unwrap();
    fs::write(dir.path().join("cat/a.gif"), "").unwrap();
    assert_says(&refused(&images(&dir), dir.path()), &["other files there: 1"]);
    let missing = dir.path().join("missing");
    let source = Source::Images { dir: missing.clone(), class_column: None };
    assert_says(&refused(&source, &missing), &["the folder not found"]);
    // One image a class leaves none to set apart.
    let dir = tempdir().unwrap();
    classes(&dir, "", 1);
    assert_says(&refused(&images(&dir), dir.path()), &["could be set apart"]);
    let dir = tempdir().unwrap();
    classes(&dir, "val", 1);
    fs::create_dir_all(dir.path().join("train/cat")).unwrap();
    assert_says(&refused(&images(&dir), dir.path()), &["no training images"]);
}
