//! The key of `verify --key` and `sheet --key`: from a file, from standard input, or from a key manager. It never comes
//! from a bundle.

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};

use crate::commands::signatures::SignatureFile;
use crate::context::Context;
use crate::cosign::Cosign;
use crate::cosign::signing_key::SigningKey;
use crate::digest::Sha256Digest;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::plan::key_ref::KeyRef;
use crate::printable::quoted_path;
use crate::sigstore::evidence::SignedBy;
use crate::sigstore::key_type::KeyType;
use crate::sigstore::pem::PemKind;
use crate::sigstore::public_key::PublicKey;
use crate::small_file::{self, Links};
use crate::tree::ancestry::lies_in;

/// The largest public key file that is read, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;

/// The public key in a file that the operator named. It must lie outside every bundle, unless it has one of the
/// `fingerprints`: then these are what is trusted.
pub(super) fn in_file(
    path: &Utf8Path,
    bundles: &[Utf8PathBuf],
    fingerprints: &[Sha256Digest],
) -> Result<PublicKey> {
    let name = format!("--key {path}");
    let content = small_file::read(path, SIZE_LIMIT, Links::Follow)
        .map_err(|why| Failure::usage(format!("{name} {why}")))?;
    for bundle in bundles.iter().filter(|_| fingerprints.is_empty()) {
        if lies_in(path, bundle).with_context(|| format!("look at {path}"))? {
            return Err(Failure::usage(format!(
                "{name} lies in the bundle {bundle}, so it proves nothing about it"
            ))
            .hint("use a key that you received through a separate channel"));
        }
    }
    let key = parsed(&content, &name, &quoted_path(path))?;
    expect(&key, fingerprints, &name, Some(Sha256Digest::of(&content)))?;
    Ok(key)
}

/// The public key that is piped in: `--key -`.
pub(super) fn in_standard_input(interrupt: &Interrupt, fingerprints: &[Sha256Digest]) -> Result<PublicKey> {
    let content = small_file::read_standard_input(SIZE_LIMIT, interrupt)?
        .map_err(|why| Failure::usage(format!("--key -: standard input {why}")))?;
    let key = parsed(&content, "--key -: standard input", "/dev/stdin")?;
    expect(&key, fingerprints, "--key -", Some(Sha256Digest::of(&content)))?;
    Ok(key)
}

/// Rejects a key that has none of the `fingerprints`, if there are any. `file` is the SHA-256 of the file that the key
/// comes from.
fn expect(
    key: &PublicKey,
    fingerprints: &[Sha256Digest],
    name: &str,
    file: Option<Sha256Digest>,
) -> Result<()> {
    let found = key.sha256();
    if fingerprints.is_empty() || fingerprints.contains(&found) {
        return Ok(());
    }
    let failure = if file.is_some_and(|file| fingerprints.contains(&file)) {
        format!("--key-sha256 is the SHA-256 of the file that {name} reads, not of the key in it ({found})")
    } else {
        format!("{name} is the key {found}, which is not the one of --key-sha256")
    };
    Err(Failure::rejected(failure)
        .hint("compare the fingerprint of the key with the one that you received through a separate channel"))
}

/// Asks the key manager for the public key, and says so.
pub(super) fn in_key_manager(
    reference: &KeyRef,
    fingerprints: &[Sha256Digest],
    key: &SigningKey,
    cosign: &Cosign<'_>,
    context: &Context,
) -> Result<PublicKey> {
    context.printer.warning(&format!("asking {reference} for its public key, once"));
    let name = format!("--key {reference}");
    let key = usable(cosign.public_key(key)?, &name, "FILE")?;
    expect(&key, fingerprints, &name, None)?;
    Ok(key)
}

/// Checks that one of `keys` has signed, by the hints of the signatures. The bundle `top` is rejected otherwise. Which
/// signatures are valid is not decided here.
pub(super) fn check_signers(keys: &[PublicKey], top: &str, signatures: &[SignatureFile]) -> Result<()> {
    let has_signed = |key: &PublicKey| {
        signatures.iter().any(|file| *file.evidence.signer() == SignedBy::Key(key.sha256()))
    };
    if keys.iter().any(has_signed) {
        return Ok(());
    }
    if let [SignatureFile { evidence, .. }] = signatures
        && let SignedBy::Certificate(_) = evidence.signer()
    {
        return Err(Failure::rejected(format!("{top} is signed by an identity (keyless), not by a key")));
    }
    let signers = signatures.iter().map(|file| match file.evidence.signer() {
        SignedBy::Key(hint) => format!("key {hint}"),
        SignedBy::Certificate(_) => "an identity (keyless)".to_owned(),
    });
    let signers = signers.collect::<Vec<_>>().join(" and ");
    let missing = keys.iter().map(|key| key.sha256().to_string()).collect::<Vec<_>>().join(", ");
    Err(Failure::rejected(format!("{top} is signed by {signers}, not by --key ({missing})"))
        .hint("a rotated key is the usual cause: use the public key of the version that signed"))
}

/// The key in `content`; `file` is its file, as an argument in the shell.
fn parsed(content: &[u8], name: &str, file: &str) -> Result<PublicKey> {
    let key = PublicKey::parse(content).map_err(|why| {
        let hint = match PemKind::of(content) {
            PemKind::RsaPublic => {
                format!("`openssl rsa -RSAPublicKey_in -in {file} -pubout -out cosign.pub` converts it")
            }
            _ => "`cosign public-key --key REF --outfile cosign.pub` writes a public key".to_owned(),
        };
        Failure::usage(format!("{name} {why}")).hint(hint)
    })?;
    usable(key, name, file)
}

/// Refuses a key with which cosign verifies nothing.
fn usable(key: PublicKey, name: &str, file: &str) -> Result<PublicKey> {
    let key_type = key.key_type();
    if key_type.is_usable() {
        return Ok(key);
    }
    let hint = match key_type {
        KeyType::Form(_) => format!(
            "`openssl ec -pubin -in {file} -conv_form uncompressed -param_enc named_curve -out cosign.pub` converts it"
        ),
        _ => "use an ECDSA P-256 key, or RSA with 2048 to 4096 bits".to_owned(),
    };
    Err(Failure::usage(format!("{name} is {key_type}, which cosign cannot use")).hint(hint))
}
