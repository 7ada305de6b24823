//! `verify` and `sheet` with several trusted keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::foreign_release::sample::{Foreign, ONLY};
use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256, SMALL_SHA256};
use crate::several_signatures::{FIRST, further, signed_twice};
use crate::without_aicr::key_hint;

const BOTH: &str = "verify B --key cosign.pub --key other.pub --insecure-ignore-tlog";

/// What a bundle that both have signed prints if it is accepted; `unchecked` are the words before the signature of `other.key`.
pub(crate) fn accepted(unchecked: &str) -> String {
    format!(
        "accepted B
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {KEY_SHA256}
  log none, timestamp none
{unchecked}  key sha256
    {OTHER_KEY_SHA256}
  log none, timestamp none
"
    )
}

#[test]
fn two_signatures_are_required() {
    let sandbox = signed_twice();
    sandbox.aicr(&format!("{BOTH} --require 2")).stdout(&accepted("")).succeeds();
    // The order of the flags does not matter, and one of two keys is enough without --require.
    let swapped = "verify B --key other.pub --key cosign.pub --insecure-ignore-tlog";
    sandbox.aicr(swapped).stdout(&accepted("")).succeeds();
    sandbox
        .aicr("verify B --key cosign.pub --insecure-ignore-tlog")
        .stdout(&accepted("  unchecked signature\n"))
        .succeeds();
    // One of them is missing.
    sandbox.remove(&further(OTHER_KEY_SHA256));
    sandbox.aicr(&format!("{BOTH} --quiet")).succeeds();
    sandbox
        .aicr(&format!("{BOTH} --require 2"))
        .stdout("rejected B\n")
        .stderr(&format!(
            "error: B is signed by 1 of 2 required keys; it has no signature by key {OTHER_KEY_SHA256}\n\
             hint: a signer adds a signature with `aicr bundle-sign --add`\n"
        ))
        .exits(5);
    // Both are, of three keys.
    sandbox.shell("mkdir third && cd third && cosign generate-key-pair").whatever_it_prints().succeeds();
    let third = sandbox.shell("openssl pkey -pubin -in third/cosign.pub -outform DER | sha256sum").output();
    let third = String::from_utf8(third.stdout).unwrap();
    sandbox
        .aicr("verify B --key other.pub --key third/cosign.pub --insecure-ignore-tlog --require 2")
        .stdout("rejected B\n")
        .stderr(&format!(
            "error: B is signed by 0 of 2 required keys; it has no signature by key {OTHER_KEY_SHA256} or key {}\n\
             hint: a signer adds a signature with `aicr bundle-sign --add`\n",
            &third[..64]
        ))
        .exits(5);
}

/// A key in another encoding, or in another file, is the same key.
#[test]
fn one_key_does_not_count_twice() {
    let sandbox = signed_twice();
    sandbox
        .shell(
            "openssl pkey -pubin -in cosign.pub -outform DER -out key.der
             base64 <key.der >key.b64
             (echo 'our key:'; tr -d '\r' <cosign.pub; echo) >key.txt",
        )
        .succeeds();
    for same in ["cosign.pub", "./cosign.pub", "key.der", "key.b64", "key.txt"] {
        sandbox
            .aicr(&format!("verify B --key cosign.pub --key {same} --insecure-ignore-tlog --require 2"))
            .stderr(
                "error: --require 2 needs 2 different keys, and --key gives one key\n\
                 hint: add --key FILE for each key that may sign, or require fewer\n",
            )
            .exits(2);
        let twice = format!("{BOTH} --key {same} --require");
        sandbox.aicr(&format!("{twice} 2 --quiet")).succeeds();
        sandbox
            .aicr(&format!("{twice} 3"))
            .stderr(
                "error: --require 3 needs 3 different keys, and --key gives 2 different keys\n\
                 hint: add --key FILE for each key that may sign, or require fewer\n",
            )
            .exits(2);
    }
}

/// A signature by a trusted key that cosign refuses rejects the bundle, however many others are good.
#[test]
fn a_false_signature_of_a_trusted_key() {
    let sandbox = signed_twice();
    let value = |path: &str| serde_json::from_str::<Value>(&sandbox.read(path)).unwrap();
    let bytes = |value: &Value| value["messageSignature"]["signature"].as_str().unwrap().to_owned();
    let (of_first, of_other) = (bytes(&value(FIRST)), bytes(&value(&further(OTHER_KEY_SHA256))));
    sandbox.file(
        &further(OTHER_KEY_SHA256),
        sandbox.read(&further(OTHER_KEY_SHA256)).replace(&of_other, &of_first),
    );
    sandbox
        .aicr("verify B --key cosign.pub --insecure-ignore-tlog")
        .stdout(&accepted("  unchecked signature\n"))
        .succeeds();
    for more in ["", " --require 2"] {
        sandbox
            .aicr(&format!("{BOTH}{more}"))
            .cosigns_words_left_out()
            .stdout("rejected B\n")
            .stderr(&format!(
                "error: {}: cosign does not accept the signature\n    (what cosign said)\n{ONLY}",
                further(OTHER_KEY_SHA256)
            ))
            .exits(5);
    }
    // The same, with the false one first.
    sandbox.file(FIRST, sandbox.read(FIRST).replace(&of_first, &of_other));
    sandbox.file(
        &further(OTHER_KEY_SHA256),
        sandbox.read(&further(OTHER_KEY_SHA256)).replace(&of_first, &of_other),
    );
    sandbox
        .aicr(BOTH)
        .cosigns_words_left_out()
        .stdout("rejected B\n")
        .stderr(&format!(
            "error: {FIRST}: cosign does not accept the signature\n    (what cosign said)\n{ONLY}"
        ))
        .exits(5);
    sandbox.aicr("verify B --key other.pub --insecure-ignore-tlog --quiet").succeeds();
}

/// A signature that cosign refuses counts more than one that it could not check, whichever comes first.
#[test]
fn one_signature_is_false_and_cosign_crashes_over_the_other() {
    let sandbox = signed_twice();
    let of_other = further(OTHER_KEY_SHA256);
    let false_signature = |path: &str| {
        let mut bundle: Value = serde_json::from_str(&sandbox.read(path)).unwrap();
        bundle["messageSignature"]["signature"] = json!(STANDARD.encode("false"));
        sandbox.file(path, bundle.to_string());
    };
    let crashes_over = |key: &str| {
        let script = format!(
            "for WORD; do
               case $1$WORD in verify-blob--key=*) cmp -s \"${{WORD#*=}}\" '{}' && kill -KILL $$ ;; esac
             done
             exec '{}' \"$@\"",
            sandbox.path(key).display(),
            sandbox.cosign().display()
        );
        sandbox.remove("bin/cosign").program("bin/cosign", &script);
    };
    let refuses = |path: &str| {
        sandbox
            .aicr(BOTH)
            .cosigns_words_left_out()
            .stdout("rejected B\n")
            .stderr(&format!(
                "error: {path}: cosign does not accept the signature\n    (what cosign said)\n{ONLY}"
            ))
            .exits(5);
    };

    crashes_over("other.pub");
    let killed = "error: {root}/bin/cosign verify-blob was killed by signal 9\n";
    sandbox.aicr(BOTH).stderr(killed).exits(1);
    false_signature(FIRST);
    refuses(FIRST);
    // The other way round.
    sandbox.signed();
    false_signature(&of_other);
    crashes_over("cosign.pub");
    refuses(&of_other);
    // Of two that are equally bad, the first is shown.
    false_signature(FIRST);
    crashes_over("no key");
    refuses(FIRST);
}

/// Each key must have one of the fingerprints.
#[test]
fn fingerprints_of_several_keys() {
    let sandbox = signed_twice();
    let (one, other) = (format!("--key-sha256 {KEY_SHA256}"), format!("--key-sha256 {OTHER_KEY_SHA256}"));
    sandbox.aicr(&format!("{BOTH} {one} {other} --require 2 -q")).succeeds();
    let named = format!(
        "error: --key other.pub is the key {OTHER_KEY_SHA256}, which is not the one of --key-sha256\n"
    );
    let output = sandbox.aicr(&format!("{BOTH} {one}")).output();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(stderr.starts_with(&named), "{stderr}");
    // A key of the bundle itself, without its fingerprint.
    sandbox.shell("cp other.pub B/other.pub").succeeds();
    sandbox
        .aicr("verify B --key cosign.pub --key B/other.pub --insecure-ignore-tlog")
        .stderr(
            "error: --key B/other.pub lies in the bundle B, so it proves nothing about it\n\
             hint: use a key that you received through a separate channel\n",
        )
        .exits(2);
}

/// One of the keys is piped in.
#[test]
fn a_key_in_standard_input_next_to_one_in_a_file() {
    let sandbox = signed_twice();
    sandbox
        .shell("aicr verify B --key - --key other.pub --require 2 --insecure-ignore-tlog <cosign.pub")
        .stdout(&accepted(""))
        .succeeds();
}

/// Receipts and JSON name every key, every signature, and whether it was checked.
#[test]
fn receipts_and_reports() {
    let sandbox = signed_twice();
    sandbox
        .aicr(&format!("{BOTH} --key ./other.pub --require 2 --receipt r.json --report j.json -q"))
        .succeeds();
    let receipt: Value = serde_json::from_str(&sandbox.read("r.json")).unwrap();
    let flag = |name: &str, key: &str, sha256: &str| json!({ "name": name, "value": key, "sha256": sha256 });
    assert_eq!(
        receipt["predicate"]["policy"]["flags"],
        json!([
            flag("--key", "cosign.pub", KEY_SHA256),
            flag("--key", "other.pub", OTHER_KEY_SHA256),
            flag("--key", "./other.pub", OTHER_KEY_SHA256),
            { "name": "--require", "value": "2" },
            { "name": "--insecure-ignore-tlog" },
        ])
    );
    let report: Value = serde_json::from_str(&sandbox.read("j.json")).unwrap();
    for signatures in [&receipt["predicate"]["signatures"], &report["bundles"][0]["signatures"]] {
        let found: Vec<_> =
            signatures.as_array().unwrap().iter().map(|s| (&s["keySha256"], &s["checked"])).collect();
        assert_eq!(found, [(&json!(KEY_SHA256), &json!(true)), (&json!(OTHER_KEY_SHA256), &json!(true))]);
    }
    sandbox.aicr("verify B --key other.pub --insecure-ignore-tlog --receipt one.json -q").succeeds();
    let receipt: Value = serde_json::from_str(&sandbox.read("one.json")).unwrap();
    let checked = |place: usize| &receipt["predicate"]["signatures"][place]["checked"];
    assert_eq!((checked(0), checked(1)), (&json!(false), &json!(true)));
}

/// A signature that does not name its key is tried with each key.
#[test]
fn a_foreign_signature_without_a_hint() {
    let foreign = Foreign::new();
    let bare = foreign.bare();
    foreign.sandbox.file("R/SUMS.sig", &bare);
    let good = ["--key other.pub --key signer.pub", "--key signer.pub --key cosign.pub --key signer.pub"];
    for keys in good {
        foreign
            .verify(&format!("{keys} --insecure-ignore-tlog"))
            .stdout(&foreign.about("accepted", "2 files, 11 bytes"))
            .succeeds();
    }
    let wrong = "--key other.pub --key cosign.pub --insecure-ignore-tlog";
    foreign
        .verify(wrong)
        .cosigns_words_left_out()
        .stdout("rejected R\n")
        .stderr(&format!(
            "error: R/SUMS.sig: cosign does not accept the signature\n    (what cosign said)\n{ONLY}"
        ))
        .exits(5);
    // An old bundle with a public key is read as one by that key only.
    let pem = STANDARD.encode(foreign.sandbox.read("signer.pub"));
    let old = json!({ "base64Signature": bare, "cert": pem }).to_string();
    foreign.sandbox.remove("R/SUMS.sig").file("R/SUMS.bundle", old);
    foreign.verify(&format!("{} --insecure-ignore-tlog -q", good[0])).succeeds();
    let key = &foreign.key_sha256;
    foreign
        .verify(wrong)
        .stdout("rejected R\n")
        .stderr(&format!("error: R/SUMS.bundle has the public key {key}, and --key is {OTHER_KEY_SHA256}\n"))
        .exits(5);
    foreign
        .verify("--key signer.pub --key cosign.pub --insecure-ignore-tlog --require 2")
        .stderr(
            "error: --manifest cannot be used with --require: only a bundle of aicr has several signatures\n\
             hint: leave out --manifest, or leave out --require\n",
        )
        .exits(2);
}

/// A sheet for two keys requires both, and its recipes verify both signatures.
#[test]
fn a_sheet_of_two_keys() {
    let sandbox = signed_twice();
    sandbox.aicr("sheet B --key cosign.pub --key other.pub --output sheet.md --quiet").succeeds();
    let sheet = sandbox.read("sheet.md");
    let in_groups = |digits: &str| {
        let groups: Vec<&str> = (0..64).step_by(4).map(|at| &digits[at..at + 4]).collect();
        format!("{}\n                 {}\n", groups[..8].join(" "), groups[8..].join(" "))
    };
    assert!(
        sheet.contains(&format!(
            "manifest sha256  {SMALL_SHA256}\nkey sha256       {}                 in cosign.pub\n\
             key sha256       {}                 in other.pub\n```\n",
            in_groups(KEY_SHA256),
            in_groups(OTHER_KEY_SHA256)
        )),
        "{sheet}"
    );
    assert!(
        sheet.contains(
            "The commands use no network. They need `B`, the bundle directory, and `cosign.pub` and `other.pub`, the\n\
             public keys in PEM, which must also reach you by another way.\n"
        ),
        "{sheet}"
    );
    let verify = "aicr verify B --key cosign.pub --key other.pub --require 2 --insecure-ignore-tlog";
    assert!(sheet.contains(&format!("```sh\n{verify}\n```\n")), "{sheet}");
    sandbox.aicr(&format!("{} -q", verify.strip_prefix("aicr ").unwrap())).succeeds();
    let openssl =
        sheet.split("\nopenssl:\n").nth(1).unwrap().split("\n\nsha256sum:\n").next().unwrap_or_default();
    let blocks: Vec<&str> =
        openssl.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).take(2).collect();
    assert_eq!(blocks.len(), 2, "{openssl}");
    for block in blocks {
        sandbox.shell(block).stdout("Verified OK\n").succeeds();
    }
    // One of the keys has not signed, or is given twice, or two keys are in files of one name.
    sandbox.shell("cp other.pub copy.pub && mkdir ben && cp other.pub ben/cosign.pub").succeeds();
    sandbox
        .aicr("sheet B --key cosign.pub --key ben/cosign.pub")
        .stderr(
            "error: two different keys are in files named cosign.pub\n\
             hint: rename one of the files; the commands on the sheet name both\n",
        )
        .exits(2);
    sandbox
        .aicr("sheet B --key other.pub --key copy.pub")
        .stderr("error: other.pub and copy.pub are the same key\nhint: give it once\n")
        .exits(2);
    sandbox.remove(&further(OTHER_KEY_SHA256));
    sandbox
        .aicr("sheet B --key cosign.pub --key other.pub")
        .stdout("rejected B\n")
        .stderr(&format!(
            "error: B is signed by 1 of 2 required keys; it has no signature by key {OTHER_KEY_SHA256}\n\
             hint: a signer adds a signature with `aicr bundle-sign --add`\n"
        ))
        .exits(5);
}

/// The hint of a further signature is compared with the keys, as that of the first one is.
#[test]
fn a_signature_that_names_a_key_which_has_not_signed() {
    let sandbox = signed_twice();
    let forged = sandbox.read(FIRST).replace(&key_hint(KEY_SHA256), &key_hint(OTHER_KEY_SHA256));
    sandbox.file(&further(OTHER_KEY_SHA256), forged);
    sandbox
        .aicr(&format!("{BOTH} --require 2"))
        .cosigns_words_left_out()
        .stdout("rejected B\n")
        .stderr(&format!(
            "error: {}: cosign does not accept the signature\n    (what cosign said)\n{ONLY}",
            further(OTHER_KEY_SHA256)
        ))
        .exits(5);
}
