//! Threads that make maps.

use crate::priority;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// A thread pool, made when first needed.
pub(super) struct Workers {
    /// 0: one for each processor.
    threads: usize,
    /// Whether they give way to the training's threads.
    low: bool,
    pool: Option<ThreadPool>,
}

impl Workers {
    pub(super) fn new(threads: usize, low: bool) -> Self {
        Self { threads, low, pool: None }
    }

    /// Does a piece of work on it; on this thread where the system has no threads to give.
    pub(super) fn install<T: Send>(&mut self, piece: impl FnOnce() -> T + Send) -> T {
        if self.pool.is_none() {
            let low = self.low;
            let begin = move |_| {
                if low {
                    priority::only_idle();
                }
            };
            let name = |at| format!("deepeyes-maps-{at}");
            let builder = ThreadPoolBuilder::new().num_threads(self.threads).thread_name(name);
            self.pool = builder.start_handler(begin).build().ok();
        }
        match &self.pool {
            Some(pool) => pool.install(piece),
            None => piece(),
        }
    }
}
