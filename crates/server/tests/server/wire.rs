//! What is generated from the wire types is what is committed and served.

use crate::http::{get, request};
use crate::run::Fixture;
use std::collections::BTreeMap;
use std::path::Path;

fn files(directory: &Path) -> BTreeMap<String, String> {
    let entries =
        std::fs::read_dir(directory).map_or_else(|_| Vec::new(), |entries| entries.flatten().collect());
    let named = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        name.ends_with(".ts").then(|| (name, std::fs::read_to_string(entry.path()).unwrap()))
    };
    entries.into_iter().filter_map(named).collect()
}

#[test]
fn the_page_s_types_are_those_of_the_server() {
    let fresh = tempfile::tempdir().unwrap();
    deepeyes_server::wire::write_typescript(fresh.path()).unwrap();
    let committed = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/src/wire"));
    assert!(files(fresh.path()) == committed, "web/src/wire is out of date: run `cargo xtask gen`");
}

#[test]
fn every_described_address_is_there() {
    let fixture = Fixture::new();
    let document = get(fixture.address(), "/api/openapi.json").json();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 15);
    let run = fixture.run();
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            let asked = path.replace("/api/runs/{id}", &run).replace("{layer}", "0").replace("{input}", "0");
            let answer = request(fixture.address(), &method.to_uppercase(), &asked, &[], "");
            let unknown =
                answer.status == 405 || (answer.status == 404 && answer.error().contains("no such address"));
            assert!(!unknown, "{method} {path}: {}", answer.status);
        }
    }
}
