//! Pausing, resuming and stopping a training from other threads.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What the holder of a [`Control`] wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Wish {
    #[default]
    Run,
    Pause,
    Stop,
}

/// Pauses, resumes and stops a training; shared with it by reference. A wish is met between two iterations.
#[derive(Debug, Default)]
pub struct Control {
    wish: Mutex<Wish>,
    changed: Condvar,
}

impl Control {
    /// A control that lets the training run.
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds the training before its next iteration; without effect once stopped.
    pub fn pause(&self) {
        self.set(Wish::Pause);
    }

    /// Lets a paused training go on; without effect once stopped.
    pub fn resume(&self) {
        self.set(Wish::Run);
    }

    /// Ends the training after its present iteration, for good; a paused one ends at once.
    pub fn stop(&self) {
        self.set(Wish::Stop);
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        *self.lock() == Wish::Pause
    }

    /// Whether it was stopped.
    pub fn is_stopped(&self) -> bool {
        *self.lock() == Wish::Stop
    }

    /// Waits while paused; returns whether the training shall go on.
    pub(crate) fn proceed(&self) -> bool {
        let mut wish = self.lock();
        while *wish == Wish::Pause {
            wish = self.changed.wait(wish).unwrap_or_else(PoisonError::into_inner);
        }
        *wish == Wish::Run
    }

    fn set(&self, new: Wish) {
        let mut wish = self.lock();
        if *wish != Wish::Stop {
            *wish = new;
        }
        self.changed.notify_all();
    }

    // A thread that panicked while it held the lock cannot have left a wish half written.
    fn lock(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_final_and_wakes_a_paused_training() {
        let control = Control::new();
        assert!(control.proceed());
        control.pause();
        assert!(control.is_paused());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| control.proceed());
            control.stop();
            assert!(!waiting.join().unwrap());
        });
        control.resume();
        assert!(control.is_stopped());
    }

    #[test]
    fn a_paused_training_goes_on_when_resumed() {
        let control = Control::new();
        control.pause();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| control.proceed());
            control.resume();
            assert!(waiting.join().unwrap());
        });
    }
}
