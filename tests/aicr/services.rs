//! Refusals of services before anything is sent to one, and the notice of where a signature is
//! recorded: all without a network. Tests with real services are in `tests/sigstore`.

use serde_json::{Value, json};

use crate::bundle_sign::OR_ADD;
use crate::fake::answers;
use crate::sandbox::{Sandbox, fixture};

/// A token with the claims `{"sub":"dev"}`.
const TOKEN: &str = "e30.eyJzdWIiOiJkZXYifQ.e30\n";

/// The trusted root of the recordings without the entries of this list.
pub(crate) fn root_without(list: &str) -> String {
    let mut root: Value = serde_json::from_str(&fixture("sigstore/trusted-root.json")).unwrap();
    root[list] = json!([]);
    root.to_string()
}

/// The fixture's signing config of everything without the services of this list.
fn config_without(list: &str) -> String {
    let mut config: Value =
        serde_json::from_str(&fixture("sigstore/signing-config-keyless-rekor-v2-timestamp.json")).unwrap();
    config.as_object_mut().unwrap().remove(list).unwrap();
    config.to_string()
}

/// A directory with every file that names services, and a damaged one of each.
fn prepared() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    sandbox.file("root.json", fixture("sigstore/trusted-root.json"));
    sandbox.file("config.json", fixture("sigstore/signing-config-keyless-rekor-v2-timestamp.json"));
    for list in ["tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities"] {
        sandbox.file(&format!("no-{list}.json"), root_without(list));
    }
    for list in ["rekorTlogUrls", "caUrls", "tsaUrls"] {
        sandbox.file(&format!("no-{list}.json"), config_without(list));
    }
    let mut config: Value = serde_json::from_str(&sandbox.read("config.json")).unwrap();
    config["rekorTlogUrls"][0]["majorApiVersion"] = json!(1);
    sandbox.file("v1.json", config.to_string());
    config["rekorTlogUrls"] = json!([config["rekorTlogUrls"][0], config["rekorTlogUrls"][0]]);
    config["rekorTlogConfig"] = json!({ "selector": "ALL" });
    sandbox.file("several.json", config.to_string());
    sandbox.file("token", TOKEN).file("empty", "\n").file("key", "-----BEGIN PRIVATE KEY-----\n");
    sandbox
}

const TSA: &str = "--timestamp-server-url http://127.0.0.1:3004/api/v1/timestamp";

#[test]
fn nothing_is_sent_that_could_not_be_verified() {
    let sandbox = prepared();
    let before = sandbox.tree("");
    let key = "bundle dist -o out --signing-key cosign.key";
    let keyless = "bundle dist -o out --keyless --identity-token token";
    let create = "`cosign trusted-root create";
    for (words, error, hint) in [
        (
            format!("{key} --rekor-url http://localhost:3000 --trusted-root none.json"),
            "--trusted-root none.json does not exist",
            None,
        ),
        (
            format!("{key} --rekor-url http://localhost:3000 --trusted-root config.json"),
            "--trusted-root config.json is a signing config, not a trusted root",
            Some(format!("{create}` of cosign 2.6 or later writes one")),
        ),
        (
            format!("{key} --signing-config root.json --trusted-root root.json"),
            "--signing-config root.json is a trusted root, not a signing config",
            Some(
                "`cosign signing-config create` writes one; --rekor-url and the other URL flags need no file"
                    .to_owned(),
            ),
        ),
        (
            "bundle-sign B --signing-key cosign.key --rekor-url http://localhost:3000 --trusted-root B/checksums.txt"
                .to_owned(),
            "--trusted-root B/checksums.txt lies in B, which is not trusted yet",
            Some("use a file that you received through a separate channel".to_owned()),
        ),
        (
            "bundle-sign B --signing-key cosign.key --signing-config B/checksums.txt --trusted-root root.json"
                .to_owned(),
            "--signing-config B/checksums.txt lies in B, which is not trusted yet",
            Some("use a file that you received through a separate channel".to_owned()),
        ),
        (
            format!("{key} --signing-config several.json --trusted-root root.json"),
            "--signing-config several.json: the signature would be recorded with more than one transparency log (rekorTlogConfig)",
            Some("set its selector to ANY, which uses one".to_owned()),
        ),
        (
            format!("{key} --signing-config v1.json --trusted-root root.json"),
            "--signing-config v1.json says that the log at http://localhost:3003 is a Rekor v1, but --trusted-root root.json says that it is a Rekor v2",
            Some("set its majorApiVersion to 2".to_owned()),
        ),
        (
            format!("{key} --rekor-url http://localhost:3001 --trusted-root root.json"),
            "--trusted-root root.json has no log at http://localhost:3001 (it has http://localhost:3003, http://localhost:3000)",
            Some(format!(
                "write the address as it is in the file, or add it with {create} --rekor url=…,public-key=…`"
            )),
        ),
        (
            format!("{key} --rekor-url http://localhost:3000 --trusted-root no-tlogs.json"),
            "--trusted-root no-tlogs.json has no log at http://localhost:3000 (it has none)",
            Some(format!(
                "write the address as it is in the file, or add it with {create} --rekor url=…,public-key=…`"
            )),
        ),
        (
            format!("{key} --tlog-upload=false {TSA} --trusted-root no-timestampAuthorities.json"),
            "--trusted-root no-timestampAuthorities.json has no timestamp authority at http://127.0.0.1:3004/api/v1/timestamp (it has none)",
            Some(format!("write the address as it is in the file, or add it with {create} --tsa url=…,certificate-chain=…`")),
        ),
        (
            format!("{keyless} --signing-config config.json --trusted-root no-certificateAuthorities.json"),
            "--trusted-root no-certificateAuthorities.json has no certificate authority at http://localhost:5555 (it has none)",
            Some(format!("write the address as it is in the file, or add it with {create} --fulcio url=…,certificate-chain=…`")),
        ),
        (
            format!("{keyless} --signing-config config.json --trusted-root no-ctlogs.json"),
            "--trusted-root no-ctlogs.json has no certificate transparency log that is currently valid; without one no certificate is accepted",
            Some(format!("add one with {create} --ctfe url=…,public-key=…`")),
        ),
        (
            format!("{key} --signing-config no-rekorTlogUrls.json --trusted-root root.json"),
            "--signing-config no-rekorTlogUrls.json: there is no transparency log (rekorTlogUrls) that is currently valid",
            Some(
                "add one, or use --tlog-upload=false with --timestamp-server-url for a timestamp alone; check the clock of this machine too"
                    .to_owned(),
            ),
        ),
        (
            format!("{keyless} --signing-config no-caUrls.json --trusted-root root.json"),
            "--signing-config no-caUrls.json: there is no certificate authority (caUrls) that is currently valid",
            Some("add the Fulcio that certifies the identity; check the clock of this machine too".to_owned()),
        ),
        (
            format!("{keyless} --signing-config no-tsaUrls.json --trusted-root root.json"),
            "--signing-config no-tsaUrls.json: there is no timestamp authority (tsaUrls) that is currently valid, and a log of Rekor v2 states no time",
            Some("add one with --timestamp-server-url, or to the tsaUrls of the signing config; check the clock of this machine too".to_owned()),
        ),
    ] {
        let hint = hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
        sandbox.aicr(&words).stderr(&format!("error: {error}\n{hint}")).exits(2);
        assert_eq!(sandbox.tree(""), before, "{words}");
    }
}

#[test]
fn a_file_without_a_token_is_refused() {
    let sandbox = prepared();
    let before = sandbox.tree("");
    let hint = "hint: an identity token is a JSON Web Token: three parts, separated by dots\n";
    for (file, what, hint) in [
        ("none", "does not exist", "hint: give a file with a token, or set SIGSTORE_ID_TOKEN to the token\n"),
        ("empty", "is empty", hint),
        ("key", "does not contain an identity token", hint),
    ] {
        let services = "--signing-config config.json --trusted-root root.json";
        let error = format!("error: --identity-token {file} {what}\n{hint}");
        let words = format!("bundle-sign B --keyless --identity-token {file} {services}");
        sandbox.aicr(&words).stderr(&error).exits(2);
    }
    let error = format!("error: SIGSTORE_ID_TOKEN does not contain an identity token\n{hint}");
    sandbox.aicr("bundle dist -o out --keyless").env("SIGSTORE_ID_TOKEN", "x").stderr(&error).exits(2);
    assert_eq!(sandbox.tree(""), before);
}

/// A notice names the log before anything is sent, under `--quiet` and in a dry run too.
#[test]
fn a_notice_names_the_log() {
    let sandbox = prepared();
    let before = sandbox.tree("");
    let public = "of the public Sigstore: public and permanent; --tlog-upload=false keeps it out";
    for (words, log) in [
        ("--signing-key cosign.key", Some(public.to_owned())),
        ("--signing-key cosign.key --tlog-upload --quiet", Some(public.to_owned())),
        ("--keyless --identity-token token", Some(format!("{public} (with --signing-key)"))),
        (
            "--signing-key cosign.key --rekor-url http://localhost:3000 --trusted-root root.json",
            Some("at localhost:3000".to_owned()),
        ),
        (
            "--signing-key cosign.key --signing-config config.json --trusted-root root.json",
            Some("at localhost:3003".to_owned()),
        ),
        (
            "--signing-key cosign.key --tlog-upload=false --timestamp-server-url http://127.0.0.1:3004/api/v1/timestamp --trusted-root root.json",
            None,
        ),
        ("--signing-key cosign.key --tlog-upload=false", None),
    ] {
        for command in ["bundle dist -o out", "bundle-sign B", "doctor"] {
            // `doctor` never signs.
            let dry = if command == "doctor" { "" } else { "--dry-run" };
            let output = sandbox.aicr(&format!("{command} {words} {dry}")).output();
            let printed = String::from_utf8(output.stderr).unwrap();
            let expected = log
                .as_ref()
                .map(|log| format!("notice: the signature goes to the transparency log {log}\n"))
                .unwrap_or_default();
            assert_eq!(printed, expected, "{command} {words}");
            assert!(output.status.success(), "{command} {words}");
        }
    }
    assert_eq!(sandbox.tree(""), before);
}

/// A release that cannot do something is refused before anything is signed.
#[test]
fn what_a_release_cannot_do_is_refused_with_the_one_that_can() {
    let sandbox = prepared();
    let no_bundle = "cannot write a Sigstore bundle with a log entry, a certificate or a timestamp";
    let rows = [
        ("v2.2.4", "--signing-key cosign.key", no_bundle, "2.4"),
        ("v2.2.4", "--keyless --identity-token token", no_bundle, "2.4"),
        (
            "v2.2.4",
            "--signing-key cosign.key --tlog-upload=false --timestamp-server-url http://127.0.0.1:3004/api/v1/timestamp --trusted-root root.json",
            no_bundle,
            "2.4",
        ),
        (
            "v2.4.1",
            "--signing-key cosign.key --rekor-url http://localhost:3003 --trusted-root root.json",
            "cannot use Rekor v2",
            "2.6",
        ),
    ];
    for (release, words, what, releases) in rows {
        let version = format!("[ $1 != version ] || echo 'GitVersion: {release}'");
        sandbox.program("bin/cosign", &format!("{}\n{version}", answers(release)));
        let before = sandbox.tree("");
        sandbox
            .aicr(&format!("bundle dist -o out {words}"))
            .stderr(&format!(
                "error: {{root}}/bin/cosign ({release}) {what}\nhint: install cosign {releases} or later, or name one with --cosign\n"
            ))
            .exits(3);
        assert_eq!(sandbox.tree(""), before, "{release} {words}");
    }
}

/// The real run needs a network to upload the signature, and this run refuses without one.
#[test]
fn a_dry_run_for_the_public_log_refuses_an_existing_signature() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    for (key, by, hint) in [
        ("other.key", "another signer", OR_ADD),
        (
            "cosign.key",
            "this signer, but recorded with different services than requested",
            "hint: --force replaces that signature\n",
        ),
    ] {
        sandbox
            .aicr(&format!("bundle-sign B --signing-key {key} --dry-run"))
            .stderr(&format!(
                "notice: the signature goes to the transparency log of the public Sigstore: public and permanent; \
                 --tlog-upload=false keeps it out\n\
                 error: B is signed by {by}\n{hint}"
            ))
            .exits(2);
    }
}
