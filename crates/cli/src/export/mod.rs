//! `deepeyes export`: a run's numbers as files for other programs.

mod arrays;
mod csv;
mod frame;
mod frames;
mod instances;
#[cfg(feature = "parquet")]
mod parquet;

pub(crate) use instances::{Images, Instances};

use crate::error::Failure;
use crate::numbers::count;
use crate::output;
use crate::run_view::{self, LayerView};
use anyhow::Context;
pub(crate) use arrays::Archive;
use deepeyes_core::InstanceSample;
use deepeyes_store::Reader;
use frame::Frame;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Write a run's numbers to a file
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// A run's directory, or its name under --logdir
    run: String,
    /// Only this layer; instances need one
    #[arg(long)]
    layer: Option<String>,
    /// What to write
    #[arg(long, value_enum)]
    what: What,
    /// How to write it
    #[arg(long, value_enum)]
    format: Format,
    /// The file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Loss and accuracy of each iteration
    Scalars,
    /// Statistics of each filter in the last window
    Filters,
    /// Sampled instances with raw activations, positions and patches
    Instances,
    /// The perplexity histogram of each stored window
    Perplexity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Comma-separated text
    Csv,
    /// Apache Parquet
    Parquet,
    /// A NumPy archive
    Npz,
}

/// Runs the command.
pub(crate) fn run(args: &ExportArgs, logdir: &Path) -> Result<(), Failure> {
    if args.format == Format::Parquet && !cfg!(feature = "parquet") {
        return Err(Failure::usage(
            "this build cannot write Parquet",
            "build it with the feature `parquet`, or use npz or csv",
        ));
    }
    let reader = run_view::open(&args.run, logdir)?;
    let layer = args.layer.as_deref().filter(|_| args.what != What::Scalars);
    let run = run_view::load(&reader, layer, None)?;
    let layers: Vec<&LayerView> = run.layers.iter().collect();
    let frame = match args.what {
        What::Scalars => frames::scalars(&run),
        What::Filters => frames::filters(&layers),
        What::Perplexity => frames::perplexity(&layers),
        What::Instances => return export_instances(args, &reader, &run.description.layers, &layers),
    };
    if frame.rows() == 0 {
        output::note("note: the run holds nothing of it yet; the file has no rows");
    }
    write_frame(args, &frame)
}

fn write_frame(args: &ExportArgs, frame: &Frame) -> Result<(), Failure> {
    output::write_whole(&args.out, |file| {
        let mut out = BufWriter::new(file);
        match args.format {
            Format::Csv => csv::write(&mut out, frame)?,
            Format::Npz => {
                let mut archive = Archive::new(&mut out);
                archive.frame(frame)?;
                archive.finish()?;
            }
            Format::Parquet => write_parquet(&mut out, frame)?,
        }
        Ok(out.flush()?)
    })?;
    output::note(&format!("wrote {} to {}", count(frame.rows(), "row"), args.out.display()));
    Ok(())
}

#[cfg(feature = "parquet")]
fn write_parquet(out: &mut BufWriter<&mut File>, frame: &Frame) -> anyhow::Result<()> {
    parquet::write(out, frame)
}

#[cfg(not(feature = "parquet"))]
fn write_parquet(_out: &mut BufWriter<&mut File>, _frame: &Frame) -> anyhow::Result<()> {
    anyhow::bail!("this build cannot write Parquet")
}

fn export_instances(
    args: &ExportArgs,
    reader: &Reader,
    specs: &[deepeyes_core::LayerSpec],
    layers: &[&LayerView],
) -> Result<(), Failure> {
    let (Some(name), [layer]) = (&args.layer, layers) else {
        let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        return Err(Failure::usage(
            "instances are exported layer by layer",
            format!("add --layer with one of {}", names.join(", ")),
        ));
    };
    let index = specs.iter().position(|spec| spec.name == *name).context("the run's layers have changed")?;
    let (sample, images) = sampled(reader, index, name)?;
    let instances = Instances { spec: &layer.spec, sample: &sample, images: &images };
    if args.format != Format::Npz {
        return write_frame(args, &frames::instances(&instances));
    }
    let mut patches = false;
    output::write_whole(&args.out, |file| {
        let mut out = BufWriter::new(file);
        patches = instances.write(&mut out)?;
        Ok(out.flush()?)
    })?;
    output::note(&format!(
        "wrote {} with raw activations (analysed as `{}`) to {}",
        count(sample.len(), "instance"),
        rectify_word(layer.spec.rectify),
        args.out.display()
    ));
    if !patches {
        output::note("note: without patches: the run does not hold the inputs' pixels");
    }
    Ok(())
}

/// The newest sampled instances of a layer, and the pixels of their inputs as far as they are kept.
pub(crate) fn sampled(
    reader: &Reader,
    index: usize,
    name: &str,
) -> Result<(InstanceSample, Images), Failure> {
    let sample = reader.sample(index, None).with_context(|| format!("cannot read the sample of {name}"))?;
    let Some((_, sample)) = sample else {
        return Err(Failure::failed(
            format!("the run holds no sampled instances of {name}"),
            "no window is complete yet; wait for the first, or train longer",
        ));
    };
    let mut images = Images::new();
    for &input in &sample.inputs {
        if !images.contains_key(&input)
            && let Some(image) = reader.image(input).context("cannot read an input's pixels")?
        {
            images.insert(input, Arc::new(image));
        }
    }
    Ok((sample, images))
}

fn rectify_word(rectify: deepeyes_core::Rectify) -> &'static str {
    match rectify {
        deepeyes_core::Rectify::Relu => "relu",
        deepeyes_core::Rectify::Abs => "abs",
        deepeyes_core::Rectify::Softmax => "softmax",
        deepeyes_core::Rectify::None => "none",
    }
}
