//! Words that this repository does not use, because the field has better ones.

use std::fs;

use crate::sandbox::repository;
use crate::tidy::files;

/// Phrases that must not stand between other words, and what to write in their place. They are in two parts, or this
/// file would contain them.
const BANNED: [([&str; 2], &str); 18] = [
    (["to", "ld"], "recorded, passed on, printed"),
    (["no", "body"], "no service, not set"),
    (["No", "body"], "no service, not set"),
    (["be", "side"], "next to, besides, compared with"),
    (["cannot go", " with"], "cannot be used with"),
    (["an", "ew"], "again"),
    (["at", " hand"], "available"),
    (["vou", "ched"], "issued by"),
    (["vou", "ches"], "issued by"),
    (["mis", "read"], "invalid value"),
    (["Mis", "read"], "invalid value"),
    (["is", " said"], "is printed"),
    (["are", " said"], "are printed"),
    (["counts", " now"], "is currently valid"),
    (["is to", "ld to"], "is recorded with"),
    (["the", " contract"], "the page that says it"),
    (["is no", " bundle"], "is not a bundle"),
    (["str", "anger"], "other, unlisted"),
];

/// Whether `phrase` stands in `line` with no letter, digit or underscore around it.
fn has(line: &str, phrase: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(phrase)
        .any(|(at, _)| !line[..at].ends_with(is_word) && !line[at + phrase.len()..].starts_with(is_word))
}

#[test]
fn words_are_those_of_the_field() {
    let kinds = [".rs", ".md", ".toml", ".go", ".py", ".yml", ".json", "Makefile"];
    let is_text = |file: &String| {
        let is_script = file.starts_with("scripts/") || file.starts_with(".ci/");
        // Recordings hold the words of other programs.
        !file.starts_with("fixtures/") && (is_script || kinds.iter().any(|kind| file.ends_with(kind)))
    };
    let mut found = Vec::new();
    for file in files("").into_iter().filter(is_text) {
        let text = fs::read_to_string(repository().join(&file)).unwrap();
        for (number, line) in text.lines().enumerate() {
            for (phrase, better) in BANNED {
                let phrase = phrase.concat();
                if has(line, &phrase) {
                    found.push(format!("{file}:{}: \"{phrase}\": write {better}", number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{} places:\n{}", found.len(), found.join("\n"));
}
