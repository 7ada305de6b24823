//! What the repository promises about itself and no compiler checks: who may do what in the source,
//! where every fixture comes from, that nothing in it is about one machine.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sandbox::repository;

/// Every file of the repository below `directory`, by its path from the top; what is built, fetched
/// or belongs to Git is no part of it.
pub(crate) fn files(directory: &str) -> Vec<String> {
    fn list(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !["target", ".git"].iter().any(|name| path.ends_with(name)) {
                list(&path, found);
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    list(&repository().join(directory), &mut found);
    let mut found: Vec<String> = found
        .iter()
        .map(|path| path.strip_prefix(repository()).unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{directory}");
    found
}

fn read(file: &str) -> String {
    fs::read_to_string(repository().join(file)).unwrap()
}

fn is_a(file: &str, extension: &str) -> bool {
    Path::new(file).extension().is_some_and(|found| found == extension)
}

/// Files with Rust below `src`, without their tests.
fn sources() -> Vec<(String, String)> {
    files("src")
        .into_iter()
        .filter(|file| is_a(file, "rs") && !file.ends_with("/tests.rs") && !file.contains("/tests/"))
        .map(|file| {
            let text = read(&file);
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let code = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect::<Vec<_>>()
                .join("\n");
            (file, code)
        })
        .collect()
}

/// The files whose code has one of these words, but for those that may.
fn offenders(words: &[&str], may: &[&str]) -> Vec<String> {
    sources()
        .into_iter()
        .filter(|(file, _)| !may.contains(&file.as_str()))
        .flat_map(|(file, code)| {
            let found =
                words.iter().filter(|word| code.contains(**word)).map(|word| format!("{file}: {word}"));
            found.collect::<Vec<_>>()
        })
        .collect()
}

const NOBODY: Vec<String> = Vec::new();

#[test]
fn files_are_short_and_say_what_they_are() {
    for directory in ["src", "tests", "fuzz"] {
        for file in files(directory).into_iter().filter(|file| is_a(file, "rs")) {
            let text = read(&file);
            let lines = text.lines().count();
            assert!(lines <= 400, "{file} has {lines} lines");
            assert!(text.starts_with("//!") || file == "src/main.rs", "{file} does not say what it is");
        }
    }
}

#[test]
fn one_file_starts_programs() {
    let words = ["Command::new", "process::Command", ".spawn()", "exec(", "execv"];
    assert_eq!(offenders(&words, &["src/cosign/process.rs"]), NOBODY);
}

#[test]
fn one_file_prints() {
    let words = ["print!", "println!", "io::stdout()", "stdout().", "io::stderr()", "stderr().lock", "dbg!"];
    // It asks whether there is a person, and writes nothing.
    assert_eq!(offenders(&words, &["src/report/printer.rs"]), ["src/lib.rs: io::stderr()"]);
    assert_eq!(read("src/lib.rs").matches("io::stderr()").count(), 1);
    assert!(read("src/lib.rs").contains("io::stderr().is_terminal()"));
}

#[test]
fn one_file_reads_the_environment() {
    let words = ["env::var", "env::vars", "env::current_exe", "env::args"];
    let found = offenders(&words, &["src/settings.rs"]);
    assert_eq!(found, ["src/main.rs: env::args"]);
}

#[test]
fn one_file_opens_sockets() {
    let words = ["TcpStream", "TcpListener", "UdpSocket", "UnixStream", "ToSocketAddrs", "rustix::net"];
    assert_eq!(offenders(&words, &["src/connectivity.rs"]), NOBODY);
}

#[test]
fn pure_modules_are_pure() {
    let pure = |file: &str| {
        let is_in = |room: &str| file == format!("{room}.rs") || file.starts_with(&format!("{room}/"));
        [
            "src/archive",
            "src/plan",
            "src/recipes",
            "src/cosign/capability",
            "src/cosign/argv",
            "src/sigstore",
            "src/cosign/signature_check",
            "src/cosign/verify_request",
            "src/cosign/recording_services",
            "src/cosign/diagnosis",
        ]
        .into_iter()
        .chain([
            "src/tree/manifest",
            "src/tree/name",
            "src/tree/collision",
            "src/tree/audit",
            "src/tree/litter",
            "src/shard",
            "src/tree/shard",
        ])
        .any(is_in)
    };
    let impure = [
        "std::fs",
        "fs::",
        "std::env",
        "std::process",
        "std::time::Instant",
        "SystemTime",
        "rustix::",
        "tempfile",
        "TcpStream",
        "UdpSocket",
        "ToSocketAddrs",
        "std::thread",
        "io::stdin",
    ];
    let mut seen = 0;
    for (file, code) in sources().into_iter().filter(|(file, _)| pure(file)) {
        let found: Vec<_> = impure.iter().filter(|word| code.contains(**word)).collect();
        assert!(found.is_empty(), "{file}: {found:?}");
        seen += 1;
    }
    assert!(seen > 20, "{seen} pure files");
}

#[test]
fn tree_and_cosign_do_not_know_each_other() {
    let know = |room: &str, other: &str| {
        let names = |(file, code): &(String, String)| file.starts_with(room) && code.contains(other);
        sources().iter().filter(|source| names(source)).map(|(file, _)| file.clone()).collect::<Vec<_>>()
    };
    assert_eq!(know("src/tree", "crate::cosign"), NOBODY);
    assert_eq!(know("src/cosign", "crate::tree"), NOBODY);
    assert_eq!(know("src/plan", "crate::tree"), NOBODY);
    assert_eq!(know("src/plan", "crate::cosign"), NOBODY);
}

#[test]
fn every_fixture_has_an_origin() {
    let table = read("fixtures/README.md");
    let rows: Vec<(Vec<String>, String)> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"))
        .map(|line| {
            let cells: Vec<&str> = line.split(" | ").collect();
            let [names, _, origin] = cells[..] else { panic!("three cells: {line}") };
            (names.split(", ").map(|name| name.replace('`', "")).collect(), origin.to_owned())
        })
        .collect();
    for (_, origin) in &rows {
        for script in origin.split('`').filter(|word| word.starts_with("scripts/")) {
            assert!(repository().join(script).is_file(), "{script}");
        }
        assert!(!origin.is_empty());
    }
    let mut unused: Vec<&String> = rows.iter().flat_map(|(names, _)| names).collect();
    for file in files("fixtures").iter().filter(|file| !file.ends_with("README.md")) {
        let name = file.strip_prefix("fixtures/").unwrap();
        let fits = |pattern: &String| matches(pattern, name);
        assert!(
            rows.iter().any(|(names, _)| names.iter().any(fits)),
            "fixtures/README.md does not name {file}"
        );
        unused.retain(|pattern| !matches(pattern, name));
    }
    assert!(unused.is_empty(), "no such fixtures: {unused:?}");
}

/// Whether a pattern of the table names this file: `*` and words in capitals stand for anything
/// without a slash, `{a,b}` for one of several. The second name of a row may leave out its
/// directory.
fn matches(pattern: &str, name: &str) -> bool {
    if let Some((before, rest)) = pattern.split_once('{') {
        let (choices, after) = rest.split_once('}').unwrap();
        return choices.split(',').any(|choice| matches(&format!("{before}{choice}{after}"), name));
    }
    let (pattern, name): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), name.split('/').collect());
    let alone = pattern.len() == 1 && pattern[0].starts_with("CASE");
    let name = if alone { &name[name.len() - 1..] } else { &name[..] };
    let word = |pattern: &str, name: &str| {
        let pattern = pattern.replace("RELEASE", "*").replace("CASE", "*");
        match pattern.split_once('*') {
            Some((start, end)) => {
                name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
            }
            None => pattern == name,
        }
    };
    pattern.len() == name.len() && pattern.iter().zip(name).all(|(pattern, name)| word(pattern, name))
}

#[test]
fn nothing_is_about_one_machine() {
    let home = std::env::var("HOME").unwrap();
    // In two parts, or this file would name them.
    let mut places =
        vec![env!("CARGO_MANIFEST_DIR").to_owned(), ["/ro", "ot/"].concat(), ["/Us", "ers/"].concat()];
    places.extend((home.len() > 1).then(|| format!("{home}/")));
    for file in files("") {
        // What is no text has no paths that anybody reads.
        let text = String::from_utf8(fs::read(repository().join(&file)).unwrap()).unwrap_or_default();
        let named: Vec<_> = places.iter().filter(|place| text.contains(place.as_str())).collect();
        assert!(named.is_empty(), "{file} names {named:?}");
    }
    let locks = ["Cargo.lock", "fuzz/Cargo.lock"].map(read).join("\n");
    for line in locks.lines().filter(|line| line.starts_with("source = ")) {
        assert_eq!(line, "source = \"registry+https://github.com/rust-lang/crates.io-index\"");
    }
    // Settings of cargo itself would be somebody's own.
    assert_eq!(files(".cargo"), [".cargo/mutants-verify.toml", ".cargo/mutants.toml"]);
}

#[test]
fn every_mutant_that_survives_has_a_reason() {
    for file in files(".cargo") {
        survivors_have_reasons(&read(&file));
    }
}

fn survivors_have_reasons(settings: &str) {
    let (_, list) = settings.split_once("\nexclude_re = [\n").unwrap();
    let (list, rest) = list.split_once("]\n").unwrap();
    assert_eq!(rest, "", "the list is the last");
    let mut has_reason = false;
    for line in list.lines() {
        if let Some(mutant) = line.strip_prefix("  '") {
            assert!(has_reason, "why does it survive: {line}");
            let file = mutant.split(':').next().unwrap().replace('\\', "");
            assert!(repository().join(file).is_file(), "no such file: {line}");
        }
        has_reason = line.starts_with("  # ");
        assert!(has_reason || line.starts_with("  '"), "neither a reason nor a mutant: {line}");
    }
}

#[test]
fn what_is_fuzzed_is_what_is_built() {
    let packages = |lock: &str| -> Vec<String> {
        let text = read(lock);
        text.split("\n[[package]]\n").skip(1).map(|package| package.lines().take(2).collect()).collect()
    };
    let fuzzed = packages("fuzz/Cargo.lock");
    // A fuzzer does not build the tests of aicr.
    let is_only_for_tests = |package: &String| {
        ["similar", "tar", "filetime"].iter().any(|name| package.starts_with(&format!("name = \"{name}\"")))
    };
    let missing: Vec<_> = packages("Cargo.lock")
        .into_iter()
        .filter(|package| !fuzzed.contains(package) && !is_only_for_tests(package))
        .collect();
    assert!(missing.is_empty(), "fuzz/Cargo.lock has no {missing:?}; CONTRIBUTING.md says how to renew it");
}

#[test]
fn the_changelog_has_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(read("CHANGELOG.md").contains(&format!("\n## [{version}]")), "{version}");
    assert!(read("CHANGELOG.md").contains("\n## [Unreleased]\n"));
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let manifest = read("Cargo.toml");
    let (_, rest) = manifest.split_once("\n[dependencies]\n").unwrap();
    let table = rest.split("\n[").next().unwrap();
    let elsewhere = read("ARCHITECTURE.md");
    let mut has_reason = false;
    for line in table.lines().filter(|line| !line.is_empty()) {
        let name = line.split(' ').next().unwrap();
        assert!(
            line.starts_with('#') || has_reason || elsewhere.contains(&format!("`{name}`")),
            "what is {name} for?"
        );
        has_reason = line.starts_with('#');
    }
}

#[test]
fn every_script_has_a_usage_line() {
    let scripts = files("scripts").into_iter().chain(files(".ci")).filter(|file| !is_a(file, "txt"));
    for file in scripts {
        let text = read(&file);
        let name = file.rsplit('/').next().unwrap();
        let usage =
            text.lines().find_map(|line| line.strip_prefix("# Usage: ")).unwrap_or_else(|| panic!("{file}"));
        assert!(usage.starts_with(&file) || usage.contains(name), "{file}: {usage}");
        assert!(text.starts_with("#!/usr/bin/env bash\n"), "{file}");
    }
}

#[test]
fn where_things_are_decided() {
    let text = read("ARCHITECTURE.md");
    let (_, rest) = text.split_once("\n## Where is it decided that …\n").unwrap();
    let rows: Vec<&str> = rest
        .split("\n## ")
        .next()
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_suffix("` |")?.rsplit_once("| `").map(|(_, file)| file))
        .collect();
    assert_eq!(rows.len(), 46);
    for file in rows {
        assert!(repository().join(file).is_file(), "no such file: {file}");
    }
}
