//! `--manifest`: which files of a release that aicr did not build are its manifest and its signature.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::cli::ForeignArgs;
use crate::error::{Failure, Result};
use crate::plan::value::not_empty;
use crate::printable::quoted;

/// The own files of a release that aicr did not build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForeignPlan {
    /// The name of its checksum file, in its top-level directory.
    pub(crate) manifest: String,
    /// Its signature, as typed; `None` for the one next to the manifest.
    pub(crate) signature: Option<Utf8PathBuf>,
    /// Whether listed files may be missing.
    pub(crate) allow_missing: bool,
}

impl ForeignPlan {
    /// The plan for releases in these directories; `None` for bundles of aicr.
    pub(super) fn new(args: ForeignArgs, directories: &[Utf8PathBuf]) -> Result<Option<Self>> {
        let ForeignArgs { manifest, signature, allow_missing } = args;
        let Some(manifest) = manifest else {
            let needs = |flag: &str, why: &str| {
                Err(Failure::usage(format!("{flag} needs --manifest: {why}"))
                    .hint("add --manifest NAME, the checksum file of a release that aicr did not build"))
            };
            if signature.is_some() {
                return needs("--signature", "a bundle has its signature in a fixed place");
            }
            if allow_missing {
                return needs("--allow-missing", "no file of a bundle may be missing");
            }
            return Ok(None);
        };
        if signature.is_some() && directories.len() > 1 {
            return Err(Failure::usage("--signature cannot be used with several directories")
                .hint("verify them one by one, or leave out --signature"));
        }
        let manifest = name(not_empty(manifest, "--manifest")?)?;
        let signature = signature.map(|path| not_empty(path, "--signature")).transpose()?;
        Ok(Some(Self { manifest, signature, allow_missing }))
    }
}

/// The value of `--manifest`: a name, without a directory.
fn name(typed: Utf8PathBuf) -> Result<String> {
    let mut components = typed.components();
    if let (Some(Utf8Component::Normal(name)), None) = (components.next(), components.next())
        && name == typed.as_str()
    {
        return Ok(typed.into_string());
    }
    let failure =
        Failure::usage(format!("--manifest {typed} is not the name of a file in the directory to verify"));
    Err(match (typed.file_name(), typed.parent().map(Utf8Path::as_str)) {
        (Some(name), Some("." | "")) => failure.hint(format!("write --manifest {}", quoted(name))),
        (Some(name), Some(_)) => {
            failure.hint(format!("give the directory that holds it, and --manifest {}", quoted(name)))
        }
        (None, _) | (_, None) => failure.hint("give the directory that holds it, and the name of the file"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(manifest: Option<&str>, signature: Option<&str>, allow_missing: bool) -> ForeignArgs {
        let [manifest, signature] = [manifest, signature].map(|path| path.map(Utf8PathBuf::from));
        ForeignArgs { manifest, signature, allow_missing }
    }

    const ONE: &[&str] = &["R"];
    const TWO: &[&str] = &["R", "S"];

    fn plan(args: ForeignArgs, directories: &[&str]) -> Result<Option<ForeignPlan>> {
        let directories: Vec<_> = directories.iter().map(Utf8PathBuf::from).collect();
        ForeignPlan::new(args, &directories)
    }

    #[test]
    fn the_plan_of_a_release() {
        let expected = |signature: Option<&str>, allow_missing| {
            let signature = signature.map(Utf8PathBuf::from);
            Some(ForeignPlan { manifest: "SUMS".into(), signature, allow_missing })
        };
        for (args, directories, expected) in [
            (args(None, None, false), TWO, None),
            (args(Some("SUMS"), None, false), TWO, expected(None, false)),
            (args(Some("SUMS"), Some("x/SUMS.sig"), true), ONE, expected(Some("x/SUMS.sig"), true)),
            (args(Some("SUMS"), None, true), ONE, expected(None, true)),
        ] {
            assert_eq!(plan(args, directories).unwrap(), expected);
        }
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        let elsewhere = "add --manifest NAME, the checksum file of a release that aicr did not build";
        let named = |typed| args(Some(typed), None, false);
        let is_not =
            |typed: &str| format!("--manifest {typed} is not the name of a file in the directory to verify");
        for (args, directories, message, hint) in [
            (
                args(None, Some("x.sig"), false),
                ONE,
                "--signature needs --manifest: a bundle has its signature in a fixed place".to_owned(),
                elsewhere,
            ),
            (
                args(None, None, true),
                ONE,
                "--allow-missing needs --manifest: no file of a bundle may be missing".into(),
                elsewhere,
            ),
            (
                args(Some("SUMS"), Some("x.sig"), false),
                TWO,
                "--signature cannot be used with several directories".into(),
                "verify them one by one, or leave out --signature",
            ),
            (
                args(Some("SUMS"), Some(""), false),
                ONE,
                "--signature: the path is empty".into(),
                "an unset variable in the command line is the usual cause",
            ),
            (
                named(""),
                ONE,
                "--manifest: the path is empty".into(),
                "an unset variable in the command line is the usual cause",
            ),
            (named("./SUMS"), ONE, is_not("./SUMS"), "write --manifest SUMS"),
            (named("SUMS/"), ONE, is_not("SUMS/"), "write --manifest SUMS"),
            (
                named("R/my SUMS"),
                ONE,
                is_not("R/my SUMS"),
                "give the directory that holds it, and --manifest 'my SUMS'",
            ),
            (named("/SUMS"), ONE, is_not("/SUMS"), "give the directory that holds it, and --manifest SUMS"),
            (named(".."), ONE, is_not(".."), "give the directory that holds it, and the name of the file"),
            (named("/"), ONE, is_not("/"), "give the directory that holds it, and the name of the file"),
        ] {
            let failure = plan(args, directories).unwrap_err();
            assert_eq!((failure.message(), failure.class().code()), (message.as_str(), 2));
            assert_eq!(failure.way_out(), Some(hint), "{message}");
        }
    }
}
