//! What has to hold for every input of the parsers, however odd: a property a target. `make fuzz`
//! holds them against what libFuzzer makes up, `cargo test` against the inputs in `fuzz/corpus`.
//!
//! They are a module of the crate, since what they look at is private to it, and of no other build
//! than these two. Where a property is that two readers agree, the other reader is in here, too.

mod address;
mod archive;
mod certificate;
mod collision;
mod diagnosis;
mod foreign_manifest;
mod identity_token;
mod json;
mod key_ref;
mod log_entry;
mod manifest;
mod masking;
mod name;
mod printable;
mod public_key;
mod receipt;
mod regexp;
mod release;
mod sample;
mod sha256sum;
mod signature;
mod signature_form;
mod signing_config;
mod timestamp;
mod trusted_root;
mod version;

use crate::printable::is_hidden;

/// A property: returns if it holds for an input.
type Property = fn(&[u8]);

/// The targets, by the name of their binary and their corpus.
const TARGETS: [(&str, Property); 23] = [
    ("address", address::holds),
    ("archive", archive::holds),
    ("certificate", certificate::holds),
    ("collision", collision::holds),
    ("diagnosis", diagnosis::holds),
    ("foreign_manifest", foreign_manifest::holds),
    ("identity_token", identity_token::holds),
    ("key_ref", key_ref::holds),
    ("log_entry", log_entry::holds),
    ("manifest", manifest::holds),
    ("masking", masking::holds),
    ("name", name::holds),
    ("printable", printable::holds),
    ("public_key", public_key::holds),
    ("receipt", receipt::holds),
    ("regexp", regexp::holds),
    ("release", release::holds),
    ("signature", signature::holds),
    ("signature_form", signature_form::holds),
    ("signing_config", signing_config::holds),
    ("timestamp", timestamp::holds),
    ("trusted_root", trusted_root::holds),
    ("version", version::holds),
];

/// Holds the property of `target` against `input`.
///
/// # Panics
///
/// If it does not hold, or if there is no such target.
pub fn check(target: &str, input: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let Some((_, property)) = found else { panic!("no target {target}") };
    property(input);
}

/// A text that a person is shown is one line, and says what it says.
#[track_caller]
fn is_one_plain_line(text: &str) {
    assert!(!text.is_empty() && !text.contains(is_hidden), "{text:?}");
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// What is in a directory below `fuzz`, sorted.
    fn list(directory: &str) -> Vec<PathBuf> {
        let directory = format!("{}/fuzz/{directory}", env!("CARGO_MANIFEST_DIR"));
        let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    #[test]
    fn the_properties_hold_for_every_input_of_the_corpora() {
        for (target, property) in TARGETS {
            let inputs = list(&format!("corpus/{target}"));
            assert!(!inputs.is_empty(), "{target}");
            for path in inputs {
                let input = fs::read(&path).unwrap();
                assert!(std::panic::catch_unwind(|| property(&input)).is_ok(), "{}", path.display());
            }
        }
    }

    #[test]
    fn every_target_has_a_binary_and_a_corpus() {
        let names = TARGETS.map(|(name, _)| name);
        for directory in ["src/bin", "corpus"] {
            let found = list(directory);
            let found: Vec<_> =
                found.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
            assert_eq!(found, names, "{directory}");
        }
        for name in names {
            let binary = format!("{}/fuzz/src/bin/{name}.rs", env!("CARGO_MANIFEST_DIR"));
            assert!(fs::read_to_string(&binary).unwrap().contains(&format!("check(\"{name}\", input)")));
        }
    }
}
