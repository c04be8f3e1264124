//! The host's name and the time, by which runs on other hosts are judged.

use std::process::Command;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
pub(crate) fn now_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// This host's name; empty where the system does not tell.
pub(crate) fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let file = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let variable = || std::env::var("COMPUTERNAME").ok();
        let command = || {
            let output = Command::new("hostname").output().ok()?;
            String::from_utf8(output.stdout).ok()
        };
        file.or_else(variable).or_else(command).unwrap_or_default().trim().to_owned()
    })
}
