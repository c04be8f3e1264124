//! Work that waits for moments in which a processor would idle, and who does it where there are none.
//!
//! A thread of the idle class takes next to nothing from the training beside it. On a machine whose processors are all
//! taken it hardly runs at all; whoever hands over more than may wait then does the work himself, until that thread is
//! prompt again.

use crate::guard::lock;
use crate::priority;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A thread that answers within this time is prompt: a training of a few milliseconds a step has idle moments more often,
/// and a machine that is all taken keeps a thread of the idle class waiting for a good second.
const PROMPT: Duration = Duration::from_millis(20);
/// It gets its work back when it was prompt so many times in a row.
const TIMES: u32 = 50;

/// Which moment a message is applied in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// On a thread that runs where a processor would idle.
    Idle,
    /// On the thread of somebody who waits for it.
    Awaited,
}

/// A state that messages change, one after the other.
pub(crate) trait State<M>: Send + 'static {
    /// Changes it. It must not panic: it may be called on a producer's thread.
    fn apply(&mut self, message: M, moment: Moment);
}

/// Where messages for a state are handed over. Clones lead to the same state.
pub(crate) struct Background<S, M>(Arc<Shared<S, M>>);

struct Shared<S, M> {
    queue: Mutex<Queue<M>>,
    arrived: Condvar,
    /// Held while a message is applied, and before the message is taken from the queue: that keeps their order. `None`
    /// after the end.
    state: Mutex<Option<S>>,
    /// Messages that may wait.
    places: usize,
}

struct Queue<M> {
    messages: VecDeque<M>,
    ended: bool,
    /// Whether those who hand messages over apply them.
    behind: bool,
    /// Since when the thread has been asked whether it is prompt again, and how many times in a row it was.
    asked: Option<Instant>,
    prompt: u32,
}

impl<M> Queue<M> {
    fn calls(&self) -> bool {
        self.ended || self.asked.is_some() || !(self.behind || self.messages.is_empty())
    }

    /// The thread is here.
    fn answer(&mut self) {
        let Some(asked) = self.asked.take() else { return };
        self.prompt = if asked.elapsed() < PROMPT { self.prompt + 1 } else { 0 };
        self.behind &= self.prompt < TIMES;
    }
}

impl<S, M> Clone for Background<S, M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, M> fmt::Debug for Background<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Background").field("places", &self.0.places).finish_non_exhaustive()
    }
}

impl<S: State<M>, M: Send + 'static> Background<S, M> {
    /// Starts the thread. `places` messages may wait for it.
    pub(crate) fn start(name: &str, state: S, places: usize) -> std::io::Result<Self> {
        let queue = Queue { messages: VecDeque::new(), ended: false, behind: false, asked: None, prompt: 0 };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            arrived: Condvar::new(),
            state: Mutex::new(Some(state)),
            places,
        });
        let thread = Arc::clone(&shared);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || thread.serve())?;
        Ok(Self(shared))
    }

    /// Messages that wait.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.0.queue).messages.len()
    }

    /// Hands a message over. Where too many wait, it and those before it are applied here. After the end it is forgotten.
    pub(crate) fn send(&self, message: M) {
        let mut queue = lock(&self.0.queue);
        if queue.ended {
            return;
        }
        if queue.messages.len() >= self.0.places && !queue.behind {
            (queue.behind, queue.prompt) = (true, 0);
        }
        queue.messages.push_back(message);
        let behind = queue.behind;
        if behind {
            queue.asked.get_or_insert_with(Instant::now);
        }
        drop(queue);
        self.0.arrived.notify_one();
        if behind {
            self.0.apply_all(&mut lock(&self.0.state));
        }
    }

    /// Hands a message over where there is a place, for the thread to apply; gives it back at once where there is none.
    pub(crate) fn try_send(&self, message: M) -> Result<(), M> {
        let mut queue = lock(&self.0.queue);
        if queue.ended {
            return Ok(());
        }
        if queue.messages.len() >= self.0.places {
            return Err(message);
        }
        queue.messages.push_back(message);
        queue.behind = false;
        drop(queue);
        self.0.arrived.notify_one();
        Ok(())
    }

    /// Applies what waits, and gives the state out; `None` after the end.
    pub(crate) fn end(&self) -> Option<S> {
        lock(&self.0.queue).ended = true;
        self.0.arrived.notify_one();
        let mut state = lock(&self.0.state);
        self.0.apply_all(&mut state);
        state.take()
    }
}

impl<S: State<M>, M> Shared<S, M> {
    /// The thread, until the end.
    fn serve(&self) {
        priority::only_idle();
        // What is spread over all processors elsewhere stays on this thread. Without a pool of its own it spreads, which is
        // as right and only takes more from the training.
        let _pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        loop {
            let queue = lock(&self.queue);
            let waited = self.arrived.wait_while(queue, |queue| !queue.calls());
            let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
            if queue.ended {
                return;
            }
            queue.answer();
            let behind = queue.behind;
            drop(queue);
            if !behind {
                self.apply_next(&mut lock(&self.state), Moment::Idle);
            }
        }
    }

    fn apply_all(&self, state: &mut Option<S>) {
        while self.apply_next(state, Moment::Awaited) {}
    }

    /// Whether there was one.
    fn apply_next(&self, state: &mut Option<S>, moment: Moment) -> bool {
        let message = lock(&self.queue).messages.pop_front();
        let (Some(message), Some(state)) = (message, state) else { return false };
        state.apply(message, moment);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Keeps what was applied, and in which moments; waits for the gate at each message of the thread's.
    struct Kept {
        applied: Vec<(u32, Moment)>,
        began: Sender<u32>,
        gate: Receiver<()>,
    }

    impl State<u32> for Kept {
        fn apply(&mut self, message: u32, moment: Moment) {
            let _ = self.began.send(message);
            if moment == Moment::Idle {
                let _ = self.gate.recv();
            }
            self.applied.push((message, moment));
        }
    }

    fn kept(places: usize) -> (Background<Kept, u32>, Receiver<u32>, Sender<()>) {
        let ((began, begins), (opens, gate)) = (channel(), channel());
        let state = Kept { applied: vec![], began, gate };
        (Background::start("test", state, places).unwrap(), begins, opens)
    }

    fn messages(applied: &[(u32, Moment)]) -> Vec<u32> {
        applied.iter().map(|&(message, _)| message).collect()
    }

    /// Lets the thread finish its message as soon as `queue` says so, while `other` is done.
    fn open_when<T: Send>(
        background: &Background<Kept, u32>,
        opens: &Sender<()>,
        queue: impl Fn(&Queue<u32>) -> bool,
        other: impl FnOnce() -> T + Send,
    ) -> T {
        std::thread::scope(|scope| {
            let other = scope.spawn(other);
            while !queue(&lock(&background.0.queue)) {
                std::thread::yield_now();
            }
            opens.send(()).unwrap();
            other.join().unwrap()
        })
    }

    #[test]
    fn messages_are_applied_in_their_order_and_those_that_wait_at_the_end_by_who_ends() {
        let (background, begins, opens) = kept(8);
        for message in 0..5 {
            background.send(message);
        }
        assert_eq!(begins.recv(), Ok(0));
        assert_eq!(background.waiting(), 4);
        let applied =
            open_when(&background, &opens, |queue| queue.ended, || background.end().unwrap().applied);
        assert_eq!(messages(&applied), [0, 1, 2, 3, 4]);
        assert_eq!((applied[0].1, applied[1].1), (Moment::Idle, Moment::Awaited));
        background.send(5);
        assert_eq!(background.try_send(6), Ok(()));
        assert!(background.end().is_none());
    }

    #[test]
    fn whoever_hands_over_more_than_may_wait_applies_it() {
        let (background, begins, opens) = kept(2);
        background.send(0);
        assert_eq!(begins.recv(), Ok(0));
        background.send(1);
        background.send(2);
        assert_eq!(background.try_send(9), Err(9));
        open_when(&background, &opens, |queue| queue.behind, || background.send(3));
        assert_eq!(background.waiting(), 0);
        // It goes on so.
        background.send(4);
        assert_eq!(background.waiting(), 0);
        let applied = background.end().unwrap().applied;
        assert_eq!(messages(&applied), [0, 1, 2, 3, 4]);
        assert_eq!((applied[0].1, applied[1].1), (Moment::Idle, Moment::Awaited));
        assert_eq!((applied[3].1, applied[4].1), (Moment::Awaited, Moment::Awaited));
    }

    #[test]
    fn who_does_not_wait_leaves_the_work_to_the_thread() {
        let (background, begins, opens) = kept(1);
        background.send(0);
        assert_eq!(begins.recv(), Ok(0));
        background.send(1);
        open_when(&background, &opens, |queue| queue.behind, || background.send(2));
        assert_eq!(background.try_send(3), Ok(()));
        assert_eq!(begins.iter().take(3).collect::<Vec<_>>(), [1, 2, 3]);
        opens.send(()).unwrap();
        let applied = background.end().unwrap().applied;
        assert_eq!((applied[2], applied[3]), ((2, Moment::Awaited), (3, Moment::Idle)));
    }

    #[test]
    fn the_thread_gets_its_work_back_when_it_is_prompt_again() {
        let mut queue =
            Queue { messages: VecDeque::from([0]), ended: false, behind: true, asked: None, prompt: 0 };
        assert!(!queue.calls());
        let mut answer = |late: Duration| {
            queue.asked = Instant::now().checked_sub(late);
            assert!(queue.calls());
            queue.answer();
            queue.behind
        };
        assert!((1..TIMES).all(|_| answer(Duration::ZERO)));
        assert!(answer(PROMPT));
        assert!((1..TIMES).all(|_| answer(Duration::ZERO)));
        assert!(!answer(Duration::ZERO));
        assert!(queue.calls());
    }
}
