//! What the operating system says, in the house's words: lower case, without a number. The one place
//! that has them: whatever becomes the message of a failure goes through here.

use std::io;

use rustix::io::Errno;

/// How the standard library ends what it says for an error of the system.
const NUMBER: &str = " (os error ";

/// The words of one error.
pub(crate) fn reason(error: &io::Error) -> String {
    in_words(error.to_string())
}

/// Whether this process, or the system, has run out of something: that tells nothing about the file or
/// program that was asked for.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    let exhausted = [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE];
    Errno::from_io_error(error).is_some_and(|errno| exhausted.contains(&errno))
}

/// A text in which every error of the system, as the standard library shows it, is in those words.
pub(crate) fn in_words(text: String) -> String {
    let mut rest = text.as_str();
    let mut words = String::new();
    while let Some((before, after)) = rest.split_once(NUMBER)
        && let Some((number, after)) = after.split_once(')')
    {
        let shown = number.parse().ok().map(|number| io::Error::from_raw_os_error(number).to_string());
        let said = shown.as_deref().and_then(|shown| shown.split(NUMBER).next()).unwrap_or_default();
        let mut letters = said.chars();
        match (before.strip_suffix(said), letters.next()) {
            (Some(before), Some(first)) => {
                words.push_str(before);
                words.extend(first.to_lowercase().chain(letters));
            }
            // Not what the standard library says; somebody's file may be called so.
            _ => words.extend([before, NUMBER, number, ")"]),
        }
        rest = after;
    }
    if words.is_empty() { text } else { words + rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_system_is_a_lower_case_clause_without_a_number() {
        for (text, expected) in [
            ("", ""),
            ("a", "a"),
            ("Permission denied (os error 13)", "permission denied"),
            (
                "x: No such file or directory (os error 2) at path \"/y\"",
                "x: no such file or directory at path \"/y\"",
            ),
            (
                "Is a directory (os error 21), then Input/output error (os error 5)",
                "is a directory, then input/output error",
            ),
            ("my file (os error 2)", "my file (os error 2)"),
            (
                "my file (os error two) Permission denied (os error 13)",
                "my file (os error two) permission denied",
            ),
            ("x (os error 2", "x (os error 2"),
        ] {
            assert_eq!(in_words(text.to_owned()), expected);
        }
        assert_eq!(reason(&io::Error::from_raw_os_error(28)), "no space left on device");
        assert_eq!(reason(&io::Error::other("what it was")), "what it was");
    }
}
