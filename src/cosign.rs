//! The system's cosign: found, probed, asked, and never believed.
//!
//! Here is what may be asked of it and in which form; nothing here knows payload files. cosign is
//! the only implementation of signing and of signature verification: no cryptographic check of a
//! signature is made by aicr itself. What aicr does itself is everything around it: which digest,
//! which key, which form, which environment, and how long.
//!
//! Reading order: `capability` (which dialect), `argv` (the command lines), `environment` (what it
//! sees), `process` (how it runs), `evidence` (what it wrote), `diagnosis` (what it said).

pub(crate) mod argv;
mod base64_text;
pub(crate) mod binary;
pub(crate) mod capability;
mod certificate;
mod der_fields;
pub(crate) mod diagnosis;
pub(crate) mod environment;
pub(crate) mod evidence;
pub(crate) mod masked;
pub(crate) mod private_directory;
pub(crate) mod process;
pub(crate) mod public_key;
pub(crate) mod rekor_version;
pub(crate) mod search_path;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "signing with services of one's own is being built upon it")
)]
pub(crate) mod signing_config;
pub(crate) mod signing_key;
mod sigstore_file;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "signing and verifying with a trusted root are being built upon it")
)]
pub(crate) mod trusted_root;
mod validity;
pub(crate) mod variables;

use camino::{Utf8Path, Utf8PathBuf};

use self::argv::{Operation, file};
use self::binary::Binary;
use self::capability::Dialect;
use self::evidence::{Evidence, Legacy, SignedBy};
use self::private_directory::PrivateDirectory;
use self::process::{Finished, Invocation, Limits};
use self::public_key::PublicKey;
use self::search_path::SearchPath;
use self::signing_key::SigningKey;
use self::variables::{Value, Variables};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::settings::Environment;
use crate::small_file::{self, Links};

/// What is known to every run of cosign.
pub(crate) struct Session<'a> {
    /// The operator's environment.
    pub(crate) environment: &'a Environment,
    /// Where programs are looked for.
    pub(crate) search_path: SearchPath,
    /// Where private directories are made.
    pub(crate) temporary: Utf8PathBuf,
    /// When a run is ended.
    pub(crate) limits: Limits,
    /// Told each command before it runs, as a line for a shell without secrets.
    pub(crate) on_command: Box<dyn Fn(&str) + Sync>,
}

/// A cosign that was found and probed.
pub(crate) struct Cosign<'a> {
    binary: Binary,
    dialect: Dialect,
    release: String,
    session: &'a Session<'a>,
}

/// Bytes over which cosign accepted a signature by a key that was named. Made only here.
#[derive(Debug)]
pub(crate) struct Accepted {
    bytes: Vec<u8>,
}

impl Accepted {
    /// Exactly what was signed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The end of a sentence about a signature that shows an upload.
const UPLOADED: &str = ": it was uploaded although that was not wanted, and this cannot be undone";

impl<'a> Cosign<'a> {
    /// Asks a binary what it can do. `Class::NoCosign` if it is no cosign of 2.0 or later.
    pub(crate) fn probe(binary: Binary, session: &'a Session<'a>) -> Result<Self> {
        private_directory::sweep(&session.temporary);
        let private = PrivateDirectory::new(&session.temporary)?;
        binary.unchanged()?;
        let ask = |arguments: &[&str]| {
            let invocation = Invocation {
                program: binary.path(),
                arguments: arguments.iter().map(ToString::to_string).collect(),
                shown_instead: None,
                variables: environment::bare(private.path()),
            };
            // Told here, in an order that is always the same; run at the same time.
            (session.on_command)(&invocation.shown());
            move || invocation.run(&session.limits)
        };
        let (version, help) = (ask(&["version"]), ask(&["sign-blob", "--help"]));
        let (help, version) = std::thread::scope(|scope| {
            match std::thread::Builder::new().spawn_scoped(scope, &version) {
                Ok(version) => (help(), version.join()),
                // No thread is to be had: one after the other.
                Err(_) => (help(), Ok(version())),
            }
        });
        let unusable = |failure: Failure| {
            Failure::new(failure.class(), format!("{} cannot be used: {failure}", binary.path()))
                .hint(failure.way_out().unwrap_or("install cosign 2.0 or later, or name one with --cosign"))
        };
        let help = help?;
        if !help.status.success() {
            return Err(unusable(Failure::new(
                Class::NoCosign,
                format!("its `sign-blob --help` {}", help.ending()),
            ))
            .cosign_said(diagnosis::shown(&help.stderr)));
        }
        let dialect = Dialect::of_help(&help.stdout).map_err(unusable)?;
        // The release is for people: a cosign that does not tell is used all the same.
        let release = match version {
            // 2.0 tells it on stderr.
            Ok(Ok(version)) => capability::release(&[version.stdout, version.stderr].concat()),
            _ => capability::release(b""),
        };
        private.close()?;
        Ok(Self { binary, dialect, release, session })
    }

    /// The binary's absolute path.
    pub(crate) fn path(&self) -> &Utf8Path {
        self.binary.path()
    }

    /// How it is driven.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The release it states, for people.
    pub(crate) fn release(&self) -> &str {
        &self.release
    }

    /// Asks for the public half of a key. `Class::Unproven` when the key manager is unreachable,
    /// `NoCosign` when this cosign has no provider for it, `NotSigned` for everything else.
    pub(crate) fn public_key(&self, key: &SigningKey) -> Result<PublicKey> {
        let private = PrivateDirectory::new(&self.session.temporary)?;
        let operation = Operation::PublicKey { key: &key.argument };
        let finished = self.run_with_key(operation, key, &private)?;
        private.close()?;
        PublicKey::from_pem(&finished.stdout).map_err(|why| {
            Failure::new(
                Class::NotSigned,
                format!("what cosign gave as the public key of {} {why}", key.reference),
            )
            .cosign_said(diagnosis::shown(&finished.stderr))
        })
    }

    /// Has `manifest` signed by `key` without log and timestamp, and gives what was checked
    /// against all of that: form, digest, key, absence of log entries and timestamps, and
    /// `verify-blob` with `public_key`.
    pub(crate) fn sign(
        &self,
        key: &SigningKey,
        public_key: &PublicKey,
        manifest: Vec<u8>,
    ) -> Result<Evidence> {
        let private = PrivateDirectory::new(&self.session.temporary)?;
        private.write(file::BLOB, &manifest)?;
        private.write(file::SIGNING_CONFIG, argv::NO_SERVICES.as_bytes())?;
        private.write(file::TRUSTED_ROOT, argv::NO_TRUST.as_bytes())?;
        let operation = Operation::Sign { key: &key.argument };
        let finished = self.run_with_key(operation, key, &private)?;
        let refuse = |why: &str| {
            Failure::new(Class::NotSigned, format!("cosign ended with exit 0, but {why}"))
                .cosign_said(diagnosis::shown(&finished.stderr))
        };

        let written =
            small_file::read(&private.path().join(file::BUNDLE), evidence::SIZE_LIMIT, Links::Refuse)
                .map_err(|why| refuse(&format!("the signature file that it had to write {why}")))?;
        let digest = Sha256Digest::of(&manifest);
        let malformed = |why| {
            let uploaded = if evidence::tells_of_upload(&written) { UPLOADED } else { "" };
            refuse(&format!("the signature file it wrote {why}{uploaded}"))
        };
        let (evidence, is_logged) = match self.dialect {
            Dialect::LegacyBundle => {
                let Legacy { signature, is_logged } = Legacy::parse(&written).map_err(malformed)?;
                (Evidence::by_key(signature, digest, public_key.sha256()).map_err(malformed)?, is_logged)
            }
            Dialect::BundleFlag | Dialect::SigningConfig => {
                let evidence = Evidence::parse(&written).map_err(malformed)?;
                let is_logged = !evidence.log_entries().is_empty();
                (evidence, is_logged)
            }
        };
        if is_logged {
            return Err(refuse(&format!("the signature carries an entry of a transparency log{UPLOADED}")));
        }
        if !evidence.timestamps().is_empty() {
            return Err(refuse(
                "the signature carries a timestamp although none was wanted: a timestamp authority has seen its digest, and this cannot be undone",
            ));
        }
        if evidence.digest() != digest {
            return Err(refuse("the signature is over something other than the manifest"));
        }
        match evidence.signer() {
            SignedBy::Key(key) if *key == public_key.sha256() => {}
            SignedBy::Key(_) => {
                return Err(refuse(
                    "the signature was made by another key; if it was rotated meanwhile, run this again",
                ));
            }
            SignedBy::Certificate(_) => return Err(refuse("the signature was made by another key")),
        }
        private.close()?;

        match self.verify(public_key, &evidence, manifest)? {
            Verdict::Accepted(_) => Ok(evidence),
            Verdict::Refused { said } => Err(Failure::new(
                Class::NotSigned,
                format!("cosign made a signature with {} that it does not accept itself", key.reference),
            )
            .cosign_said(said)
            .hint("the key manager's signature is wrong or of a kind that cosign cannot check; ECDSA P-256 works with every one")),
        }
    }

    /// Asks whether `evidence` is a signature by `key` over `manifest`. Log entries and timestamps
    /// are left out of what cosign sees: they are not part of the question.
    ///
    /// The caller has held digest and hint against manifest and key, to say in its own words what is
    /// wrong; that neither is asked of cosign, which gets both wrong, is made sure of here.
    pub(crate) fn verify(&self, key: &PublicKey, evidence: &Evidence, manifest: Vec<u8>) -> Result<Verdict> {
        if evidence.digest() != Sha256Digest::of(&manifest)
            || *evidence.signer() != SignedBy::Key(key.sha256())
        {
            return Err(Failure::new(
                Class::Broken,
                "cosign was to be asked about another manifest or key (a bug)",
            ));
        }
        let private = PrivateDirectory::new(&self.session.temporary)?;
        private.write(file::BLOB, &manifest)?;
        private.write(file::KEY, key.pem().as_bytes())?;
        match self.dialect {
            Dialect::LegacyBundle => {
                private.write(file::SIGNATURE, evidence.signature_base64().as_bytes())?;
            }
            Dialect::BundleFlag | Dialect::SigningConfig => {
                private.write(file::BUNDLE, &evidence.with_only(false, false).to_json())?;
                private.write(file::TRUSTED_ROOT, argv::NO_TRUST.as_bytes())?;
            }
        }
        let finished = self.run(Operation::Verify, environment::bare(private.path()), None, &private)?;
        private.close()?;
        if !finished.orderly() {
            return Err(self.broke("verify-blob", &finished));
        }
        if finished.status.success() {
            return Ok(Verdict::Accepted(Accepted { bytes: manifest }));
        }
        Ok(Verdict::Refused { said: diagnosis::shown(&finished.stderr) })
    }

    /// The command that would sign with `key`, with its files in `directory`, for `--dry-run`.
    pub(crate) fn signing_command(&self, key: &SigningKey, directory: &Utf8Path) -> String {
        let operation = Operation::Sign { key: &key.argument };
        Invocation {
            program: self.binary.path(),
            arguments: argv::arguments(operation, self.dialect, directory),
            shown_instead: Some(key.shown_instead()),
            variables: self.signing_variables(key, directory),
        }
        .shown()
    }

    /// All that cosign sees of an environment when it uses `key`, with its files in `directory`.
    pub(crate) fn signing_variables(&self, key: &SigningKey, directory: &Utf8Path) -> Variables {
        let mut variables = environment::with_key(
            &key.reference,
            &key.kms_env,
            self.session.environment,
            &self.session.search_path,
            directory,
        );
        if let Some(password) = &key.password {
            variables.insert("COSIGN_PASSWORD".into(), Value::Secret(password.into()));
        }
        variables
    }

    /// The variables with which one usually signs in to the manager of `key` and that are not set, each
    /// with what it is for.
    pub(crate) fn missing_variables(&self, key: &SigningKey) -> Vec<(&'static str, &'static str)> {
        environment::missing(&key.reference, self.session.environment)
    }

    /// A run that has to succeed, with words for why it did not.
    fn run_with_key(
        &self,
        operation: Operation<'_>,
        key: &SigningKey,
        private: &PrivateDirectory,
    ) -> Result<Finished> {
        let variables = self.signing_variables(key, private.path());
        let finished =
            self.run(operation, variables, Some(key.shown_instead()), private).map_err(|failure| {
                let out_of_time = failure.class() == Class::Unproven;
                if out_of_time && key.reference.needs_network() {
                    return failure.told_as(&format!("{} could not be reached in time", key.reference));
                }
                failure
            })?;
        if finished.status.success() {
            return Ok(finished);
        }
        if !finished.orderly() {
            return Err(self.broke(operation.verb(), &finished));
        }
        let diagnosis = diagnosis::of_key_failure(&finished.stderr);
        let mut failure = Failure::new(diagnosis.class, format!("{} {}", key.reference, diagnosis.reason))
            .cosign_said(diagnosis::shown(&finished.stderr));
        if let Some(hint) = diagnosis.hint {
            failure = failure.hint(hint);
        }
        Err(failure)
    }

    fn run(
        &self,
        operation: Operation<'_>,
        variables: Variables,
        shown_instead: Option<(String, String)>,
        private: &PrivateDirectory,
    ) -> Result<Finished> {
        self.binary.unchanged()?;
        let invocation = Invocation {
            program: self.binary.path(),
            arguments: argv::arguments(operation, self.dialect, private.path()),
            shown_instead,
            variables,
        };
        (self.session.on_command)(&invocation.shown());
        invocation.run(&self.session.limits)
    }

    /// It neither did nor refused: killed, or crashed.
    fn broke(&self, verb: &str, finished: &Finished) -> Failure {
        Failure::new(Class::Broken, format!("{} {verb} {}", self.binary.path(), finished.ending()))
            .cosign_said(diagnosis::shown(&finished.stderr))
    }
}

/// What `verify-blob` said by its exit status.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Exit 0.
    Accepted(Accepted),
    /// Exit 1, with its words.
    Refused {
        /// What it printed, fit to be shown.
        said: String,
    },
}
