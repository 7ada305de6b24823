//! README.md against the program: its example is run, its tables of flags and exit codes are those
//! of the program, its recipes and links are there. (That the recipes work, `matrix` shows.)

use std::collections::BTreeMap;
use std::fs;

use crate::sandbox::{Sandbox, repository};

fn document(name: &str) -> String {
    fs::read_to_string(repository().join(name)).unwrap()
}

/// What `aicr` prints to stdout, and nothing on stderr.
fn printed(words: &str) -> String {
    let run = Sandbox::new().aicr(words).whatever_it_prints().succeeds();
    String::from_utf8(run.stdout).unwrap()
}

/// The part of the README below this heading.
fn section(heading: &str) -> String {
    let readme = document("README.md");
    let (_, rest) = readme.split_once(&format!("\n## {heading}\n")).expect(heading);
    rest.split("\n## ").next().unwrap().to_owned()
}

/// The cells of the rows of the tables in a text.
fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .filter(|line| !line.starts_with("---"))
        .map(|line| line.split(" | ").map(|cell| cell.replace("\\|", "|")).collect())
        .collect()
}

/// The blocks between `marker`, a fence and the next fence.
fn blocks<'a>(text: &'a str, marker: &str) -> Vec<&'a str> {
    text.split(marker)
        .skip(1)
        .map(|rest| rest.trim_start_matches('\n').split_once('\n').unwrap().1.split("```").next().unwrap())
        .collect()
}

/// Every command of the example, one after the other on one stage, and all that it prints.
#[test]
fn the_example_is_what_happens() {
    let sandbox = Sandbox::new();
    let section = section("The job, step by step");
    let blocks = blocks(&section, "<!-- example -->");
    assert_eq!(blocks.len(), section.matches("```console").count());
    for step in blocks.iter().flat_map(|block| block.split("$ ").skip(1)) {
        let (command, output) = step.split_once('\n').unwrap();
        let path = format!(
            "{}:{}:/usr/bin:/bin",
            repository().join(env!("CARGO_BIN_EXE_aicr")).parent().unwrap().display(),
            sandbox.path("bin").display()
        );
        let run = sandbox.program_run(["sh", "-c", &format!("{{ {command}\n}} 2>&1")]).env("PATH", &path);
        run.stdout(output).succeeds();
    }
}

#[test]
fn the_exit_codes_are_those_of_the_manual() {
    let page = printed("man");
    let (_, status) = page.split_once(".SH EXIT STATUS\n").unwrap();
    let manual: Vec<Vec<String>> = status
        .split(".TP\n")
        .skip(1)
        .map(|entry| {
            let (code, meaning) = entry.trim_end().split_once('\n').unwrap();
            vec![code.to_owned(), meaning.replace("\\-", "-").replace("\\(aq", "'")]
        })
        .collect();
    assert_eq!(rows(&section("Exit codes"))[1..], manual);
}

/// Flag as typed and meaning, of one command's help.
fn help(command: &str) -> BTreeMap<String, String> {
    let help = printed(&format!("{command} --help"));
    let mut flags: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    for line in help.lines().skip_while(|line| !line.ends_with("ptions:")) {
        let words = line.trim();
        let (flag, meaning) =
            if words.starts_with('-') { words.split_once("  ").unwrap_or((words, "")) } else { ("", words) };
        if !flag.is_empty() {
            flag.clone_into(&mut last);
        }
        if line.starts_with(' ') {
            let text = flags.entry(last.clone()).or_default();
            text.push_str(if text.is_empty() { "" } else { " " });
            text.push_str(meaning.trim());
        }
    }
    let standard = |flag: &String| flag.ends_with("--help") || flag.ends_with("--version");
    flags.into_iter().filter(|(flag, _)| !standard(flag)).collect()
}

#[test]
fn the_flags_are_those_of_the_help() {
    let text = section("Flags");
    let tables: Vec<BTreeMap<String, String>> = text
        .split("| flag | |")
        .skip(1)
        .map(|table| {
            // `flag` in code, a star for a repeatable one, the meaning with its variable and default.
            let row = |row: Vec<String>| (row[0].replace('`', ""), row[1].clone());
            rows(table).into_iter().map(row).collect()
        })
        .collect();
    let [every, bundle, signing, doctor, verify] = &tables[..] else { panic!("{} tables", tables.len()) };
    let as_in_readme = |command: &str| -> BTreeMap<String, String> {
        help(command)
            .into_iter()
            .map(|(flag, meaning)| {
                let star = if meaning.contains(" (repeatable)") { " *" } else { "" };
                let meaning = meaning
                    .replace(" (repeatable)", "")
                    .replace("[env: ", "(")
                    .replace("] [default: ", "; default: ")
                    .replace("[default: ", "(default: ")
                    .replace(']', ")");
                (format!("{}{star}", flag.replace(['<', '>'], "")), meaning)
            })
            .collect()
    };
    let together = |parts: &[&BTreeMap<String, String>]| -> BTreeMap<String, String> {
        parts.iter().flat_map(|part| (*part).clone()).collect()
    };
    let run: BTreeMap<String, String> = bundle
        .iter()
        .filter(|(flag, _)| ["--dry-run", "--force"].contains(&&***flag))
        .map(|(a, b)| (a.clone(), b.clone()))
        .collect();
    assert_eq!(as_in_readme(""), *every);
    assert_eq!(as_in_readme("bundle"), together(&[every, bundle, signing]));
    assert_eq!(as_in_readme("bundle-sign"), together(&[every, &run, signing]));
    assert_eq!(as_in_readme("doctor"), together(&[every, signing, doctor]));
    assert_eq!(as_in_readme("verify"), together(&[every, verify]));
}

#[test]
fn the_recipes_are_there() {
    let text = section("Verify without aicr");
    let names: Vec<&str> =
        text.split("<!-- recipe: ").skip(1).map(|rest| rest.split_once(" -->\n```sh\n").unwrap().0).collect();
    assert_eq!(names, ["cosign-3", "cosign-2.4-to-3.0.3", "cosign-2.0-to-2.3", "openssl", "files"]);
    assert_eq!(text.matches("```sh\n").count(), names.len());
}

/// What people read.
const DOCUMENTS: [&str; 8] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/key-managers.md",
    "docs/performance.md",
    "docs/sigstore.md",
];

/// Whatever stands in code and begins with `aicr` uses flags and commands that exist.
#[test]
fn commands_in_the_documents_exist() {
    let known: String =
        ["", "bundle", "bundle-sign", "verify", "doctor"].map(|c| printed(&format!("{c} --help"))).concat();
    let mut seen = 0;
    for name in DOCUMENTS {
        let text = document(name);
        for line in text
            .split(['`', '\n'])
            .filter_map(|part| part.trim().trim_start_matches("$ ").strip_prefix("aicr "))
        {
            let command = line.split([';', '|', '>']).next().unwrap();
            for flag in command.split_whitespace().filter(|word| word.starts_with("--")) {
                let flag =
                    flag.split('=').next().unwrap().trim_end_matches(|c: char| !c.is_ascii_lowercase());
                assert!(known.contains(flag) || flag == "--version", "{name}: {flag} in aicr {line}");
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn links_lead_somewhere() {
    for name in DOCUMENTS {
        let text = document(name);
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if let Some(anchor) = link.strip_prefix('#') {
                let heading =
                    |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
                let is_it = |line: &str| line.starts_with('#') && heading(line) == anchor;
                assert!(text.lines().any(is_it), "{name}: {link}");
            } else if !link.starts_with("https://") {
                assert!(repository().join(name).with_file_name(link).exists(), "{name}: {link}");
            }
        }
    }
}
