//! Volumes: the parts of an archive, by their names, and the file with a checksum for each. That file says which volume
//! to carry again. It proves nothing.

use std::fmt::Write as _;

use crate::digest::Sha256Digest;

/// The maximum number of volumes: their numbers have three digits.
pub(crate) const MAX_VOLUMES: u32 = 999;

/// The largest file of checksums that is read, in bytes.
pub(crate) const MAX_CHECKSUMS: u64 = 1 << 20;

/// The name of a volume, counted from one.
pub(crate) fn volume(archive: &str, number: u32) -> String {
    format!("{archive}.{number:03}")
}

/// The archive and the number of the volume with this name; `None` if it is not a volume.
pub(crate) fn parse(name: &str) -> Option<(&str, u32)> {
    let (archive, digits) = name.rsplit_once('.')?;
    let is_number = digits.len() == 3 && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number = digits.parse().ok().filter(|number| is_number && *number > 0)?;
    (!archive.is_empty()).then_some((archive, number))
}

/// The name of the file with the checksums.
pub(crate) fn checksums(archive: &str) -> String {
    format!("{archive}.sha256")
}

/// That file: a line for each volume, as `sha256sum --check` reads it.
pub(crate) fn render(archive: &str, digests: &[Sha256Digest]) -> String {
    (1..).zip(digests).fold(String::new(), |mut text, (number, digest)| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{digest}  {}", volume(archive, number));
        text
    })
}

/// Reads a file that [`render`] may have written for this archive.
pub(crate) fn read(archive: &str, text: &[u8]) -> Option<Vec<Sha256Digest>> {
    let lines = text.strip_suffix(b"\n")?.split(|byte| *byte == b'\n');
    let digest = |line: &[u8]| line.get(..64).and_then(Sha256Digest::parse);
    let digests: Vec<_> = lines.map(digest).take(MAX_VOLUMES as usize + 1).collect::<Option<_>>()?;
    let is_exact = digests.len() <= MAX_VOLUMES as usize && render(archive, &digests).as_bytes() == text;
    is_exact.then_some(digests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_volumes() {
        assert_eq!(volume("r.tar", 7), "r.tar.007");
        assert_eq!(checksums("r.tar"), "r.tar.sha256");
        for (name, expected) in [
            ("r.tar.001", Some(("r.tar", 1))),
            ("r.999", Some(("r", 999))),
            ("r.tar.000", None),
            ("r.tar.01", None),
            ("r.tar.0001", None),
            ("r.tar.+01", None),
            ("r.tar", None),
            (".001", None),
            ("001", None),
        ] {
            assert_eq!(parse(name), expected, "{name}");
        }
    }

    #[test]
    fn only_the_checksums_of_this_archive_are_read() {
        let digests = [b"1", b"2"].map(|content| Sha256Digest::of(content));
        let text = render("r.tar", &digests);
        assert_eq!(text, format!("{}  r.tar.001\n{}  r.tar.002\n", digests[0], digests[1]));
        assert_eq!(read("r.tar", text.as_bytes()), Some(digests.to_vec()));
        for wrong in [
            String::new(),
            "\n".to_owned(),
            text.trim_end().to_owned(),
            text.replace("r.tar", "s.tar"),
            text.replace("002", "003"),
            text.replace("  ", " *"),
            text.replace('\n', "\r\n"),
            text.to_uppercase(),
            format!("{text}\n"),
            render("r.tar", &vec![digests[0]; 1000]),
        ] {
            assert_eq!(read("r.tar", wrong.as_bytes()), None, "{wrong}");
        }
        let most = vec![digests[0]; 999];
        assert_eq!(read("r.tar", render("r.tar", &most).as_bytes()), Some(most));
    }
}
