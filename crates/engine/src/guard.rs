//! Panics become messages: the observed training must survive us.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Does `work`; a panic in it becomes its message. What `work` changed must not be used after a panic.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| format!("internal error: {}", message(&*panic)))
}

/// Locks, also after a panic of somebody who held the lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_become_messages() {
        let index = std::hint::black_box(3);
        assert!(guarded(|| [1, 2][index]).unwrap_err().contains("out of bounds"));
        assert_eq!(guarded(|| 7), Ok(7));
    }
}
