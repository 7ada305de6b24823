//! `docs/report.schema.json` against the JSON of real runs: every verdict, every kind of finding
//! that can be made here, errors of every place. And against objects that are not quite right.

pub(crate) mod validator;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use crate::sandbox::{Run, SMALL_MANIFEST, Sandbox, UNSIGNED, repository};
use validator::validate;

const KEY: &str = "--signing-key=cosign.key --tlog-upload=false";
const TRUST: &str = "--key=cosign.pub --insecure-ignore-tlog";

fn schema() -> Value {
    let text = fs::read_to_string(repository().join("docs/report.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The object that a run prints, which the schema must allow; its exit code must be that of the run.
#[track_caller]
fn object(run: &Run<'_>) -> Value {
    let output = run.output();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.ends_with('\n') && text.lines().count() == 1, "one line: {text}");
    let object: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["exit"], json!(output.status.code()), "{text}");
    validate(&schema(), &object).unwrap_or_else(|why| panic!("{why}: {text}"));
    object
}

/// Objects of all kinds, each from a real run.
fn objects() -> Vec<Value> {
    let sandbox = Sandbox::new();
    sandbox.signed().file("other/c", "gamma\n");
    sandbox.file("foreign/SHA256SUMS", SMALL_MANIFEST).file("foreign/SHA256SUMS.sig", "c2lnbmF0dXJl");
    let json = |words: &str| object(&sandbox.aicr(&format!("{words} --format json")));
    let mut all = vec![
        json("frobnicate"),
        json("verify B"),
        json("doctor"),
        json(&format!("doctor {KEY}")),
        json("doctor --cosign nowhere"),
        json("doctor --signing-key nowhere --tlog-upload=false"),
        json("bundle other -o U"),
        json("bundle other -o U --force"),
        json("bundle other -o S1 --dry-run"),
        json(&format!("bundle other -o S1 --dry-run {KEY}")),
        json(&format!("bundle other -o S1 {KEY}")),
        json("bundle other -o S1"),
        json(&format!("bundle-sign S1 U {KEY} --dry-run")),
        json(&format!("bundle-sign S1 U {KEY}")),
        json(&format!("verify S1 U B {TRUST}")),
        json(&format!("verify S1 {TRUST} --shard 1/2")),
        json("verify S1 other --checksums-only"),
        json("verify S1 --key=other.pub --insecure-ignore-tlog"),
        json("verify nowhere --checksums-only"),
        json("inspect S1 U B"),
        json("inspect other"),
        json("inspect foreign"),
        json("sheet B --key cosign.pub -o sheet.md"),
        json("pack B -o r.tar"),
        json("inspect r.tar"),
        json(&format!("verify r.tar {TRUST}")),
        json("sheet B --key other.pub -o other.md"),
    ];
    sandbox.shell("head -c 4096 r.tar >cut.tar").succeeds();
    all.push(json(&format!("verify cut.tar {TRUST}")));

    // Everything that can be wrong with a file; no user is refused reading anything to root.
    fs::write(sandbox.path("B/a"), "changed\n").unwrap();
    fs::rename(sandbox.path("B/sub/b"), sandbox.path("B/sub/moved")).unwrap();
    fs::write(sandbox.path("B").join(OsStr::from_bytes(b"not utf-8 \xff")), "").unwrap();
    fs::write(sandbox.path("B/extra"), "extra\n").unwrap();
    std::os::unix::fs::symlink("a", sandbox.path("B/sub/link")).unwrap();
    fs::write(sandbox.path("B/line\nbreak"), "").unwrap();
    all.push(json(&format!("verify B {TRUST}")));
    fs::remove_file(sandbox.path("B/a")).unwrap();
    all.push(json("verify B --checksums-only"));

    sandbox.aicr(&format!("bundle other -o R --release-name app --release-version 1 -q {KEY}")).succeeds();
    all.push(json(&format!("verify R {TRUST} --copy-to R1 --receipt receipt")));
    all.push(json("inspect receipt"));
    for content in ["gamma", "gammas\n"] {
        fs::write(sandbox.path("R/c"), content).unwrap();
        all.push(json(&format!("verify R {TRUST}")));
    }

    // The key manager fails at the first of two bundles.
    sandbox.aicr("bundle other -o U1 -q").stderr(UNSIGNED).succeeds();
    sandbox.aicr("bundle other -o U2 -q").stderr(UNSIGNED).succeeds();
    let real = sandbox.cosign().display().to_string();
    sandbox.program(
        "bin/cosign",
        &format!("case $* in *--help) ;; sign-blob*) echo 'Error: no luck' >&2; exit 1 ;; esac\nexec '{real}' \"$@\""),
    );
    all.push(json(&format!("bundle-sign U1 U2 {KEY}")));
    all
}

/// All values at the places with this name, in all objects.
fn words(objects: &[Value], name: &str) -> BTreeSet<String> {
    fn collect(value: &Value, name: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| collect(item, name, found)),
            Value::Object(fields) => fields.iter().for_each(|(field, value)| {
                if field == name {
                    found.extend(value.as_str().map(ToOwned::to_owned));
                }
                collect(value, name, found);
            }),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for object in objects {
        collect(object, name, &mut found);
    }
    found
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn every_verdict_and_finding_is_as_the_schema_says() {
    let objects = objects();
    let verdicts = &schema()["$defs"]["bundle"]["properties"]["verdict"]["enum"];
    let verdicts: Vec<&str> =
        verdicts.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words(&objects, "verdict"), set(&verdicts));
    // Of findings, and of what was described.
    let kinds = [
        "archive",
        "bad-archive",
        "bad-name",
        "bundle",
        "changed",
        "fewer-than-signed",
        "missing",
        "more-than-signed",
        "not-regular",
        "receipt",
        "release",
        "renamed",
        "unlisted",
    ];
    assert_eq!(words(&objects, "kind"), set(&kinds));
    assert_eq!(words(&objects, "pathBase64").len(), 1);
    assert_eq!(
        words(&objects, "name"),
        set(&["--insecure-ignore-tlog", "--key", "app", "command", "cosign", "environment", "key"])
    );
    let exits: BTreeSet<_> = objects.iter().map(|object| object["exit"].as_u64().unwrap()).collect();
    assert_eq!(exits, BTreeSet::from([0, 2, 3, 4, 5]));
    every_field_counts(&objects);
}

/// Every object with one thing wrong: a field that is gone, renamed, or of another type.
fn every_field_counts(objects: &[Value]) {
    const OPTIONAL: [&str; 10] = [
        "absent",
        "archive",
        "checks",
        "commands",
        "copiedTo",
        "offset",
        "pathBase64",
        "release",
        "toBase64",
        "writtenTo",
    ];
    let schema = schema();
    let mut tried = 0;
    for object in objects {
        for pointer in fields(object, "") {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            if parent.ends_with("/details") {
                continue;
            }
            let is_optional = OPTIONAL.contains(&name)
                || parent.contains("/findings/") && ["found", "reason"].contains(&name)
                || parent.contains("/policy/flags/") && ["value", "sha256"].contains(&name);
            let parent =
                |copy: &mut Value| copy.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
            let mut gone = object.clone();
            parent(&mut gone);
            assert_eq!(validate(&schema, &gone).is_ok(), is_optional, "without {pointer}: {object}");

            let mut renamed = object.clone();
            let value = parent(&mut renamed).unwrap();
            let (above, _) = pointer.rsplit_once('/').unwrap();
            renamed.pointer_mut(above).unwrap()[format!("{name}s")] = value;
            // Fields may be added, so only one that must be there is missed.
            assert_eq!(validate(&schema, &renamed).is_ok(), is_optional, "{pointer} renamed: {object}");

            let mut other = object.clone();
            *other.pointer_mut(&pointer).unwrap() = json!([[]]);
            assert!(validate(&schema, &other).is_err(), "{pointer} is a list: {object}");
            tried += 1;
        }
    }
    assert!(tried > 300, "{tried}");
}

/// Pointers to all fields of all objects in a value.
fn fields(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, item)| fields(item, &format!("{at}/{index}")))
            .collect(),
        Value::Object(object) => object
            .iter()
            .flat_map(|(name, value)| {
                let here = format!("{at}/{name}");
                std::iter::once(here.clone()).chain(fields(value, &here)).collect::<Vec<_>>()
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// A verdict that does not fit the rest of its bundle.
#[test]
fn a_verdict_fits_its_bundle() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let good = object(&sandbox.aicr(&format!("verify B {TRUST} --format json")));
    let change = |pointer: &str, value: Value| {
        let mut object = good.clone();
        *object.pointer_mut(pointer).unwrap() = value;
        validate(&schema(), &object)
    };
    assert_eq!(change("/exit", json!(0)), Ok(()));
    for (pointer, value) in [
        ("/bundles/0/verdict", json!("rejected")),
        ("/bundles/0/verdict", json!("unproven")),
        ("/bundles/0/verdict", json!("ACCEPTED")),
        ("/bundles/0/findingsTotal", json!(1)),
        ("/bundles/0/findings", json!([{"kind": "missing", "path": "a"}])),
        ("/bundles/0/error", json!({"exit": 5, "message": "x", "cosign": null, "hint": null})),
        ("/bundles/0/signatures", json!([])),
        ("/bundles/0/signatures/0/keySha256", json!("ABC")),
        ("/bundles/0/signatures/0/log", json!("maybe")),
        ("/bundles/0/manifest", json!(null)),
        ("/bundles/0/manifest/files", json!(-1)),
        ("/bundles/0/manifest/files", json!(1.5)),
        ("/exit", json!(7)),
        ("/schemaVersion", json!(2)),
        ("/command", json!("sign")),
    ] {
        assert!(change(pointer, value.clone()).is_err(), "{pointer}: {value}");
    }
}
