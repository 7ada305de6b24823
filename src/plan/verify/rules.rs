//! Which trust flags can be used together, as tables. [`super`] reads their values.

use crate::cli::{ForeignArgs, ReleaseArgs, TrustArgs, VerifyArgs};
use crate::error::{Failure, Result};

const KEY: &str = "--key";
const IGNORE_TLOG: &str = "--insecure-ignore-tlog";
const ROOT: &str = "--trusted-root";
const IDENTITY: &str = "--certificate-identity";
const IDENTITY_REGEXP: &str = "--certificate-identity-regexp";
const ISSUER: &str = "--certificate-oidc-issuer";
const ISSUER_REGEXP: &str = "--certificate-oidc-issuer-regexp";
const TIMESTAMP: &str = "--require-timestamp";
const ONLINE: &str = "--online";
const CHECKSUMS_ONLY: &str = "--checksums-only";
const PLUGIN: &str = "--allow-kms-plugin";
const KEY_SHA256: &str = "--key-sha256";
const REQUIRE: &str = "--require";
const COPY_TO: &str = "--copy-to";
const RECEIPT: &str = "--receipt";
const SHARD: &str = "--shard";
const NAME: &str = "--expect-name";
const VERSION: &str = "--expect-version";
const AT_LEAST: &str = "--at-least";
const MANIFEST: &str = "--manifest";
const SIGNATURE: &str = "--signature";
const ALLOW_MISSING: &str = "--allow-missing";

/// Pairs that exclude each other, and why. The first pair that is typed decides the message.
const CONFLICTS: [(&str, &str, &str); 45] = [
    (CHECKSUMS_ONLY, KEY, NO_SIGNATURE),
    (CHECKSUMS_ONLY, IDENTITY, NO_SIGNATURE),
    (CHECKSUMS_ONLY, IDENTITY_REGEXP, NO_SIGNATURE),
    (CHECKSUMS_ONLY, ISSUER, NO_SIGNATURE),
    (CHECKSUMS_ONLY, ISSUER_REGEXP, NO_SIGNATURE),
    (CHECKSUMS_ONLY, IGNORE_TLOG, NO_SIGNATURE),
    (CHECKSUMS_ONLY, ROOT, NO_SIGNATURE),
    (CHECKSUMS_ONLY, ONLINE, NO_SIGNATURE),
    (CHECKSUMS_ONLY, TIMESTAMP, NO_SIGNATURE),
    (CHECKSUMS_ONLY, PLUGIN, NO_SIGNATURE),
    (CHECKSUMS_ONLY, KEY_SHA256, NO_SIGNATURE),
    (CHECKSUMS_ONLY, REQUIRE, NO_SIGNATURE),
    (CHECKSUMS_ONLY, COPY_TO, NO_SIGNATURE),
    (CHECKSUMS_ONLY, RECEIPT, NO_SIGNATURE),
    (CHECKSUMS_ONLY, NAME, NO_SIGNATURE),
    (CHECKSUMS_ONLY, VERSION, NO_SIGNATURE),
    (CHECKSUMS_ONLY, AT_LEAST, NO_SIGNATURE),
    (CHECKSUMS_ONLY, SIGNATURE, NO_SIGNATURE),
    (SHARD, CHECKSUMS_ONLY, "only a signature shows that all shards are of one bundle"),
    (SHARD, COPY_TO, "a shard has only some of the files"),
    (SHARD, RECEIPT, "a receipt is about a whole bundle"),
    (SHARD, ALLOW_MISSING, "a shard does not show which files the others have"),
    (MANIFEST, NAME, NO_NAME),
    (MANIFEST, VERSION, NO_NAME),
    (MANIFEST, AT_LEAST, NO_NAME),
    (MANIFEST, REQUIRE, "only a bundle of aicr has several signatures"),
    (KEY, IDENTITY, ONE_SIGNER),
    (KEY, IDENTITY_REGEXP, ONE_SIGNER),
    (KEY, ISSUER, ONE_SIGNER),
    (KEY, ISSUER_REGEXP, ONE_SIGNER),
    (IDENTITY, IDENTITY_REGEXP, "only one of them can apply"),
    (ISSUER, ISSUER_REGEXP, "only one of them can apply"),
    (ROOT, ONLINE, "only one trusted root can apply"),
    (IDENTITY, KEY_SHA256, ONE_SIGNER),
    (IDENTITY_REGEXP, KEY_SHA256, ONE_SIGNER),
    (ISSUER, KEY_SHA256, ONE_SIGNER),
    (ISSUER_REGEXP, KEY_SHA256, ONE_SIGNER),
    (IDENTITY, REQUIRE, ONE_IDENTITY),
    (IDENTITY_REGEXP, REQUIRE, ONE_IDENTITY),
    (ISSUER, REQUIRE, ONE_IDENTITY),
    (ISSUER_REGEXP, REQUIRE, ONE_IDENTITY),
    (IDENTITY, PLUGIN, NO_KEY),
    (IDENTITY_REGEXP, PLUGIN, NO_KEY),
    (ISSUER, PLUGIN, NO_KEY),
    (ISSUER_REGEXP, PLUGIN, NO_KEY),
];

const NO_SIGNATURE: &str = "it verifies no signature";
const ONE_SIGNER: &str = "a signature is made by a key or by an identity";
const ONE_IDENTITY: &str = "it counts keys";
const NO_NAME: &str = "only a bundle of aicr says which release it is";
const NO_KEY: &str = "a KMS plugin has keys, not identities";

/// Checks which flags of `verify` are given, whatever their values.
pub(super) fn check(args: &VerifyArgs) -> Result<()> {
    let typed = typed(args);
    for (one, other, why) in CONFLICTS {
        if typed.contains(&one) && typed.contains(&other) {
            return Err(Failure::usage(format!("{one} cannot be used with {other}: {why}"))
                .hint(format!("leave out {one}, or leave out {other}")));
        }
    }
    let first = |flags: [&'static str; 2]| flags.into_iter().find(|flag| typed.contains(flag));
    let has = |flag: &str| typed.contains(&flag);
    if has(CHECKSUMS_ONLY) {
        return Ok(());
    }
    for (flag, why) in [(KEY_SHA256, "it says which key that must be"), (REQUIRE, "it counts keys")] {
        if has(flag) && !has(KEY) {
            return Err(Failure::usage(format!("{flag} needs {KEY}: {why}")).hint(format!("add {KEY} FILE")));
        }
    }
    if let Some(one) = [COPY_TO, RECEIPT].into_iter().find(|flag| has(flag) && args.bundles.len() > 1) {
        return Err(Failure::usage(format!("{one} takes exactly one bundle, not {}", args.bundles.len()))
            .hint("run verify once for each bundle"));
    }
    match (has(KEY), first([IDENTITY, IDENTITY_REGEXP]), first([ISSUER, ISSUER_REGEXP])) {
        (false, None, None) if typed.is_empty() => return Err(no_trust_flag()),
        (false, None, None) => {
            let verb = if typed.len() == 1 { "needs" } else { "need" };
            return Err(Failure::usage(format!(
                "{} {verb} a key or an identity to trust",
                typed.join(" and ")
            ))
            .hint("add --key FILE, or --certificate-identity NAME --certificate-oidc-issuer URL"));
        }
        (_, Some(identity), None) => {
            return Err(Failure::usage(format!(
                "{identity} needs {ISSUER}: any issuer could certify that name"
            ))
            .hint(format!("add {ISSUER} URL")));
        }
        (_, None, Some(issuer)) => {
            return Err(Failure::usage(format!(
                "{issuer} needs {IDENTITY}: an issuer certifies many identities"
            ))
            .hint(format!("add {IDENTITY} NAME")));
        }
        (false, Some(identity), Some(_)) => {
            if has(IGNORE_TLOG) && !has(TIMESTAMP) {
                return Err(Failure::usage(format!(
                    "{IGNORE_TLOG} with {identity} needs {TIMESTAMP}: nothing else shows that the certificate was valid at signing time"
                ))
                .hint(format!("add {TIMESTAMP}, or leave out {IGNORE_TLOG}")));
            }
            if !has(ROOT) && !has(ONLINE) {
                return Err(needs_root(identity));
            }
        }
        (true, ..) => {}
    }
    if has(TIMESTAMP) && !has(ROOT) && !has(ONLINE) {
        return Err(needs_root(TIMESTAMP));
    }
    Ok(())
}

/// Refuses a second thing that would be read from standard input, and a directory there.
pub(super) fn check_standard_input(args: &VerifyArgs) -> Result<()> {
    const DIRECTORY: &str = "write `./-` for a directory of that name";
    let piped = args.bundles.iter().filter(|bundle| *bundle == "-").count();
    if piped > 0 && args.foreign.manifest.is_some() {
        return Err(
            Failure::usage("BUNDLE: - is an archive, and --manifest needs a directory").hint(DIRECTORY)
        );
    }
    if piped + usize::from(args.trust.key.iter().any(|key| key == "-")) > 1 {
        return Err(Failure::usage("- is given twice: standard input can be read only once")
            .hint("give the key in a file, or the archive"));
    }
    Ok(())
}

/// The refusal of a command line without a key or an identity.
pub(super) fn no_trust_flag() -> Failure {
    Failure::usage("verify needs a key: add --key FILE --insecure-ignore-tlog")
        .hint("--checksums-only compares the files only, and proves nothing about who made them")
}

/// The refusal of a check without a trusted root.
pub(super) fn needs_root(flag: &str) -> Failure {
    Failure::usage(format!("{flag} needs --trusted-root: there is nothing to check it against"))
        .hint("add --trusted-root FILE, or --online to let cosign fetch the public trusted root")
}

/// The flags that were typed, in the order of the help.
fn typed(args: &VerifyArgs) -> Vec<&'static str> {
    let VerifyArgs { bundles: _, copy_to, receipt, shard, release, foreign, trust } = args;
    let ForeignArgs { manifest, signature, allow_missing } = foreign;
    let ReleaseArgs { expect_name, expect_version, at_least } = release;
    let TrustArgs {
        key,
        key_sha256,
        require,
        insecure_ignore_tlog,
        trusted_root,
        certificate_identity,
        certificate_identity_regexp,
        certificate_oidc_issuer,
        certificate_oidc_issuer_regexp,
        require_timestamp,
        online,
        checksums_only,
        allow_kms_plugin,
    } = trust;
    [
        (COPY_TO, copy_to.is_some()),
        (RECEIPT, receipt.is_some()),
        (SHARD, shard.is_some()),
        (NAME, expect_name.is_some()),
        (VERSION, expect_version.is_some()),
        (AT_LEAST, at_least.is_some()),
        (MANIFEST, manifest.is_some()),
        (SIGNATURE, signature.is_some()),
        (ALLOW_MISSING, *allow_missing),
        (KEY, !key.is_empty()),
        (KEY_SHA256, !key_sha256.is_empty()),
        (REQUIRE, require.is_some()),
        (IGNORE_TLOG, *insecure_ignore_tlog),
        (ROOT, trusted_root.is_some()),
        (IDENTITY, certificate_identity.is_some()),
        (IDENTITY_REGEXP, certificate_identity_regexp.is_some()),
        (ISSUER, certificate_oidc_issuer.is_some()),
        (ISSUER_REGEXP, certificate_oidc_issuer_regexp.is_some()),
        (TIMESTAMP, *require_timestamp),
        (ONLINE, *online),
        (CHECKSUMS_ONLY, *checksums_only),
        (PLUGIN, *allow_kms_plugin),
    ]
    .into_iter()
    .filter_map(|(flag, is_typed)| is_typed.then_some(flag))
    .collect()
}
