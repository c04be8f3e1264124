//! TensorBoard's event files: read as TensorBoard reads them, followed while they grow, and never trusted.

use deepeyes_store::{EVENT_POINTS, EventFiles};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Folder and tag, and `[wall time, step, value]` of each point.
type Curves = BTreeMap<(String, String), Vec<(f64, i64, f64)>>;

fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/tensorboard").join(file)
}

fn curves(files: &EventFiles) -> Curves {
    let curve = |series: deepeyes_store::EventSeries<'_>| {
        let points = series.points().map(|point| (point.wall_time, point.step, point.value)).collect();
        ((series.folder(), series.tag().to_owned()), points)
    };
    files.series().map(curve).collect()
}

fn read(directory: &Path) -> EventFiles {
    let mut files = EventFiles::new(directory, EVENT_POINTS);
    files.refresh();
    files
}

/// Equal curves, NaN too.
fn assert_same(one: &Curves, other: &Curves) {
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
}

#[test]
fn curves_are_those_that_tensorboard_reads() {
    let text = std::fs::read_to_string(golden("expected.json")).unwrap();
    let expected: Vec<Value> = serde_json::from_str(&text).unwrap();
    let expected = expected.iter().map(|curve| {
        let name = |field: &str| curve[field].as_str().unwrap().to_owned();
        let points = curve["points"].as_array().unwrap().iter();
        let points = points.map(|point| {
            let value = point[2].as_str().unwrap().parse().unwrap();
            (point[0].as_f64().unwrap(), point[1].as_i64().unwrap(), value)
        });
        ((name("folder"), name("tag")), points.collect())
    });
    let files = read(&golden(""));
    assert_same(&curves(&files), &expected.collect());
    assert_eq!(files.notes(), []);
}

/// A record with its frame.
fn record(bytes: &[u8]) -> Vec<u8> {
    let masked =
        |bytes: &[u8]| crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes();
    let length = (bytes.len() as u64).to_le_bytes();
    [&length, &masked(&length)[..], bytes, &masked(bytes)].concat()
}

/// A record that logs a number.
fn scalar(tag: &str, step: u16, value: f32) -> Vec<u8> {
    let value = [&[10, tag.len() as u8], tag.as_bytes(), &[2 << 3 | 5], &value.to_le_bytes()].concat();
    let summary = [&[10, value.len() as u8], &value[..]].concat();
    let wall = f64::from(step).to_le_bytes();
    let step = [16, (step & 127) as u8 | 128, (step >> 7 & 127) as u8 | 128, (step >> 14) as u8];
    record(&[&[9], &wall[..], &step, &[42, summary.len() as u8], &summary].concat())
}

fn name(number: usize) -> String {
    format!("events.out.tfevents.17000000{number:02}.host")
}

#[test]
fn a_later_file_supersedes_what_follows_its_first_step() {
    let folder = tempfile::tempdir().unwrap();
    let write = |number: usize, steps: std::ops::Range<u16>| {
        let records: Vec<u8> = steps.flat_map(|step| scalar("loss", step, number as f32)).collect();
        std::fs::write(folder.path().join(name(number)), records).unwrap();
    };
    write(0, 0..10);
    let mut files = read(folder.path());
    write(1, 6..8);
    files.refresh();
    let expected: Vec<_> = (0..6).map(|step| (step, 0.0)).chain([(6, 1.0), (7, 1.0)]).collect();
    let points = |files: &EventFiles| -> Vec<(i64, f64)> {
        files.series().next().unwrap().points().map(|point| (point.step, point.value)).collect()
    };
    assert_eq!(points(&files), expected);
    // The earlier file's writer was not gone: what the later one says still supersedes it.
    write(0, 0..12);
    files.refresh();
    assert_eq!(points(&files), expected);
    assert_eq!(points(&read(folder.path())), expected);
    std::fs::remove_file(folder.path().join(name(1))).unwrap();
    files.refresh();
    assert_eq!(points(&files).len(), 12);
}

#[test]
fn a_growing_file_is_followed_byte_by_byte() {
    let folder = tempfile::tempdir().unwrap();
    let whole: Vec<u8> = (0..4).flat_map(|step| scalar("loss", step, 0.5)).collect();
    let size = whole.len() / 4;
    let mut file = std::fs::File::create(folder.path().join(name(0))).unwrap();
    let mut files = EventFiles::new(folder.path(), EVENT_POINTS);
    for (at, byte) in whole.iter().enumerate() {
        file.write_all(&[*byte]).unwrap();
        files.refresh();
        assert_eq!(files.series().map(|series| series.points().len()).sum::<usize>(), (at + 1) / size);
        assert_eq!(files.notes(), []);
    }
}

#[test]
fn a_broken_record_ends_its_file_alone_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("below");
    std::fs::create_dir(&below).unwrap();
    let whole: Vec<u8> = (0..4).flat_map(|step| scalar("loss", step, 0.5)).collect();
    let size = whole.len() / 4;
    let mut broken = whole.clone();
    broken[2 * size + 20] ^= 1;
    std::fs::write(below.join(name(0)), &broken).unwrap();
    std::fs::write(folder.path().join(name(0)), &whole).unwrap();
    let mut files = read(folder.path());
    assert_eq!(files.series().map(|series| series.points().len()).collect::<Vec<_>>(), [4, 2]);
    let notes = files.notes();
    assert_eq!((notes.len(), notes[0].byte), (1, Some(2 * size as u64)));
    let text = notes[0].to_string();
    assert!(text.contains("below/events.out") && text.contains("checksum"), "{text}");
    // No event, but a whole record.
    std::fs::write(below.join(name(0)), [&whole[..size], &record(&[0xff; 9])].concat()).unwrap();
    files.refresh();
    assert_eq!(files.notes()[0].byte, Some(size as u64));
    // Zeros that another machine has not filled yet.
    let path = below.join(name(1));
    std::fs::write(&path, [&whole[..size], &[0; 30]].concat()).unwrap();
    files.refresh();
    assert_eq!(files.notes().len(), 2);
    std::fs::write(&path, &whole).unwrap();
    files.refresh();
    assert_eq!(files.notes().len(), 1);
    assert_eq!(files.series().last().unwrap().points().len(), 4);
}

#[test]
fn long_curves_are_thinned_and_all_is_there_for_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<u8> = (0..9_000).flat_map(|step| scalar("loss", step, f32::from(step))).collect();
    std::fs::write(folder.path().join(name(0)), records).unwrap();
    let files = read(folder.path());
    let series = files.series().next().unwrap();
    let steps: Vec<i64> = series.points().map(|point| point.step).collect();
    assert!(steps.len() > EVENT_POINTS / 2 && steps.len() <= EVENT_POINTS, "{}", steps.len());
    assert_eq!((steps[0], steps[steps.len() - 1], series.count()), (0, 8_999, 9_000));
    let mut all = EventFiles::new(folder.path(), usize::MAX);
    all.refresh();
    assert_eq!(all.series().next().unwrap().points().len(), 9_000);
}

#[test]
fn curves_beyond_the_limit_and_long_records_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = record(&vec![0; 5 << 20]);
    (0..1_010).for_each(|tag| records.extend(scalar(&format!("tag {tag}"), 1, 0.5)));
    std::fs::write(folder.path().join(name(0)), records).unwrap();
    let files = read(folder.path());
    assert_eq!(files.series().count(), 1_000);
    let notes = files.notes();
    assert!(notes.len() == 1 && notes[0].to_string().contains("1000 scalars"), "{notes:?}");
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join(name(0)), scalar("secret", 1, 0.5)).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.path().join(name(0)), folder.path().join(name(0))).unwrap();
    assert_eq!(read(folder.path()).series().count(), 0);
}

/// A golden file, and its curves.
fn sample() -> (Vec<u8>, Curves) {
    let file = golden("torch").join("events.out.tfevents.1700000000.trainer.1.0");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(&file, folder.path().join(name(0))).unwrap();
    (std::fs::read(file).unwrap(), curves(&read(folder.path())))
}

/// What is read of a file of these bytes.
fn read_bytes(bytes: &[u8]) -> (Curves, Option<u64>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name(0)), bytes).unwrap();
    let files = read(folder.path());
    (curves(&files), files.notes().first().and_then(|note| note.byte))
}

/// Whether every curve is a beginning of the whole file's.
fn is_beginning(part: &Curves, whole: &Curves) -> bool {
    let text = |points: &[(f64, i64, f64)]| format!("{points:?}");
    part.iter().all(|(name, points)| {
        let of_whole = whole.get(name).map_or(&[][..], Vec::as_slice);
        points.len() <= of_whole.len() && text(points) == text(&of_whole[..points.len()])
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_cut_off_anywhere_gives_its_beginning_and_is_waited_for(cut in any::<prop::sample::Index>()) {
        let (bytes, whole) = sample();
        let (part, broken) = read_bytes(&bytes[..cut.index(bytes.len())]);
        prop_assert!(is_beginning(&part, &whole));
        prop_assert_eq!(broken, None);
    }

    #[test]
    fn damage_is_noticed_where_it_is(place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let (mut bytes, whole) = sample();
        let place = place.index(bytes.len());
        bytes[place] ^= 1_u8 << bit;
        let (part, broken) = read_bytes(&bytes);
        prop_assert!(is_beginning(&part, &whole));
        prop_assert!(broken.is_some_and(|byte| byte <= place as u64), "{broken:?} of {place}");
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), framed in any::<bool>()) {
        let bytes = if framed { record(&bytes) } else { bytes };
        let _ = read_bytes(&bytes);
    }
}
