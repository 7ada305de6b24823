//! The keys to trust: the values of `--key`, `--key-sha256` and `--require`.

use super::KeyToTrust;
use crate::digest::Sha256Digest;
use crate::error::{Failure, Result};
use crate::plan::clear_text;
use crate::plan::key_ref::{KeyRef, Scheme};
use crate::plan::value::Source;
use crate::printable::show;
use crate::settings::Environment;

/// The maximum number of keys: as many as a bundle has signatures.
pub(crate) const MAX_KEYS: usize = 16;

/// The keys of `--key`.
pub(super) fn keys_to_trust(
    keys: &[String],
    allow_kms_plugin: bool,
    environment: &Environment,
) -> Result<Vec<KeyToTrust>> {
    refuse_too_many(keys)?;
    keys.iter().map(|key| key_to_trust(key, allow_kms_plugin, environment)).collect()
}

/// Refuses more keys than can have signed, and two that are piped in.
pub(crate) fn refuse_too_many(keys: &[String]) -> Result<()> {
    if keys.len() > MAX_KEYS {
        return Err(Failure::usage(format!(
            "--key is given {} times: a bundle has at most {MAX_KEYS} signatures",
            keys.len()
        ))
        .hint(format!("give at most {MAX_KEYS} keys")));
    }
    if keys.iter().filter(|key| *key == "-").count() > 1 {
        return Err(Failure::usage("--key - is given twice: standard input can be read only once")
            .hint("give the other key in a file"));
    }
    Ok(())
}

/// How many different keys must have signed, of this many that are given.
pub(super) fn required(typed: Option<&str>, given: usize) -> Result<usize> {
    let Some(typed) = typed else { return Ok(1) };
    let required = typed.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
        Failure::usage(format!("--require `{}` is not a number of keys", show(typed.as_bytes())))
            .hint("write a number from 1 to the number of --key flags")
    })?;
    if required > given {
        return Err(too_few_keys(required, given));
    }
    Ok(required)
}

/// The refusal of `--require` with fewer different keys.
pub(crate) fn too_few_keys(required: usize, given: usize) -> Failure {
    let keys = if given == 1 { "one key".to_owned() } else { format!("{given} different keys") };
    Failure::usage(format!("--require {required} needs {required} different keys, and --key gives {keys}"))
        .hint("add --key FILE for each key that may sign, or require fewer")
}

fn key_to_trust(key: &str, allow_kms_plugin: bool, environment: &Environment) -> Result<KeyToTrust> {
    let key = KeyRef::parse(key).map_err(|error| error.at(Source::Flag("--key")))?;
    if let Some(program) = key.plugin_program()
        && !allow_kms_plugin
    {
        return Err(Failure::usage(format!(
            "--key {key} needs --allow-kms-plugin: cosign would run the program {program}"
        ))
        .hint("add --allow-kms-plugin, or give the public key in a file"));
    }
    match key {
        KeyRef::File(path) if path == "-" => Ok(KeyToTrust::StandardInput),
        KeyRef::File(path) => Ok(KeyToTrust::File(path)),
        // Otherwise whoever sets variables decides whom to trust.
        key if key.scheme() == Scheme::Env => {
            Err(Failure::usage(format!("--key {key}: the key to trust cannot come from a variable"))
                .hint("give the public key in a file"))
        }
        key => match clear_text::variable(key.scheme(), environment) {
            None => Ok(KeyToTrust::Ref(key)),
            Some(name) => Err(Failure::usage(format!(
                "--key {key}: {name} is a plain http:// address, so others on the network can choose the key"
            ))
            .hint(format!("set {name} to an https:// address, or give the public key in a file"))),
        },
    }
}

/// The SHA-256 of a key as people write it: 64 digits in either case, with colons or without.
pub(super) fn fingerprint(text: &str) -> Result<Sha256Digest> {
    let digits: String = text.chars().filter(|letter| *letter != ':').collect();
    Sha256Digest::parse(digits.to_ascii_lowercase().as_bytes()).ok_or_else(|| {
        Failure::usage(format!(
            "--key-sha256 `{}` is not a SHA-256: it has 64 hexadecimal digits",
            show(text.as_bytes())
        ))
        .hint("`aicr verify` prints the fingerprint of the key")
    })
}

#[cfg(test)]
mod tests {
    use super::super::Trust;
    use super::super::tests::{refused, trust};
    use super::*;

    const IGNORE: &str = "--insecure-ignore-tlog";

    #[test]
    fn several_keys_and_how_many_must_have_signed() {
        let files =
            |names: &[&str]| names.iter().map(|name| KeyToTrust::File((*name).into())).collect::<Vec<_>>();
        for (line, keys, required) in [
            (&["--key=a", "--key=b", IGNORE][..], &["a", "b"][..], 1),
            (&["--key=a", "--key=b", IGNORE, "--require=1"], &["a", "b"], 1),
            (&["--key=b", "--key=a", IGNORE, "--require=2"], &["b", "a"], 2),
            // Whether they are different keys is known when they were read.
            (&["--key=a", "--key=a", IGNORE, "--require", "2"], &["a", "a"], 2),
            (&["--key=a", IGNORE, "--require=01"], &["a"], 1),
            (&["--key=k"; 16], &["k"; 16], 1),
        ] {
            let Trust::Keys { keys: found, required: found_required, .. } = trust(line) else {
                panic!("keys")
            };
            assert_eq!((found, found_required), (files(keys), required), "{line:?}");
        }
    }

    #[test]
    fn fingerprints_are_read_as_people_write_them() {
        let digits = "0123456789abcdef".repeat(4);
        let spaced: Vec<String> = digits
            .to_uppercase()
            .as_bytes()
            .chunks(2)
            .map(|two| format!("{}{}", two[0] as char, two[1] as char))
            .collect();
        let line = [
            "--key=k.pub".to_owned(),
            format!("--key-sha256={digits}"),
            format!("--key-sha256={}", spaced.join(":")),
        ];
        let Trust::Keys { fingerprints, .. } = trust(&line.each_ref().map(String::as_str)) else {
            panic!("a key")
        };
        let expected = Sha256Digest::parse(digits.as_bytes()).expect("digits");
        assert_eq!(fingerprints, [expected, expected]);
    }

    #[test]
    fn refusals() {
        for value in ["", "0", "-1", "two", "1.5"] {
            let message = format!("--require `{value}` is not a number of keys");
            let hint = "write a number from 1 to the number of --key flags";
            refused(&["--key=k", &format!("--require={value}")], &message, hint);
        }
        let more = "add --key FILE for each key that may sign, or require fewer";
        refused(
            &["--key=k", "--require=2"],
            "--require 2 needs 2 different keys, and --key gives one key",
            more,
        );
        refused(
            &["--key=k", "--key=l", "--require=3"],
            "--require 3 needs 3 different keys, and --key gives 2 different keys",
            more,
        );
        refused(
            &["--key=k"; 17],
            "--key is given 17 times: a bundle has at most 16 signatures",
            "give at most 16 keys",
        );
        refused(
            &["--key=-", "--key=k", "--key=-"],
            "--key - is given twice: standard input can be read only once",
            "give the other key in a file",
        );
    }
}
