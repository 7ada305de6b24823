//! `--exclude`: patterns as a line of `.gitignore` would have them, relative to each input.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::slice;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::error::{Failure, Result};
use crate::printable::show;

/// The patterns, and those of them that have met nothing yet.
pub(crate) struct Exclude {
    /// All together: the last that matches decides, and `!` takes back.
    all: Gitignore,
    /// Those that leave something out, each alone, until one does.
    idle: RefCell<Vec<(String, Gitignore)>>,
}

impl Exclude {
    /// Reads the patterns. One that cannot be read, or says nothing, is exit 2.
    pub(crate) fn new(patterns: &[String]) -> Result<Self> {
        let all = matcher(patterns)?;
        let alone = |pattern: &String| Ok((pattern.clone(), matcher(slice::from_ref(pattern))?));
        let idle = patterns.iter().filter(|pattern| !pattern.starts_with('!')).map(alone);
        Ok(Self { all, idle: RefCell::new(idle.collect::<Result<_>>()?) })
    }

    /// Whether an entry below an input stays out. What is below a directory that does is not asked for.
    pub(crate) fn leaves_out(&self, path: &[u8], is_directory: bool) -> bool {
        let matches = |patterns: &Gitignore| {
            !patterns.is_empty() && patterns.matched(OsStr::from_bytes(path), is_directory).is_ignore()
        };
        self.idle.borrow_mut().retain(|(_, alone)| !matches(alone));
        matches(&self.all)
    }

    /// Says which patterns have left nothing out, once everything was asked for: a path from elsewhere, mostly.
    pub(crate) fn warning(&self) -> Option<String> {
        let idle = self.idle.borrow();
        let shown: Vec<String> =
            idle.iter().map(|(pattern, _)| format!("`{}`", show(pattern.as_bytes()))).collect();
        let shown = (!shown.is_empty()).then(|| shown.join(", "))?;
        Some(format!("--exclude leaves nothing out with {shown}: patterns are relative to each INPUT"))
    }
}

fn matcher(patterns: &[String]) -> Result<Gitignore> {
    let refused = |pattern: &str, why: &str| {
        Failure::usage(format!("--exclude `{}` {why}", show(pattern.as_bytes())))
            .hint("write it as a line of .gitignore: `--exclude '*.tmp'`, `--exclude /build/`")
    };
    let mut builder = GitignoreBuilder::new("");
    // git takes an open bracket for a pattern that never matches, which nobody can mean.
    builder.allow_unclosed_class(false);
    for pattern in patterns {
        if pattern.trim().is_empty() || pattern.starts_with('#') {
            return Err(refused(pattern, "matches nothing"));
        }
        builder
            .add_line(None, pattern)
            .map_err(|error| refused(pattern, &format!("is no pattern: {}", last_line(&error))))?;
    }
    builder.build().map_err(|error| Failure::usage(format!("--exclude: {}", last_line(&error))))
}

/// The reason in an error of the library, which may have lines.
fn last_line(error: &ignore::Error) -> String {
    show(error.to_string().lines().last().unwrap_or_default().as_bytes())
}

/// The flag that leaves out exactly this path below an input, quoted for a shell.
pub(crate) fn flag_for(path: &str) -> String {
    let mut pattern = String::from("/");
    for letter in path.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | ' ') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+,=@".contains(letter);
    if pattern.chars().all(plain) {
        return format!("--exclude {pattern}");
    }
    format!("--exclude '{}'", pattern.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excludes(patterns: &[&str], path: &str, is_directory: bool) -> bool {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        Exclude::new(&patterns).unwrap().leaves_out(path.as_bytes(), is_directory)
    }

    #[test]
    fn patterns_read_as_git_reads_them() {
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
    fn patterns_that_leave_nothing_out_are_named() {
        for (patterns, idle) in [
            (&["*.o"][..], ""),
            (&["sub/", "x"], ""),
            // That it is taken back, or that another leaves it out too, makes none idle.
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
            let expected = (!idle.is_empty()).then(|| {
                format!("--exclude leaves nothing out with {idle}: patterns are relative to each INPUT")
            });
            assert_eq!(exclude.warning(), expected, "{patterns:?}");
        }
    }

    #[test]
    fn patterns_that_say_nothing_are_refused() {
        for (pattern, words) in [
            ("", "matches nothing"),
            (" ", "matches nothing"),
            ("# x", "matches nothing"),
            ("a[", "is no pattern"),
        ] {
            let failure = Exclude::new(&[pattern.to_owned()]).err().unwrap();
            assert!(failure.message().contains(words), "{}", failure.message());
            assert_eq!(failure.class().code(), 2);
        }
    }

    #[test]
    fn the_flag_of_a_hint_matches_the_path_and_nothing_else() {
        for path in ["a", "a/b c", "a*", "[x]", "it's", "!x", "#x", "q?", "x{a,b}"] {
            let flag = flag_for(path);
            let typed = flag.strip_prefix("--exclude ").unwrap();
            let typed = typed.strip_prefix('\'').map_or(typed, |quoted| &quoted[..quoted.len() - 1]);
            let pattern = typed.replace("'\\''", "'");
            assert!(excludes(&[&pattern], path, false), "{flag}");
            assert!(!excludes(&[&pattern], &format!("x/{path}"), false), "{flag}");
        }
        assert_eq!(flag_for("a/b.txt"), "--exclude /a/b.txt");
        assert_eq!(flag_for("it's"), "--exclude '/it'\\''s'");
    }
}
