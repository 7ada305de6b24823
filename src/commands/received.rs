//! What `verify` verifies: a bundle of aicr, or a release that aicr did not build. Each has a manifest, a
//! signature over it, and files; where and in which form, only this file and `foreign_release` know.

use crate::commands::bundle_check::{self, check_files, manifest_text};
use crate::commands::foreign_release::ForeignRelease;
use crate::commands::not_a_bundle;
use crate::commands::signatures::{self, SignatureFile};
use crate::context::Context;
use crate::digest::Sha256Digest;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::plan::verify::{ExpectedRelease, ForeignPlan};
use crate::release::{RELEASE, Release};
use crate::sigstore::public_key::PublicKey;
use crate::tree::MANIFEST;
use crate::tree::check::{Checked, Keep};
use crate::tree::layout::Layout;
use crate::tree::manifest::Manifest;
use crate::tree::manifest::foreign::ForeignManifest;
use crate::tree::rooted_dir::RootedDir;

/// The hint for receivers of a malformed manifest. A new manifest would sign off whatever files are
/// there.
const AGAIN: &str = "get the bundle again from where it came from";

/// A directory to verify.
pub(crate) struct Received<'a> {
    pub(crate) directory: &'a RootedDir,
    /// `None` for a bundle of aicr.
    foreign: Option<ForeignRelease<'a>>,
}

/// The signatures of a release, at least one.
pub(crate) enum Signatures {
    /// By different signers.
    Several(Vec<SignatureFile>),
    /// One signature that does not name its key, read as one by each key that may have made it.
    Readings(Vec<SignatureFile>),
}

impl Signatures {
    pub(crate) fn files(&self) -> &[SignatureFile] {
        match self {
            Self::Several(files) | Self::Readings(files) => files,
        }
    }

    /// The signatures with their places. Of several readings, the one at the place `accepted`.
    pub(crate) fn keep(self, accepted: usize) -> Vec<(SignatureFile, usize)> {
        match self {
            Self::Several(files) => files.into_iter().zip(0..).collect(),
            Self::Readings(files) => {
                files.into_iter().zip(0..).filter(|(_, place)| *place == accepted).collect()
            }
        }
    }
}

/// The signatures that were read.
pub(crate) struct ReadSignatures {
    pub(crate) signatures: Signatures,
    /// The file that the one was read from, if that lies in a release that aicr did not build.
    pub(crate) file: Option<OwnFile>,
}

/// An own file of a release, with the bytes that were read.
pub(crate) struct OwnFile {
    pub(crate) name: String,
    pub(crate) sha256: Sha256Digest,
    pub(crate) size: u64,
}

impl OwnFile {
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), sha256: Sha256Digest::of(bytes), size: bytes.len() as u64 }
    }
}

/// What the files show if a text is their manifest.
pub(crate) struct Seen<'m> {
    pub(crate) listed: Listed<'m>,
    pub(crate) checked: Checked,
    /// Which release a bundle says that it is.
    pub(crate) release: Option<Release>,
}

/// The files of a copy.
pub(crate) enum Listed<'m> {
    /// Those of a bundle, without its manifest and signature.
    Bundle(Manifest<'m>),
    /// All of a release that aicr did not build.
    Whole(ForeignManifest),
}

impl<'a> Received<'a> {
    /// What is in a directory. What `foreign` makes impossible is exit 2.
    pub(crate) fn new(directory: &'a RootedDir, foreign: Option<&'a ForeignPlan>) -> Result<Self> {
        let foreign = foreign.map(|plan| ForeignRelease::new(plan, directory)).transpose()?;
        Ok(Self { directory, foreign })
    }

    /// The name of the manifest, in the top-level directory.
    pub(crate) fn manifest_name(&self) -> &str {
        self.foreign.as_ref().map_or(MANIFEST, ForeignRelease::manifest_name)
    }

    /// The bytes of the manifest.
    pub(crate) fn manifest_text(&self) -> Result<Vec<u8>> {
        match &self.foreign {
            None => manifest_text(self.directory, || not_a_bundle::elsewhere(self.directory)),
            Some(foreign) => foreign.manifest_text(self.directory),
        }
    }

    /// The signatures over a manifest with this digest, parsed strictly. Some forms do not say which key
    /// made the signature; such a one is taken for a signature by each of `keys`.
    pub(crate) fn signatures(&self, digest: Sha256Digest, keys: &[PublicKey]) -> Result<ReadSignatures> {
        if let Some(foreign) = &self.foreign {
            return foreign.signature(self.directory, digest, keys);
        }
        let files = signatures::read(self.directory)?;
        if files.is_empty() {
            return Err(not_a_bundle::without_signature(self.directory));
        }
        Ok(ReadSignatures { signatures: Signatures::Several(files), file: None })
    }

    /// Compares the release and then the files with these bytes as their manifest. `signature` is the file of the
    /// signature, for a copy of it. Without an expected release, every file is read, however many bytes there are.
    pub(crate) fn look<'m>(
        &self,
        text: &'m [u8],
        signature: Option<&OwnFile>,
        expected: Option<&ExpectedRelease>,
        keep: Keep<'_>,
        context: &Context,
        interrupt: &Interrupt,
    ) -> Result<Seen<'m>> {
        if let Some(foreign) = &self.foreign {
            let (whole, checked) =
                foreign.check(self.directory, text, signature, keep, context, interrupt)?;
            return Ok(Seen { listed: Listed::Whole(whole), checked, release: None });
        }
        let bundle = self.directory;
        let manifest = Manifest::unproven(text)
            .map_err(|error| error.rejects(bundle.show(MANIFEST.as_bytes())).hint(AGAIN))?;
        let release = expected.and_then(|_| bundle_check::release(bundle, &manifest));
        if let Some(expected) = expected.filter(|expected| expected.is_some()) {
            expect(bundle, &manifest, expected, release.as_ref())?;
        }
        let layout = Layout::Bundle;
        let checked = check_files(bundle, &manifest, layout, release.as_ref(), keep, context, interrupt)?;
        Ok(Seen { listed: Listed::Bundle(manifest), checked, release })
    }
}

/// Rejects a bundle that is not the expected release.
fn expect(
    bundle: &RootedDir,
    manifest: &Manifest<'_>,
    expected: &ExpectedRelease,
    release: Option<&Release>,
) -> Result<()> {
    let top = bundle.show(b"");
    match release {
        Some(release) => match expected.difference(release) {
            Some(difference) => Err(Failure::rejected(format!("{top} {difference}")).hint(
                "check that this is the medium that you expect: somebody may have sent you an old release",
            )),
            None => Ok(()),
        },
        None if manifest.find(RELEASE.as_bytes()).is_some() => Err(Failure::rejected(format!(
            "{top} does not say which release it is: its {RELEASE} is missing, changed, or not written by aicr"
        ))),
        None => {
            Err(Failure::rejected(format!("{top} does not say which release it is: it has no {RELEASE}"))
                .hint("the sender builds it with --release-name and --release-version"))
        }
    }
}
