//! Threads of ours step back where the training wants the processor.

/// Asks the system to run this thread only where a core would idle. Where it cannot be asked, or refuses, nothing is lost.
///
/// Niceness alone is not enough: Linux lets a thread that runs finish its slice of some milliseconds before one that wakes
/// up, and the training's threads wake up hundreds of times a second. An idle-class thread gives way at once.
pub(crate) fn lower() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::unix::{
            NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
            thread_native_id,
        };
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let _ =
            set_thread_priority_and_policy(thread_native_id(), thread_priority::ThreadPriority::Min, idle);
    }
}
