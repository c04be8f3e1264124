//! What `deepeyes train` is told.

use std::path::PathBuf;

/// Train a network, and watch what its layers learn
#[derive(Debug, Default, clap::Args)]
pub(crate) struct TrainArgs {
    /// A preset (lenet, alexnet, mitosis, vgg11, resnet18), a .toml, or a Caffe .prototxt
    pub(crate) network: String,
    /// mnist, idx:DIR, images:DIR or cifar10:DIR
    #[arg(long)]
    pub(crate) data: String,
    /// How to train: a Caffe solver .prototxt, or a .toml with a `solver` table; flags win over it
    #[arg(long, value_name = "FILE")]
    pub(crate) solver: Option<PathBuf>,
    /// Iterations of the whole training
    #[arg(long, value_name = "N")]
    pub(crate) iterations: Option<u64>,
    /// Inputs of a mini-batch
    #[arg(long, value_name = "B")]
    pub(crate) batch: Option<usize>,
    /// Base learning rate
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    pub(crate) lr: Option<f64>,
    /// Seed of initial values, order and sampling
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// The run's name; the network's where absent
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Start from weights: .safetensors, .pth, .caffemodel, or the last checkpoint of a run
    #[arg(long, value_name = "WEIGHTS", conflicts_with = "resume")]
    pub(crate) from: Option<String>,
    /// Layers whose parameters stay as they are
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    pub(crate) freeze: Vec<String>,
    /// Share of the images set apart for validation, where the data has no split of its own
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(crate) val_share: Option<f64>,
    /// Mini-batches that a statistic covers
    #[arg(long, value_name = "W", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) window: Option<u64>,
    /// Inputs of each split that are probed again and again for the input maps and label separability; 0: none
    /// [default: 1000]
    #[arg(long, value_name = "N")]
    pub(crate) probe: Option<usize>,
    /// Continue the run of that name from its newest checkpoint
    #[arg(long)]
    pub(crate) resume: bool,
    /// Show it in the browser while it trains, and until Ctrl-C
    #[arg(long)]
    pub(crate) serve: bool,
}

/// Train Caffe's LeNet on the bundled MNIST, and watch it in the browser
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Without a dashboard: a summary in the terminal
    #[arg(long)]
    pub(crate) headless: bool,
    /// Iterations
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) iterations: u64,
    /// The dashboard's port; 0: any that is free [default: 6116, or the next free one]
    #[arg(long, value_name = "P")]
    pub(crate) port: Option<u16>,
    /// Print the dashboard's address without opening a browser
    #[arg(long)]
    pub(crate) no_open: bool,
    /// Seed of initial values, order and sampling
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
}

impl DemoArgs {
    /// The training that the demonstration is.
    pub(crate) fn training(&self) -> TrainArgs {
        TrainArgs {
            network: "lenet".to_owned(),
            data: "mnist".to_owned(),
            iterations: Some(self.iterations),
            seed: self.seed,
            ..TrainArgs::default()
        }
    }
}
