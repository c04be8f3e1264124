//! Opening the dashboard in the user's browser.

use std::process::{Command, Stdio};

/// Opens an address where there is a desktop to open it on; elsewhere the printed address is all.
pub(crate) fn open(url: &str) {
    let Some((program, arguments)) = opener() else { return };
    let child = Command::new(program)
        .args(arguments)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Ok(mut child) = child {
        // It ends when it likes; somebody has to take note.
        std::thread::spawn(move || child.wait());
    }
}

fn opener() -> Option<(&'static str, &'static [&'static str])> {
    if cfg!(target_os = "macos") {
        return Some(("open", &[]));
    }
    if cfg!(windows) {
        return Some(("rundll32", &["url.dll,FileProtocolHandler"]));
    }
    let desktop = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    (desktop("DISPLAY") || desktop("WAYLAND_DISPLAY")).then_some(("xdg-open", &[]))
}
