//! A13, A16 to A19: signature files that are too much, too little, somebody else's, or no signature at
//! all. A file that is refused here never reaches cosign; what cosign itself refuses says so.

use super::{ONLY, SIGNATURE, VERIFY, accepted, attacked, rejected, stage};
use crate::by_hand::{key_hint, signature, sigstore_bundle};
use crate::scene::{KEY_SHA256, SMALL_MANIFEST, SMALL_SHA256, STRANGER_SHA256, Scene, repository};

const LEGACY: &str = "has a field of the legacy form, which can forge a signature (GHSA-fx35-mq7g-6g98)";

/// The signature file with one text replaced.
fn edited(scene: &Scene, from: &str, to: &str) -> String {
    let text = scene.read("kept/attestation/checksums.txt.sigstore.json");
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

fn evidence(name: &str) -> serde_json::Value {
    let path = repository().join("fixtures/evidence").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The good signature with log entries and timestamps that were made for another blob.
fn with_borrowed(scene: &Scene, name: &str) -> String {
    let mut bundle: serde_json::Value = serde_json::from_str(&edited(scene, "", "")).unwrap();
    for field in ["tlogEntries", "timestampVerificationData"] {
        let borrowed = &evidence(name)["verificationMaterial"][field];
        if !borrowed.is_null() {
            bundle["verificationMaterial"][field] = borrowed.clone();
        }
    }
    bundle.to_string()
}

#[rustfmt::skip]
#[test]
fn what_is_no_strict_sigstore_bundle() {
    let scene = stage();
    accepted(&scene, "");
    let digest = "Fi/QocsYZamClGWEYB1B1CFs7gYRR1HSLWr3HnBtoOg";
    let other_forms = [
        // A13
        ("", "is empty"),
        ("{}", "is not a Sigstore bundle: missing field `mediaType`"),
        ("[]", "is not a Sigstore bundle: invalid length 0, expected struct SigstoreBundle with 3 elements"),
        ("\u{feff}{}", "begins with a byte order mark"),
        ("-----BEGIN SIGNATURE-----\n", "is not a Sigstore bundle: invalid number"),
        (&"[".repeat(1 << 19), "is not a Sigstore bundle: invalid type: sequence, expected a string"),
        // A17
        (r#"{"base64Signature":"AA=="}"#, LEGACY),
    ];
    let edits = [
        // A13
        ("{\"mediaType\"",   "{\"mediaType\":\"x\",\"mediaType\"", "is not a Sigstore bundle: duplicate field `mediaType`"),
        ("{\"mediaType\"",   "{\"x\":1,\"mediaType\"",             "is not a Sigstore bundle: unknown field `x`, expected one of `mediaType`, `verificationMaterial`, `messageSignature`"),
        ("mediaType",        "media_type",                         "is not a Sigstore bundle: unknown field `media_type`, expected one of `mediaType`, `verificationMaterial`, `messageSignature`"),
        ("\"}}",             "\"}}{}",                             "is not a Sigstore bundle: expected `,` or `}`"),
        ("SHA2_256\"",       "SHA2_256\",\"digest\":\"\"",         "is not a Sigstore bundle: duplicate field `digest`"),
        (digest,             "+_",                                 "is not a Sigstore bundle: a value that is not standard base64"),
        // A17
        ("{\"mediaType\"",   "{\"base64Signature\":\"AA==\",\"mediaType\"", LEGACY),
        ("{\"mediaType\"",   "{\"CERT\":\"AA==\",\"mediaType\"",   LEGACY),
        ("{\"mediaType\"",   "{\"rekorBundle\":{},\"mediaType\"",  LEGACY),
        ("v0.3+json",        "v0.1+json",                          "has a media type other than that of a Sigstore bundle v0.3"),
        ("v0.3+json",        "v0.3+jsonx",                         "has a media type other than that of a Sigstore bundle v0.3"),
        ("{\"publicKey\":",  "{\"certificate\":{\"rawBytes\":\"AA==\"},\"publicKey\":", "names both a key and a certificate"),
        ("{\"publicKey\":",  "{\"x509CertificateChain\":{\"certificates\":[]},\"publicKey\":",
                                                                   "has a certificate chain, which a v0.3 bundle does not carry"),
        // Every release below 3.1.3 accepts these three.
        ("SHA2_256",         "SHA2_512",                           "is not a Sigstore bundle: unknown variant `SHA2_512`, expected `SHA2_256`"),
        (digest,             "",                                   "is not a Sigstore bundle: a value that is not standard base64"),
        ("\"SHA2_256\"",     "1",                                  "is not a Sigstore bundle: expected value"),
        // A19: what is unchecked must be well formed all the same.
        ("{\"publicKey\":",  "{\"tlogEntries\":[],\"publicKey\":", "has an empty list of log entries"),
        ("{\"publicKey\":",  "{\"tlogEntries\":[{}],\"publicKey\":", "is not a Sigstore bundle: missing field `logId`"),
        ("{\"publicKey\":",  "{\"tlogEntries\":null,\"publicKey\":", "is not a Sigstore bundle: invalid type: null, expected a sequence"),
        ("{\"publicKey\":",  "{\"timestampVerificationData\":{\"rfc3161Timestamps\":[{\"signedTimestamp\":\"!\"}]},\"publicKey\":",
                                                                   "is not a Sigstore bundle: a value that is not standard base64"),
    ];
    let texts = other_forms.map(|(text, words)| (text.to_owned(), words));
    let edits = edits.map(|(from, to, words)| (edited(&scene, from, to), words));
    for (text, words) in texts.into_iter().chain(edits) {
        scene.file(SIGNATURE, text);
        rejected(&scene, &format!("error: {SIGNATURE} {words}"));
    }
    // A statement about the manifest, which plain cosign takes for a signature of it.
    scene.file(SIGNATURE, std::fs::read(repository().join("fixtures/bundles/dsse.json")).unwrap());
    rejected(&scene, &format!("error: {SIGNATURE} is a DSSE attestation about the manifest, not a signature of it"));
    // 64 MB, and not read.
    std::fs::File::create(scene.path(SIGNATURE)).unwrap().set_len(64 << 20).unwrap();
    rejected(&scene, &format!("error: {SIGNATURE}: it is larger than 1048576 bytes"));
}

#[test]
fn somebody_elses_signature() {
    let scene = stage();
    let rotated = "hint: a rotated key is the usual cause: get the public key of the version that signed";
    let another = |digest| {
        format!(
            "error: B: the signature is over another checksums.txt (SHA-256 {digest}, here {SMALL_SHA256})\n{ONLY}"
        )
    };
    // A16: by another key, which says so.
    scene.aicr("bundle dist --output stranger --signing-key stranger.key --tlog-upload=false -q").succeeds();
    let strangers = scene.read("stranger/attestation/checksums.txt.sigstore.json");
    scene.file(SIGNATURE, &strangers);
    rejected(
        &scene,
        &format!("error: B is signed by the key {STRANGER_SHA256}, and --key is {KEY_SHA256}\n{rotated}"),
    );
    // By this key, over another blob, which is a manifest of another bundle.
    let other = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  c\n";
    let signature_of_other = signature(&scene, "cosign.key", other);
    scene.file(SIGNATURE, sigstore_bundle(&signature_of_other, other));
    rejected(&scene, &another("98ab52548ea596edc397acfff3ef00dc2908fcc793a34c01d9f06a53846f22ca"));
    // A wrong digest beside a right signature: every release below 3.1.3 looks away.
    let right = signature(&scene, "cosign.key", SMALL_MANIFEST);
    scene.file(SIGNATURE, sigstore_bundle(&right, ""));
    rejected(&scene, &another("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    // And the twin.
    scene.file(SIGNATURE, sigstore_bundle(&right, SMALL_MANIFEST));
    accepted(&scene, "");
}

/// Nothing but the signature itself is wrong, so it is cosign that refuses, in its own words.
#[test]
fn what_only_cosign_can_tell() {
    let scene = stage();
    let stranger = signature(&scene, "stranger.key", SMALL_MANIFEST);
    let other = signature(&scene, "cosign.key", "another blob");
    let (key, strange) = (key_hint(KEY_SHA256), key_hint(STRANGER_SHA256));
    // By another key, over another blob, too short, and no ECDSA signature.
    for signature in [&*stranger, &*other, "AA==", "MAA="] {
        scene.file(SIGNATURE, sigstore_bundle(signature, SMALL_MANIFEST));
        refused_by_cosign(&scene, VERIFY);
    }
    // The hint names the key that is asked for, and the signature is by ours.
    let ours = edited(&scene, &key, &strange);
    scene.file(SIGNATURE, ours);
    refused_by_cosign(&scene, "verify B --key stranger.pub --insecure-ignore-tlog");
    // And the twin: the stranger's signature under the stranger's name.
    scene.file(SIGNATURE, sigstore_bundle(&stranger, SMALL_MANIFEST).replace(&key, &strange));
    scene.aicr("verify B --key stranger.pub --insecure-ignore-tlog --quiet").succeeds();
}

#[track_caller]
fn refused_by_cosign(scene: &Scene, words: &str) {
    scene
        .aicr(words)
        .stdout("rejected B\n")
        .stderr(&format!("error: B: cosign does not accept the signature\n    (what cosign said)\n{ONLY}\n"))
        .cosigns_words_left_out()
        .exits(5);
}

/// A18, A19: what must come with a signature is up to the verifier's flags, never to the bundle.
#[test]
fn log_entries_and_timestamps() {
    let scene = stage();
    let flag =
        "hint: --insecure-ignore-tlog accepts a signature by the key alone, as made with --tlog-upload=false";
    let root = "hint: --trusted-root names a file that knows the log; --insecure-ignore-tlog leaves the entry unchecked";
    let none = format!("error: B: the signature has no entry of a transparency log\n{flag}\n");
    let unknown = format!(
        "error: B: there is nothing to check the signature's transparency log entry against\n{root}\n"
    );
    for (name, log, timestamp, without_root) in [
        ("key.json", "none", "none", &none),
        ("key-timestamp.json", "none", "unchecked", &none),
        ("key-rekor-v1.json", "unchecked", "none", &unknown),
        ("key-rekor-v2-timestamp.json", "unchecked", "unchecked", &unknown),
    ] {
        attacked(&scene, |s| s.file(SIGNATURE, with_borrowed(s, name)));
        let key = format!("key sha256 {KEY_SHA256}, log {log}, timestamp {timestamp}");
        scene
            .aicr(VERIFY)
            .stdout(&format!("accepted B\n  manifest sha256 {SMALL_SHA256}\n  2 files, 11 bytes\n  {key}\n"))
            .succeeds();
        scene.aicr("verify B --key cosign.pub").stdout("rejected B\n").stderr(without_root).exits(5);
    }
}

/// A17: a keyless signature is not one by the key, whatever else is right.
#[test]
fn a_certificate_where_a_key_is_asked_for() {
    let scene = stage();
    let mut bundle: serde_json::Value = serde_json::from_str(&edited(&scene, "", "")).unwrap();
    bundle["verificationMaterial"] = evidence("keyless-rekor-v1.json")["verificationMaterial"].clone();
    scene.file(SIGNATURE, bundle.to_string());
    rejected(&scene, "error: B is signed by a certificate (keyless), not by a key");
}
