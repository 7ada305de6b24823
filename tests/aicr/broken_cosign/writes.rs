//! Exit 0 is not enough: wrong files from `sign-blob` instead of a signature.

use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256, SMALL_MANIFEST, fixture};
use crate::without_aicr::{key_hint, sigstore_bundle};

use super::{fails, succeeds};
use crate::fake::{Fake, HONEST, SIGNATURE, fake_sandbox};

/// `sign-blob` does this and ends with exit 0, and is refused for this reason.
#[track_caller]
fn refused(release: &str, sign: &str, why: &str) {
    fails(Fake { release, sign, ..HONEST }, &format!("error: cosign ended with exit 0, but {why}\n"), 4);
}

/// The same for a signature file with this content.
#[track_caller]
fn refused_content(release: &str, content: &str, why: &str) {
    refused(release, &format!("cat >\"$BUNDLE\" <<'END'\n{content}\nEND\n"), why);
}

#[test]
fn a_correct_signature_is_accepted() {
    succeeds(HONEST);
    let old_form = "echo '{\"base64Signature\":\"AAAA\"}' >\"$BUNDLE\"";
    succeeds(Fake { release: "v2.2.4", sign: old_form, ..HONEST });
    succeeds(Fake { release: "v2.4.1", ..HONEST });
}

#[test]
fn files_that_are_not_signature_files() {
    for (sign, why) in [
        ("exit 0", "had to write does not exist"),
        (": >\"$BUNDLE\"", "wrote is empty"),
        ("echo >\"$BUNDLE\"", "wrote is empty"),
        ("echo signed >\"$BUNDLE\"", "wrote is not a Sigstore bundle: expected value"),
        ("head -c 200 \"$TOP/good\" >\"$BUNDLE\"", "wrote is cut off or damaged"),
        (
            "cat \"$TOP/good\" \"$TOP/good\" >\"$BUNDLE\"",
            "wrote is not a Sigstore bundle: trailing characters",
        ),
        ("head -c 2000000 /dev/zero >\"$BUNDLE\"", "had to write is larger than 1.0 MiB"),
        ("truncate -s 10T \"$BUNDLE\"", "had to write is larger than 1.0 MiB"),
        ("mkdir \"$BUNDLE\"", "had to write is a directory"),
        ("mkfifo \"$BUNDLE\"", "had to write is not a regular file"),
        ("ln -s \"$TOP/good\" \"$BUNDLE\"", "had to write is a symbolic link"),
        ("ln -s /dev/zero \"$BUNDLE\"", "had to write is a symbolic link"),
        ("cp \"$TOP/good\" \"$BUNDLE.json\"", "had to write does not exist"),
    ] {
        let it = if why.starts_with("had") { "the signature file that it" } else { "the signature file it" };
        refused("v3.1.3", sign, &format!("{it} {why}"));
    }
}

/// A later cosign may write a later form, with fields that are unknown here.
#[test]
fn a_signature_file_that_is_newer() {
    let good = sigstore_bundle("AAAA", SMALL_MANIFEST);
    let v03 = "application/vnd.dev.sigstore.bundle.v0.3+json";
    for media_type in [
        "application/vnd.dev.sigstore.bundle.v0.4+json",
        "application/vnd.dev.sigstore.bundle+json;version=1.0",
    ] {
        let newer = good.replace(v03, media_type).replacen('{', "{\"extra\":{},", 1);
        let sign = format!("cat >\"$BUNDLE\" <<'END'\n{newer}\nEND\n");
        let error = format!(
            "error: {{root}}/bin/cosign (v3.1.3) wrote a signature file that is newer than this aicr knows (its media type is {media_type})
hint: install cosign 3.1, or name one with --cosign
"
        );
        fails(Fake { sign: &sign, ..HONEST }, &error, 3);

        let sandbox = fake_sandbox(HONEST);
        sandbox.file(SIGNATURE, &newer);
        sandbox
            .aicr("verify B --key cosign.pub --insecure-ignore-tlog")
            .stdout("rejected B\n")
            .stderr(&format!(
                "error: {SIGNATURE} is newer than this aicr knows (its media type is {media_type})
hint: use a later aicr
"
            ))
            .exits(5);
    }
    succeeds(HONEST);
}

#[test]
fn a_signature_over_another_file_or_by_another_signer() {
    let good = sigstore_bundle("AAAA", SMALL_MANIFEST);
    let other_key = good.replace(&key_hint(KEY_SHA256), &key_hint(OTHER_KEY_SHA256));
    let certificate = |der: &str| {
        good.replace(
            &format!("\"publicKey\":{{\"hint\":\"{}\"}}", key_hint(KEY_SHA256)),
            &format!("\"certificate\":{{\"rawBytes\":\"{der}\"}}"),
        )
    };
    let keyless: serde_json::Value =
        serde_json::from_str(&fixture("evidence/keyless-rekor-v1.json")).unwrap();
    let real = keyless.pointer("/verificationMaterial/certificate/rawBytes").unwrap().as_str().unwrap();
    for (content, why) in [
        (
            sigstore_bundle("AAAA", "another manifest"),
            "the signature is over something other than the manifest",
        ),
        (other_key, "the signature was made by another key; if the key was just rotated, run this again"),
        (certificate("AAAA"), "the signature file it wrote has a certificate that cannot be read"),
        (
            certificate(real),
            "the signature file it wrote has a certificate, which is valid for minutes, but no trusted signing time: neither a log entry nor a timestamp",
        ),
        (sigstore_bundle("", SMALL_MANIFEST), "the signature file it wrote has an empty signature"),
        (
            good.replace("bundle.v0.3+json", "bundle.v0.2+json"),
            "the signature file it wrote has a media type other than that of a Sigstore bundle v0.3",
        ),
        (
            good.replace("SHA2_256", "SHA2_512"),
            "the signature file it wrote is not a Sigstore bundle: unknown variant `SHA2_512`, expected `SHA2_256`",
        ),
        (
            good.replacen('{', "{\"base64Signature\":\"AAAA\",", 1),
            "the signature file it wrote has a field of the legacy form, which can forge a signature (GHSA-fx35-mq7g-6g98)",
        ),
        (
            good.replace("messageSignature", "dsseEnvelope"),
            "the signature file it wrote is a DSSE attestation about the manifest, not a signature over it",
        ),
    ] {
        refused_content("v3.1.3", &content, why);
    }
}

#[test]
fn a_signature_that_was_uploaded_against_the_plan() {
    let recorded = |name: &str| fixture(&format!("evidence/{name}"));
    let log = "the signature carries an entry of a transparency log: it was uploaded although the plan forbids that, and this cannot be undone";
    let timestamp = "the signature carries a timestamp although none was requested: a timestamp authority has seen its digest, and this cannot be undone";
    refused_content("v3.1.3", recorded("key-rekor-v1.json").trim_end(), log);
    refused_content("v3.1.3", recorded("key-rekor-v2-timestamp.json").trim_end(), log);
    refused_content("v2.4.1", recorded("key-rekor-v1.json").trim_end(), log);
    refused_content("v3.1.3", recorded("key-timestamp.json").trim_end(), timestamp);
}

#[test]
fn each_form_is_accepted_only_from_the_releases_that_write_it() {
    refused_content(
        "v3.1.3",
        "{\"base64Signature\":\"AAAA\"}",
        "the signature file it wrote has a field of the legacy form, which can forge a signature (GHSA-fx35-mq7g-6g98)",
    );
    for (content, why) in [
        (
            sigstore_bundle("AAAA", SMALL_MANIFEST).as_str(),
            "is not a Sigstore bundle: unknown field `mediaType`, expected `base64Signature` or `rekorBundle`",
        ),
        ("{\"base64Signature\":\"\"}", "has an empty signature"),
        (
            "{\"base64Signature\":\"not base64\"}",
            "is not a Sigstore bundle: a value that is not standard base64",
        ),
        ("AAAA", "is not a Sigstore bundle: expected value"),
    ] {
        refused_content("v2.2.4", content, &format!("the signature file it wrote {why}"));
    }
}

#[test]
fn a_signature_that_it_does_not_accept_itself() {
    let error = "error: cosign made a signature with cosign.key that it does not accept itself";
    let hint = "hint: the key manager's signature is wrong, or of a kind that cosign cannot check; ECDSA P-256 works with every key manager";
    for (verify, said) in [
        ("exit 1", ""),
        (
            "echo 'Error: invalid signature' >&2; echo 'main.go:74: error during command execution: invalid signature' >&2; exit 1",
            "    invalid signature\n",
        ),
        ("echo 'Verified OK' >&2; exit 1", "    Verified OK\n"),
    ] {
        fails(Fake { verify, ..HONEST }, &format!("{error}\n{said}{hint}\n"), 4);
    }
    // It neither accepts nor rejects.
    for (verify, how) in [
        ("kill -SEGV $$", "was killed by signal 11"),
        ("echo 'Verified OK'; exit 2", "crashed (exit 2)"),
        ("exit 77", "ended with exit 77"),
    ] {
        fails(Fake { verify, ..HONEST }, &format!("error: {{root}}/bin/cosign verify-blob {how}\n"), 1);
    }
}

#[test]
fn output_that_is_not_a_public_key() {
    let gave = "error: what cosign printed as the public key of cosign.key";
    for (public_key, why) in [
        ("exit 0", "is not a PEM public key"),
        ("echo hello", "is not a PEM public key"),
        ("cat \"$TOP/cosign.key\"", "is a private key"),
        ("cat \"$TOP/cosign.pub\" \"$TOP/other.pub\"", "contains more than one PEM block"),
        ("head -n 2 \"$TOP/cosign.pub\"", "is a damaged PEM public key"),
        ("tr A-Z a-z <\"$TOP/cosign.pub\"", "is not a PEM public key"),
        ("head -c 5000000 /dev/zero", "is not a PEM public key"),
    ] {
        fails(Fake { public_key, ..HONEST }, &format!("{gave} {why}\n"), 4);
    }
}
