//! What the corpus does to a bundle, and how it reads what is said of that.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Output;

use super::{SIGNATURE, rename, sign_by_hand};
use crate::by_hand::{key_hint, signature, sigstore_bundle};
use crate::scene::{KEY_SHA256, SMALL_MANIFEST, STRANGER_SHA256, Scene, repository};

pub(super) const ALPHA: &str = "b6a98d9ce9a2d9149288fa3df42d377c3e42737afdcdaf714e33c0a100b51060";
pub(super) const BETA: &str = "f2c82decdd7181cf98945929a62598db7e6b477e11f6e0eb0ae97020eff151ad";

/// The digest in the signature file, and that of nothing.
pub(super) const DIGEST: &str = "Fi/QocsYZamClGWEYB1B1CFs7gYRR1HSLWr3HnBtoOg=";
pub(super) const EMPTY_DIGEST: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// A file, of any name.
pub(super) fn add<'a>(scene: &'a Scene, name: &[u8]) -> &'a Scene {
    fs::write(scene.path("B").join(OsStr::from_bytes(name)), "x").unwrap();
    scene
}

/// No `B/sub` any more.
pub(super) fn prune(scene: &Scene) -> &Scene {
    fs::remove_dir_all(scene.path("B/sub")).unwrap();
    scene
}

/// A manifest of these lines, validly signed, with digests in the place of the letters `A` and `B` at their
/// beginnings: that of `a` and that of `sub/b`.
pub(super) fn lists<'a>(scene: &'a Scene, lines: &[u8]) -> &'a Scene {
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
    sign_by_hand(scene, &text)
}

/// A line with a name of this repeated.
pub(super) fn long(piece: &[u8], times: usize) -> Vec<u8> {
    [b"A  ", &*piece.repeat(times), b"\n"].concat()
}

/// The longest name there is.
pub(super) fn longest(scene: &Scene) -> &Scene {
    let name = "n".repeat(255);
    prune(scene).file(&format!("B/{name}"), "alpha\n");
    lists(scene, format!("A  a\nA  {name}\n").as_bytes())
}

/// A link in the place of what is moved away.
pub(super) fn linked<'a>(scene: &'a Scene, place: &str) -> &'a Scene {
    let aside = format!("aside/{place}");
    scene.directory(Path::new(&aside).parent().unwrap().to_str().unwrap());
    rename(scene, place, &aside).link(place, scene.path(&aside))
}

/// Another name for a file, outside of the bundle.
pub(super) fn hard_link<'a>(scene: &'a Scene, name: &str) -> &'a Scene {
    scene.directory("aside");
    fs::hard_link(scene.path(name), scene.path("aside/too")).unwrap();
    scene
}

/// A file of this size with nothing in it.
pub(super) fn sparse<'a>(scene: &'a Scene, name: &str, size: u64) -> &'a Scene {
    File::create(scene.path(name)).unwrap().set_len(size).unwrap();
    scene
}

/// The signature file with one text replaced.
pub(super) fn edit<'a>(scene: &'a Scene, from: &str, to: &str) -> &'a Scene {
    let text = scene.read(SIGNATURE);
    assert!(text.contains(from), "{from}");
    scene.file(SIGNATURE, text.replacen(from, to, 1))
}

/// This signature, base64, in the name of our key.
pub(super) fn signature_is<'a>(scene: &'a Scene, signature: &str) -> &'a Scene {
    scene.file(SIGNATURE, sigstore_bundle(signature, SMALL_MANIFEST))
}

/// A signature by this key over the manifest or a blob, in the name of our key and the manifest's.
pub(super) fn signed_by<'a>(scene: &'a Scene, key: &str, what: &str) -> &'a Scene {
    let made = signature(scene, key, if what == "manifest" { SMALL_MANIFEST } else { what });
    signature_is(scene, &made)
}

/// A stranger's signature, which says so.
pub(super) fn strangers(scene: &Scene) -> &Scene {
    let text = sigstore_bundle(&signature(scene, "stranger.key", SMALL_MANIFEST), SMALL_MANIFEST);
    scene.file(SIGNATURE, text.replace(&key_hint(KEY_SHA256), &key_hint(STRANGER_SHA256)))
}

/// Our signature, which says that it is a stranger's.
pub(super) fn renamed_signer(scene: &Scene) -> &Scene {
    edit(scene, &key_hint(KEY_SHA256), &key_hint(STRANGER_SHA256))
}

/// Our signature over another manifest, which says so.
pub(super) fn over<'a>(scene: &'a Scene, other: &str) -> &'a Scene {
    scene.file(SIGNATURE, sigstore_bundle(&signature(scene, "cosign.key", other), other))
}

fn evidence(name: &str) -> serde_json::Value {
    let path = repository().join("fixtures/evidence").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The good signature with log entries and timestamps that were made for another blob.
pub(super) fn borrowed<'a>(scene: &'a Scene, name: &str) -> &'a Scene {
    let mut bundle: serde_json::Value = serde_json::from_str(&scene.read(SIGNATURE)).unwrap();
    for field in ["tlogEntries", "timestampVerificationData"] {
        let borrowed = &evidence(name)["verificationMaterial"][field];
        if !borrowed.is_null() {
            bundle["verificationMaterial"][field] = borrowed.clone();
        }
    }
    scene.file(SIGNATURE, bundle.to_string())
}

/// The good signature with a certificate in the place of the key.
pub(super) fn keyless(scene: &Scene) -> &Scene {
    let mut bundle: serde_json::Value = serde_json::from_str(&scene.read(SIGNATURE)).unwrap();
    bundle["verificationMaterial"] = evidence("keyless-rekor-v1.json")["verificationMaterial"].clone();
    scene.file(SIGNATURE, bundle.to_string())
}

/// What was moved away.
pub(super) fn clear(scene: &Scene) {
    let aside = scene.path("aside");
    if aside.is_dir() {
        fs::remove_dir_all(aside).unwrap();
    } else if aside.exists() {
        fs::remove_file(aside).unwrap();
    }
}

/// The findings, and what stands on stderr: without what cosign said, without hints, and without the line
/// that counts findings.
pub(super) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let kinds = ["missing", "changed", "unlisted", "renamed", "not-regular", "unreadable", "bad-name"];
    let findings = stdout.lines().filter_map(|line| {
        let (kind, name) = line.strip_prefix("  ")?.split_at_checked(13)?;
        kinds.contains(&kind.trim_end()).then(|| format!("{} {name}", kind.trim_end()))
    });
    let talk = stderr.lines().filter(|line| {
        !line.starts_with("hint: ")
            && !line.starts_with("    ")
            && !line.contains(" is not what its manifest says: ")
    });
    let talk = talk.map(|line| {
        match line.strip_prefix("error: ").unwrap_or(line).split('`').collect::<Vec<_>>()[..] {
            // A name that is long.
            [before, name, after] if name.len() > 100 => format!("{before}`…`{after}"),
            ref parts => parts.join("`"),
        }
    });
    findings.chain(talk).collect::<Vec<_>>().join("; ")
}
