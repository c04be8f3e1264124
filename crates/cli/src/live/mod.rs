//! What a running training shows on stderr: a summary redrawn in place on a terminal, lines in a log otherwise.

mod lines;

pub(crate) use lines::Place;

use crate::output;
use deepeyes_core::{LayerSnapshot, LayerSpec};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time between two drawings on a terminal.
const REDRAW: Duration = Duration::from_millis(200);
/// Time between two lines of a log that tell no validation.
const LOG: Duration = Duration::from_secs(10);

/// The layers as they are now.
pub(crate) type Snapshots = Arc<[Option<Arc<LayerSnapshot>>]>;

/// Shows a training.
#[derive(Debug)]
pub(crate) struct Display {
    specs: Vec<LayerSpec>,
    window: u64,
    /// `None` where stderr is no terminal.
    bar: Option<ProgressBar>,
    shown: Instant,
}

impl Display {
    /// For a training of `iterations`, of which `step` are done.
    pub(crate) fn new(specs: Vec<LayerSpec>, window: u64, step: u64, iterations: u64) -> Self {
        let bar = output::stderr_is_rich().then(|| bar(step, iterations));
        Self { specs, window, bar, shown: Instant::now() }
    }

    /// After an iteration; `state` is asked for only where something is shown.
    pub(crate) fn update(&mut self, step: u64, validated: bool, state: impl FnOnce() -> (Place, Snapshots)) {
        let elapsed = self.shown.elapsed();
        match &self.bar {
            Some(bar) if validated || elapsed >= REDRAW => {
                let (place, snapshots) = state();
                let layers = lines::layers(&self.specs, snapshots.iter().map(Option::as_deref));
                bar.set_position(step);
                bar.set_message(format!("{}\n{}", lines::numbers(&place), layers.join("\n")));
            }
            None if validated || (step.is_multiple_of(self.window) && elapsed >= LOG) => {
                let (place, snapshots) = state();
                let stable = snapshots.iter().flatten().filter(|snapshot| snapshot.stable).count();
                output::note(&lines::plain(&place, &self.specs, stable));
            }
            _ => return,
        }
        self.shown = Instant::now();
    }

    /// The last picture stays in the terminal.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

fn bar(step: u64, iterations: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(iterations), ProgressDrawTarget::stderr_with_hz(10));
    let colour = if output::colour() { ".blue" } else { "" };
    // The template is ours and always parses; without it the bar looks plainer.
    if let Ok(style) =
        ProgressStyle::with_template(&format!("{{bar:32{colour}}}  {{human_pos}} / {{human_len}}   {{msg}}"))
    {
        bar.set_style(style.progress_chars("━━╌"));
    }
    bar.set_position(step);
    bar
}
