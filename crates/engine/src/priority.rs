//! Threads of ours step back where the training wants the processor.

#[cfg(target_os = "linux")]
use thread_priority::ThreadPriority;
#[cfg(target_os = "linux")]
use thread_priority::unix::{
    NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};

/// Asks the system to run this thread only where a processor would idle. Where it cannot be asked, or refuses, nothing is
/// lost. On a machine whose processors are all taken such a thread hardly runs: nobody may wait for it there.
///
/// Niceness alone is not enough: Linux lets a thread that runs finish its slice of some milliseconds before one that wakes
/// up, and the training's threads wake up hundreds of times a second. An idle-class thread gives way at once.
pub(crate) fn only_idle() {
    #[cfg(target_os = "linux")]
    {
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    }
}

/// Asks the system to give this thread about a tenth of a processor where others want it too, and more only where one would
/// idle. For what is waited for now and then.
pub(crate) fn after_others() {
    #[cfg(target_os = "linux")]
    {
        // Half way between the usual niceness and the highest.
        let priority = ThreadPriority::Crossplatform(25u8.try_into().expect("it is at most 99"));
        let batch = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
        let _ = set_thread_priority_and_policy(thread_native_id(), priority, batch);
    }
}
