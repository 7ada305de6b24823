//! Says why something is not a bundle, not signed, or not what was signed, and what probably happened to
//! it: an archive that was not unpacked, names or line ends that were changed on the way, a signature that
//! another tool has put in another place. Nothing is accepted because of it.

use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};

use crate::digest::{HashingWriter, Sha256Digest};
use crate::error::{Failure, Result};
use crate::printable::{quoted, quoted_path, show};
use crate::recipes::unpack;
use crate::small_file::{self, Links};
use crate::tree::archive_input::is_archive;
use crate::tree::rooted_dir::RootedDir;
use crate::tree::{ATTESTATION, MANIFEST, SIGNATURE, misplaced};

/// The hint when the signature cannot be trusted.
pub(crate) const CHECKSUMS_ONLY: &str =
    "--checksums-only compares the files with the manifest; it proves nothing about who made it";

/// How the names of archives end that `tar -xf` unpacks.
const TAR_ENDS: [&str; 9] =
    [".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.zst", ".tzst", ".tar.bz2", ".tbz2"];

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Opens the BUNDLEs of a command line. One that is not a directory is exit 2.
pub(crate) fn open(paths: &[Utf8PathBuf]) -> Result<Vec<RootedDir>> {
    paths.iter().map(|path| open_one(path)).collect()
}

/// Opens one of them.
pub(crate) fn open_one(path: &Utf8Path) -> Result<RootedDir> {
    RootedDir::open(path)
        .map_err(|failure| if path.is_file() { failure.hint(of_file(path)) } else { failure })
}

/// The refusal of a file, by a command that reads archives of aicr too.
pub(crate) fn not_an_archive(path: &Utf8Path) -> Failure {
    let shown = show(path.as_str());
    let Some(program) = decompressor(&small_file::head(path, 6)) else {
        return Failure::usage(format!("{shown} is neither a directory nor an archive of aicr"))
            .hint(of_file(path));
    };
    Failure::usage(format!("{shown} is compressed, and aicr does not decompress")).hint(format!(
        "if `aicr pack` wrote it: `{program} -dc {} | aicr verify -` with the same flags; else {}",
        quoted_path(path),
        of_file(path)
    ))
}

/// The program that decompresses a file that begins like this.
fn decompressor(head: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 3] =
        [(b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"\xfd7zXZ\0", "xz")];
    MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, program)| *program)
}

/// The hint about a file that is given instead of a directory.
fn of_file(path: &Utf8Path) -> String {
    let name = path.file_name().unwrap_or_default();
    let parent = |path: &Utf8Path| match path.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent.to_owned(),
        _ => Utf8PathBuf::from("."),
    };
    let directory = parent(path);
    if name == MANIFEST {
        return format!("give its directory: {}", quoted_path(&directory));
    }
    if path.ends_with(SIGNATURE) {
        return format!("give the directory of the bundle: {}", quoted_path(&parent(&directory)));
    }
    let lower = name.to_ascii_lowercase();
    let stem =
        |end: &str| lower.strip_suffix(end).filter(|stem| !stem.is_empty()).map(|stem| &name[..stem.len()]);
    if let Some(stem) = TAR_ENDS.iter().find_map(|end| stem(end)) {
        let is_ours =
            small_file::open(path, Links::Follow).is_ok_and(|file| is_archive(&file).unwrap_or(false));
        let command = unpack::command_into(stem, path);
        return if is_ours {
            format!("it is the archive of a bundle; unpack it, and give the directory: `{command}`")
        } else {
            format!("unpack it: `{command}`, and give the directory that has {MANIFEST}")
        };
    }
    if let Some(stem) = stem(".zip") {
        let (into, path) = (quoted_path(Utf8Path::new(stem)), quoted_path(path));
        return format!("unpack it: `unzip -d {into} {path}`, and give the directory that has {MANIFEST}");
    }
    format!("give the directory that has {MANIFEST}")
}

/// The rejection of a directory without a manifest; `hint` is for one that has nothing like it either.
pub(crate) fn without_manifest(bundle: &RootedDir, hint: impl FnOnce() -> String) -> Failure {
    let top = bundle.show(b"");
    match misplaced::manifest(bundle) {
        Some(name) => Failure::rejected(format!("{top} is not a bundle: it has {}, not {MANIFEST}", show(name)))
            .hint("the medium or the transfer changed the names: copy the bundle again, as a tar file or on a medium that keeps them"),
        None => Failure::rejected(format!("{top} is not a bundle: it has no {MANIFEST}")).hint(hint()),
    }
}

/// The hint to `verify` for a directory without a manifest, and without anything like it.
pub(crate) fn elsewhere(directory: &RootedDir) -> String {
    match misplaced::foreign_manifest(directory) {
        Some(name) => foreign(&name),
        None => "give the directory that holds it".to_owned(),
    }
}

/// The hint about a checksum file with this name, which has a signature next to it.
fn foreign(name: &str) -> String {
    format!("to verify a release that aicr did not build, add --manifest {}", quoted(name))
}

/// The rejection of a bundle without a signature, by `verify`.
pub(crate) fn without_signature(bundle: &RootedDir) -> Failure {
    unsigned(bundle, CHECKSUMS_ONLY)
}

/// The rejection of a bundle without a signature; `hint` is for one that has nothing like it either.
pub(crate) fn unsigned(bundle: &RootedDir, hint: &str) -> Failure {
    let top = bundle.show(b"");
    let Some(found) = misplaced::signature(bundle) else {
        return Failure::rejected(format!("{top} is unsigned: it has no {SIGNATURE}")).hint(hint);
    };
    let failure =
        Failure::rejected(format!("{top} has no {SIGNATURE}, where aicr looks, but {}", show(&found)));
    if misplaced::is_next_to(&found, MANIFEST) {
        return failure.hint(foreign(MANIFEST));
    }
    let may_be_ours = [".sigstore.json", ".sigstore", ".bundle"]
        .iter()
        .any(|end| found.trim_end_matches(";1").to_ascii_lowercase().ends_with(end));
    if !may_be_ours {
        return failure.hint("aicr reads only Sigstore bundles, as `cosign sign-blob --bundle` writes them");
    }
    let at = |path: &str| quoted_path(&bundle.path().join(path));
    let (found, wanted) = (at(&found), at(SIGNATURE));
    failure.hint(format!(
        "if it is cosign's signature over {MANIFEST}, move it: `mkdir -p {} && mv {found} {wanted}`",
        at(ATTESTATION)
    ))
}

/// The rejection of a manifest with this name and digest, under a signature over `signed`.
pub(crate) fn changed_manifest(
    top: &str,
    name: &str,
    text: &[u8],
    digest: Sha256Digest,
    signed: Sha256Digest,
) -> Failure {
    let (cause, hint) = match damage(text, signed) {
        Some((cause, hint)) => (format!(": {cause}"), Some(hint)),
        None => (String::new(), None),
    };
    let failure = Failure::rejected(format!(
        "{top}: {name} was changed after it was signed{cause} (SHA-256 {digest}, signed was {signed})"
    ));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// What has happened to the text with the digest `signed`, and a hint, if it can be found out.
fn damage(text: &[u8], signed: Sha256Digest) -> Option<(&'static str, &'static str)> {
    let (has_mark, rest) = text.strip_prefix(BYTE_ORDER_MARK).map_or((false, text), |rest| (true, rest));
    let has_returns = rest.ends_with(b"\r\n");
    if !has_mark && !has_returns {
        return None;
    }
    if without_returns(rest).ok()? != signed {
        return None;
    }
    Some(if has_returns {
        (
            "its line ends are CRLF now",
            "a transfer or a checkout in text mode does that: copy the bundle again in binary mode, or as a tar file",
        )
    } else {
        ("it begins with a byte order mark now", "an editor has saved it: copy the bundle again")
    })
}

/// The digest of a text, with LF where it has CRLF.
fn without_returns(text: &[u8]) -> io::Result<Sha256Digest> {
    let mut writer = HashingWriter::new(io::sink());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line {
            [line @ .., b'\r', b'\n'] => {
                writer.write_all(line)?;
                writer.write_all(b"\n")?;
            }
            line => writer.write_all(line)?,
        }
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_instead_of_a_bundle_has_a_hint() {
        const UNPACK: &str = "and give the directory that has checksums.txt";
        for (path, expected) in [
            ("checksums.txt", "give its directory: .".to_owned()),
            ("a b/checksums.txt", "give its directory: 'a b'".to_owned()),
            ("/checksums.txt", "give its directory: /".to_owned()),
            ("B/attestation/checksums.txt.sigstore.json", "give the directory of the bundle: B".to_owned()),
            ("attestation/checksums.txt.sigstore.json", "give the directory of the bundle: .".to_owned()),
            ("in/r-1.4.tar", format!("unpack it: `mkdir r-1.4 && tar -C r-1.4 -xf in/r-1.4.tar`, {UNPACK}")),
            ("r.TAR.GZ", format!("unpack it: `mkdir r && tar -C r -xf r.TAR.GZ`, {UNPACK}")),
            ("r.tgz", format!("unpack it: `mkdir r && tar -C r -xf r.tgz`, {UNPACK}")),
            ("my r.zip", format!("unpack it: `unzip -d 'my r' 'my r.zip'`, {UNPACK}")),
            (".tar", "give the directory that has checksums.txt".to_owned()),
            ("app", "give the directory that has checksums.txt".to_owned()),
        ] {
            assert_eq!(of_file(Utf8Path::new(path)), expected);
        }
    }

    #[test]
    fn damage_is_named_only_if_it_is_the_only_change() {
        let signed = Sha256Digest::of(b"one\ntwo\n");
        for (text, expected) in [
            (&b"one\r\ntwo\r\n"[..], Some("its line ends are CRLF now")),
            (b"one\ntwo\r\n", Some("its line ends are CRLF now")),
            (b"\xef\xbb\xbfone\r\ntwo\r\n", Some("its line ends are CRLF now")),
            (b"\xef\xbb\xbfone\ntwo\n", Some("it begins with a byte order mark now")),
            (b"One\r\ntwo\r\n", None),
            (b"one\ntwo", None),
            (b"", None),
        ] {
            assert_eq!(damage(text, signed).map(|(cause, _)| cause), expected, "{text:?}");
        }
    }
}
