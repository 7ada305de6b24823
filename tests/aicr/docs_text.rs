//! The text of all pages: lines that fit, links that resolve, commands that exist.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::docs_generated::{commands, flags};
use crate::docs_readme::document;
use crate::sandbox::repository;

/// The longest line of prose, in characters.
const WIDTH: usize = 100;

/// Every page of the repository, by its path from the top.
pub(crate) fn pages() -> Vec<String> {
    fn list(directory: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let is_foreign = ["target", ".git", "vendor"].iter().any(|name| path.ends_with(name));
            if path.is_dir() && !is_foreign {
                list(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let path = path.strip_prefix(repository()).unwrap();
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    list(&repository(), &mut found);
    found.sort();
    assert!(found.len() > 10, "{found:?}");
    found
}

/// The lines of a page with their numbers, those of its prose and those of its blocks of code.
fn prose_and_code(text: &str) -> [Vec<(usize, &str)>; 2] {
    let mut in_code = false;
    let mut lines = [Vec::new(), Vec::new()];
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else {
            lines[usize::from(in_code)].push((number, line));
        }
    }
    lines
}

fn prose(text: &str) -> Vec<(usize, &str)> {
    let [prose, _] = prose_and_code(text);
    prose
}

/// Tables and lines with a URL cannot be broken.
#[test]
fn prose_fits_a_terminal() {
    let mut wide = Vec::new();
    for page in pages() {
        for (number, line) in prose(&document(&page)) {
            let whole = line.trim_start().starts_with('|') || line.contains("://");
            if !whole && line.chars().count() > WIDTH {
                wide.push(format!("{page}:{number}"));
            }
        }
    }
    assert!(wide.is_empty(), "longer than {WIDTH} characters: {wide:?}");
}

/// The anchors of a page, as GitHub makes them from its headings.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose(text).into_iter().filter(|(_, line)| line.starts_with('#'));
    let names = headings.map(|(_, line)| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let name = kept.collect::<String>().replace(' ', "-");
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}-{}", *count - 1) }
    });
    names.collect()
}

#[test]
fn links_lead_somewhere() {
    for page in pages() {
        let text = document(&page);
        for link in prose(&text).iter().flat_map(|(_, line)| line.split("](").skip(1)) {
            let link = link.split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').map_or((link, None), |(file, name)| (file, Some(name)));
            let target = repository().join(&page).with_file_name(file);
            let target = if file.is_empty() { repository().join(&page) } else { target };
            assert!(target.exists(), "{page}: {link}");
            if let Some(anchor) = anchor {
                let found = anchors(&fs::read_to_string(target).unwrap());
                assert!(found.iter().any(|name| name == anchor), "{page}: {link}: {found:?}");
            }
        }
    }
}

/// Code that begins with `aicr` uses commands and flags that exist.
#[test]
fn commands_in_the_pages_exist() {
    let commands = commands();
    let helps: BTreeMap<&str, String> = commands
        .iter()
        .map(|command| {
            let names = flags(command).into_iter().map(|(flag, _)| format!("{flag} "));
            (command.as_str(), names.collect::<String>().replace(['[', '=', ','], " "))
        })
        .collect();
    let mut seen = 0;
    for page in pages().into_iter().filter(|page| page != "CHANGELOG.md") {
        let text = document(&page).replace("\\\n", " ");
        let [prose, code] = prose_and_code(&text);
        let spans = prose.iter().flat_map(|(_, line)| line.split('`').skip(1).step_by(2));
        for line in spans.chain(code.iter().map(|(_, line)| *line)) {
            let Some(line) = line.trim().trim_start_matches("$ ").strip_prefix("aicr ") else { continue };
            let mut words = line.split([';', '|', '>']).next().unwrap().split_whitespace();
            let command = words.clone().find(|word| !word.starts_with('-')).unwrap_or_default();
            let Some(known) = helps.get(command) else {
                assert!(words.all(|word| word.starts_with('-') || word == "COMMAND"), "{page}: aicr {line}");
                continue;
            };
            for flag in words.filter(|word| word.starts_with("--")) {
                let flag = flag.split('=').next().unwrap();
                let flag = flag.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
                let is_known = known.split(' ').any(|name| name == flag) || flag == "--help";
                assert!(is_known, "{page}: {flag} in aicr {line}");
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn recipes_are_there() {
    let text = document("docs/verify-without-aicr.md");
    let names: Vec<&str> =
        text.split("<!-- recipe: ").skip(1).map(|rest| rest.split_once(" -->\n```").unwrap().0).collect();
    let all = ["cosign-3", "cosign-2.4-to-3.0.3", "cosign-2.0-to-2.3", "openssl", "files", "powershell"];
    assert_eq!(names, all);
    // Each block is made by the program, see `docs_generated`.
    assert_eq!(text.matches("\n```").count(), 2 * names.len());
}
