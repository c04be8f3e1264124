//! How the analysis takes the processors that it gets.

use crate::background::Moment;
use cpu_time::ThreadTime;
use rayon::ThreadPool;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Values that are taken in at a time: some ten microseconds' work.
const PIECE: usize = 1 << 13;
/// A thread that gave way for longer is on a machine whose processors are taken.
const LATE: Duration = Duration::from_millis(5);

/// Lets others have the processor between two small pieces of work.
///
/// Threads of a pool that look for work give the processor up in turn, many times, before they sleep. One of the idle class
/// that gets it by that could keep it until the system's next tick, which is milliseconds away, while the other would long
/// have found its work.
#[derive(Debug)]
pub(crate) struct Way {
    /// Values taken in since it was given.
    taken: usize,
    /// Whether to go on instead: somebody waits, or it took too long to come back.
    keeps: bool,
}

impl Way {
    fn of(moment: Moment) -> Self {
        Self { taken: 0, keeps: moment == Moment::Awaited }
    }

    /// So many values were taken in: gives way when they have come to a small piece of work.
    pub(crate) fn took(&mut self, values: usize) {
        self.taken += values;
        if self.taken >= PIECE {
            self.give();
        }
    }

    pub(crate) fn give(&mut self) {
        self.taken = 0;
        if self.keeps {
            return;
        }
        let start = Instant::now();
        std::thread::yield_now();
        self.keeps = start.elapsed() > LATE;
    }
}

/// The processors that the analysis may use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gaps {
    /// The producer's own pool, for what the producer waits for.
    pool: Option<Arc<ThreadPool>>,
}

impl Gaps {
    pub(crate) fn of(pool: Option<Arc<ThreadPool>>) -> Self {
        Self { pool }
    }

    /// Does some work: one after the other in idle moments, else side by side on the producer's pool, where it has one. Gives
    /// the results in their order, and the seconds of processor time that they took together.
    pub(crate) fn run<T: Send>(
        &self,
        moment: Moment,
        work: Vec<impl FnOnce(&mut Way) -> T + Send>,
    ) -> (Vec<T>, f64) {
        let (results, seconds): (Vec<T>, Vec<f64>) = match &self.pool {
            Some(pool) if moment == Moment::Awaited => {
                let mut done: Vec<Option<(T, f64)>> = work.iter().map(|_| None).collect();
                pool.in_place_scope(|scope| {
                    for (work, done) in work.into_iter().zip(&mut done) {
                        scope.spawn(move |_| *done = Some(timed(|| work(&mut Way::of(moment)))));
                    }
                });
                done.into_iter().map(|done| done.expect("a scope ends when its work is done")).unzip()
            }
            _ => {
                let mut way = Way::of(moment);
                work.into_iter().map(|work| timed(|| work(&mut way))).unzip()
            }
        };
        (results, seconds.into_iter().sum())
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = ThreadTime::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}
