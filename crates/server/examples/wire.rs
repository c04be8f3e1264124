//! Writes the wire types as TypeScript: `cargo run -p deepeyes-server --example wire -- DIR`; `cargo xtask gen` does.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).ok_or("expected the directory to write to")?;
    std::fs::create_dir_all(&directory)?;
    Ok(deepeyes_server::wire::write_typescript(Path::new(&directory))?)
}
