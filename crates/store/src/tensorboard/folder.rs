//! The event files of one folder: a training's, one after the other where it was taken up again.

use super::event::{Content, Event, Malformed, Value};
use super::record::{Fault, Next, Records};
use super::series::{EventPoint, Series};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// The plugin whose tensors are scalars.
const SCALARS: &[u8] = b"scalars";
/// A longer name is nobody's.
const MOST_TAG_BYTES: usize = 1 << 12;

/// How far a file was read.
#[derive(Debug, Default)]
struct Place {
    /// Where the next record begins.
    offset: u64,
    /// The file's length then.
    length: u64,
    /// Why nothing more is read of it as it is.
    fault: Option<String>,
}

/// What the event files of a folder say. Files are read in the order of their names, which begin with the time.
#[derive(Debug, Default)]
pub(super) struct Folder {
    files: BTreeMap<OsString, Place>,
    series: BTreeMap<String, Series>,
    /// Whether curves were left out because there are too many.
    full: bool,
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Curves of this folder.
    pub(super) series: usize,
    /// Points of a curve.
    pub(super) points: usize,
}

impl Folder {
    /// Reads what has been added to the files, given with their lengths.
    pub(super) fn refresh(&mut self, directory: &Path, files: &BTreeMap<OsString, u64>, limits: Limits) {
        if !self.goes_on(files) {
            *self = Self::default();
        }
        for (name, &length) in files {
            let mut place = self.files.remove(name).unwrap_or_default();
            if length != place.length {
                place.fault = None;
                place.length = length;
                self.read(&directory.join(name), &mut place, limits);
            }
            self.files.insert(name.clone(), place);
        }
    }

    /// Whether all that is new follows on what was read. Otherwise (a file is gone or shorter, or another one than the
    /// last has grown) what supersedes what has to be told anew.
    fn goes_on(&self, files: &BTreeMap<OsString, u64>) -> bool {
        let last = self.files.iter().rev().find(|(_, place)| place.offset > 0).map(|(name, _)| name);
        let known = |name| self.files.get(name).map_or(0, |place: &Place| place.length);
        self.files.keys().all(|name| files.contains_key(name))
            && files.iter().all(|(name, &length)| {
                let before = known(name);
                length == before || (length > before && last.is_none_or(|last| name >= last))
            })
    }

    /// Reads a file on from its place.
    fn read(&mut self, path: &Path, place: &mut Place, limits: Limits) {
        let mut records = match Records::open(path, place.offset, place.length) {
            Ok(records) => records,
            Err(error) => {
                place.fault = Some(error.to_string());
                return;
            }
        };
        loop {
            let fault = match records.next() {
                Ok(Next::Wait) => break,
                Ok(Next::Long) => None,
                Ok(Next::Record(bytes)) => {
                    self.take(bytes, limits).err().map(|Malformed| "a record is no event".to_owned())
                }
                Err(Fault::Broken(reason)) => Some(reason.to_owned()),
                Err(Fault::Io(error)) => Some(error.to_string()),
            };
            if fault.is_some() {
                place.fault = fault;
                break;
            }
            place.offset = records.offset();
        }
    }

    /// Takes an event's scalars in.
    fn take(&mut self, bytes: &[u8], limits: Limits) -> Result<(), Malformed> {
        let event = Event::read(bytes)?;
        if event.begins {
            self.series.values_mut().for_each(|series| series.supersede(event.step));
        }
        event.values(|value| {
            if let Some(number) = self.scalar(&value) {
                let point = EventPoint { step: event.step, wall_time: event.wall_time, value: number };
                self.push(value.tag, point, limits);
            }
        })
    }

    /// The number that a value is, where it is one.
    fn scalar(&self, value: &Value<'_>) -> Option<f64> {
        // A tag's plugin may be told with its first value only.
        let is_scalar = || match value.plugin {
            Some(plugin) => plugin == SCALARS,
            None => self.series.contains_key(&*value.tag),
        };
        match value.content {
            Content::Simple(number) => Some(number),
            Content::Tensor(number) => is_scalar().then_some(number),
            Content::Other => None,
        }
    }

    /// Adds a point to its curve.
    fn push(&mut self, tag: Cow<'_, str>, point: EventPoint, limits: Limits) {
        if let Some(series) = self.series.get_mut(&*tag) {
            series.push(point);
        } else if self.series.len() >= limits.series {
            self.full = true;
        } else if tag.len() <= MOST_TAG_BYTES {
            self.series.entry(tag.into_owned()).or_insert_with(|| Series::new(limits.points)).push(point);
        }
    }

    /// The curves by their tags; some may be empty.
    pub(super) fn series(&self) -> impl ExactSizeIterator<Item = (&str, &Series)> {
        self.series.iter().map(|(tag, series)| (tag.as_str(), series))
    }

    /// Whether curves were left out because there are too many.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Files that are not read further: at which byte, and why.
    pub(super) fn faults(&self) -> impl Iterator<Item = (&OsString, u64, &str)> {
        self.files.iter().filter_map(|(name, place)| Some((name, place.offset, place.fault.as_deref()?)))
    }
}
