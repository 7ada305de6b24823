//! Finds names that collide on other file systems: FAT, exFAT, NTFS and APFS ignore case, or treat
//! a letter with an accent and a letter followed by a combining accent as the same. Pure.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher as _;

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;

/// Two paths that cannot both exist.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Collision<'a> {
    /// The path of a file, or of one of its directories; the first of the two in the order of the files.
    pub(crate) first: &'a str,
    /// The index of that file.
    pub(crate) first_file: usize,
    /// The other path. It equals the first if both are the same file, or a file and a directory.
    pub(crate) second: &'a str,
    /// The index of the other file.
    pub(crate) second_file: usize,
}

/// The form in which the names of one directory are compared: canonical caseless matching (Unicode 3.13,
/// D145), without dots and spaces at the end, which FAT and Windows remove.
pub(crate) fn fold(name: &str) -> Cow<'_, str> {
    let name = name.trim_end_matches(['.', ' ']);
    if !name.is_ascii() {
        return Cow::Owned(name.chars().nfd().default_case_fold().nfd().collect());
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(name.to_ascii_lowercase());
    }
    Cow::Borrowed(name)
}

/// The first collision among `count` paths, which `path` returns sorted by their bytes. With `folding`,
/// names collide if they fold to the same form. Without it, only paths collide that no file system can
/// have: the same file twice, or a file and a directory with one name.
///
/// Two paths collide exactly when the siblings at the first component in which they differ collide.
/// Therefore only the names in the directories of the current path are kept. They are kept as hashes,
/// because a million mixed-case names in one directory then take 53 bytes each; a map from the folded
/// names themselves took 147.
pub(crate) fn find<'a>(
    count: usize,
    path: impl Fn(usize) -> &'a str,
    folding: bool,
) -> Option<Collision<'a>> {
    let form = |name: &'a str| if folding { fold(name) } else { Cow::Borrowed(name) };
    let random = RandomState::new();
    // For the top level and each directory of the last path: the hashes of the names in it, and the file
    // that has each name in its path.
    let mut levels: Vec<HashMap<u64, u32>> = vec![HashMap::new()];
    let mut last = "";
    for file in 0..count {
        let this = path(file);
        let index = u32::try_from(file).unwrap_or(u32::MAX);
        let shared = shared_directories(last, this);
        levels.truncate(shared + 1);
        let start = this.split_inclusive('/').take(shared).map(str::len).sum::<usize>();
        let mut components = this[start..].split('/');
        let component = components.next().unwrap_or_default();
        let mut hash = random.hash_one(form(component));
        loop {
            match levels[shared].entry(hash) {
                Entry::Vacant(free) => {
                    free.insert(index);
                    break;
                }
                Entry::Occupied(taken) => {
                    let first_file = *taken.get() as usize;
                    let other = path(first_file);
                    let first = &other[..start + component_at(other, start).len()];
                    if form(&first[start..]) == form(component) {
                        let second = &this[..start + component.len()];
                        return Some(Collision { first, first_file, second, second_file: file });
                    }
                    // Another name has this hash, so this one is stored under the next number.
                    hash = hash.wrapping_add(1);
                }
            }
        }
        // The other components are the first names in new directories.
        levels.extend(components.map(|component| HashMap::from([(random.hash_one(form(component)), index)])));
        last = this;
    }
    None
}

/// The component of `path` that begins at `start`.
fn component_at(path: &str, start: usize) -> &str {
    path[start..].split('/').next().unwrap_or_default()
}

/// How many directories two paths have in common, from the top level on.
fn shared_directories(one: &str, other: &str) -> usize {
    let common = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other);
    common.filter(|(byte, _)| *byte == b'/').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(paths: &[&str], folding: bool) -> Option<(String, String)> {
        let mut sorted = paths.to_vec();
        sorted.sort_unstable();
        find(sorted.len(), |place| sorted[place], folding).map(|found| {
            assert!(sorted[found.first_file].starts_with(found.first));
            assert!(sorted[found.second_file].starts_with(found.second));
            (found.first.to_owned(), found.second.to_owned())
        })
    }

    fn check(paths: &[&str], first: &str, second: &str) {
        assert_eq!(found(paths, true), Some((first.to_owned(), second.to_owned())), "{paths:?}");
    }

    #[test]
    fn files_and_directories_that_collide_on_other_file_systems() {
        check(&["README", "readme"], "README", "readme");
        check(&["Docs/a", "docs/b"], "Docs", "docs");
        check(&["x/y/A/1", "x/y/a"], "x/y/A", "x/y/a");
        check(&["stra\u{df}e", "STRASSE"], "STRASSE", "stra\u{df}e");
        check(&["caf\u{e9}", "cafe\u{301}"], "cafe\u{301}", "caf\u{e9}");
        check(&["\u{212a}elvin", "kelvin"], "kelvin", "\u{212a}elvin");
        check(&["a", "a-b", "a.c/x", "A.C"], "A.C", "a.c");
        check(&["notes", "notes. ."], "notes", "notes. .");
    }

    #[test]
    fn one_path_for_two_files_collides_without_folding_too() {
        for folding in [false, true] {
            let clash = |name: &str| Some((name.to_owned(), name.to_owned()));
            assert_eq!(found(&["a", "a"], folding), clash("a"));
            assert_eq!(found(&["x", "x-a", "x.b", "x/y"], folding), clash("x"));
            assert_eq!(found(&["d/x", "d/x/y", "d/w"], folding), clash("d/x"));
        }
    }

    #[test]
    fn names_in_different_directories_do_not_collide() {
        for paths in
            [&["a/x", "b/X"][..], &["a/b/c", "a/c/b", "c/a"], &["A-b/x", "a_b/x"], &["i", "\u{131}"], &[]]
        {
            assert_eq!(found(paths, true), None, "{paths:?}");
        }
        assert_eq!(found(&["README", "readme"], false), None);
    }

    #[test]
    fn the_result_is_that_of_comparing_every_prefix() {
        let mut seed = 7_u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(seed >> 33).unwrap() % below
        };
        let words = ["a", "A", "b", "e\u{301}", "\u{e9}", "ss", "\u{df}", "a-b"];
        for _ in 0..3000 {
            let mut paths: Vec<String> = (0..=random(4))
                .map(|_| (0..=random(2)).map(|_| words[random(8)]).collect::<Vec<_>>().join("/"))
                .collect();
            paths.sort_unstable();
            paths.dedup();
            let mut known: HashMap<String, (&str, bool)> = HashMap::new();
            let mut expected = false;
            for path in &paths {
                for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
                    let this = (&path[..end], end == path.len());
                    let first = known.entry(fold(this.0).into_owned()).or_insert(this);
                    expected |= *first != this;
                }
            }
            assert_eq!(find(paths.len(), |place| &paths[place], true).is_some(), expected, "{paths:?}");
        }
    }
}
