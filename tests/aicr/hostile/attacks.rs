//! The attacks of the corpus, and how it reads the output of `verify`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Output;

use super::{SIGNATURE, rename, sign_without_aicr};
use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256, SMALL_MANIFEST, Sandbox, fixture};
use crate::without_aicr::{key_hint, signature, sigstore_bundle};

pub(super) const ALPHA: &str = "b6a98d9ce9a2d9149288fa3df42d377c3e42737afdcdaf714e33c0a100b51060";
pub(super) const BETA: &str = "f2c82decdd7181cf98945929a62598db7e6b477e11f6e0eb0ae97020eff151ad";

/// The digest in the signature file, and the digest of an empty file.
pub(super) const DIGEST: &str = "Fi/QocsYZamClGWEYB1B1CFs7gYRR1HSLWr3HnBtoOg=";
pub(super) const EMPTY_DIGEST: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// Adds a file with any name.
pub(super) fn add<'a>(sandbox: &'a Sandbox, name: &[u8]) -> &'a Sandbox {
    fs::write(sandbox.path("B").join(OsStr::from_bytes(name)), "x").unwrap();
    sandbox
}

/// Removes `B/sub`.
pub(super) fn prune(sandbox: &Sandbox) -> &Sandbox {
    fs::remove_dir_all(sandbox.path("B/sub")).unwrap();
    sandbox
}

/// Writes a manifest of these lines, with a valid signature. An `A` at the beginning of a line stands for the
/// digest of `a`, and a `B` for the digest of `sub/b`.
pub(super) fn lists<'a>(sandbox: &'a Sandbox, lines: &[u8]) -> &'a Sandbox {
    let mut text = Vec::new();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let (digest, rest) = match line {
            [b'A', rest @ ..] => (ALPHA, rest),
            [b'B', rest @ ..] => (BETA, rest),
            rest => ("", rest),
        };
        text.extend_from_slice(digest.as_bytes());
        text.extend_from_slice(rest);
    }
    sign_without_aicr(sandbox, &text)
}

/// A line whose name repeats this piece.
pub(super) fn long(piece: &[u8], times: usize) -> Vec<u8> {
    [b"A  ", &*piece.repeat(times), b"\n"].concat()
}

/// Adds a file with the longest possible name, and lists it.
pub(super) fn longest(sandbox: &Sandbox) -> &Sandbox {
    let name = "n".repeat(255);
    prune(sandbox).file(&format!("B/{name}"), "alpha\n");
    lists(sandbox, format!("A  a\nA  {name}\n").as_bytes())
}

/// Moves an entry away, and creates a link to it in its place.
pub(super) fn linked<'a>(sandbox: &'a Sandbox, place: &str) -> &'a Sandbox {
    let aside = format!("aside/{place}");
    sandbox.directory(Path::new(&aside).parent().unwrap().to_str().unwrap());
    rename(sandbox, place, &aside).link(place, sandbox.path(&aside))
}

/// Creates a hard link to a file, outside the bundle.
pub(super) fn hard_link<'a>(sandbox: &'a Sandbox, name: &str) -> &'a Sandbox {
    sandbox.directory("aside");
    fs::hard_link(sandbox.path(name), sandbox.path("aside/too")).unwrap();
    sandbox
}

/// Creates a sparse file of this size.
pub(super) fn sparse<'a>(sandbox: &'a Sandbox, name: &str, size: u64) -> &'a Sandbox {
    File::create(sandbox.path(name)).unwrap().set_len(size).unwrap();
    sandbox
}

/// Replaces a text in the signature file.
pub(super) fn edit<'a>(sandbox: &'a Sandbox, from: &str, to: &str) -> &'a Sandbox {
    let text = sandbox.read(SIGNATURE);
    assert!(text.contains(from), "{from}");
    sandbox.file(SIGNATURE, text.replacen(from, to, 1))
}

/// Writes a signature file with this base64 signature and the hint of our key.
pub(super) fn signature_is<'a>(sandbox: &'a Sandbox, signature: &str) -> &'a Sandbox {
    sandbox.file(SIGNATURE, sigstore_bundle(signature, SMALL_MANIFEST))
}

/// Signs the manifest, or another text, with this key, and writes a signature file with the hint of our key
/// and the digest of the manifest.
pub(super) fn signed_by<'a>(sandbox: &'a Sandbox, key: &str, what: &str) -> &'a Sandbox {
    let made = signature(sandbox, key, if what == "manifest" { SMALL_MANIFEST } else { what });
    signature_is(sandbox, &made)
}

/// A signature of another key, with its own hint.
pub(super) fn signed_by_another_key(sandbox: &Sandbox) -> &Sandbox {
    let text = sigstore_bundle(&signature(sandbox, "other.key", SMALL_MANIFEST), SMALL_MANIFEST);
    sandbox.file(SIGNATURE, text.replace(&key_hint(KEY_SHA256), &key_hint(OTHER_KEY_SHA256)))
}

/// Our signature, with the hint of another key.
pub(super) fn renamed_signer(sandbox: &Sandbox) -> &Sandbox {
    edit(sandbox, &key_hint(KEY_SHA256), &key_hint(OTHER_KEY_SHA256))
}

/// Our signature over another text, with the digest of that text.
pub(super) fn over<'a>(sandbox: &'a Sandbox, other: &str) -> &'a Sandbox {
    sandbox.file(SIGNATURE, sigstore_bundle(&signature(sandbox, "cosign.key", other), other))
}

fn evidence(name: &str) -> serde_json::Value {
    serde_json::from_str(&fixture(&format!("evidence/{name}"))).unwrap()
}

/// The good signature, with the log entries and timestamps of another blob.
pub(super) fn borrowed<'a>(sandbox: &'a Sandbox, name: &str) -> &'a Sandbox {
    let mut bundle: serde_json::Value = serde_json::from_str(&sandbox.read(SIGNATURE)).unwrap();
    for field in ["tlogEntries", "timestampVerificationData"] {
        let borrowed = &evidence(name)["verificationMaterial"][field];
        if !borrowed.is_null() {
            bundle["verificationMaterial"][field] = borrowed.clone();
        }
    }
    sandbox.file(SIGNATURE, bundle.to_string())
}

/// The good signature, with a certificate instead of the hint.
pub(super) fn keyless(sandbox: &Sandbox) -> &Sandbox {
    let mut bundle: serde_json::Value = serde_json::from_str(&sandbox.read(SIGNATURE)).unwrap();
    bundle["verificationMaterial"] = evidence("keyless-rekor-v1.json")["verificationMaterial"].clone();
    sandbox.file(SIGNATURE, bundle.to_string())
}

/// Removes what an attack has moved away.
pub(super) fn clear(sandbox: &Sandbox) {
    let aside = sandbox.path("aside");
    if aside.is_dir() {
        fs::remove_dir_all(aside).unwrap();
    } else if aside.exists() {
        fs::remove_file(aside).unwrap();
    }
}

/// The findings, and the lines on stderr without the text of cosign, hints, and the number of findings.
pub(super) fn findings_and_messages(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let kinds = ["missing", "changed", "unlisted", "renamed", "not-regular", "unreadable", "bad-name"];
    let findings = stdout.lines().filter_map(|line| {
        let (kind, name) = line.strip_prefix("  ")?.split_at_checked(13)?;
        kinds.contains(&kind.trim_end()).then(|| format!("{} {name}", kind.trim_end()))
    });
    let messages = stderr.lines().filter(|line| {
        !line.starts_with("hint: ")
            && !line.starts_with("    ")
            && !line.contains(" is not what its manifest says: ")
    });
    let messages = messages.map(|line| {
        match line.strip_prefix("error: ").unwrap_or(line).split('`').collect::<Vec<_>>()[..] {
            // A long name.
            [before, name, after] if name.len() > 100 => format!("{before}`…`{after}"),
            ref parts => parts.join("`"),
        }
    });
    findings.chain(messages).collect::<Vec<_>>().join("; ")
}
