//! Which phase a map is in, how long each took, and whether it is to be given up.

use crate::output;
use cpu_time::ProcessTime;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a phase took.
#[derive(Debug)]
pub(super) struct Phase {
    pub(super) name: &'static str,
    /// By the clock.
    pub(super) seconds: f64,
    /// Of all threads.
    pub(super) cpu_seconds: f64,
}

/// Shows phases on a terminal and times them.
#[derive(Debug)]
pub(super) struct Progress {
    stop: Arc<AtomicBool>,
    /// `None` where stderr is no terminal.
    bar: Option<ProgressBar>,
    phases: Vec<Phase>,
    current: Option<(&'static str, Instant, ProcessTime)>,
}

impl Progress {
    /// `stop` is set from outside when the work is to end.
    pub(super) fn new(stop: Arc<AtomicBool>) -> Self {
        let bar = output::stderr_is_rich().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { stop, bar, phases: Vec::new(), current: None }
    }

    /// Begins a phase of so many steps, where they can be counted; the one before ends.
    pub(super) fn phase(&mut self, name: &'static str, steps: Option<usize>) {
        self.close();
        self.current = Some((name, Instant::now(), ProcessTime::now()));
        let Some(bar) = &self.bar else { return };
        let colour = if output::colour() { ".blue" } else { "" };
        let template = match steps {
            Some(_) => format!("{{bar:32{colour}}}  {{human_pos}} / {{human_len}}   {{msg}}"),
            None => format!("{{spinner{colour}}}  {{msg}}"),
        };
        // The template is ours and always parses; without it the bar looks plainer.
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(if steps.is_some() { style.progress_chars("━━╌") } else { style });
        }
        if let Some(steps) = steps {
            bar.set_length(steps as u64);
        }
        bar.set_position(0);
        bar.set_message(name);
    }

    /// A step of the phase is done; false where the work is to end.
    pub(super) fn step(&self, done: usize) -> bool {
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
        }
        !self.stopped()
    }

    /// Whether the work is to end.
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn close(&mut self) {
        let Some((name, since, cpu)) = self.current.take() else { return };
        let (seconds, cpu_seconds) = (since.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
        match self.phases.iter_mut().find(|phase| phase.name == name) {
            Some(phase) => {
                phase.seconds += seconds;
                phase.cpu_seconds += cpu_seconds;
            }
            None => self.phases.push(Phase { name, seconds, cpu_seconds }),
        }
    }

    /// Ends the last phase; all of them, in order.
    pub(super) fn finish(&mut self) -> &[Phase] {
        self.close();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        &self.phases
    }
}
