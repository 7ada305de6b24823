//! What `sheet` is to do: flags -> [`SheetPlan`].

use camino::Utf8PathBuf;

use super::key_ref::KeyRef;
use super::value::{Source, not_empty};
use super::verify::refuse_too_many;
use crate::cli::{Format, SheetArgs};
use crate::error::{Failure, Result};
use crate::printable::{quoted, quoted_path};

/// What `sheet` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SheetPlan {
    /// The bundle as typed, not empty.
    pub(crate) bundle: Utf8PathBuf,
    /// The keys that signed it, at least one.
    pub(crate) keys: Vec<KeyOfSheet>,
    /// Where the sheet is written; `None` for stdout.
    pub(crate) output: Option<Utf8PathBuf>,
}

/// Where the public key is. A key manager is not asked: receivers need the key as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyOfSheet {
    /// In this file.
    File(Utf8PathBuf),
    /// It is piped in: `--key -`.
    StandardInput,
}

impl SheetPlan {
    /// The plan of `sheet`, whose result is printed in this format.
    pub(crate) fn new(args: SheetArgs, format: Format) -> Result<Self> {
        let SheetArgs { bundle, key: keys, output } = args;
        let bundle = not_empty(bundle, "BUNDLE")?;
        if bundle == "-" {
            return Err(Failure::usage("BUNDLE: sheet reads no bundle from standard input").hint(
                "write `./-` for a directory of that name; --key - reads the key from standard input",
            ));
        }
        if keys.is_empty() {
            return Err(Failure::usage("sheet needs the key that signed the bundle: --key FILE")
                .hint(format!("aicr sheet {} --key cosign.pub", quoted_path(&bundle))));
        }
        refuse_too_many(&keys)?;
        let keys = keys.iter().map(|key| KeyOfSheet::new(key)).collect::<Result<_>>()?;
        let output = output.map(|path| not_empty(path, "--output")).transpose()?;
        match &output {
            Some(path) if path == "-" => {
                return Err(Failure::usage("--output - is a file name")
                    .hint("leave out --output to print the sheet to stdout"));
            }
            None if format == Format::Json => {
                return Err(Failure::usage(
                    "--format json needs --output: stdout holds the result, not the sheet",
                )
                .hint("add --output FILE"));
            }
            Some(_) | None => {}
        }
        Ok(Self { bundle, keys, output })
    }
}

impl KeyOfSheet {
    /// The key that `--key` names.
    fn new(key: &str) -> Result<Self> {
        match KeyRef::parse(key).map_err(|error| error.at(Source::Flag("--key")))? {
            KeyRef::File(path) if path == "-" => Ok(Self::StandardInput),
            KeyRef::File(path) => Ok(Self::File(path)),
            other => {
                let typed = quoted(&other.to_string());
                Err(Failure::usage(format!(
                    "--key {other}: sheet needs the public key in a file, as the receivers do"
                ))
                .hint(format!("`cosign public-key --key={typed} --outfile=cosign.pub` writes it")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(key: &str, output: Option<&str>, format: Format) -> Result<SheetPlan, (String, Option<String>)> {
        let (bundle, key, output) = ("B".into(), Some(key.to_owned()), output.map(Into::into));
        SheetPlan::new(SheetArgs { bundle, key: key.into_iter().collect(), output }, format).map_err(
            |failure| {
                assert_eq!(failure.class().code(), 2);
                (failure.message().to_owned(), failure.way_out().map(ToOwned::to_owned))
            },
        )
    }

    #[test]
    fn the_key_is_a_file() {
        let planned = |key, output: Option<&str>| {
            Ok(SheetPlan { bundle: "B".into(), keys: vec![key], output: output.map(Into::into) })
        };
        for format in [Format::Text, Format::Json] {
            let found = plan("k.pub", Some("s.md"), format);
            assert_eq!(found, planned(KeyOfSheet::File("k.pub".into()), Some("s.md")));
        }
        assert_eq!(plan("-", None, Format::Text), planned(KeyOfSheet::StandardInput, None));
        assert_eq!(plan("./-", None, Format::Text), planned(KeyOfSheet::File("./-".into()), None));
    }

    #[test]
    fn a_reference_is_refused_with_the_command_that_writes_the_key() {
        for (key, hint) in [
            (
                "awskms:///alias/release",
                "`cosign public-key --key=awskms:///alias/release --outfile=cosign.pub` writes it",
            ),
            ("env://KEY", "`cosign public-key --key=env://KEY --outfile=cosign.pub` writes it"),
            ("foo://k?token=x", "`cosign public-key --key='foo://k?…' --outfile=cosign.pub` writes it"),
        ] {
            let (message, found) = plan(key, None, Format::Text).unwrap_err();
            assert!(
                message.ends_with(": sheet needs the public key in a file, as the receivers do"),
                "{message}"
            );
            assert_eq!(found.as_deref(), Some(hint));
        }
    }
}
