//! Cutting a mini-batch into shards, and computing them side by side.
//!
//! The number of shards belongs to the training, not to the machine: sums of gradients run over shards in order, so the
//! losses are the same on any number of cores. Each shard runs on a thread pool of its own, and the pools share the
//! machine's cores.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use std::ops::Range;
use std::sync::Arc;

/// The parts into which `inputs` inputs are cut: consecutive, not empty, of nearly one size, at most `shards`.
pub(crate) fn ranges(inputs: usize, shards: usize) -> impl Iterator<Item = Range<usize>> {
    let shards = shards.clamp(1, inputs.max(1));
    (0..shards).map(move |shard| shard * inputs / shards..(shard + 1) * inputs / shards)
}

/// The thread pools on which shards are computed.
#[derive(Debug)]
pub(crate) struct Workers {
    pools: Vec<Arc<ThreadPool>>,
}

impl Workers {
    /// Pools for `shards` shards that share the machine's cores: no more pools than cores.
    pub(crate) fn new(shards: usize) -> Result<Self, ThreadPoolBuildError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pools = shards.clamp(1, cores);
        let pool = |at| {
            ThreadPoolBuilder::new()
                .num_threads(cores / pools)
                .thread_name(move |thread| format!("train-{at}-{thread}"))
                .build()
                .map(Arc::new)
        };
        Ok(Self { pools: (0..pools).map(pool).collect::<Result<_, _>>()? })
    }

    /// The pool on which the first shard is computed.
    pub(crate) fn first(&self) -> Arc<ThreadPool> {
        Arc::clone(&self.pools[0])
    }

    /// Computes one task with a pool's threads at its disposal.
    pub(crate) fn install<T: Send>(&self, task: impl FnOnce() -> T + Send) -> T {
        self.pools[0].install(task)
    }

    /// Computes every task, the i-th on pool i modulo their number; the results are in the tasks' order.
    pub(crate) fn run<T: Send>(&self, tasks: Vec<impl FnOnce() -> T + Send>) -> Vec<T> {
        let mut results: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
        let mut queues: Vec<Vec<_>> = self.pools.iter().map(|_| vec![]).collect();
        for (at, job) in tasks.into_iter().zip(&mut results).enumerate() {
            queues[at % self.pools.len()].push(job);
        }
        spread(&self.pools, queues);
        results.into_iter().map(|result| result.expect("every task has run when its scope ends")).collect()
    }
}

// Scopes of several pools can only be open at once when each is opened inside the one before.
fn spread<T: Send, F: FnOnce() -> T + Send>(
    pools: &[Arc<ThreadPool>],
    mut queues: Vec<Vec<(F, &mut Option<T>)>>,
) {
    let (Some((pool, rest)), Some(queue)) = (pools.split_last(), queues.pop()) else { return };
    pool.in_place_scope(|scope| {
        scope.spawn(move |_| queue.into_iter().for_each(|(task, result)| *result = Some(task())));
        spread(rest, queues);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shards_cover_a_mini_batch_in_order(inputs in 1usize..100, shards in 1usize..10) {
            let parts: Vec<_> = ranges(inputs, shards).collect();
            prop_assert_eq!(parts.len(), shards.min(inputs));
            prop_assert_eq!(parts.iter().cloned().flatten().collect::<Vec<_>>(), (0..inputs).collect::<Vec<_>>());
            let sizes = || parts.iter().map(Range::len);
            prop_assert!(sizes().max().unwrap() - sizes().min().unwrap() <= 1);
        }
    }

    #[test]
    fn results_come_in_the_order_of_the_tasks() {
        let workers = Workers::new(3).unwrap();
        let tasks: Vec<_> = (0..7).map(|at| move || at * at).collect();
        assert_eq!(workers.run(tasks), [0, 1, 4, 9, 16, 25, 36]);
    }
}
