//! The page's view of these types.

use super::{
    ClientMessage, Course, DrillRequest, ErrorBody, FilterMapMeta, Findings, FrameHeader, InputMapMeta,
    LayerMeta, PatchesMeta, PlanCosts, PlanRequest, RunDetail, RunList, Scalars, ServerMessage, StartRequest,
    Started, Starting, Tensorboard,
};
use std::fmt::Write as _;
use std::path::Path;
use ts_rs::{Config, ExportError, TS};

/// Writes every wire type as TypeScript into a directory, one file a type, and an `index.ts` that names them all.
///
/// # Errors
/// Where a file cannot be written.
pub fn write_typescript(directory: &Path) -> Result<(), ExportError> {
    // JSON numbers are JavaScript's; steps and counts stay far below 2^53.
    let config = Config::new().with_large_int("number").with_out_dir(directory);
    macro_rules! export {
        ($($root:ty),+ $(,)?) => { $(<$root as TS>::export_all(&config)?;)+ };
    }
    export!(
        ClientMessage,
        Course,
        DrillRequest,
        ErrorBody,
        FilterMapMeta,
        Findings,
        FrameHeader<LayerMeta>,
        InputMapMeta,
        LayerMeta,
        PatchesMeta,
        PlanCosts,
        PlanRequest,
        RunDetail,
        RunList,
        Scalars,
        ServerMessage,
        StartRequest,
        Started,
        Starting,
        Tensorboard,
    );
    write_index(directory).map_err(ExportError::Io)
}

fn write_index(directory: &Path) -> std::io::Result<()> {
    let mut names: Vec<String> = std::fs::read_dir(directory)?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".ts").map(str::to_owned))
        .filter(|name| name != "index")
        .collect();
    names.sort();
    let mut text = String::from("// Generated from crates/server/src/wire by `cargo xtask gen`.\n");
    for name in names {
        let _ = writeln!(text, "export type * from \"./{name}\";");
    }
    std::fs::write(directory.join("index.ts"), text)
}
