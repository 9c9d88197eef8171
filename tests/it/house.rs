//! The house: imports point down or sideways within a room, never up.

use std::fs;
use std::path::{Path, PathBuf};

/// The floor of each room. Side rooms stand at 0: they import `base` only, and everybody above may import them.
const FLOORS: [(&str, u8); 14] = [
    ("base", 0),
    ("lake", 1),
    ("net", 1),
    ("sources", 2),
    ("crawler", 3),
    ("tables", 3),
    ("ops", 4),
    ("ask", 4),
    ("query", 4),
    ("ddl", 4),
    ("cli", 5),
    ("config", 0),
    ("telemetry", 0),
    ("sandbox", 0),
];
const SIDE_ROOMS: [&str; 3] = ["config", "telemetry", "sandbox"];

fn floor(room: &str) -> u8 {
    FLOORS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("room {room} has no floor")).1
}

fn may_import(room: &str, other: &str) -> bool {
    if room == other || other == "base" {
        return true;
    }
    match (SIDE_ROOMS.contains(&room), SIDE_ROOMS.contains(&other)) {
        (true, _) => false,
        // Only `cli` (and tests) know the sandbox; lower floors are handed plain options, not settings.
        (false, true) => {
            if other == "sandbox" {
                room == "cli"
            } else {
                floor(room) >= 3
            }
        }
        (false, false) => {
            floor(other) < floor(room) || (room == "lake" || room == "net") && floor(other) == 0
        }
    }
}

fn sources_below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn imports_point_down() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources_below(&sources, &mut files);
    let mut seen = 0;
    for file in &files {
        let inside = file.strip_prefix(&sources).unwrap();
        let Some(room) =
            inside.iter().next().and_then(|room| room.to_str()).filter(|_| inside.iter().count() > 1)
        else {
            continue;
        };
        for line in fs::read_to_string(file).unwrap().lines() {
            for rest in line.split("crate::").skip(1) {
                let other: String =
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if FLOORS.iter().any(|(name, _)| *name == other) {
                    seen += 1;
                    assert!(may_import(room, &other), "{}: {room} imports {other}: {line}", inside.display());
                }
            }
        }
    }
    assert!(seen > 50, "the check found only {seen} imports: is it reading the sources?");
}

#[test]
fn rooms_of_one_floor_do_not_know_each_other() {
    for (room, other) in [("crawler", "tables"), ("ask", "ops"), ("query", "ask"), ("ddl", "query")] {
        assert!(!may_import(room, other) && !may_import(other, room), "{room} and {other}");
    }
    for above in ["ask", "query", "ddl", "cli"] {
        assert!(may_import(above, "tables") && !may_import("tables", above), "{above}");
    }
}
