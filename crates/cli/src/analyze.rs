//! `deepeyes analyze`: exact statistics of activations in an `.npz` file.

use crate::error::Failure;
use crate::npz::{Array, Npz, Values};
use crate::numbers::{count, grouped, percent, short};
use crate::statistics_json::StatisticsJson;
use deepeyes_core::{
    AnalyzeError, AnalyzeOptions, FilterStatistics, LayerStatistics, Rectify, Rows, Severity,
};
use indicatif::ProgressBar;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Filters that the table shows at most.
const TABLE_FILTERS: usize = 64;

/// Analyse activations in an .npz file: every filter, and what the numbers support
#[derive(Debug, clap::Args)]
pub(crate) struct AnalyzeArgs {
    /// Archive with `activations` (n x F, or n x F x h x w), and optionally `labels` (n, -1: none)
    file: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Print the similarity of all pairs of filters, too (with --json)
    #[arg(long)]
    similarity: bool,
    /// How activations become non-negative
    #[arg(long, value_enum, default_value_t = RectifyArg::Relu)]
    rectify: RectifyArg,
    /// A filter fires where its activation is above this share of its maximum
    #[arg(long, default_value_t = AnalyzeOptions::default().beta)]
    beta: f64,
    /// Divide label strengths by the count of the label
    #[arg(long)]
    balanced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum RectifyArg {
    /// max(a, 0)
    Relu,
    /// |a|
    Abs,
    /// Softmax over the filters
    Softmax,
    /// As they are; negative values are refused
    None,
}

impl From<RectifyArg> for Rectify {
    fn from(rectify: RectifyArg) -> Self {
        match rectify {
            RectifyArg::Relu => Self::Relu,
            RectifyArg::Abs => Self::Abs,
            RectifyArg::Softmax => Self::Softmax,
            RectifyArg::None => Self::None,
        }
    }
}

/// Analyses a file and prints the result.
pub(crate) fn run(args: &AnalyzeArgs) -> Result<(), Failure> {
    let progress = ProgressBar::new_spinner();
    progress.enable_steady_tick(Duration::from_secs(1));
    progress.set_message(format!("Reading {}", args.file.display()));
    let input = Input::read(&args.file)?;
    progress.set_message(format!(
        "Analysing {} of {}",
        count(input.rows(), "instance"),
        count(input.filters, "filter")
    ));
    let options = AnalyzeOptions {
        rectify: args.rectify.into(),
        beta: args.beta,
        balanced: args.balanced,
        similarity: args.similarity && args.json,
    };
    let statistics = input.analyze(&options).map_err(|error| refused(&args.file, &error))?;
    progress.finish_and_clear();
    let mut out = BufWriter::new(io::stdout().lock());
    let written =
        if args.json { write_json(&mut out, &statistics) } else { write_table(&mut out, &statistics) };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Failed(anyhow::Error::new(error).context("cannot write the result")))
        }
        _ => Ok(()),
    }
}

fn refused(file: &Path, error: &AnalyzeError) -> Failure {
    let place = match error {
        AnalyzeError::Beta(_) => String::new(),
        _ => format!("{}: ", file.display()),
    };
    Failure::Usage(anyhow::anyhow!("{place}{error}"))
}

/// Activation vectors `[instances, filters]`.
enum Activations {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// Activations as rows of instances, and their labels.
struct Input {
    values: Activations,
    filters: usize,
    labels: Option<Vec<i32>>,
}

impl Input {
    fn read(path: &Path) -> Result<Self, Failure> {
        let mut file = Npz::open(path)?;
        let Some(Array { shape, values }) = file.array("activations")? else {
            let message = format!("{} has no array `activations`", path.display());
            let names = file.names();
            let held = if names.is_empty() { "no array".to_owned() } else { names.join(", ") };
            return Err(Failure::usage(
                message,
                format!("it holds {held}; save with numpy.savez(file, activations=...)"),
            ));
        };
        let (inputs, filters, positions) = match shape[..] {
            [n, filters] => (n, filters, 1),
            [n, filters, height, width] => (n, filters, height * width),
            _ => {
                let message = format!("activations in {} have shape {shape:?}", path.display());
                return Err(Failure::usage(
                    message,
                    "expected [instances, filters] or [inputs, filters, height, width]",
                ));
            }
        };
        let values = match values {
            Values::F32(values) => Activations::F32(as_instances(values, filters, positions)),
            Values::F64(values) => Activations::F64(as_instances(values, filters, positions)),
            Values::I64(_) => {
                let message = format!("activations in {} are integers", path.display());
                return Err(Failure::usage(
                    message,
                    "expected float32 or float64; convert with astype(\"float32\")",
                ));
            }
        };
        let labels =
            file.array("labels")?.map(|labels| read_labels(path, &labels, inputs, positions)).transpose()?;
        Ok(Self { values, filters, labels })
    }

    fn rows(&self) -> usize {
        let values = match &self.values {
            Activations::F32(values) => values.len(),
            Activations::F64(values) => values.len(),
        };
        values.checked_div(self.filters).unwrap_or(0)
    }

    fn analyze(&self, options: &AnalyzeOptions) -> Result<LayerStatistics, AnalyzeError> {
        let (filters, labels) = (self.filters, self.labels.as_deref());
        match &self.values {
            Activations::F32(values) => deepeyes_core::analyze(&Rows { values, filters, labels }, options),
            Activations::F64(values) => deepeyes_core::analyze(&Rows { values, filters, labels }, options),
        }
    }
}

/// From `[inputs, filters, positions]` to `[inputs, positions, filters]`.
fn as_instances<T: Copy>(values: Vec<T>, filters: usize, positions: usize) -> Vec<T> {
    if positions == 1 || values.is_empty() {
        return values;
    }
    let mut rows = Vec::with_capacity(values.len());
    for maps in values.chunks_exact(filters * positions) {
        for position in 0..positions {
            rows.extend(maps[position..].iter().step_by(positions));
        }
    }
    rows
}

/// One label for each instance, from one for each input.
fn read_labels(path: &Path, labels: &Array, inputs: usize, positions: usize) -> Result<Vec<i32>, Failure> {
    let Values::I64(values) = &labels.values else {
        let message = format!("labels in {} are not integers", path.display());
        return Err(Failure::usage(
            message,
            "expected integers, -1 where there is none; convert with astype(\"int64\")",
        ));
    };
    if labels.shape[..] != [inputs] {
        let message =
            format!("labels in {} have shape {:?}, expected [{inputs}]", path.display(), labels.shape);
        return Err(Failure::usage(message, "give one label for each row of the activations"));
    }
    let mut of_instances = Vec::with_capacity(inputs * positions);
    for (row, &label) in values.iter().enumerate() {
        let label = i32::try_from(label).map_err(|_| {
            let message = format!("label {label} at row {row} in {} is out of range", path.display());
            Failure::usage(message, "number labels from 0; -1 means none")
        })?;
        of_instances.extend(std::iter::repeat_n(label, positions));
    }
    Ok(of_instances)
}

fn write_json(out: &mut impl Write, statistics: &LayerStatistics) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &StatisticsJson::new(statistics, true))?;
    writeln!(out)
}

fn write_table(out: &mut impl Write, statistics: &LayerStatistics) -> io::Result<()> {
    write_summary(out, statistics)?;
    writeln!(out)?;
    let labelled = statistics.filters.iter().any(|filter| filter.label_strength.is_some());
    write!(out, "{:>6}  {:>10}  {:>9}  {:>10}  {:<9}", "filter", "maximum", "frequency", "sum", "state")?;
    writeln!(
        out,
        "{}",
        if labelled { format!("  {:>5}  {:>11}", "label", "specificity") } else { String::new() }
    )?;
    for (number, filter) in statistics.filters.iter().enumerate().take(TABLE_FILTERS) {
        write_filter(out, number, filter, labelled)?;
    }
    if let Some(more @ 1..) = statistics.filters.len().checked_sub(TABLE_FILTERS) {
        writeln!(out, "   and {} more; --json has them all", grouped(more as u64))?;
    }
    write_findings(out, statistics)
}

fn write_summary(out: &mut impl Write, statistics: &LayerStatistics) -> io::Result<()> {
    write!(out, "{} of ", count(statistics.instances as usize, "instance"))?;
    write!(out, "{}", count(statistics.filters.len(), "filter"))?;
    writeln!(out, "; {} silent, {} invalid", grouped(statistics.silent), grouped(statistics.invalid))?;
    if let Some(mean) = statistics.perplexity.mean {
        writeln!(out, "mean perplexity    {}", short(mean))?;
    }
    if let Some(effective) = statistics.effective_filters {
        writeln!(out, "effective filters  {}", short(effective))?;
    }
    for group in &statistics.redundant_groups {
        let filters: Vec<String> = group.iter().map(ToString::to_string).collect();
        writeln!(out, "answer alike       {}", filters.join(", "))?;
    }
    Ok(())
}

fn write_filter(
    out: &mut impl Write,
    number: usize,
    filter: &FilterStatistics,
    labelled: bool,
) -> io::Result<()> {
    write!(
        out,
        "{number:>6}  {:>10}  {:>9}  {:>10}  {:<9}",
        short(f64::from(filter.max)),
        percent(filter.frequency),
        short(filter.sum),
        crate::report::state_word(filter.state),
    )?;
    if labelled {
        let label = filter.label.map_or_else(|| "–".to_owned(), |label| label.to_string());
        let specificity = filter.specificity.map_or_else(|| "–".to_owned(), short);
        write!(out, "  {label:>5}  {specificity:>11}")?;
    }
    writeln!(out)
}

fn write_findings(out: &mut impl Write, statistics: &LayerStatistics) -> io::Result<()> {
    if statistics.findings.is_empty() {
        return writeln!(out, "\nNo findings.");
    }
    writeln!(out, "\nFindings")?;
    for finding in &statistics.findings {
        let severity = match finding.severity {
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
            Severity::Info => "info",
        };
        writeln!(out, "  {severity:<6}  {}", finding.text)?;
        if let Some(suggestion) = &finding.suggestion {
            writeln!(out, "  {:<6}  {suggestion}", "")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_become_one_instance_a_position() {
        // Two inputs of two filters on three positions.
        let maps = vec![1, 2, 3, 10, 20, 30, 4, 5, 6, 40, 50, 60];
        assert_eq!(as_instances(maps, 2, 3), [1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60]);
    }

    #[test]
    fn labels_are_repeated_for_each_position_and_checked() {
        let labels = |values: Vec<i64>| Array { shape: vec![values.len()], values: Values::I64(values) };
        let read = |values| read_labels(Path::new("a.npz"), &labels(values), 2, 3);
        assert_eq!(read(vec![4, -1]).unwrap(), [4, 4, 4, -1, -1, -1]);
        assert!(read(vec![1]).unwrap_err().report().contains("shape [1], expected [2]"));
        assert!(read(vec![1, 1 << 40]).unwrap_err().report().contains("at row 1"));
    }

    #[test]
    fn the_table_says_what_was_found() {
        let values: Vec<f32> =
            (0..4000).map(|place| if place % 2 == 0 { 0.0 } else { (place % 37) as f32 }).collect();
        let labels: Vec<i32> = (0..2000).map(|row| row % 3).collect();
        let rows = Rows { values: &values[..], filters: 2, labels: Some(&labels) };
        let statistics = deepeyes_core::analyze(&rows, &AnalyzeOptions::default()).unwrap();
        let mut out = Vec::new();
        write_table(&mut out, &statistics).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("2,000 instances of 2 filters"), "{text}");
        assert!(text.contains("1 of 2 filters never fired in 2,000 instances"), "{text}");
    }
}
