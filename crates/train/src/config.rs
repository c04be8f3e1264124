//! What to train, and how.

use crate::TrainError;
use crate::preprocess::Preprocess;
use deepeyes_data::Dataset;
use deepeyes_network::{Network, Preprocessing, Solver};
use std::sync::Arc;

/// Shards into which a mini-batch is cut. One is fastest on the machines measured: convolutions use all cores already.
/// A fixed number, not the machine's: losses depend on it in their last digits.
pub const DEFAULT_SHARDS: usize = 1;

/// Probed inputs of each split.
pub const DEFAULT_PROBE: usize = 1000;

/// What to train, and how.
#[derive(Debug, Clone)]
pub struct TrainConfig {
    /// The run's name, before it is made unique.
    pub name: String,
    /// The network.
    pub network: Network,
    /// The data.
    pub dataset: Arc<Dataset>,
    /// Where the data came from, as given on the command line.
    pub data: String,
    /// Update rule, learning rate, mini-batch, iterations and validation; flags have gone into it already. Its seed
    /// counts where `seed` is `None`.
    pub solver: Solver,
    /// Seed of initial values, order, augmentation and dropout; default 0.
    pub seed: Option<u64>,
    /// Names of the layers whose parameters stay as they are.
    pub freeze: Vec<String>,
    /// Inputs of each split that are probed: all for features at validations, half of them for instances, which are
    /// reported early on, too; 0: none.
    pub probe: usize,
    /// Iterations between two checkpoints; `None`: one at each validation.
    pub checkpoint_every: Option<u64>,
    /// Shards of a mini-batch; `None`: [`DEFAULT_SHARDS`]. Networks with batch norm are not sharded whatever
    /// this says: their statistics belong to the whole mini-batch.
    pub shards: Option<usize>,
}

impl TrainConfig {
    /// A training of `network` on `dataset` by the network's own solver.
    pub fn new(network: Network, dataset: Arc<Dataset>, data: impl Into<String>) -> Self {
        Self {
            name: network.name.clone(),
            solver: network.solver.clone().unwrap_or_default(),
            network,
            dataset,
            data: data.into(),
            seed: None,
            freeze: vec![],
            probe: DEFAULT_PROBE,
            checkpoint_every: None,
            shards: None,
        }
    }

    /// The training's seed.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.or(self.solver.seed).unwrap_or(0)
    }

    /// `[channels, height, width]` as the network reads them: the data's, after the network's crop.
    pub(crate) fn input(&self) -> [usize; 3] {
        let [channels, height, width] = self.dataset.shape;
        match self.crop() {
            Some([height, width]) => [channels, height, width],
            None => [channels, height, width],
        }
    }

    fn crop(&self) -> Option<[usize; 2]> {
        let [_, height, width] = self.dataset.shape;
        let side = self.network.preprocessing.crop?;
        (side <= height && side <= width && [side; 2] != [height, width]).then_some([side; 2])
    }

    /// How bytes become numbers: as the network says; else grey values divided by 256 (Caffe's LeNet), and colours
    /// standardised by the training images' mean and deviation.
    pub(crate) fn preprocess(&self) -> Preprocess {
        let Dataset { mean, std, .. } = &*self.dataset;
        let wish = &self.network.preprocessing;
        let bytes = |share: &[f32]| -> Vec<f32> { share.iter().map(|v| v * 255.0).collect() };
        let channels = mean.len();
        let plain = Preprocessing { crop: wish.crop, mirror: wish.mirror, ..Preprocessing::default() };
        let (mean, scale) = if *wish != plain {
            let mean = match wish.mean.as_slice() {
                // The file's mean image is not read: its channels' means are the data's, give or take.
                [] if wish.mean_file.is_some() => bytes(mean),
                [] => vec![0.0; channels],
                [one] => vec![*one as f32; channels],
                each => each.iter().map(|&v| v as f32).collect(),
            };
            (mean, vec![wish.scale as f32; channels])
        } else if channels == 1 {
            (vec![0.0], vec![1.0 / 256.0])
        } else {
            (bytes(mean), std.iter().map(|v| 1.0 / (v * 255.0)).collect())
        };
        Preprocess { mean, scale, crop: self.crop(), mirror: wish.mirror }
    }

    /// Refuses settings that no training can use.
    pub(crate) fn check(&self) -> Result<(), TrainError> {
        // A learning rate of 0 is of use here: it watches a network that stays as it is.
        let rate = if self.solver.lr == 0.0 { 1.0 } else { self.solver.lr };
        Solver { lr: rate, ..self.solver.clone() }.check()?;
        if self.checkpoint_every == Some(0) {
            return Err(setting("the number of iterations between checkpoints", 0, "at least 1"));
        }
        if self.shards == Some(0) {
            return Err(setting("the number of shards", 0, "at least 1"));
        }
        let means = self.network.preprocessing.mean.len();
        if means > 1 && means != self.dataset.shape[0] {
            return Err(setting(
                "the number of channel means",
                means,
                "one, or one for each channel of the data",
            ));
        }
        self.check_data()
    }

    fn check_data(&self) -> Result<(), TrainError> {
        let classes = self.dataset.classes.len();
        for (split, images) in [("training", &self.dataset.train), ("validation", &self.dataset.validation)] {
            if images.is_empty() {
                return Err(TrainError::NoImages { split });
            }
            let bad = images.labels().iter().position(|&label| label < -1 || label >= classes as i32);
            if let Some(index) = bad {
                return Err(TrainError::Label { split, index, label: images.label(index), classes });
            }
        }
        Ok(())
    }
}

fn setting(setting: &'static str, value: usize, expected: &'static str) -> TrainError {
    TrainError::Setting { setting, value: value.to_string(), expected }
}
