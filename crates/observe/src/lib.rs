//! Watching any training in Rust: hand over each layer's activations, then say that the step is done.
//!
//! ```
//! use deepeyes_observe::{Run, Step};
//!
//! # fn main() -> Result<(), deepeyes_observe::ObserveError> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let runs = folder.path();
//! let mut run = Run::begin(runs, "mlp")?;
//! for step in 1..=40_u32 {
//!     // ... the training's own work ...
//!     let activations: Vec<f32> = (0..8 * 3).map(|value| (value * step % 7) as f32).collect();
//!     run.observe("fc1", &[8, 3], activations);
//!     run.step(Step { loss: 1.0 / f64::from(step), labels: vec![0; 8], ..Step::default() });
//! }
//! let summary = run.finish()?;
//! assert_eq!(summary.step, 40);
//! # Ok(())
//! # }
//! ```
//!
//! What goes wrong after the beginning never reaches the training: it is told by [`Run::problems`], and what it concerns is
//! switched off. `deepeyes serve` shows the run while it goes on. With the feature `burn`, [`Run::tensor`] takes Burn's tensors.

#[cfg(feature = "burn")]
mod burn;
mod error;
mod layers;
mod run;

pub use error::ObserveError;
pub use run::{Options, Run, Step};

pub use deepeyes_core::{Image, UNLABELLED};
pub use deepeyes_engine::Summary;
