//! What `pack` is to do: the bundle, the archive, and the size of its volumes.

use camino::Utf8PathBuf;

use super::value::{UNSET_VARIABLE, not_empty};
use crate::archive::volume;
use crate::cli::PackArgs;
use crate::error::{Failure, Result};
use crate::printable::{quoted_path, show};

/// The smallest volume, in bytes.
const MIN_VOLUME: u64 = 1_000_000;

/// What `pack` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PackPlan {
    /// The bundle as typed.
    pub(crate) bundle: Utf8PathBuf,
    /// The archive, or what the names of its volumes begin with.
    pub(crate) output: Utf8PathBuf,
    /// The size of a volume in bytes; `None` for one file.
    pub(crate) volume_size: Option<u64>,
    /// Replace the archive that is there.
    pub(crate) force: bool,
}

impl PackPlan {
    /// The plan of `pack`.
    pub(crate) fn new(args: PackArgs) -> Result<Self> {
        let PackArgs { bundle, output, volume_size, force } = args;
        let bundle = not_empty(bundle, "BUNDLE")?;
        if bundle == "-" {
            return Err(Failure::usage("BUNDLE: pack reads nothing from standard input")
                .hint("write `./-` for a directory of that name"));
        }
        let Some(output) = output else {
            return Err(
                Failure::usage("pack needs --output: the name of the archive").hint("add --output FILE.tar")
            );
        };
        let output = not_empty(output, "--output")?;
        if output == "-" {
            return Err(Failure::usage("--output -: pack writes to a file")
                .hint("write `./-` for a file of that name"));
        }
        if let Some((archive, _)) = output.file_name().and_then(volume::parse) {
            let name = quoted_path(&output.with_file_name(archive));
            return Err(Failure::usage(format!(
                "--output {} is the name of a volume",
                show(output.as_str())
            ))
            .hint(format!(
                "choose another name; --output {name} --volume-size 4GB makes volumes with such names"
            )));
        }
        let volume_size = volume_size.map(|text| size(&text)).transpose()?;
        Ok(Self { bundle, output, volume_size, force })
    }
}

/// The value of `--volume-size`: a number of bytes, or a number with a unit as `split` has them.
fn size(text: &str) -> Result<u64> {
    if text.is_empty() {
        return Err(Failure::usage("--volume-size: the value is empty").hint(UNSET_VARIABLE));
    }
    let shown = show(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let bytes =
        number.parse::<u64>().ok().zip(factor(unit)).and_then(|(number, factor)| number.checked_mul(factor));
    match bytes {
        None => Err(Failure::usage(format!("--volume-size {shown} is not a size"))
            .hint("write a number with a unit: 650MB, 4GB, or 4G for 4 GiB")),
        Some(bytes) if bytes < MIN_VOLUME => {
            Err(Failure::usage(format!("--volume-size {shown} is less than 1 MB"))
                .hint("write a number with a unit: 650MB, 4GB, or 4G for 4 GiB"))
        }
        Some(bytes) => Ok(bytes),
    }
}

/// How many bytes a unit has.
fn factor(unit: &str) -> Option<u64> {
    let letter = unit.chars().next();
    let power = match letter {
        None => 0,
        Some('K') => 1,
        Some('M') => 2,
        Some('G') => 3,
        Some('T') => 4,
        Some(_) => return None,
    };
    match unit.get(1..).unwrap_or_default() {
        "" | "iB" => Some(1024_u64.pow(power)),
        "B" => Some(1000_u64.pow(power)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(bundle: &str, output: Option<&str>, volume_size: Option<&str>) -> Result<PackPlan> {
        PackPlan::new(PackArgs {
            bundle: bundle.into(),
            output: output.map(Into::into),
            volume_size: volume_size.map(Into::into),
            force: false,
        })
    }

    #[test]
    fn sizes_of_volumes() {
        for (text, expected) in [
            ("1000000", 1_000_000),
            ("1MB", 1_000_000),
            ("1M", 1 << 20),
            ("1MiB", 1 << 20),
            ("1000KB", 1_000_000),
            ("4GB", 4_000_000_000),
            ("4G", 4 << 30),
            ("2T", 2 << 40),
        ] {
            let plan = plan("B", Some("r.tar"), Some(text)).unwrap();
            assert_eq!(plan.volume_size, Some(expected), "{text}");
        }
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        const SIZES: &str = "write a number with a unit: 650MB, 4GB, or 4G for 4 GiB";
        for (bundle, output, size, message, hint) in [
            ("", Some("r.tar"), None, "BUNDLE: the path is empty", UNSET_VARIABLE),
            (
                "-",
                Some("r.tar"),
                None,
                "BUNDLE: pack reads nothing from standard input",
                "write `./-` for a directory of that name",
            ),
            ("B", None, None, "pack needs --output: the name of the archive", "add --output FILE.tar"),
            ("B", Some(""), None, "--output: the path is empty", UNSET_VARIABLE),
            (
                "B",
                Some("-"),
                None,
                "--output -: pack writes to a file",
                "write `./-` for a file of that name",
            ),
            (
                "B",
                Some("x/r.tar.002"),
                None,
                "--output x/r.tar.002 is the name of a volume",
                "choose another name; --output x/r.tar --volume-size 4GB makes volumes with such names",
            ),
            ("B", Some("r.tar"), Some(""), "--volume-size: the value is empty", UNSET_VARIABLE),
            ("B", Some("r.tar"), Some("999999"), "--volume-size 999999 is less than 1 MB", SIZES),
            ("B", Some("r.tar"), Some("0"), "--volume-size 0 is less than 1 MB", SIZES),
            ("B", Some("r.tar"), Some("GB"), "--volume-size GB is not a size", SIZES),
            ("B", Some("r.tar"), Some("-1GB"), "--volume-size -1GB is not a size", SIZES),
            ("B", Some("r.tar"), Some("4gb"), "--volume-size 4gb is not a size", SIZES),
            ("B", Some("r.tar"), Some("4.7GB"), "--volume-size 4.7GB is not a size", SIZES),
            ("B", Some("r.tar"), Some("4éB"), "--volume-size 4éB is not a size", SIZES),
            ("B", Some("r.tar"), Some("99999999T"), "--volume-size 99999999T is not a size", SIZES),
        ] {
            let failure = plan(bundle, output, size).unwrap_err();
            assert_eq!((failure.message(), failure.class().code()), (message, 2));
            assert_eq!(failure.way_out(), Some(hint), "{message}");
        }
    }
}
