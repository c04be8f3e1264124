//! `cargo xtask maps`: maps of MNIST's first images, drawn for docs/embedding.md.

use crate::shell;
use crate::svg::{Frame, Picture};
use anyhow::{Context, Result, bail};
use npyz::npz::NpzArchive;
use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::path::Path;

/// Images that are mapped.
const IMAGES: usize = 5000;
const PIXELS: usize = 28 * 28;
/// The dashboard's colours of labels.
const COLOURS: [&str; 10] = [
    "#54699c", "#c11b60", "#c77015", "#34a790", "#0c2caa", "#6b1764", "#9d73ff", "#5f5204", "#c6c538",
    "#fd94e2",
];
const SIDE: f64 = 330.0;

/// Points of a map, their labels and their radii in pixels.
struct Map {
    title: &'static str,
    points: Vec<[f32; 2]>,
    labels: Vec<u8>,
    radii: Vec<f64>,
}

/// Makes the maps with the release binary and draws them.
pub(crate) fn run() -> Result<()> {
    let program = shell::deepeyes()?;
    let folder = shell::root().join("target/maps");
    fs::create_dir_all(&folder)?;
    let images = idx("train-images-idx3-ubyte.gz", 16, IMAGES * PIXELS)?;
    let labels = idx("train-labels-idx1-ubyte.gz", 8, IMAGES)?;
    let data = folder.join("images.npy");
    write_npy(&data, &images)?;
    let embed = |method: &str, more: &[&str]| -> Result<NpzArchive<BufReader<File>>> {
        let out = folder.join(format!("{method}.npz"));
        let mut command = shell::command(&program.to_string_lossy(), &["embed", "--method", method]);
        command.args(more).arg("--out").arg(&out).arg(&data);
        shell::run(command)?;
        Ok(NpzArchive::new(BufReader::new(File::open(out)?))?)
    };
    let whole = |title, archive: &mut NpzArchive<_>| -> Result<Map> {
        let points = plane(archive, "embedding")?;
        Ok(Map { title, radii: vec![1.3; points.len()], points, labels: labels.clone() })
    };
    let mut hsne = embed("hsne", &["--scales", "2"])?;
    let landmarks: Vec<i64> = array(&mut hsne, "scale_1_indices")?;
    let weights: Vec<f64> = array(&mut hsne, "scale_1_weights")?;
    let top = Map {
        title: "HSNE: landmarks, as large as what they stand for",
        points: plane(&mut hsne, "scale_1_embedding")?,
        labels: landmarks.iter().map(|&i| labels[i as usize]).collect(),
        radii: weights.iter().map(|weight| 0.9 * weight.sqrt().clamp(1.0, 6.0)).collect(),
    };
    let maps = [
        whole("Two principal components: the first picture", &mut embed("pca", &[])?)?,
        whole("t-SNE", &mut embed("tsne", &[])?)?,
        top,
        whole("HSNE: all points, placed by their landmarks", &mut hsne)?,
    ];
    let path = shell::root().join("docs/pictures/maps-mnist.svg");
    fs::write(&path, picture(&maps)).with_context(|| path.display().to_string())
}

/// Bytes of one of MNIST's files, behind its header.
fn idx(name: &str, header: usize, length: usize) -> Result<Vec<u8>> {
    let path = shell::root().join("data/mnist").join(name);
    let file = File::open(&path).with_context(|| path.display().to_string())?;
    let mut bytes = vec![0; header + length];
    flate2::read::GzDecoder::new(file).read_exact(&mut bytes).with_context(|| path.display().to_string())?;
    Ok(bytes.split_off(header))
}

fn write_npy(path: &Path, pixels: &[u8]) -> Result<()> {
    use npyz::WriterBuilder;
    let mut out = std::io::BufWriter::new(File::create(path)?);
    let shape = [(pixels.len() / PIXELS) as u64, PIXELS as u64];
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut out).begin_nd()?;
    writer.extend(pixels.iter().map(|&pixel| f32::from(pixel) / 255.0))?;
    writer.finish()?;
    Ok(out.flush()?)
}

fn array<T: npyz::Deserialize>(archive: &mut NpzArchive<BufReader<File>>, name: &str) -> Result<Vec<T>> {
    Ok(archive.by_name(name)?.with_context(|| format!("no array {name}"))?.into_vec()?)
}

fn plane(archive: &mut NpzArchive<BufReader<File>>, name: &str) -> Result<Vec<[f32; 2]>> {
    let values: Vec<f32> = array(archive, name)?;
    if values.is_empty() {
        bail!("{name} has no points");
    }
    Ok(values.as_chunks::<2>().0.to_vec())
}

fn picture(maps: &[Map; 4]) -> String {
    let (margin, heading) = (12.0, 26.0);
    let (across, down) = (SIDE + margin, SIDE + heading + margin);
    let mut picture = Picture::new(2.0 * across + margin, 2.0 * down + margin);
    for (number, map) in maps.iter().enumerate() {
        let (left, top) = (margin + (number % 2) as f64 * across, margin + (number / 2) as f64 * down);
        picture.text(left, top + 12.0, "start", "title", map.title);
        draw(&mut picture, Frame { left, top: top + heading, width: SIDE, height: SIDE }, map);
    }
    picture.finish()
}

/// Points by colour, and each digit where the middle of its points is.
fn draw(picture: &mut Picture, frame: Frame, map: &Map) {
    let axis = |axis: usize| {
        let values = map.points.iter().map(move |point| f64::from(point[axis]));
        let low = values.clone().fold(f64::INFINITY, f64::min);
        (low, values.fold(f64::NEG_INFINITY, f64::max) - low)
    };
    let ((left, width), (bottom, height)) = (axis(0), axis(1));
    let extent = width.max(height).max(f64::MIN_POSITIVE);
    let place = |point: &[f32; 2]| {
        let across = 0.5 + (f64::from(point[0]) - left - width / 2.0) / extent;
        (across, 0.5 + (f64::from(point[1]) - bottom - height / 2.0) / extent)
    };
    for (digit, colour) in COLOURS.iter().enumerate() {
        let of_digit = || {
            map.points
                .iter()
                .zip(&map.labels)
                .zip(&map.radii)
                .filter(|((_, label), _)| usize::from(**label) == digit)
        };
        picture.dots(frame, colour, of_digit().map(|((point, _), &radius)| (place(point), radius)));
    }
    for digit in 0..COLOURS.len() {
        let of_digit =
            || map.points.iter().zip(&map.labels).filter(|(_, label)| usize::from(**label) == digit);
        if let (Some(across), Some(up)) = (
            median(of_digit().map(|(point, _)| place(point).0)),
            median(of_digit().map(|(point, _)| place(point).1)),
        ) {
            picture.badge(frame, across, up, &digit.to_string());
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
