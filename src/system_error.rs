//! The text of errors of the operating system in messages: lower case, without "(os error N)". Every
//! message gets it from [`reason`]; `Failure` does so for the causes of an `anyhow::Error`.

use std::error::Error;
use std::io;

use rustix::io::Errno;

/// Errors for which C libraries have different words, in the words of most systems: a program has the same messages
/// whether it is static or not.
const WORDS: [(Errno, &str); 17] = [
    (Errno::IO, "input/output error"),
    (Errno::CHILD, "no child processes"),
    (Errno::NOMEM, "cannot allocate memory"),
    (Errno::BUSY, "device or resource busy"),
    (Errno::XDEV, "invalid cross-device link"),
    (Errno::MFILE, "too many open files"),
    (Errno::NOTTY, "inappropriate ioctl for device"),
    (Errno::SPIPE, "illegal seek"),
    (Errno::NAMETOOLONG, "file name too long"),
    (Errno::LOOP, "too many levels of symbolic links"),
    (Errno::DQUOT, "disk quota exceeded"),
    (Errno::STALE, "stale file handle"),
    (Errno::OPNOTSUPP, "operation not supported"),
    (Errno::TIMEDOUT, "connection timed out"),
    (Errno::HOSTUNREACH, "no route to host"),
    (Errno::NETUNREACH, "network is unreachable"),
    (Errno::OVERFLOW, "value too large for defined data type"),
];

/// How the standard library ends the text of an operating-system error.
const NUMBER: &str = " (os error ";

/// The text of one error.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    // An error of `tempfile` has no `raw_os_error`, and a path after the number.
    let Some((before, number, after)) = split_at_number(&text) else { return text };
    let standard = io::Error::from_raw_os_error(number).to_string();
    if split_at_number(&standard).is_none_or(|(words, ..)| words != before) {
        return text;
    }
    if let Some((_, words)) = WORDS.iter().find(|(errno, _)| errno.raw_os_error() == number) {
        return format!("{words}{after}");
    }
    let mut letters = before.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(letters).chain(after.chars()).collect()
}

/// The number of an error of the operating system, for millions of them: all fit.
pub(crate) fn number(error: &io::Error) -> u8 {
    let io = Errno::IO.raw_os_error();
    error.raw_os_error().unwrap_or(io).try_into().unwrap_or(u8::MAX)
}

/// The text of the error with this number.
pub(crate) fn reason_of(number: u8) -> String {
    reason(&io::Error::from_raw_os_error(number.into()))
}

/// The text, the number, and the text after it.
fn split_at_number(text: &str) -> Option<(&str, i32, &str)> {
    let (before, rest) = text.split_once(NUMBER)?;
    let (number, after) = rest.split_once(')')?;
    Some((before, number.parse().ok()?, after))
}

/// The text of any error, for a chain of causes.
pub(crate) fn words(cause: &(dyn Error + 'static)) -> String {
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        reason(error)
    } else if let Some(errno) = cause.downcast_ref::<Errno>() {
        reason(&(*errno).into())
    } else {
        cause.to_string()
    }
}

/// Whether this process or the system has no descriptors or no memory left. Such an error says nothing
/// about the file or program.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    let exhausted = [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE];
    Errno::from_io_error(error).is_some_and(|errno| exhausted.contains(&errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_os_error_is_a_lower_case_clause_without_a_number() {
        for (error, expected) in [
            (io::Error::from_raw_os_error(28), "no space left on device"),
            (io::Error::from_raw_os_error(13), "permission denied"),
            (io::Error::other("Permission denied (os error 13)"), "permission denied"),
            (
                io::Error::other("No such file or directory (os error 2) at path \"/y\""),
                "no such file or directory at path \"/y\"",
            ),
            (io::Error::other("What it was"), "What it was"),
            (io::Error::other(""), ""),
            // A name may look like that, too.
            (io::Error::other("my file (os error 2)"), "my file (os error 2)"),
            (io::Error::other("my file (os error two)"), "my file (os error two)"),
            (io::Error::other("x (os error 2"), "x (os error 2"),
        ] {
            assert_eq!(reason(&error), expected);
        }
    }

    /// With glibc, the table says what the library says.
    #[test]
    #[cfg(target_env = "gnu")]
    fn the_words_do_not_depend_on_the_c_library() {
        for (errno, words) in WORDS {
            let text = io::Error::from(errno).to_string();
            let (library, ..) = split_at_number(&text).unwrap();
            assert_eq!(words, library.to_lowercase());
        }
    }

    #[test]
    fn a_number_stands_for_an_error() {
        for errno in [Errno::ACCESS, Errno::NAMETOOLONG, Errno::STALE, Errno::IO] {
            assert_eq!(reason_of(number(&errno.into())), reason(&errno.into()));
        }
        assert_eq!(reason_of(number(&io::Error::other("x"))), "input/output error");
    }

    #[test]
    fn every_cause_in_a_chain_is_in_those_words() {
        let chain = anyhow::Error::from(Errno::ACCESS).context("My file");
        assert_eq!(chain.chain().map(words).collect::<Vec<_>>(), ["My file", "permission denied"]);
        let chain = anyhow::Error::from(io::Error::from_raw_os_error(2)).context("x");
        assert_eq!(chain.chain().map(words).collect::<Vec<_>>(), ["x", "no such file or directory"]);
    }
}
