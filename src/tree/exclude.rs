//! `--exclude`: patterns in the syntax of `.gitignore`, relative to each input.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::slice;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::error::{Failure, Result};
use crate::printable::{quoted, show};

/// The patterns, and which of them have not matched anything yet.
pub(crate) struct Exclude {
    /// All patterns together: the last match decides, and `!` includes a file again.
    all: Gitignore,
    /// Each pattern without `!` that has not matched yet.
    unused: RefCell<Vec<(String, Gitignore)>>,
}

impl Exclude {
    /// Reads the patterns. A pattern that is invalid, or that never matches, is exit 2.
    pub(crate) fn new(patterns: &[String]) -> Result<Self> {
        let all = matcher(patterns)?;
        let alone = |pattern: &String| Ok((pattern.clone(), matcher(slice::from_ref(pattern))?));
        let unused = patterns.iter().filter(|pattern| !pattern.starts_with('!')).map(alone);
        Ok(Self { all, unused: RefCell::new(unused.collect::<Result<_>>()?) })
    }

    /// Whether an entry of an input is left out. The caller does not enter a directory that is.
    pub(crate) fn leaves_out(&self, path: &[u8], is_directory: bool) -> bool {
        let matches = |patterns: &Gitignore| {
            !patterns.is_empty() && patterns.matched(OsStr::from_bytes(path), is_directory).is_ignore()
        };
        self.unused.borrow_mut().retain(|(_, alone)| !matches(alone));
        matches(&self.all)
    }

    /// Names the patterns that matched nothing in any input. Most of them are paths that do not begin at
    /// an input.
    pub(crate) fn warning(&self) -> Option<String> {
        let unused = self.unused.borrow();
        let shown: Vec<String> =
            unused.iter().map(|(pattern, _)| format!("`{}`", show(pattern.as_bytes()))).collect();
        let shown = (!shown.is_empty()).then(|| shown.join(", "))?;
        Some(format!("--exclude matches nothing: {shown} (patterns are relative to each INPUT)"))
    }
}

fn matcher(patterns: &[String]) -> Result<Gitignore> {
    let refused = |pattern: &str, why: &str| {
        Failure::usage(format!("--exclude `{}` {why}", show(pattern.as_bytes())))
            .hint("use the syntax of .gitignore, for example `--exclude '*.tmp'` or `--exclude /build/`")
    };
    let mut builder = GitignoreBuilder::new("");
    // git accepts an unclosed bracket as a pattern that never matches; here it is an error.
    builder.allow_unclosed_class(false);
    for pattern in patterns {
        if pattern.trim().is_empty() || pattern.starts_with('#') {
            return Err(refused(pattern, "matches nothing"));
        }
        builder
            .add_line(None, pattern)
            .map_err(|error| refused(pattern, &format!("is not a valid pattern: {}", last_line(&error))))?;
    }
    builder.build().map_err(|error| Failure::usage(format!("--exclude: {}", last_line(&error))))
}

/// The reason in an error of the library, which is its last line.
fn last_line(error: &ignore::Error) -> String {
    show(error.to_string().lines().last().unwrap_or_default().as_bytes())
}

/// The flag that leaves out exactly this path of an input, quoted for a shell.
pub(crate) fn flag_for(path: &str) -> String {
    let mut pattern = String::from("/");
    for letter in path.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | ' ') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    format!("--exclude {}", quoted(&pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excludes(patterns: &[&str], path: &str, is_directory: bool) -> bool {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        Exclude::new(&patterns).unwrap().leaves_out(path.as_bytes(), is_directory)
    }

    #[test]
    fn patterns_have_the_meaning_that_they_have_in_gitignore() {
        for (patterns, path, is_directory, expected) in [
            (&["*.tmp"][..], "a/b/c.tmp", false, true),
            (&["*.tmp"], "a/b/c.tmpx", false, false),
            (&["build"], "x/build", true, true),
            (&["build/"], "x/build", true, true),
            (&["build/"], "x/build", false, false),
            (&["/build"], "x/build", true, false),
            (&["/build"], "build", false, true),
            (&["a/b"], "a/b", false, true),
            (&["a/b"], "x/a/b", false, false),
            (&["**/b"], "x/a/b", false, true),
            (&["*.log", "!keep.log"], "keep.log", false, false),
            (&["*.log", "!keep.log"], "other.log", false, true),
            (&["\\#x"], "#x", false, true),
            (&[], "a", false, false),
        ] {
            assert_eq!(excludes(patterns, path, is_directory), expected, "{patterns:?} {path}");
        }
    }

    #[test]
    fn patterns_that_match_nothing_are_named() {
        for (patterns, unused) in [
            (&["*.o"][..], ""),
            (&["sub/", "x"], ""),
            // A pattern is used even if another one includes the file again, or excludes it too.
            (&["a", "*", "!a"], ""),
            (&["!nowhere"], ""),
            (&["dist/a.o", "a.o", "./a.o"], "`dist/a.o`, `./a.o`"),
            (&["/sub/x", "x/"], "`/sub/x`, `x/`"),
            (&["a\u{7}"], "`a\\u{7}`"),
        ] {
            let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
            let exclude = Exclude::new(&patterns).unwrap();
            for (path, is_directory) in [("a", false), ("a.o", false), ("sub", true), ("y/x", false)] {
                exclude.leaves_out(path.as_bytes(), is_directory);
            }
            let expected = (!unused.is_empty()).then(|| {
                format!("--exclude matches nothing: {unused} (patterns are relative to each INPUT)")
            });
            assert_eq!(exclude.warning(), expected, "{patterns:?}");
        }
    }

    #[test]
    fn invalid_patterns_are_refused() {
        for (pattern, words) in [
            ("", "matches nothing"),
            (" ", "matches nothing"),
            ("# x", "matches nothing"),
            ("a[", "is not a valid pattern"),
        ] {
            let failure = Exclude::new(&[pattern.to_owned()]).err().unwrap();
            assert!(failure.message().contains(words), "{}", failure.message());
            assert_eq!(failure.class().code(), 2);
        }
    }

    #[test]
    fn the_flag_of_a_hint_matches_only_its_path() {
        for path in ["a", "a/b c", "a*", "[x]", "it's", "!x", "#x", "q?", "x{a,b}", "$HOME", "ü"] {
            let flag = flag_for(path);
            let words = shlex::split(&flag).unwrap();
            let [_, pattern] = &words[..] else { panic!("{flag}") };
            assert!(excludes(&[pattern], path, false), "{flag}");
            assert!(!excludes(&[pattern], &format!("x/{path}"), false), "{flag}");
        }
        assert_eq!(flag_for("a/b.txt"), "--exclude /a/b.txt");
        assert_eq!(flag_for("it's"), "--exclude \"/it's\"");
    }
}
