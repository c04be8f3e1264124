//! Where the analysis computes.

use cpu_time::ThreadTime;
use rayon::ThreadPool;
use std::sync::Arc;

/// The processors that the analysis may use.
///
/// A training that keeps a thread pool busy has gaps: while one thread works alone, the others look for something to do.
/// Work handed to that pool in pieces of a fraction of a millisecond fills them. A thread of our own would be scheduled
/// against the training's instead, and hold up all of them wherever they wait for each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gaps {
    pool: Option<Arc<ThreadPool>>,
}

impl Gaps {
    /// Of the producer's own pool; without one, work is done where it is handed over.
    pub(crate) fn of(pool: Option<Arc<ThreadPool>>) -> Self {
        Self { pool }
    }

    /// Does some pieces of work, side by side where it can; gives their results in their order, and the seconds of
    /// processor time that they took together.
    pub(crate) fn run<T: Send>(&self, work: Vec<impl FnOnce() -> T + Send>) -> (Vec<T>, f64) {
        let done: Vec<(T, f64)> = match &self.pool {
            None => work.into_iter().map(timed).collect(),
            Some(pool) => {
                let mut done: Vec<Option<(T, f64)>> = work.iter().map(|_| None).collect();
                pool.in_place_scope(|scope| {
                    for (piece, done) in work.into_iter().zip(&mut done) {
                        scope.spawn(move |_| *done = Some(timed(piece)));
                    }
                });
                done.into_iter().map(|done| done.expect("a scope ends when its work is done")).collect()
            }
        };
        let seconds = done.iter().map(|(_, seconds)| seconds).sum();
        (done.into_iter().map(|(result, _)| result).collect(), seconds)
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = ThreadTime::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}
