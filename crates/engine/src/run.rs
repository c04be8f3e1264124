//! A run from its start to its end, as producers and programs hold it.

use crate::analysis::Analysis;
use crate::background::Background;
use crate::error::EngineError;
use crate::guard::guarded;
use crate::live::Live;
use crate::maps::{MapMaker, Maps, StoredMaps};
use crate::recorder::Recorder;
use deepeyes_core::{AnalysisConfig, Event, Finding, Observer, RunDescription};
use deepeyes_store::{Ending, Reader, StoredCheckpoint, Validation, Writer};
use rayon::ThreadPool;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How a run is carried out.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Events that may wait for an idle moment; a mini-batch's holds its activations. Who hands over more applies them.
    pub queue: usize,
    /// How long filters are not compared with each other, and windows are stored without similarity, sample and images,
    /// after one that has them; zero: all have them. The first window always has, and so has the last one of a training
    /// that gets to its planned end; one with a new probe, and the last one of any, have sample and images. Where the run's
    /// end is known, the windows between keep no sample of their own, and say the last one.
    pub full_interval: Duration,
    /// The producer's own thread pool, where it computes on one: what the producer waits for is then computed on it, side by
    /// side.
    pub pool: Option<Arc<ThreadPool>>,
    /// Whether windows are stored so that they merge with those of other ranks.
    pub keep_windows: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { queue: 16, full_interval: Duration::from_secs(5), pool: None, keep_windows: false }
    }
}

/// How a run went.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The run's directory.
    pub directory: PathBuf,
    /// The last iteration.
    pub step: u64,
    /// Its loss; `None` without iterations.
    pub loss: Option<f64>,
    /// The last validation.
    pub validation: Option<Validation>,
    /// The last findings, most severe first.
    pub findings: Arc<[Finding]>,
    /// What of ours failed and was switched off.
    pub problems: Arc<[String]>,
}

/// A live run. Dropped without [`finish`](Self::finish), what waits is still applied and stored, and the run counts as
/// interrupted.
#[derive(Debug)]
pub struct Run {
    analysis: Background<Analysis, Event>,
    live: Live,
    maps: Maps,
    directory: PathBuf,
    description: RunDescription,
}

impl Run {
    /// Starts the threads of a run that `writer` has begun.
    ///
    /// # Errors
    /// [`EngineError::Setting`] where `config` cannot be used, otherwise where the store or the system refuses.
    pub fn start(
        writer: Writer,
        config: AnalysisConfig,
        options: &EngineOptions,
    ) -> Result<Self, EngineError> {
        Self::launch(writer, config, options, Vec::new(), |_| Ok(()))
    }

    /// Goes on with an interrupted or ended run after `checkpoint`: what the store holds of later iterations is taken
    /// back, and the analysis goes on where it was (or, where its settings have changed, anew).
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn resume(
        mut writer: Writer,
        checkpoint: &StoredCheckpoint,
        config: AnalysisConfig,
        options: &EngineOptions,
    ) -> Result<Self, EngineError> {
        writer.truncate_after(checkpoint.step)?;
        let stored = Reader::open(writer.path())?;
        let layers = writer.description()?.layers.len();
        let maps =
            (0..layers).map(|layer| Ok((stored.input_map(layer, None)?, stored.filter_map(layer, None)?)));
        let maps = maps.collect::<deepeyes_store::Result<_>>()?;
        Self::launch(writer, config, options, maps, |analysis| analysis.restore(checkpoint, &stored))
    }

    fn launch(
        writer: Writer,
        config: AnalysisConfig,
        options: &EngineOptions,
        before: Vec<StoredMaps>,
        prepare: impl FnOnce(&mut Analysis) -> deepeyes_store::Result<()>,
    ) -> Result<Self, EngineError> {
        check(&config, options)?;
        let description = writer.description()?;
        let directory = writer.directory().to_owned();
        let recorder = Recorder::start(writer)?;
        let maker = MapMaker::start(&description.layers, before, recorder.sender())?;
        let maps = maker.maps();
        let mut analysis = Analysis::new(description.clone(), config, options, recorder, maker);
        prepare(&mut analysis)?;
        let live = analysis.live();
        let analysis = Background::start("deepeyes-analysis", analysis, options.queue)
            .map_err(|source| EngineError::Thread { thread: "analysis", source })?;
        Ok(Self { analysis, live, maps, directory, description })
    }

    /// What a producer tells its events to.
    pub fn observer(&self) -> Arc<RunObserver> {
        Arc::new(RunObserver { analysis: self.analysis.clone() })
    }

    /// Where readers find the newest state.
    pub fn live(&self) -> Live {
        self.live.clone()
    }

    /// Where readers find the layers' newest maps.
    pub fn maps(&self) -> Maps {
        self.maps.clone()
    }

    /// The run's directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the run is about.
    pub fn description(&self) -> &RunDescription {
        &self.description
    }

    /// Applies and stores what waits, settles the maps, and ends the run. A window that is not complete counts only where none is. What
    /// failed on the way is in the summary.
    ///
    /// # Errors
    /// [`EngineError::Lost`] where the analysis fails so that there is nothing to tell.
    pub fn finish(self, ending: Ending) -> Result<Summary, EngineError> {
        self.end(Some(ending)).ok_or(EngineError::Lost)
    }

    fn end(&self, ending: Option<Ending>) -> Option<Summary> {
        let analysis = self.analysis.end()?;
        guarded(|| analysis.finish(ending)).ok()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.end(None);
    }
}

/// Takes a producer's events to a run. After the run's end it takes and forgets them.
#[derive(Debug, Clone)]
pub struct RunObserver {
    analysis: Background<Analysis, Event>,
}

impl Observer for RunObserver {
    fn observe(&self, event: Event) {
        self.analysis.send(event);
    }
}

impl RunObserver {
    /// Events that wait for the analysis.
    pub fn waiting(&self) -> usize {
        self.analysis.waiting()
    }

    /// Hands an event over only if there is a free place; otherwise gives it back at once. For producers that must
    /// never wait.
    ///
    /// # Errors
    /// The event, where no place is free.
    pub fn try_observe(&self, event: Event) -> Result<(), Box<Event>> {
        self.analysis.try_send(event).map_err(Box::new)
    }
}

fn check(config: &AnalysisConfig, options: &EngineOptions) -> Result<(), EngineError> {
    let wrong = |name, value: String, expected| Err(EngineError::Setting { name, value, expected });
    if config.window == 0 {
        return wrong("the window", "0".to_owned(), "at least 1 mini-batch");
    }
    if !(config.position_share > 0.0 && config.position_share <= 1.0) {
        return wrong("the share of positions", config.position_share.to_string(), "above 0, up to 1");
    }
    if options.queue == 0 {
        return wrong("the queue of events", "0".to_owned(), "at least 1");
    }
    Ok(())
}
