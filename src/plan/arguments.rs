//! What only the raw arguments show, before clap has read them.

use std::ffi::{OsStr, OsString};

use crate::error::Failure;

/// The refusal of `--tlog-upload false` with a blank instead of `=`, if that stands in `arguments`.
///
/// The bare flag means `true`, so clap would upload and take `false` for an input; a directory of
/// that name would make this look right. Arguments after `--` are never flags.
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
            Failure::usage(format!("--tlog-upload {value}: a blank stands where `=` belongs"))
                .hint(format!("write --tlog-upload={means}; an input of the name `{value}` is `./{value}`"))
        })
    })
}

/// The refusal of a global flag that stands both before and after the command, where clap lets the
/// second one win in silence. A value never begins with `--`, so that every such word is a flag.
pub(crate) fn refuse_global_flag_given_twice<I, T>(arguments: I) -> Option<Failure>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString>,
{
    let flags: Vec<String> = arguments
        .into_iter()
        .map(|argument| argument.into().to_string_lossy().into_owned())
        .take_while(|argument| argument != "--")
        .collect();
    GLOBAL.into_iter().find_map(|(long, short, value)| {
        let is_it = |word: &&String| {
            word.split('=').next() == Some(long) || short.is_some_and(|short| *word == short)
        };
        (flags.iter().filter(is_it).count() > 1).then(|| {
            Failure::usage(format!("the argument '{long}{value}' cannot be used multiple times"))
                .hint(format!("leave out one {long}"))
        })
    })
}

/// The flags that every command has: long, short, and the value as the help shows it.
const GLOBAL: [(&str, Option<&str>, &str); 8] = [
    ("--cosign", None, " <PATH>"),
    ("--cosign-sha256", None, " <HEX>"),
    ("--timeout", None, " <TIME>"),
    ("--jobs", None, " <N>"),
    ("--format", None, " <FORMAT>"),
    ("--quiet", Some("-q"), ""),
    ("--verbose", Some("-v"), ""),
    ("--color", None, " <WHEN>"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_is_refused_even_if_the_word_could_be_an_input() {
        for (arguments, message, hint) in [
            (
                &["aicr", "bundle", "dist", "--tlog-upload", "false", "-o", "out"][..],
                "--tlog-upload false: a blank stands where `=` belongs",
                "write --tlog-upload=false; an input of the name `false` is `./false`",
            ),
            (
                &["aicr", "bundle-sign", "--tlog-upload", "TRUE"][..],
                "--tlog-upload TRUE: a blank stands where `=` belongs",
                "write --tlog-upload=true; an input of the name `TRUE` is `./TRUE`",
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
    fn a_global_flag_stands_once() {
        for (arguments, message) in [
            (&["aicr", "-q", "verify", "B", "--quiet"][..], "'--quiet'"),
            (&["aicr", "--format=json", "doctor", "--format", "json"][..], "'--format <FORMAT>'"),
        ] {
            let failure = refuse_global_flag_given_twice(arguments).expect("a refusal");
            assert_eq!(failure.message(), format!("the argument {message} cannot be used multiple times"));
        }
        for arguments in [
            &["aicr", "--cosign=a", "doctor", "--cosign-sha256=b"][..],
            &["aicr", "-q", "verify", "--", "-q"][..],
            &["aicr", "-q", "verify", "-v"][..],
        ] {
            assert!(refuse_global_flag_given_twice(arguments).is_none(), "{arguments:?}");
        }
    }

    /// The table holds every flag that clap calls global.
    #[test]
    fn the_table_of_global_flags_is_whole() {
        use clap::CommandFactory as _;
        let command = crate::cli::Cli::command();
        let globals: Vec<_> = command
            .get_arguments()
            .filter(|argument| argument.is_global_set())
            .map(|argument| {
                let value = argument.get_value_names().filter(|_| argument.get_action().takes_values());
                (
                    format!("--{}", argument.get_long().unwrap_or_default()),
                    argument.get_short().map(|letter| format!("-{letter}")),
                    value.map(|names| format!(" <{}>", names[0])).unwrap_or_default(),
                )
            })
            .collect();
        let table = GLOBAL
            .map(|(long, short, value)| (long.to_owned(), short.map(ToOwned::to_owned), value.to_owned()));
        assert_eq!(globals, table);
    }
}
