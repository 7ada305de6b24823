//! The keys of `verify --key` and `sheet --key`: from files, from standard input, or from a key manager. They never
//! come from a bundle.

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};

use crate::commands::signatures::SignatureFile;
use crate::context::Context;
use crate::cosign::environment::SecretsOf;
use crate::cosign::signing_key::SigningKey;
use crate::cosign::{Cosign, Session};
use crate::digest::Sha256Digest;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::plan::key_ref::KeyRef;
use crate::plan::verify::{KeyToTrust, MAX_KEYS, too_few_keys};
use crate::printable::quoted_path;
use crate::sigstore::evidence::SignedBy;
use crate::sigstore::key_type::KeyType;
use crate::sigstore::pem::PemKind;
use crate::sigstore::public_key::PublicKey;
use crate::small_file::{self, Links};
use crate::tree::ancestry::lies_in;
use crate::tree::signature_files::MAX_SIGNATURES;

/// The largest public key file that is read, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;

// More keys could not have signed.
const _: () = assert!(MAX_KEYS == MAX_SIGNATURES);

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
fn in_key_manager(
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

/// A key of `verify`, before cosign is found.
pub(super) enum NamedKey<'a> {
    Known(PublicKey),
    /// A key in a key manager, which cosign will ask for its public half.
    InKeyManager(&'a KeyRef, SigningKey),
}

impl<'a> NamedKey<'a> {
    /// Reads a key from its file. A key with none of the `fingerprints`, if there are any, is rejected.
    pub(super) fn read(
        key: &'a KeyToTrust,
        bundles: &[Utf8PathBuf],
        fingerprints: &[Sha256Digest],
        session: &Session<'_>,
        context: &Context,
    ) -> Result<Self> {
        match key {
            KeyToTrust::File(path) => in_file(path, bundles, fingerprints).map(Self::Known),
            KeyToTrust::StandardInput => in_standard_input(&context.interrupt, fingerprints).map(Self::Known),
            KeyToTrust::Ref(reference) => {
                let no_password = |_: &str| Ok(None);
                let (environment, search_path) = (&context.environment, &session.search_path);
                let key = SigningKey::read(reference, None, environment, search_path, &no_password)?;
                Ok(Self::InKeyManager(reference, key))
            }
        }
    }

    /// The secrets that the key manager needs.
    pub(super) fn secrets(&self) -> Option<SecretsOf<'_>> {
        match self {
            Self::Known(_) => None,
            Self::InKeyManager(reference, _) => Some(SecretsOf::Key(reference)),
        }
    }

    /// The key; a key manager is asked for it.
    pub(super) fn key(
        self,
        fingerprints: &[Sha256Digest],
        cosign: &Cosign<'_>,
        context: &Context,
    ) -> Result<PublicKey> {
        match self {
            Self::Known(key) => Ok(key),
            Self::InKeyManager(reference, key) => {
                in_key_manager(reference, fingerprints, &key, cosign, context)
            }
        }
    }
}

/// The keys of `--key`, and how many of them must have signed.
pub(crate) struct TrustedKeys {
    /// The SHA-256 of each key, as they were given.
    given: Vec<Sha256Digest>,
    /// The different ones.
    keys: Vec<PublicKey>,
    required: usize,
}

impl TrustedKeys {
    /// At least `required` of these keys must be different.
    pub(super) fn new(given: Vec<PublicKey>, required: usize) -> Result<Self> {
        let digests = given.iter().map(PublicKey::sha256).collect();
        let mut keys: Vec<PublicKey> = Vec::new();
        for key in given {
            if keys.iter().all(|other| other.sha256() != key.sha256()) {
                keys.push(key);
            }
        }
        if keys.len() < required {
            return Err(too_few_keys(required, keys.len()));
        }
        Ok(Self { given: digests, keys, required })
    }

    /// The SHA-256 of each key, as they were given: one may be there twice.
    pub(super) fn given(&self) -> &[Sha256Digest] {
        &self.given
    }

    /// The different keys.
    pub(super) fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The key with this SHA-256.
    pub(super) fn find(&self, digest: Sha256Digest) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.sha256() == digest)
    }

    /// Checks that enough of the keys have signed, by the hints of the signatures. The bundle `top` is rejected
    /// otherwise. Which signatures are valid is not decided here: cosign must accept each of those that are counted.
    pub(super) fn have_signed(&self, top: &str, signatures: &[SignatureFile]) -> Result<()> {
        let has_signed = |key: &&PublicKey| {
            signatures.iter().any(|file| *file.evidence.signer() == SignedBy::Key(key.sha256()))
        };
        let (signed, missing): (Vec<_>, Vec<_>) = self.keys.iter().partition(has_signed);
        if signed.len() >= self.required {
            return Ok(());
        }
        if self.required > 1 {
            let missing = missing.iter().map(|key| format!("key {}", key.sha256())).collect::<Vec<_>>();
            return Err(Failure::rejected(format!(
                "{top} is signed by {} of {} required keys; it has no signature by {}",
                signed.len(),
                self.required,
                missing.join(" or ")
            ))
            .hint("a signer adds a signature with `aicr bundle-sign --add`"));
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
        let missing = missing.iter().map(|key| key.sha256().to_string()).collect::<Vec<_>>().join(", ");
        Err(Failure::rejected(format!("{top} is signed by {signers}, not by --key ({missing})"))
            .hint("a rotated key is the usual cause: use the public key of the version that signed"))
    }
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
