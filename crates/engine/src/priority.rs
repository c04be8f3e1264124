//! Threads of ours step back where the training wants the processor.

/// Asks the system to prefer other threads to this one. Where it cannot be asked, or refuses, nothing is lost.
pub(crate) fn lower() {
    #[cfg(target_os = "linux")]
    {
        /// Half of the way to the least preferred.
        const NICENESS: i32 = 10;
        // On Linux a thread's number names that thread alone.
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
    }
}
