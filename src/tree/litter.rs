//! Recognizes the names of files that operating systems, file servers and aicr itself leave in directories.
//! They are unlisted like all others; only the hint about them differs. Pure.

use super::{ATTESTATION, INNER_STAGING};
use crate::printable::show;

/// Names of files and directories, in lower case: some systems write them in either.
const NAMES: [&str; 32] = [
    // macOS
    ".ds_store",
    ".localized",
    ".fseventsd",
    ".spotlight-v100",
    ".trashes",
    ".temporaryitems",
    ".documentrevisions-v100",
    ".volumeicon.icns",
    ".apdisk",
    ".appledouble",
    ".appledb",
    ".appledesktop",
    "network trash folder",
    "temporary items",
    "__macosx",
    // Windows
    "system volume information",
    "$recycle.bin",
    "recycler",
    "recycled",
    "desktop.ini",
    "thumbs.db",
    "ehthumbs.db",
    // Linux
    "lost+found",
    ".directory",
    // Plain ISO 9660
    "trans.tbl",
    "ymtrans.tbl",
    "00_trans.tbl",
    // Synology, QNAP, NetApp
    "@eadir",
    "#recycle",
    "@recycle",
    ".@__thumb",
    ".snapshot",
];

/// How other names begin, in lower case. A user ID follows, a file name (macOS), or a number (NFS, FUSE, SMB).
const PREFIXES: [&str; 5] = [".trash-", "._", ".nfs", ".fuse_hidden", ".smbdelete"];

/// How other names end, in lower case: an alternate data stream of Windows, on a file system without them.
const SUFFIX: &str = ":zone.identifier";

/// The hint about an unlisted file, if an operating system or aicr leaves files of this name.
pub(super) fn hint(path: &[u8]) -> Option<String> {
    if let Some(name) = path.split(|byte| *byte == b'/').find(|name| is_litter(name)) {
        return Some(format!(
            "operating systems leave `{}` behind: remove it, and keep the bundle in a directory of its own",
            show(name)
        ));
    }
    let staging = format!("{ATTESTATION}/{INNER_STAGING}");
    let is_staging =
        path.strip_prefix(staging.as_bytes()).is_some_and(|rest| matches!(rest, [] | [b'/', ..]));
    is_staging.then(|| {
        format!(
            "`{staging}` was left by an aicr run that is still active or was killed; run it again, or remove \
             the directory"
        )
    })
}

fn is_litter(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let begins = |prefix: &&str| name.len() > prefix.len() && name.starts_with(prefix.as_bytes());
    // What `fsck` of FAT has found: `FOUND.000`.
    let is_found = |rest: &[u8]| rest.len() == 3 && rest.iter().all(u8::is_ascii_digit);
    NAMES.iter().any(|litter| litter.as_bytes() == name)
        || PREFIXES.iter().any(begins)
        || name.ends_with(SUFFIX.as_bytes())
        || name.strip_prefix(b"found.").is_some_and(is_found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn litter_has_a_hint_at_any_depth() {
        for (path, named) in [
            ("System Volume Information/IndexerVolumeGuid", "System Volume Information"),
            (".Trash-1000/info/a", ".Trash-1000"),
            (".Trashes/501/a", ".Trashes"),
            (".fseventsd/x", ".fseventsd"),
            (".Spotlight-V100/x", ".Spotlight-V100"),
            (".DS_Store", ".DS_Store"),
            ("a/b/.DS_Store", ".DS_Store"),
            ("._a", "._a"),
            ("$RECYCLE.BIN/desktop.ini", "$RECYCLE.BIN"),
            ("sub/Desktop.ini", "Desktop.ini"),
            ("Thumbs.db", "Thumbs.db"),
            ("lost+found/#1", "lost+found"),
            ("app.exe:Zone.Identifier", "app.exe:Zone.Identifier"),
            ("x/.nfs000000000a1", ".nfs000000000a1"),
            ("@eaDir/a@SynoEAStream", "@eaDir"),
            ("__MACOSX/._a", "__MACOSX"),
            ("TRANS.TBL", "TRANS.TBL"),
            ("FOUND.000/FILE0000.CHK", "FOUND.000"),
            ("a/.fuse_hidden0001", ".fuse_hidden0001"),
        ] {
            let expected = format!(
                "operating systems leave `{named}` behind: remove it, and keep the bundle in a directory of its own"
            );
            assert_eq!(hint(path.as_bytes()), Some(expected));
        }
    }

    #[test]
    fn a_staging_directory_has_another_hint() {
        for path in ["attestation/.aicr-staging", "attestation/.aicr-staging/x"] {
            assert_eq!(
                hint(path.as_bytes()).as_deref(),
                Some(
                    "`attestation/.aicr-staging` was left by an aicr run that is still active or was killed; run it again, or remove the directory"
                )
            );
        }
    }

    #[test]
    fn other_files_have_no_hint() {
        for path in [
            "surprise.sh",
            "attestation/x",
            "attestation",
            "attestation/.aicr-staging2",
            "x/.aicr-staging",
            ".DS_Stores",
            ".Trash",
            "._",
            ".nfs",
            "found.txt",
            "found.0001",
            "my lost+found",
            "Zone.Identifier",
        ] {
            assert_eq!(hint(path.as_bytes()), None, "{path}");
        }
    }
}
