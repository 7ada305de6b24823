//! Command lines that are wrong by themselves: commands and flags that do not exist, arguments that
//! are missing, values that no flag has. Each answer names a command or a flag that exists.

use super::{line, refused, test_directory};
use crate::sandbox::Sandbox;

const AICR_HELP: &str = "aicr --help";
const BUNDLE_HELP: &str = "aicr bundle --help";
const VERIFY_HELP: &str = "aicr verify --help";
const DOCTOR_HELP: &str = "aicr doctor --help";

/// `verify has no flag --zzz`.
fn no_flag(command: &str, flag: &str) -> String {
    format!("{command} has no flag {flag}")
}

fn no_command(name: &str) -> String {
    format!("`{name}` is not an aicr command")
}

#[test]
fn aicr_alone_prints_the_short_help() {
    let help = r"Build, sign and verify release bundles offline with the system's own cosign

Usage: aicr [OPTIONS] <COMMAND>

Commands:
  bundle       Build a bundle of release files, and sign it if a signer is given
  bundle-sign  Sign existing bundles
  pack         Pack a bundle into one file, or into volumes of a size
  verify       Verify the signature of bundles, and every file in them
  inspect      Describe what a bundle or a receipt says of itself, unproven
  sheet        Print a page for receivers: values to compare, commands to type
  doctor       Check cosign, the signing key and the services on this machine
  help         Print help for aicr or for one command
  completions  Print a completion script for a shell
  man          Print a manual page: aicr(1), or the page of one command

Examples:
  Build a bundle, and sign it with a key manager and without a log:
    aicr bundle dist/ --output release-1.4 \
      --signing-key awskms:///alias/release --tlog-upload=false
  Verify it on any machine, without a network:
    aicr verify release-1.4 --key cosign.pub --insecure-ignore-tlog
  Check cosign and the key before a release:
    aicr doctor --signing-key awskms:///alias/release --tlog-upload=false

error: no command given
hint: aicr --help
";
    let sandbox = test_directory();
    let before = sandbox.tree("");
    line(&sandbox, "").stderr(help).exits(2);
    assert_eq!(sandbox.tree(""), before);
}

#[test]
fn commands_that_do_not_exist() {
    refused(&[
        ("--quiet", "no command given", AICR_HELP),
        ("frobnicate", &no_command("frobnicate"), AICR_HELP),
        ("manifest B", &no_command("manifest"), AICR_HELP),
        ("verfy B", &no_command("verfy"), "did you mean `aicr verify`?"),
        ("bundel dist", &no_command("bundel"), "did you mean `aicr bundle`?"),
        ("bundle-sing B", &no_command("bundle-sing"), "did you mean `aicr bundle-sign`?"),
        ("docter", &no_command("docter"), "did you mean `aicr doctor`?"),
        (
            "help frobnicate",
            "COMMAND: invalid value `frobnicate`",
            "use bundle, bundle-sign, pack, verify, inspect, sheet, doctor, help, completions or man",
        ),
        (
            "man help",
            "COMMAND: invalid value `help`",
            "use bundle, bundle-sign, pack, verify, inspect, sheet or doctor",
        ),
    ]);
}

/// cosign's verbs, make's and those of other tools. No hint publishes anything.
#[test]
fn commands_of_other_tools() {
    let sign = "aicr bundle-sign DIR --signing-key cosign.key --tlog-upload=false";
    let sign_b = "aicr bundle-sign B --signing-key cosign.key --tlog-upload=false";
    let verify = "aicr verify DIR --key cosign.pub --insecure-ignore-tlog";
    let verify_b = "aicr verify B --key cosign.pub --insecure-ignore-tlog";
    let bundle = "aicr bundle dist/ --output release-1.4";
    refused(&[
        ("sign", &no_command("sign"), sign),
        ("sign B --key cosign.key", &no_command("sign"), sign_b),
        ("sign-blob --key cosign.key B", &no_command("sign-blob"), sign),
        ("attest B", &no_command("attest"), sign_b),
        ("check B", &no_command("check"), verify_b),
        ("verify-blob --key cosign.pub B", &no_command("verify-blob"), verify),
        ("validate B", &no_command("validate"), verify_b),
        ("create", &no_command("create"), bundle),
        ("build dist -o out", &no_command("build"), "aicr bundle dist --output release-1.4"),
        ("show B", &no_command("show"), "aicr inspect B"),
        ("info", &no_command("info"), "aicr inspect DIR"),
        ("handout B", &no_command("handout"), "aicr sheet B --key cosign.pub"),
        ("completion zsh", &no_command("completion"), "aicr completions zsh"),
        ("version", &no_command("version"), "aicr --version"),
        ("generate-key-pair", &no_command("generate-key-pair"), "cosign generate-key-pair"),
    ]);
    let sandbox = Sandbox::new();
    let stderr = "error: `check` is not an aicr command
hint: aicr verify 'my bundle' --key cosign.pub --insecure-ignore-tlog\n";
    sandbox.aicr_with(["check", "my bundle"]).stderr(stderr).exits(2);
}

#[test]
fn flags_that_do_not_exist() {
    refused(&[
        ("verify B --zzz", &no_flag("verify", "--zzz"), VERIFY_HELP),
        ("verify B -z", &no_flag("verify", "-z"), VERIFY_HELP),
        ("--zzz", &no_flag("aicr", "--zzz"), AICR_HELP),
        ("verify B --checksum-only", &no_flag("verify", "--checksum-only"), "did you mean --checksums-only?"),
        ("bundle dist --out o", &no_flag("bundle", "--out"), "did you mean --output?"),
        ("bundle dist --output-dir o", &no_flag("bundle", "--output-dir"), "did you mean --output?"),
        (
            "verify B --force",
            &no_flag("verify", "--force"),
            "--force is a flag of `aicr bundle`, `aicr bundle-sign` and `aicr pack`",
        ),
        ("verify B --version", &no_flag("verify", "--version"), "aicr --version"),
        ("doctor B", "doctor does not take the argument `B`", DOCTOR_HELP),
        (
            "man --key cosign.key",
            &no_flag("man", "--key"),
            "--key is a flag of `aicr verify` and `aicr sheet`",
        ),
        (
            "--keyless bundle dist -o out",
            "--keyless must follow the command",
            "write --keyless after `bundle`",
        ),
    ]);
}

/// No typo is answered with a flag that publishes something or uses the network.
#[test]
fn typos_of_flags_that_publish() {
    let no_upload = "write --tlog-upload=false";
    refused(&[
        ("bundle dist -o out --tlog-uplaod=false", &no_flag("bundle", "--tlog-uplaod"), no_upload),
        ("bundle-sign B --tlog-uploads=false", &no_flag("bundle-sign", "--tlog-uploads"), no_upload),
        ("bundle dist -o out --tlog-uplaod=true", &no_flag("bundle", "--tlog-uplaod"), BUNDLE_HELP),
        ("bundle dist -o out --tlog-uplaod", &no_flag("bundle", "--tlog-uplaod"), BUNDLE_HELP),
        ("verify B --tlog-uplaod=false", &no_flag("verify", "--tlog-uplaod"), VERIFY_HELP),
        ("bundle dist -o out --keyles", &no_flag("bundle", "--keyles"), BUNDLE_HELP),
        ("bundle dist -o out --attests", &no_flag("bundle", "--attests"), BUNDLE_HELP),
        ("verify B --on-line", &no_flag("verify", "--on-line"), VERIFY_HELP),
    ]);
}

/// Flags of cosign and other tools.
#[test]
fn flags_of_other_tools() {
    let (key, no_upload) = ("use --signing-key", "use --tlog-upload=false");
    let no_log = "use --insecure-ignore-tlog to accept a signature without a log entry";
    let unsigned = "use `aicr bundle` for an unsigned bundle";
    let identity = "use --certificate-identity and --certificate-oidc-issuer";
    refused(&[
        ("bundle dist -o out --key cosign.key", &no_flag("bundle", "--key"), key),
        ("bundle dist -o out -k cosign.key", &no_flag("bundle", "-k"), key),
        ("bundle-sign B --key=cosign.key", &no_flag("bundle-sign", "--key"), key),
        ("doctor --key cosign.key", &no_flag("doctor", "--key"), key),
        ("--key cosign.key bundle-sign B", &no_flag("bundle-sign", "--key"), key),
        ("bundle dist -o out --no-tlog-upload", &no_flag("bundle", "--no-tlog-upload"), no_upload),
        ("bundle dist -o out --no-tlog", &no_flag("bundle", "--no-tlog"), no_upload),
        ("bundle-sign B --no-upload", &no_flag("bundle-sign", "--no-upload"), no_upload),
        ("bundle-sign B --offline", &no_flag("bundle-sign", "--offline"), no_upload),
        (
            "bundle-sign B --insecure-ignore-tlog",
            &no_flag("bundle-sign", "--insecure-ignore-tlog"),
            no_upload,
        ),
        ("bundle-sign B --no-sign", &no_flag("bundle-sign", "--no-sign"), unsigned),
        ("bundle-sign B --yes", &no_flag("bundle-sign", "--yes"), "leave it out: aicr asks no questions"),
        ("bundle dist -o out -f", &no_flag("bundle", "-f"), "use --force"),
        ("bundle dist -o out -n", &no_flag("bundle", "-n"), "use --dry-run"),
        ("verify B --pubkey cosign.pub", &no_flag("verify", "--pubkey"), "use --key"),
        ("verify B --public-key=cosign.pub", &no_flag("verify", "--public-key"), "use --key"),
        ("verify B -k cosign.pub", &no_flag("verify", "-k"), "use --key"),
        ("verify B --signing-key cosign.pub", &no_flag("verify", "--signing-key"), "use --key"),
        ("verify B --tlog-upload=false", &no_flag("verify", "--tlog-upload"), no_log),
        ("verify B --tlog-upload", &no_flag("verify", "--tlog-upload"), no_log),
        ("verify B --no-tlog", &no_flag("verify", "--no-tlog"), no_log),
        ("verify B --offline", &no_flag("verify", "--offline"), "leave it out: verify is offline"),
        ("verify B --keyless", &no_flag("verify", "--keyless"), identity),
        ("verify --bundle B", &no_flag("verify", "--bundle"), "give the bundle directory without a flag"),
        ("verify B --check", &no_flag("verify", "--check"), "use --checksums-only"),
        ("sheet B --pubkey cosign.pub", &no_flag("sheet", "--pubkey"), "use --key"),
        ("inspect B --json", &no_flag("inspect", "--json"), "use --format json"),
        (
            "inspect B --key cosign.pub",
            &no_flag("inspect", "--key"),
            "--key is a flag of `aicr verify` and `aicr sheet`",
        ),
        ("verify B --json", &no_flag("verify", "--json"), "use --format json"),
        ("doctor -j 4", &no_flag("doctor", "-j"), "use --jobs"),
    ]);
}

#[test]
fn arguments_that_are_missing() {
    let verify = "aicr verify DIR --key cosign.pub --insecure-ignore-tlog";
    refused(&[
        (
            "bundle -o out",
            "bundle needs a file or directory to bundle",
            "aicr bundle dist/ --output release-1.4",
        ),
        (
            "bundle-sign",
            "bundle-sign needs a bundle directory",
            "aicr bundle-sign DIR --signing-key cosign.key --tlog-upload=false",
        ),
        ("verify", "verify needs a bundle directory", verify),
        ("verify --key cosign.pub --insecure-ignore-tlog", "verify needs a bundle directory", verify),
        ("inspect", "inspect needs a bundle directory", "aicr inspect DIR"),
        ("sheet --key cosign.pub", "sheet needs a bundle directory", "aicr sheet DIR --key cosign.pub"),
        ("completions", "completions needs the name of a shell", "aicr completions bash"),
        ("bundle dist -o", "--output needs a value", "write --output DIR"),
        ("verify B --key", "--key needs a value", "write --key FILE|REF"),
        ("doctor --format", "--format needs a value", "use text or json"),
    ]);
}

#[test]
fn values_that_do_not_exist() {
    refused(&[
        ("completions tcsh", "SHELL: invalid value `tcsh`", "use bash, elvish, fish, powershell or zsh"),
        ("doctor --format xml", "--format: invalid value `xml`", "use text or json"),
        ("doctor --color=sometimes", "--color: invalid value `sometimes`", "use auto, always or never"),
    ]);
}

/// cosign takes `--insecure-ignore-tlog=true`; so does aicr.
#[test]
fn values_of_flags_that_take_none() {
    let ignore = "--insecure-ignore-tlog does not take a value";
    refused(&[
        (
            "verify B --key cosign.pub --insecure-ignore-tlog=1",
            ignore,
            "write --insecure-ignore-tlog without a value",
        ),
        (
            "verify B --key cosign.pub --insecure-ignore-tlog=false",
            ignore,
            "leave out --insecure-ignore-tlog",
        ),
        (
            "verify B --insecure-ignore-tlog=true",
            "--insecure-ignore-tlog needs a key or an identity to trust",
            "add --key FILE, or --certificate-identity NAME --certificate-oidc-issuer URL",
        ),
        (
            "verify B --key cosign.pub --insecure-ignore-tlog=true --insecure-ignore-tlog",
            "--insecure-ignore-tlog is given twice",
            "leave out one --insecure-ignore-tlog",
        ),
        ("bundle-sign B --keyless=1", "--keyless does not take a value", "write --keyless without a value"),
    ]);
}

#[test]
fn flags_that_are_given_twice() {
    let twice = |flag: &str| (format!("{flag} is given twice"), format!("leave out one {flag}"));
    for (words, flag) in [
        ("bundle dist -o a --output b", "--output"),
        ("bundle dist -o a --no-sign --no-sign", "--no-sign"),
        ("bundle dist -o a --tlog-upload=true --tlog-upload=false", "--tlog-upload"),
        ("bundle-sign B --signing-key a --signing-key b", "--signing-key"),
        ("bundle-sign B --keyless --keyless", "--keyless"),
        ("verify B --shard 1/2 --shard 2/2", "--shard"),
        ("-q verify B --checksums-only --quiet", "--quiet"),
        ("--timeout 1m doctor --timeout=1m", "--timeout"),
        ("--color=never doctor --color never", "--color"),
        ("doctor --jobs 1 --jobs 2", "--jobs"),
        ("doctor --timeout 1m --timeout 2m", "--timeout"),
    ] {
        let (message, hint) = twice(flag);
        refused(&[(words, &message, &hint)]);
    }
    refused(&[("doctor -q -v", "--quiet cannot be used with --verbose", "leave out --quiet or --verbose")]);
}

#[test]
fn a_usage_error_is_one_json_object_too() {
    let sandbox = test_directory();
    for (words, command, message, hint) in [
        ("--format json", "null", "no command given", "aicr --help"),
        ("frobnicate --format=json", "null", "`frobnicate` is not an aicr command", "aicr --help"),
        ("verify B --format json --zzz", r#""verify""#, "verify has no flag --zzz", "aicr verify --help"),
        (
            "help zzz --format json",
            r#""help""#,
            "COMMAND: invalid value `zzz`",
            "use bundle, bundle-sign, pack, verify, inspect, sheet, doctor, help, completions or man",
        ),
    ] {
        let object = format!(
            r#"{{"schemaVersion":1,"command":{command},"exit":2,"cosign":null,"bundles":[],"error":{{"exit":2,"message":"{message}","cosign":null,"hint":"{hint}"}}}}"#
        );
        line(&sandbox, words)
            .stdout(&format!("{object}\n"))
            .stderr(&format!("error: {message}\nhint: {hint}\n"))
            .exits(2);
    }
}
