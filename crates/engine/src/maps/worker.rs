//! The thread that makes maps: in short pieces, those that somebody looks at first, and all of them when the training
//! rests.

use super::board::Maps;
use super::filter::FilterMapper;
use super::inbox::{End, Orders, Training};
use super::input::InputMapper;
use super::workers::Workers;
use crate::error::EngineError;
use crate::guard::{guarded, lock};
use crate::recorder::Record;
use cpu_time::ThreadTime;
use crossbeam_channel::Sender;
use deepeyes_core::{FilterMap, InputMap, LayerSnapshot, LayerSpec, ProbedInstances};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A piece of work while the training goes on.
const PIECE: Duration = Duration::from_millis(30);
/// A piece of work while it rests: long enough that starting it costs nothing.
const LONG_PIECE: Duration = Duration::from_millis(100);
/// Processor seconds for refining a layer's map of one probe while nobody looks at it.
const UNSEEN_SECONDS: f64 = 0.05;
/// How long the end of a run may be held up to settle its maps.
const SETTLING: Duration = Duration::from_secs(20);

/// A layer's newest maps in a run's file.
pub(crate) type StoredMaps = (Option<InputMap>, Option<FilterMap>);

/// The thread that makes a run's maps.
#[derive(Debug)]
pub(crate) struct MapMaker {
    maps: Maps,
    thread: Option<JoinHandle<()>>,
    problems: Arc<Mutex<Vec<String>>>,
}

impl MapMaker {
    /// Starts it; maps go on from those that each layer had, if any, and go to `store`.
    pub(crate) fn start(
        layers: &[LayerSpec],
        before: Vec<StoredMaps>,
        store: Sender<Record>,
    ) -> Result<Self, EngineError> {
        let maps = Maps::new(layers.len());
        let problems = Arc::new(Mutex::new(Vec::new()));
        let worker = Worker::new(layers, before, maps.clone(), store, Arc::clone(&problems));
        let thread = std::thread::Builder::new()
            .name("deepeyes-maps".to_owned())
            .spawn(move || worker.run())
            .map_err(|source| EngineError::Thread { thread: "maps", source })?;
        Ok(Self { maps, thread: Some(thread), problems })
    }

    pub(crate) fn maps(&self) -> Maps {
        self.maps.clone()
    }

    /// An iteration of the training took `seconds`.
    pub(crate) fn step(&self, seconds: f64) {
        self.maps.inbox().step(seconds);
    }

    /// A probe, which all input maps are to follow.
    pub(crate) fn probe(&self, probe: ProbedInstances) {
        self.maps.inbox().probe(probe);
    }

    /// A layer's window, which its filter map is to follow where it has similarity.
    pub(crate) fn window(&self, layer: usize, window: &Arc<LayerSnapshot>) {
        if window.statistics.similarity.is_some() {
            self.maps.inbox().window(layer, Arc::clone(window));
        }
    }

    /// Stores the maps, settled first where `settle` says so, and says what failed.
    pub(crate) fn finish(&mut self, settle: bool) -> Vec<String> {
        let end = if settle { End::Settle(Instant::now() + SETTLING) } else { End::AtOnce };
        self.maps.inbox().end(end);
        // The thread catches its panics.
        let _ = self.thread.take().map(JoinHandle::join);
        std::mem::take(&mut *lock(&self.problems))
    }
}

impl Drop for MapMaker {
    fn drop(&mut self) {
        self.maps.inbox().end(End::AtOnce);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// One of a layer's two maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Input,
    Filter,
}

/// One layer's maps.
struct Layer {
    name: String,
    input: InputMapper,
    filter: FilterMapper,
    /// Which was worked on last.
    last: Kind,
    /// Processor seconds spent on refining each since the newest probe, while nobody looked.
    unseen_seconds: [f64; 2],
    /// Whether something has changed since it was stored.
    is_new: bool,
}

impl Layer {
    fn is_settled(&self) -> bool {
        self.input.is_settled() && self.filter.is_settled()
    }

    /// What is to be done for one who looks at the layer: both maps, in turn.
    fn wanted(&self) -> Option<Kind> {
        match (self.input.is_settled(), self.filter.is_settled()) {
            (true, true) => None,
            (true, false) => Some(Kind::Filter),
            (false, true) => Some(Kind::Input),
            (false, false) if self.last == Kind::Input => Some(Kind::Filter),
            (false, false) => Some(Kind::Input),
        }
    }

    /// What is to be done although nobody looks, so that something of every layer is stored: after each probe a first
    /// picture, and a bounded part of what has been begun for somebody.
    fn due(&self) -> Option<Kind> {
        let within = |kind: Kind| self.unseen_seconds[kind as usize] < UNSEEN_SECONDS;
        let input = self.input.is_waiting()
            || (self.input.is_begun() && !self.input.is_settled() && within(Kind::Input));
        let filter = !self.filter.is_settled() && within(Kind::Filter);
        if input { Some(Kind::Input) } else { filter.then_some(Kind::Filter) }
    }

    fn advance(&mut self, kind: Kind, until: Instant) -> Result<(), String> {
        self.last = kind;
        match kind {
            Kind::Input => self.input.advance(until),
            Kind::Filter => self.filter.advance(until),
        }
    }
}

struct Worker {
    layers: Vec<Layer>,
    maps: Maps,
    store: Sender<Record>,
    problems: Arc<Mutex<Vec<String>>>,
    /// The iteration of the newest probe.
    step: Option<u64>,
    /// Whose turn it is.
    turn: usize,
    /// Where maps are made: on one processor that gives way while the training computes, on all of them that give way
    /// while it is silent, and on all of them when it is paused or has ended.
    busy: Workers,
    silent: Workers,
    paused: Workers,
}

impl Worker {
    fn new(
        layers: &[LayerSpec],
        mut before: Vec<StoredMaps>,
        maps: Maps,
        store: Sender<Record>,
        problems: Arc<Mutex<Vec<String>>>,
    ) -> Self {
        before.resize_with(layers.len(), StoredMaps::default);
        let layer = |((at, spec), (input, filter)): ((usize, &LayerSpec), StoredMaps)| Layer {
            name: spec.name.clone(),
            input: InputMapper::new(spec, at, input),
            filter: FilterMapper::new(filter),
            last: Kind::Filter,
            // Before the first probe, filters are placed only for those who look.
            unseen_seconds: [UNSEEN_SECONDS; 2],
            is_new: false,
        };
        let layers: Vec<Layer> = layers.iter().enumerate().zip(before).map(layer).collect();
        for (at, Layer { input, filter, .. }) in layers.iter().enumerate() {
            maps.publish(at, input.map().cloned(), filter.map().cloned(), None);
        }
        Self {
            layers,
            maps,
            store,
            problems,
            step: None,
            turn: 0,
            busy: Workers::new(1, true),
            silent: Workers::new(0, true),
            paused: Workers::new(0, false),
        }
    }

    fn run(mut self) {
        let mut idle = false;
        loop {
            let unsettled = self.layers.iter().any(|layer| !layer.is_settled());
            let orders = self.maps.inbox().take(idle, unsettled);
            let Orders { watched, end, training, .. } = self.take(orders);
            let ends = match end {
                Some(End::AtOnce) => true,
                Some(End::Settle(until)) => Instant::now() >= until,
                None => false,
            };
            let training = if end.is_some() { Training::Paused } else { training };
            let job = if ends { None } else { self.next(&watched, training != Training::Busy) };
            match job {
                Some((layer, kind)) => self.work(layer, kind, training, watched.contains(&layer)),
                None => self.store(),
            }
            idle = job.is_none();
            if idle && end.is_some() {
                return;
            }
        }
    }

    /// Hands orders to the layers.
    fn take(&mut self, mut orders: Orders) -> Orders {
        if let Some(mut probe) = orders.probe.take() {
            // The maps of the probe before are as good as they will get.
            self.store();
            let images = std::mem::take(&mut probe.images);
            if !images.is_empty() {
                self.maps.add_images(&images);
                let _ = self.store.send(Record::ProbeInputs(images));
            }
            self.step = Some(probe.step);
            let probe = Arc::new(probe);
            for layer in &mut self.layers {
                layer.input.take(Arc::clone(&probe));
                layer.unseen_seconds = [0.0; 2];
            }
        }
        for (layer, window) in self.layers.iter_mut().zip(&mut orders.windows) {
            if let Some(window) = window.take() {
                layer.filter.take(window);
            }
        }
        orders
    }

    /// Whose turn it is: of the layers that somebody looks at, else of all that are due.
    fn next(&mut self, watched: &[usize], rests: bool) -> Option<(usize, Kind)> {
        let n = self.layers.len();
        let turns = || (1..=n).map(|ahead| (self.turn + ahead) % n);
        let wanted = |at: usize| Some((at, self.layers[at].wanted()?));
        let seen = turns().filter(|at| watched.contains(at)).find_map(wanted);
        let next = if rests {
            seen.or_else(|| turns().find_map(wanted))
        } else {
            seen.or_else(|| turns().find_map(|at| Some((at, self.layers[at].due()?))))
        };
        self.turn = next.map_or(self.turn, |(at, _)| at);
        next
    }

    /// A piece of work on one of a layer's maps, published.
    fn work(&mut self, at: usize, kind: Kind, training: Training, is_watched: bool) {
        let rests = training != Training::Busy;
        let layer = &mut self.layers[at];
        let until = Instant::now() + if rests { LONG_PIECE } else { PIECE };
        let piece = || {
            let start = ThreadTime::now();
            let done = guarded(|| layer.advance(kind, until)).and_then(|advanced| advanced);
            (done, start.elapsed().as_secs_f64())
        };
        let (done, seconds) = match training {
            Training::Busy => self.busy.install(piece),
            Training::Silent => self.silent.install(piece),
            Training::Paused => self.paused.install(piece),
        };
        let layer = &mut self.layers[at];
        if !is_watched && !rests {
            layer.unseen_seconds[kind as usize] += seconds;
        }
        layer.is_new = true;
        if let Err(problem) = done {
            let mut problems = lock(&self.problems);
            let problem = format!("the maps of layer {} are not complete: {problem}", layer.name);
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        let Layer { input, filter, .. } = layer;
        self.maps.publish(at, input.map().cloned(), filter.map().cloned(), input.hierarchy().cloned());
    }

    /// Stores what is new of the newest probe's maps. A filter map that is of a later window is left to the next probe.
    fn store(&mut self) {
        let Some(step) = self.step else { return };
        let (mut inputs, mut filters) = (Vec::new(), Vec::new());
        for (at, layer) in self.layers.iter_mut().enumerate().filter(|(_, layer)| layer.is_new) {
            layer.is_new = false;
            inputs.extend(layer.input.map().filter(|map| map.step == step).map(|map| (at, Arc::clone(map))));
            filters
                .extend(layer.filter.map().filter(|map| map.step <= step).map(|map| (at, Arc::clone(map))));
        }
        if !inputs.is_empty() || !filters.is_empty() {
            let _ = self.store.send(Record::Maps { step, inputs, filters });
        }
    }
}
