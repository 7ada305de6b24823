//! Checks that need the raw arguments, before clap has read them.

use std::ffi::{OsStr, OsString};

use camino::Utf8Path;
use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::error::Failure;

/// The refusal of `--tlog-upload false`, with a blank instead of `=`.
///
/// The bare flag means `true`, so clap would upload and read `false` as an input. If a directory
/// has that name, there would be no error. Arguments after `--` are never flags.
pub(crate) fn refuse_blank_after_tlog_upload<I, T>(arguments: I) -> Option<Failure>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString>,
{
    let flags: Vec<OsString> =
        arguments.into_iter().map(Into::into).take_while(|argument| argument != OsStr::new("--")).collect();
    flags.windows(2).find_map(|pair| {
        let value = pair[1].to_str()?;
        let means = value.to_ascii_lowercase();
        (pair[0] == "--tlog-upload" && (means == "true" || means == "false")).then(|| {
            Failure::usage(format!("--tlog-upload {value}: there is a blank instead of `=`"))
                .hint(format!("write --tlog-upload={means}; write `./{value}` for an input of that name"))
        })
    })
}

/// The refusal of a global flag that was typed both before and after the command, where clap
/// silently takes the second value. A value never begins with `--`, so every such word is a flag.
pub(crate) fn refuse_global_flag_given_twice<I, T>(arguments: I) -> Option<Failure>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString>,
{
    let words: Vec<String> = arguments
        .into_iter()
        .map(|argument| argument.into().to_string_lossy().into_owned())
        .take_while(|argument| argument != "--")
        .collect();
    let mut command = Cli::command();
    command.build();
    command.get_arguments().filter(|flag| flag.is_global_set()).find_map(|flag| {
        let long = format!("--{}", flag.get_long()?);
        let short = flag.get_short().map(|letter| format!("-{letter}"));
        let is_it = |word: &&String| {
            word.split('=').next() == Some(&long) || short.as_ref().is_some_and(|short| *word == short)
        };
        (words.iter().filter(is_it).count() > 1)
            .then(|| Failure::usage(format!("{long} is given twice")).hint(format!("leave out one {long}")))
    })
}

/// The value of `--report` on a line that names it once, whatever else is wrong with the line.
pub(crate) fn report(arguments: &[OsString]) -> Option<&str> {
    let mut words = flags(arguments);
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        if word == "--report" {
            found.push(words.next().filter(|value| !value.starts_with("--"))?);
        } else if let Some(value) = word.strip_prefix("--report=") {
            found.push(value);
        }
    }
    (found.len() == 1).then(|| found[0])
}

/// Every path that a refused line may name, but for that of `--report`.
pub(crate) fn possible_paths(arguments: &[OsString]) -> Vec<&Utf8Path> {
    let mut words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let mut paths = Vec::new();
    while let Some(word) = words.next() {
        if word == "--report" {
            words.next();
        } else if !word.starts_with("--report=") {
            let value = word.split_once('=').map(|(_, value)| value);
            paths.extend([Some(word), value].into_iter().flatten().filter(|path| !path.is_empty()));
        }
    }
    paths.into_iter().map(Utf8Path::new).collect()
}

/// The words before `--`, among which flags are.
fn flags(arguments: &[OsString]) -> impl Iterator<Item = &str> {
    arguments.iter().take_while(|word| *word != "--").filter_map(|word| word.to_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_is_refused_even_if_the_word_could_be_an_input() {
        for (arguments, message, hint) in [
            (
                &["aicr", "bundle", "dist", "--tlog-upload", "false", "-o", "out"][..],
                "--tlog-upload false: there is a blank instead of `=`",
                "write --tlog-upload=false; write `./false` for an input of that name",
            ),
            (
                &["aicr", "bundle-sign", "--tlog-upload", "TRUE"][..],
                "--tlog-upload TRUE: there is a blank instead of `=`",
                "write --tlog-upload=true; write `./TRUE` for an input of that name",
            ),
        ] {
            let failure = refuse_blank_after_tlog_upload(arguments).expect("a refusal");
            assert_eq!(failure.class().code(), 2);
            assert_eq!((failure.message(), failure.way_out()), (message, Some(hint)));
        }
    }

    #[test]
    fn other_arguments_are_left_to_clap() {
        for arguments in [
            &["aicr", "bundle", "--tlog-upload=false", "dist"][..],
            &["aicr", "bundle", "--tlog-upload", "dist", "false"][..],
            &["aicr", "bundle", "--tlog-upload", "--", "false"][..],
            &["aicr", "bundle", "--", "--tlog-upload", "false"][..],
            &["aicr", "bundle", "dist", "--tlog-upload"][..],
            &["aicr", "bundle", "false", "--no-sign"][..],
        ] {
            assert!(refuse_blank_after_tlog_upload(arguments).is_none(), "{arguments:?}");
        }
    }

    #[test]
    fn the_report_of_a_line_that_may_be_wrong() {
        for (line, file, paths) in [
            ("aicr verify B --report r.json --frob", Some("r.json"), &["verify", "B", "--frob"][..]),
            ("aicr --report=r.json --key=k B", Some("r.json"), &["--key=k", "k", "B"]),
            ("aicr --report= B", Some(""), &["B"]),
            ("aicr verify B", None, &["verify", "B"]),
            ("aicr B --report", None, &["B"]),
            ("aicr B --report --quiet", None, &["B"]),
            ("aicr B --report=a --report b", None, &["B"]),
            ("aicr B -- --report a", None, &["B", "--"]),
        ] {
            let arguments: Vec<OsString> = line.split(' ').map(Into::into).collect();
            assert_eq!(report(&arguments), file, "{line}");
            assert_eq!(possible_paths(&arguments), paths, "{line}");
        }
    }

    #[test]
    fn a_global_flag_is_given_once() {
        for (arguments, message) in [
            (&["aicr", "-q", "verify", "B", "--quiet"][..], "--quiet"),
            (&["aicr", "--format=json", "doctor", "--format", "json"][..], "--format"),
            (&["aicr", "--jobs", "1", "doctor", "--jobs=1"][..], "--jobs"),
            (&["aicr", "-v", "doctor", "-v"][..], "--verbose"),
        ] {
            let failure = refuse_global_flag_given_twice(arguments).expect("a refusal");
            assert_eq!(failure.message(), format!("{message} is given twice"));
        }
        for arguments in [
            &["aicr", "--cosign=a", "doctor", "--cosign-sha256=b"][..],
            &["aicr", "-q", "verify", "--", "-q"][..],
            &["aicr", "-q", "verify", "-v"][..],
        ] {
            assert!(refuse_global_flag_given_twice(arguments).is_none(), "{arguments:?}");
        }
    }
}
