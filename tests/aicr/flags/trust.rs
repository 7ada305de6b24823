//! The trust flags of `verify`: combinations that are refused, and rows that are valid.

use super::{line, refused, test_directory};
use crate::sandbox::Sandbox;

#[test]
fn no_signer_or_two_of_them() {
    let no_key = "verify needs a key: add --key FILE --insecure-ignore-tlog";
    let checksums_only = "--checksums-only compares the files only, and proves nothing about who made them";
    let add = "add --key FILE, or --certificate-identity NAME --certificate-oidc-issuer URL";
    let one_signer = "a signature is made by a key or by an identity";
    refused(&[
        ("verify B", no_key, checksums_only),
        (
            "verify B --insecure-ignore-tlog",
            "--insecure-ignore-tlog needs a key or an identity to trust",
            add,
        ),
        ("verify B --online", "--online needs a key or an identity to trust", add),
        (
            "verify B --trusted-root r.json --require-timestamp",
            "--trusted-root and --require-timestamp need a key or an identity to trust",
            add,
        ),
        (
            "verify B --key cosign.pub --certificate-identity me",
            &format!("--key cannot be used with --certificate-identity: {one_signer}"),
            "leave out --key, or leave out --certificate-identity",
        ),
        (
            "verify B --key cosign.pub --certificate-oidc-issuer-regexp i",
            &format!("--key cannot be used with --certificate-oidc-issuer-regexp: {one_signer}"),
            "leave out --key, or leave out --certificate-oidc-issuer-regexp",
        ),
    ]);
}

#[test]
fn an_identity_without_its_other_half() {
    let me = "verify B --certificate-identity me --certificate-oidc-issuer https://i.example";
    let root = "add --trusted-root FILE, or --online to let cosign fetch the public trusted root";
    refused(&[
        (
            "verify B --certificate-identity me --trusted-root r.json",
            "--certificate-identity needs --certificate-oidc-issuer: any issuer could certify that name",
            "add --certificate-oidc-issuer URL",
        ),
        (
            "verify B --certificate-oidc-issuer https://i.example --trusted-root r.json",
            "--certificate-oidc-issuer needs --certificate-identity: an issuer certifies many identities",
            "add --certificate-identity NAME",
        ),
        (
            &format!("{me} --certificate-identity-regexp m.*"),
            "--certificate-identity cannot be used with --certificate-identity-regexp: only one of them can apply",
            "leave out --certificate-identity, or leave out --certificate-identity-regexp",
        ),
        (
            &format!("{me} --certificate-oidc-issuer-regexp h.*"),
            "--certificate-oidc-issuer cannot be used with --certificate-oidc-issuer-regexp: only one of them can apply",
            "leave out --certificate-oidc-issuer, or leave out --certificate-oidc-issuer-regexp",
        ),
        (me, "--certificate-identity needs --trusted-root: there is nothing to check it against", root),
        (
            &format!("{me} --trusted-root r.json --insecure-ignore-tlog"),
            "--insecure-ignore-tlog with --certificate-identity needs --require-timestamp: nothing else shows that the certificate was valid at signing time",
            "add --require-timestamp, or leave out --insecure-ignore-tlog",
        ),
        (
            &format!("{me} --trusted-root r.json --allow-kms-plugin"),
            "--certificate-identity cannot be used with --allow-kms-plugin: a KMS plugin has keys, not identities",
            "leave out --certificate-identity, or leave out --allow-kms-plugin",
        ),
        (
            "verify B --certificate-identity= --certificate-oidc-issuer i --trusted-root r.json",
            "--certificate-identity: the value is empty",
            "an unset variable in the command line is the usual cause",
        ),
    ]);
}

#[test]
fn roots_and_timestamps() {
    let root = "add --trusted-root FILE, or --online to let cosign fetch the public trusted root";
    refused(&[
        (
            "verify B --key cosign.pub --trusted-root r.json --online",
            "--trusted-root cannot be used with --online: only one trusted root can apply",
            "leave out --trusted-root, or leave out --online",
        ),
        (
            "verify B --key cosign.pub --require-timestamp",
            "--require-timestamp needs --trusted-root: there is nothing to check it against",
            root,
        ),
        (
            "verify B --key cosign.pub --insecure-ignore-tlog --require-timestamp",
            "--require-timestamp needs --trusted-root: there is nothing to check it against",
            root,
        ),
        (
            "verify B --key cosign.pub --trusted-root=",
            "--trusted-root: the path is empty",
            "an unset variable in the command line is the usual cause",
        ),
    ]);
}

#[test]
fn checksums_only_excludes_every_other_flag() {
    let table = [
        "--key=cosign.pub",
        "--insecure-ignore-tlog",
        "--trusted-root=r.json",
        "--certificate-identity=me",
        "--certificate-identity-regexp=me",
        "--certificate-oidc-issuer=i",
        "--certificate-oidc-issuer-regexp=i",
        "--require-timestamp",
        "--online",
        "--allow-kms-plugin",
    ]
    .map(|typed| {
        let flag = typed.split('=').next().unwrap();
        [
            format!("verify B --checksums-only {typed}"),
            format!("--checksums-only cannot be used with {flag}: it verifies no signature"),
            format!("leave out --checksums-only, or leave out {flag}"),
        ]
    });
    let table: Vec<_> = table.iter().map(|[words, message, hint]| (&**words, &**message, &**hint)).collect();
    refused(&table);
}

#[test]
fn keys_that_prove_nothing() {
    let sandbox = test_directory();
    sandbox.file("B/inside.pub", sandbox.read("cosign.pub"));
    for (key, error) in [
        (
            "cosign.key",
            "--key cosign.key is a private key
hint: `cosign public-key --key REF --outfile cosign.pub` writes a public key",
        ),
        (
            "B/inside.pub",
            "--key B/inside.pub lies in the bundle B, so it proves nothing about it
hint: use a key that you received through a separate channel",
        ),
        ("nowhere.pub", "--key nowhere.pub does not exist"),
        (
            "env://KEY",
            "--key env://KEY: the key to trust cannot come from a variable
hint: give the public key in a file",
        ),
        (
            "https://example.com/cosign.pub",
            "--key: cosign would fetch the key from this web address, and a key from there is not checked
hint: download the key file, check it, and give its path",
        ),
        ("", "--key: the key reference is empty\nhint: give a key manager URI or a key file"),
        (
            "hsm://slot/1?pin=hunter2",
            "--key hsm://slot/1?… needs --allow-kms-plugin: cosign would run the program sigstore-kms-hsm
hint: add --allow-kms-plugin, or give the public key in a file",
        ),
    ] {
        let before = sandbox.tree("");
        sandbox
            .aicr_with(["verify", "B", "--insecure-ignore-tlog", "--key", key])
            .stderr(&format!("error: {error}\n"))
            .exits(2);
        assert_eq!(sandbox.tree(""), before, "{key}");
    }
}

#[test]
fn rows_that_are_valid() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let (manifest, key) = (
        "  manifest sha256\n    162fd0a1cb1865a982946584601d41d4216cee06114751d22d6af71e706da0e8
  2 files, 11 bytes\n",
        "  key sha256\n    1e9fc1b5f1ff2aaccac79d66c2feff86234d8d3b3e069614ed3eddf7ba30ffee\n  log none, timestamp none\n",
    );
    for words in [
        "verify B --key cosign.pub --insecure-ignore-tlog",
        "verify B --key ./cosign.pub --insecure-ignore-tlog --allow-kms-plugin",
        "verify B --key cosign.pub --insecure-ignore-tlog=true",
    ] {
        line(&sandbox, words).stdout(&format!("accepted B\n{manifest}{key}")).succeeds();
    }
    line(&sandbox, "verify B --checksums-only")
        .stdout(&format!("unproven B\n{manifest}nothing proves who made it: anybody can write a manifest\n"))
        .succeeds();
}
