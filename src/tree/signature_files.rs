//! The signature files of a bundle, by their names. The first one has a fixed name. A further one is named after
//! its key, so that two people who sign copies of a bundle never write the same file.

use std::io;
use std::ops::ControlFlow;

use rustix::io::Errno;

use super::rooted_dir::{DirectoryBuffer, RootedDir};
use super::{ATTESTATION, MAX_ENTRIES};
use crate::digest::Sha256Digest;

/// The maximum number of signatures of a bundle.
pub(crate) const MAX_SIGNATURES: usize = 16;

/// How the name of a further signature begins and ends.
const BEGIN: &str = "checksums.txt.";
const END: &str = ".sigstore.json";

/// How many digits of a key's SHA-256 are in the name.
const DIGITS: usize = 16;

/// The path of the further signature by this key.
pub(crate) fn further_signature(key: Sha256Digest) -> String {
    let digits = key.to_string();
    format!("{ATTESTATION}/{BEGIN}{}{END}", &digits[..DIGITS])
}

/// Whether this is the path of a further signature, by whatever key.
pub(crate) fn is_further_signature(path: &[u8]) -> bool {
    let name = path.strip_prefix(ATTESTATION.as_bytes()).and_then(|rest| rest.strip_prefix(b"/"));
    let digits = name
        .and_then(|name| name.strip_prefix(BEGIN.as_bytes()))
        .and_then(|rest| rest.strip_suffix(END.as_bytes()));
    let is_digit = |letter: &u8| matches!(letter, b'0'..=b'9' | b'a'..=b'f');
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.iter().all(is_digit))
}

/// The paths of the further signatures in a bundle, sorted.
pub(crate) fn further_signatures(bundle: &RootedDir) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut entries = 0;
    let listed = bundle.entries(ATTESTATION.as_bytes(), &mut DirectoryBuffer::new(), |_, name, _| {
        entries += 1;
        let path = [ATTESTATION.as_bytes(), b"/", name].concat();
        if is_further_signature(&path) {
            found.extend(String::from_utf8(path));
        }
        if entries > MAX_ENTRIES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match listed {
        // Whoever reads the first signature reports what else is there.
        Err(error)
            if matches!(Errno::from_io_error(&error), Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => {}
        listed => drop(listed?),
    }
    if entries > MAX_ENTRIES {
        return Err(io::Error::other(format!("it has more than {MAX_ENTRIES} entries")));
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;

    #[test]
    fn the_name_of_a_further_signature() {
        let path = further_signature(Sha256Digest::of(b""));
        assert_eq!(path, "attestation/checksums.txt.e3b0c44298fc1c14.sigstore.json");
        for (path, expected) in [
            (&path[..], true),
            ("attestation/checksums.txt.0123456789abcdef.sigstore.json", true),
            ("attestation/checksums.txt.sigstore.json", false),
            ("attestation/checksums.txt.0123456789ABCDEF.sigstore.json", false),
            ("attestation/checksums.txt.0123456789abcde.sigstore.json", false),
            ("attestation/checksums.txt.0123456789abcdef0.sigstore.json", false),
            ("attestation/checksums.txt.0123456789abcdeg.sigstore.json", false),
            ("attestation/checksums.txt.0123456789abcdef.sigstore", false),
            ("attestation/checksums.txt0123456789abcdef.sigstore.json", false),
            ("attestation/x/checksums.txt.0123456789abcdef.sigstore.json", false),
            ("checksums.txt.0123456789abcdef.sigstore.json", false),
        ] {
            assert_eq!(is_further_signature(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn further_signatures_are_found_in_the_order_of_their_names() {
        let top = tempfile::tempdir().unwrap();
        let bundle = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
        assert_eq!(further_signatures(&bundle).unwrap(), [""; 0]);
        std::fs::create_dir(top.path().join(ATTESTATION)).unwrap();
        let [one, two] = [b"1", b"2"].map(|key| further_signature(Sha256Digest::of(key)));
        for path in [&two, &one, "attestation/checksums.txt.sigstore.json", "attestation/x"] {
            std::fs::write(top.path().join(path), "").unwrap();
        }
        let mut expected = [one, two];
        expected.sort();
        assert_eq!(further_signatures(&bundle).unwrap(), expected);
    }
}
